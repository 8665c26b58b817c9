export type Node = Record<string, unknown>

/** Token counts of an answer; null where the server gives none. */
export interface Usage {
  prompt_tokens: number | null
  completion_tokens: number | null
  reasoning_tokens: number | null
}

/** The counts of an answer by the names of all servers; undefined where it has none. Numbers that are no counts are dropped. */
export function usageOf(value: Node): Usage | undefined {
  const { usage, details, meta_info, timings, results } = value
  const counts = [
    usage,
    nodeOf(value.x_groq).usage,
    meta_info,
    value,
    details,
    timings,
    isFilledList(results) ? results[0] : undefined,
  ]
  for (const each of counts) {
    const node = nodeOf(each)
    const found = {
      prompt_tokens: countOf(
        node.prompt_tokens ??
          node.input_tokens ??
          node.prompt_eval_count ??
          node.tokens_evaluated ??
          node.input_token_count,
      ),
      completion_tokens: countOf(
        node.completion_tokens ??
          node.output_tokens ??
          node.eval_count ??
          node.tokens_predicted ??
          node.generated_tokens ??
          node.generated_token_count ??
          node.predicted_n,
      ),
      reasoning_tokens: countOf(
        nodeOf(node.completion_tokens_details).reasoning_tokens ??
          nodeOf(node.output_tokens_details).reasoning_tokens ??
          node.reasoning_tokens,
      ),
    }
    if (Object.values(found).some((count) => count !== null)) return found
  }
  return undefined
}

function countOf(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null
}

export function isFilledList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function nodeOf(value: unknown): Node {
  return isNode(value) ? value : {}
}
