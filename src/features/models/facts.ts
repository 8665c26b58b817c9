import type { GatewayConfig, MappingRule } from '../../clients/threescale/nouns.js'
import { templateOf } from '../../clients/threescale/patterns.js'
import { type ProductRules, typeOfRules } from '../../model-calls/base-paths.js'
import type { FormatName } from '../../model-calls/body-formats.js'
import type { ModelType } from '../../model-calls/openai-endpoints.js'
import type { Capability, FactSource, Model, ModelState } from './schemas.js'

/** What one source states about a model; every fact may be missing. */
export interface Facts {
  type?: ModelType
  model_id?: string
  request_format?: FormatName
  context_length?: number
  capabilities?: Capability[]
  license?: NonNullable<Model['license']>
  owner?: NonNullable<Model['owner']>
  links?: Model['links']
  state?: ModelState
  /** 2026-12-31 */
  retires_on?: string
  /** system_name of another product */
  successor?: string
  summary?: string
  /** Markdown, where the product itself has none */
  description?: string
  /** paths of the spec's POST calls that endpoints are known by, those below its server's path first */
  calls?: string[]
}

export interface Told {
  source: FactSource
  facts: Facts
}

/** The facts of several sources as one, each from the first that states it, and which one that was. */
export function settle(told: Told[]): { facts: Facts; sources: Record<string, FactSource> } {
  const facts: Record<string, unknown> = {}
  const sources: Record<string, FactSource> = {}
  for (const { source, facts: own } of told) {
    for (const [name, value] of Object.entries(own)) {
      if (value === undefined || name in facts) continue
      facts[name] = value
      sources[name] = source
    }
  }
  return { facts: facts as Facts, sources }
}

/** A day of retirement that has passed retires; one to come deprecates. `today` is 2026-12-31. */
export function stateOf({ state, retires_on }: Facts, today: string): ModelState {
  if (retires_on === undefined) return state ?? 'available'
  if (retires_on <= today) return 'retired'
  return state === 'retired' ? 'retired' : 'deprecated'
}

/** What the mapping rules of the deployed configuration show: `stated` by name, `assumed` where they are only prefixes. */
export function gatewayFacts(config: ProductRules): { stated: Facts; assumed: Facts } {
  const found = typeOfRules(config)
  const facts = found ? { type: found.type } : {}
  return found?.named ? { stated: facts, assumed: {} } : { stated: {}, assumed: facts }
}

/**
 * The public address as people write it: `:443` on https (and `:80` on http) is what every client adds by itself, and the
 * gateway finds the product by name without port, so leaving it out changes nothing and reads better.
 */
export function endpointOf({ endpoint }: GatewayConfig): string {
  return new URL(endpoint).href.replace(/\/+$/, '')
}

/** What the gateway lets through, each pattern once, in the order of the rules. */
export function pathsOf(rules: MappingRule[]): Model['paths'] {
  const seen = new Set<string>()
  return rules
    .map(({ method, pattern }) => ({ method, path: templateOf(pattern).path, pattern }))
    .filter(({ method, pattern }) => {
      const key = `${method} ${pattern}`
      return !seen.has(key) && seen.add(key)
    })
}
