import { errorTextOf, toOneLine } from '../../clients/gateway/error-text.js'

/**
 * Message about an unusual end of an answer; empty otherwise. `reason` is OpenAI's finish reason if there is an equivalent, and may
 * be empty.
 */
export function finishMessage({
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
  if (hasText) return isUsual ? '' : (truncatedMessages[reason] ?? `The model server ended the answer (${reason}).`)
  const why = reason === '' ? '' : ` (${reason})`
  const none = `The model returned no answer${why}`
  if (reason === 'content_filter') return `${none}. The content filter of the model server blocked it.`
  if (callsTool || reason === 'tool_calls') return `${none}. It requested a tool call, which is not supported here.`
  if (reason === 'length')
    return hasReasoning
      ? `${none}. The token limit was reached while the model was reasoning. Increase the maximum number of tokens.`
      : `${none}. The token limit was reached before any text. Increase the maximum number of tokens.`
  if (hasReasoning) return `${none}, only reasoning.`
  return `${none}.`
}

const truncatedMessages: Record<string, string> = {
  length: 'The answer was cut off at the token limit (length).',
  content_filter: 'The content filter of the model server ended the answer (content_filter).',
  tool_calls: 'The model requested a tool call, which is not supported here (tool_calls).',
}

/** Why an answer cannot be shown, with the message of the server. */
export const failureMessages = {
  empty: 'The model server sent an empty answer.',
  tooLarge: 'The model server sent an event that is too large to show.',
  tooDeep: 'The model server sent JSON that is too deeply nested or too large to show.',
  reported: (text: string) =>
    text === '' ? 'The model server reported an error.' : `The model server reported an error: “${text}”`,
  unreadable: (text: string) =>
    `The format of the answer is not supported.${text && ` The model server reports: “${text}”`}`,
  page(page: string): string {
    const title = errorTextOf(page)
    return `The endpoint returned a web page instead of a model response.${title && ` The page reports: “${title}”`}`
  },
  binary: (type: string) => `The endpoint returned ${toOneLine(type).slice(0, 100)}, which cannot be shown here.`,
}
