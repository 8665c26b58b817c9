/**
 * What a person should know of how an answer ended; empty where it ended as usual. `reason` is one of OpenAI's where the
 * server has one of them, or empty.
 */
export function finishWords({
  reason,
  hasText,
  hasReasoning,
  callsTool,
}: {
  reason: string
  hasText: boolean
  hasReasoning: boolean
  callsTool: boolean
}): string {
  const isUsual = reason === '' || reason === 'stop'
  if (hasText) return isUsual ? '' : (cut[reason] ?? `The model server ended the answer (${reason}).`)
  const why = reason === '' ? '' : ` (${reason})`
  const none = `The model gave no answer${why}`
  if (reason === 'content_filter') return `${none}. The content filter of the model server held it back.`
  if (callsTool || reason === 'tool_calls') return `${none}. It asked to call a tool, which is not supported here.`
  if (reason === 'length')
    return hasReasoning
      ? `${none}. The token limit was reached while the model was reasoning. Increase the maximum number of tokens.`
      : `${none}. The token limit was reached before any text. Increase the maximum number of tokens.`
  if (hasReasoning) return `${none}, only its reasoning.`
  return `${none}.`
}

const cut: Record<string, string> = {
  length: 'The answer was cut off at the token limit (length).',
  content_filter: 'The content filter of the model server ended the answer (content_filter).',
  tool_calls: 'The model asked to call a tool, which is not supported here (tool_calls).',
}
