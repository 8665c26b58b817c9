import { endsInVersion } from '../../../../clients/threescale/mapping/catalogue-mappers.js'
import type { MappingRule } from '../../../../clients/threescale/types.js'
import { endpoints } from '../../../../model-calls/openai-endpoints.js'
import { formatList, type ProductCheck, pathBelow, pathOf, privateAddresses } from '../../product-context.js'
import { backendMessages } from './messages.js'

/** Backends and their paths, as configured and as deployed. */
export const checkBackends: ProductCheck = (context, finding) => {
  if (context.usages?.length === 0) return [finding('backend_missing')]
  const stray = unmatchedRules(context)
  return [
    ...(stray.length > 0 ? [finding('rule_no_backend', backendMessages.unmatchedRules(formatList(stray)))] : []),
    ...checkVersionPaths(context, finding),
  ]
}

/** Compares the paths that the model server receives: private address plus the request path below the backend's path. */
const checkVersionPaths: ProductCheck = (context, finding) => {
  const rules = context.config?.rules ?? []
  for (const { path, address } of privateAddresses(context)) {
    const base = address.pathname.replace(/\/+$/, '')
    const rests = rules.map(({ pattern }) => pathBelow(pathOf(pattern), path)).filter((rest) => rest !== undefined)
    if (/\/v1$/.test(base) && rests.some((rest) => /^\/v1(\/|$)/.test(rest))) return [finding('v1_duplicated')]
    const bare = rests.filter(isOpenAiPath)
    if (!endsInVersion(address.href) && bare.length > 0)
      return [finding('v1_missing', backendMessages.missingVersion(formatList(bare)))]
  }
  return []
}

/** An OpenAI path without the version that model servers expect. */
function isOpenAiPath(path: string): boolean {
  return endpoints.some(({ sdk, path: own }) => sdk !== undefined && own === path)
}

/**
 * Deployed mapping rules that lead to no deployed backend. Rules and backends match by prefix, not by segment: /chatx goes to
 * the backend at /chat (measured with APIcast).
 */
function unmatchedRules({ config }: Parameters<ProductCheck>[0]): string[] {
  const mounts = [...(config?.parts.backends?.keys() ?? [])]
  if (!config || mounts.length === 0 || mounts.includes('/')) return []
  return config.rules.filter((rule) => !mounts.some((mount) => reachesBackend(rule, mount))).map(callOf)
}

function reachesBackend({ pattern }: MappingRule, mount: string): boolean {
  const path = pathOf(pattern)
  const [fixed = ''] = path.split('{')
  const isPrefix = fixed !== path || !pattern.includes('$')
  return fixed.startsWith(mount) || (isPrefix && mount.startsWith(fixed))
}

function callOf({ method, pattern }: MappingRule): string {
  return `${method} ${pattern}`
}
