import type { GatewayConfig, MappingRule } from '../../clients/threescale/nouns.js'
import type { Capability, FactSource, Model, ModelState, ModelType } from './schemas.js'

/** What one source tells about a model; every fact may be missing. */
export interface Facts {
  type?: ModelType
  model_id?: string
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
}

export interface Told {
  source: FactSource
  facts: Facts
}

/** The facts of several sources as one, each from the first that tells it, and which one that was. */
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

/** Which calls a type is known by; the first that is there decides (vLLM's and OpenAI's paths). */
const signs: [ModelType, RegExp][] = [
  ['chat', /\/chat\/completions$/],
  ['completion', /(?<!chat)\/completions$/],
  ['embedding', /\/embed(dings)?$/],
  ['rerank', /\/(rerank|score)$/],
  ['image', /\/images\/generations$/],
  ['speech_to_text', /\/audio\/(transcriptions|translations)$/],
  ['text_to_speech', /\/audio\/speech$/],
]

/** The type that the paths of POST calls tell, if they do. */
export function typeOf(posts: string[]): ModelType | undefined {
  return signs.find(([, path]) => posts.some((post) => path.test(post)))?.[0]
}

/** What the deployed configuration tells by its mapping rules. */
export function gatewayFacts({ rules }: Pick<GatewayConfig, 'rules'>): Facts {
  const type = typeOf(rules.filter(({ method }) => method === 'POST').map(({ pattern }) => pathOf(pattern)))
  return type ? { type } : {}
}

/**
 * The public address as people write it: `:443` on https (and `:80` on http) is what every client adds by itself, and the
 * gateway finds the product by name without port, so leaving it out changes nothing and reads better.
 */
export function endpointOf({ endpoint }: GatewayConfig): string {
  return new URL(endpoint).href.replace(/\/+$/, '')
}

/** OpenAI clients append `/chat/completions`: the base ends in /v1 exactly where the mapping rules have it. */
export function baseUrlOf(config: GatewayConfig): string {
  const endpoint = endpointOf(config)
  return config.rules.some(({ pattern }) => pattern.startsWith('/v1/')) ? `${endpoint}/v1` : endpoint
}

export function pathsOf(rules: MappingRule[]): { method: string; path: string }[] {
  const seen = new Set<string>()
  return rules
    .map(({ method, pattern }) => ({ method, path: pathOf(pattern) }))
    .filter(({ method, path }) => {
      const key = `${method} ${path}`
      return !seen.has(key) && seen.add(key)
    })
}

function pathOf(pattern: string): string {
  return (pattern.split('?')[0] ?? pattern).replace(/\$$/, '')
}
