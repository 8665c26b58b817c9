import type { MappingRule } from '../../../clients/threescale/nouns.js'
import { endsInVersion } from '../../../clients/threescale/wire-catalogue.js'
import { endpoints } from '../../../model-calls/openai-endpoints.js'
import { listed, type ProductCheck, pathOf, privateAddresses, restBelow } from '../look.js'

/** Where requests go: the backends at their paths, as they are set and as they are deployed. */
export const backends: ProductCheck = (look, find) => {
  if (look.usages?.length === 0) return [find('backend_missing')]
  const stray = strayRules(look)
  return [
    ...(stray.length > 0 ? [find('rule_no_backend', `No backend takes ${listed(stray)}.`)] : []),
    ...versionPaths(look, find),
  ]
}

/**
 * The path that the model server receives: private address and what is left of the request below the backend's path
 * (gateway.md 2.5).
 */
const versionPaths: ProductCheck = (look, find) => {
  const rules = look.config?.rules ?? []
  for (const { path, address } of privateAddresses(look)) {
    const base = address.pathname.replace(/\/+$/, '')
    const rests = rules.map(({ pattern }) => restBelow(pathOf(pattern), path)).filter((rest) => rest !== undefined)
    if (/\/v1$/.test(base) && rests.some((rest) => /^\/v1(\/|$)/.test(rest))) return [find('v1_doubled')]
    const bare = rests.filter(isOpenAiPath)
    if (!endsInVersion(address.href) && bare.length > 0)
      return [find('v1_missing', `The model server receives requests for ${listed(bare)}, without /v1.`)]
  }
  return []
}

/** A call of OpenAI's API without the version that it has at model servers. */
function isOpenAiPath(path: string): boolean {
  return endpoints.some(({ sdk, path: own }) => sdk !== undefined && own === path)
}

/**
 * Rules of the deployed configuration that no deployed backend lies below, or above. Both match by prefix and not by
 * segment: /chatx goes to the backend at /chat (measured with APIcast).
 */
function strayRules({ config }: Parameters<ProductCheck>[0]): string[] {
  const mounts = [...(config?.parts.backends?.keys() ?? [])]
  if (!config || mounts.length === 0 || mounts.includes('/')) return []
  return config.rules.filter((rule) => !mounts.some((mount) => meets(rule, mount))).map(callOf)
}

function meets({ pattern }: MappingRule, mount: string): boolean {
  const path = pathOf(pattern)
  const [fixed = ''] = path.split('{')
  const isPrefix = fixed !== path || !pattern.includes('$')
  return fixed.startsWith(mount) || (isPrefix && mount.startsWith(fixed))
}

function callOf({ method, pattern }: MappingRule): string {
  return `${method} ${pattern}`
}
