import { oneLine, ownWordsOf } from '../clients/server-words.js'

/**
 * What a person should know about the end of an answer; empty where it ended as usual. `reason` is OpenAI's name for it where
 * there is one, and may be empty.
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
  const none = `The model returned no answer${why}`
  if (reason === 'content_filter') return `${none}. The content filter of the model server blocked it.`
  if (callsTool || reason === 'tool_calls') return `${none}. It requested a tool call, which is not supported here.`
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
  tool_calls: 'The model requested a tool call, which is not supported here (tool_calls).',
}

/** Why an answer cannot be shown, with the server's own words. */
export const failures = {
  empty: 'The model server sent an empty answer.',
  tooLarge: 'The model server sent an event that is larger than can be shown here.',
  tooDeep: 'The model server sent JSON that is nested too deeply or has too many values to be shown here.',
  reported: (words: string) =>
    words === '' ? 'The model server reported an error.' : `The model server reported an error: “${words}”`,
  unreadable: (words: string) =>
    `The model server answered in a form that cannot be shown here.${words && ` The model server says: “${words}”`}`,
  page(page: string): string {
    const title = ownWordsOf(page)
    return `The endpoint returned a web page instead of an answer of a model server.${title && ` The page says: “${title}”`}`
  },
  binary: (type: string) => `The endpoint returned ${oneLine(type).slice(0, 100)}, which cannot be shown here.`,
}
