import type { Usage } from './mapping-rules.js'
import type { Product } from './product.js'

/** nginx buffers larger bodies in a file, which the policy does not read. */
const IN_MEMORY = 16 * 1024
const LIMIT = 2_000_000

export type LlmMetrics = NonNullable<ReturnType<typeof llmMetricsOf>>

/** The policy `llm-metrics` of models-aas (deployment/3scale/llm_metrics_policy/llm.lua), where the product has it. */
export function llmMetricsOf(product: Product) {
  const policy = product.policies.find(({ name }) => name === 'llm-metrics')
  if (!policy) return undefined
  const streams = policy.configuration.enable_sse_support === true
  return {
    /** Off: every response is buffered until it is complete and read as one document. */
    streams,
    rewrite,
    counter: () => counter(streams),
  }
}

/**
 * Asks a streamed answer for its usage, and writes every JSON body again, as Lua's cjson does: an empty list comes out as an
 * empty object.
 */
function rewrite(body: Buffer): Buffer {
  if (body.length === 0 || body.length > IN_MEMORY) return body
  const value = parse(body.toString('utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return body
  const { stream, stream_options: options } = value as { stream?: unknown; stream_options?: unknown }
  if (stream === true && options === undefined)
    Object.assign(value, { stream_options: { include_usage: true, continuous_usage_stats: true } })
  else if (stream === true && (options as { include_usage?: unknown } | null)?.include_usage === false)
    Object.assign(options as object, { include_usage: true })
  return Buffer.from(JSON.stringify(value, (_name, inner) => (isEmptyList(inner) ? {} : inner)))
}

/** Reads `usage` of a response, streamed or not. Usage that the server does not report is not counted. */
function counter(streams: boolean) {
  let text = ''
  return {
    add(chunk: Buffer): void {
      if (text.length < LIMIT) text += chunk.toString('utf8')
    },
    /** by the three rules of the policy's README, which want status 200 */
    usage(status: number): Usage {
      if (status !== 200) return {}
      const events = text.split('\n').filter((line) => line.startsWith('data: {'))
      const documents = streams && text.startsWith('data:') ? events.map((line) => line.slice('data: '.length)) : [text]
      const last = documents.map(usageIn).findLast((usage) => usage !== undefined) ?? {}
      const pairs = ['prompt_tokens', 'completion_tokens', 'total_tokens'].map(
        (name) => [name, Number(last[name] ?? 0)] as const,
      )
      return Object.fromEntries(pairs.filter(([, amount]) => amount > 0))
    },
  }
}

function usageIn(text: string): Record<string, unknown> | undefined {
  return (parse(text) as { usage?: Record<string, unknown> | null } | null | undefined)?.usage ?? undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
