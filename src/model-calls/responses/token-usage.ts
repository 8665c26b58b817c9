export type JsonNode = Record<string, unknown>

/** Token counts of an answer; null where the server gives none. */
export interface TokenUsage {
  prompt_tokens: number | null
  completion_tokens: number | null
  reasoning_tokens: number | null
}

/** The counts of an answer by the names of all servers; undefined where it has none. Numbers that are no counts are dropped. */
export function readTokenUsage(value: JsonNode): TokenUsage | undefined {
  const { usage, details, meta_info, timings, results, delta, message, response } = value
  const counts = [
    // Cohere bills other numbers than it counts
    asNode(usage).tokens,
    usage,
    asNode(value.x_groq).usage,
    value.usageMetadata,
    asNode(asNode(delta).usage).tokens,
    ...[delta, message, response].map((each) => asNode(each).usage),
    asNode(asNode(response).meta ?? value.meta).tokens,
    meta_info,
    value,
    details,
    timings,
    isFilledList(results) ? results[0] : undefined,
  ]
  for (const each of counts) {
    const node = asNode(each)
    const usage = {
      prompt_tokens: countOf(
        node.prompt_tokens ??
          node.input_tokens ??
          node.prompt_eval_count ??
          node.tokens_evaluated ??
          node.input_token_count ??
          node.inputTokens ??
          node.promptTokenCount,
      ),
      completion_tokens: countOf(
        node.completion_tokens ??
          node.output_tokens ??
          node.eval_count ??
          node.tokens_predicted ??
          node.generated_tokens ??
          node.generated_token_count ??
          node.predicted_n ??
          node.outputTokens ??
          node.candidatesTokenCount,
      ),
      reasoning_tokens: countOf(
        asNode(node.completion_tokens_details).reasoning_tokens ??
          asNode(node.output_tokens_details).reasoning_tokens ??
          node.reasoning_tokens ??
          node.thoughtsTokenCount,
      ),
    }
    if (Object.values(usage).some((count) => count !== null)) return usage
  }
  return undefined
}

/** Counts of a stream: each event may have some of them, and later ones are higher. */
export function mergeTokenUsage(before: TokenUsage | undefined, next: TokenUsage | undefined): TokenUsage | undefined {
  if (before === undefined || next === undefined) return next ?? before
  const higher = (name: keyof TokenUsage) => {
    const counts = [before[name], next[name]].filter((count) => count !== null)
    return counts.length > 0 ? Math.max(...counts) : null
  }
  return {
    prompt_tokens: higher('prompt_tokens'),
    completion_tokens: higher('completion_tokens'),
    reasoning_tokens: higher('reasoning_tokens'),
  }
}

/** Some proxies write numbers as text. */
function countOf(value: unknown): number | null {
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : null
}

export function isFilledList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}

export function isNode(value: unknown): value is JsonNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function asNode(value: unknown): JsonNode {
  return isNode(value) ? value : {}
}
