import { patternTemplate } from '../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { GatewayConfig, MappingRule } from '../../../clients/threescale/types.js'
import type { FormatName } from '../../../model-calls/body-formats.js'
import type { ModelType } from '../../../model-calls/openai-endpoints.js'
import { inferModelType, type ProductRules } from '../../../model-calls/paths/base-paths.js'
import type { Capability, FactSource, Model, ModelState } from '../schemas.js'

/** What one source states about a model; every fact may be missing. */
export interface Facts {
  type?: ModelType
  model_id?: string
  request_format?: FormatName
  context_length?: number
  capabilities?: Capability[]
  /** BCP 47 tags */
  languages?: string[]
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
  /** paths of the spec's POST calls to OpenAI endpoints, those below its server's path first */
  calls?: string[]
}

export interface SourcedFacts {
  source: FactSource
  facts: Facts
}

/** Merges the facts of several sources: each fact comes from the first source that states it. */
export function mergeFacts(sourced: SourcedFacts[]): { facts: Facts; sources: Record<string, FactSource> } {
  const facts: Record<string, unknown> = {}
  const sources: Record<string, FactSource> = {}
  for (const { source, facts: own } of sourced) {
    for (const [name, value] of Object.entries(own)) {
      if (value === undefined || name in facts) continue
      facts[name] = value
      sources[name] = source
    }
  }
  return { facts: facts as Facts, sources }
}

/** A retirement date in the past retires the model, one in the future deprecates it. `today` has the form 2026-12-31. */
export function stateOf({ state, retires_on }: Facts, today: string): ModelState {
  if (retires_on === undefined) return state ?? 'available'
  if (retires_on <= today) return 'retired'
  return state === 'retired' ? 'retired' : 'deprecated'
}

/** Facts in the mapping rules of the deployed configuration: `stated` by rules that name a call, `assumed` from prefix rules. */
export function gatewayFacts(config: ProductRules): { stated: Facts; assumed: Facts } {
  const match = inferModelType(config)
  const facts = match ? { type: match.type } : {}
  return match?.named ? { stated: facts, assumed: {} } : { stated: {}, assumed: facts }
}

/**
 * The public address without a default port. Clients add `:443` or `:80` themselves, and the gateway selects the product by
 * host name, without a port.
 */
export function endpointOf({ endpoint }: GatewayConfig): string {
  return new URL(endpoint).href.replace(/\/+$/, '')
}

/** The patterns the gateway accepts, without duplicates, in the order of the mapping rules. */
export function pathsOf(rules: MappingRule[]): Model['paths'] {
  const seen = new Set<string>()
  return rules
    .map(({ method, pattern }) => ({ method, path: patternTemplate(pattern).path, pattern }))
    .filter(({ method, pattern }) => {
      const key = `${method} ${pattern}`
      return !seen.has(key) && seen.add(key)
    })
}
