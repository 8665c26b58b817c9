import type { ApiDoc, GatewayConfig, MappingRule } from '../../clients/threescale/nouns.js'
import type { ModelType } from './schemas.js'

/** Which calls a type is known by; the first that the mapping rules allow decides (vLLM's and OpenAI's paths). */
const signs: [ModelType, RegExp][] = [
  ['chat', /\/chat\/completions\$?$/],
  ['completion', /(?<!chat)\/completions\$?$/],
  ['embedding', /\/embed(dings)?\$?$/],
  ['rerank', /\/(rerank|score)\$?$/],
  ['image', /\/images\/generations\$?$/],
  ['speech_to_text', /\/audio\/(transcriptions|translations)\$?$/],
  ['text_to_speech', /\/audio\/speech\$?$/],
]

export function typeOf(rules: MappingRule[]): ModelType {
  const posts = rules.filter(({ method }) => method === 'POST').map(({ pattern }) => pathOf(pattern))
  return signs.find(([, path]) => posts.some((post) => path.test(post)))?.[0] ?? 'custom'
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

/** What an uploaded spec tells; whatever is odd in it is left out, never an error. */
export function factsOf(doc: ApiDoc | undefined): { modelId: string | undefined; contextLength: number | undefined } {
  const nothing = { modelId: undefined, contextLength: undefined }
  if (!doc?.published || doc.body.length > 5_000_000) return nothing
  let spec: unknown
  try {
    spec = JSON.parse(doc.body)
  } catch {
    return nothing
  }
  const declared = member(member(spec, 'info'), 'x-maas') ?? member(spec, 'x-maas')
  const length = member(declared, 'context_length')
  const id = member(declared, 'model_id')
  return {
    modelId: text(id) ?? exampleModel(member(spec, 'paths')),
    contextLength: typeof length === 'number' && Number.isInteger(length) && length > 0 ? length : undefined,
  }
}

/** The `model` of the first request example: OpenAPI 3 `example(s)` and schemas, Swagger 2 body parameters. */
function exampleModel(node: unknown, depth = 0): string | undefined {
  if (depth > 12 || typeof node !== 'object' || node === null) return undefined
  for (const [name, value] of Object.entries(node)) {
    if (name === 'example' || name === 'x-example' || name === 'value') {
      const found = text(member(value, 'model'))
      if (found) return found
    }
    if (name === 'properties') {
      const model = member(value, 'model')
      const found =
        text(member(model, 'example')) ??
        text(member(model, 'default')) ??
        text((member(model, 'enum') as unknown[] | undefined)?.[0])
      if (found) return found
    }
    if (name === 'responses') continue
    const found = exampleModel(value, depth + 1)
    if (found) return found
  }
  return undefined
}

function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 255 ? value : undefined
}
