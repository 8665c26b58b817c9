import { formatNumber } from '../../web/pages/format.js'

export const pageTitle = 'Playground'

export const typeGroupLabels: Record<string, string> = {
  chat: 'Chat',
  completion: 'Completion',
  embedding: 'Embeddings',
  rerank: 'Rerank',
}

export const defaultTexts = {
  input: 'The sky is blue today.\nIt is a sunny day.\nMy invoice is overdue.',
  query: 'How do I renew my passport?',
  documents:
    'Passports are renewed at the town hall.\nThe library opens at nine.\nBring two photographs and your expired passport.',
}

export const fieldErrors = {
  promptRequired: 'Enter a message.',
  lineRequired: 'Enter at least one line.',
  queryRequired: 'Enter a query.',
  wholeNumber: 'Use a whole number.',
  outOfRange: (min: number, max: number) => `Use a number from ${formatNumber(min)} to ${formatNumber(max)}.`,
  tooLong: (max: number) => `Use at most ${formatNumber(max)} characters.`,
}

export const answerMessages = {
  noAnswer: 'No answer',
  withStatus: (message: string, status: number) => `${message} (${status})`,
  truncated: (max: number) => `only the first ${formatNumber(max)} characters`,
  duration: (ms: number) => `${formatNumber(ms)} ms`,
}

/** `1 token in, 20 out (5 reasoning)`. */
export function tokenCounts(counts: {
  prompt: number | undefined
  completion: number | undefined
  reasoning: number | undefined
}): string {
  const { prompt, completion, reasoning } = counts
  const detail = reasoning ? ` (${formatNumber(reasoning)} reasoning)` : ''
  const input = prompt === undefined ? '' : `${tokens(prompt)} in`
  const output =
    completion === undefined
      ? ''
      : `${prompt === undefined ? tokens(completion) : formatNumber(completion)} out${detail}`
  return [input, output].filter(Boolean).join(', ')
}

export const streamMessages = {
  connectionLost: 'The connection to the model was lost before the answer was complete. The text above is incomplete.',
  connectionFailed: 'The connection to the model was lost before the answer started. Try again.',
  waiting: 'Waiting for the model server. A model that is scaled to zero can take a few minutes to start.',
}

export const embeddingMessages = {
  summary: (vectors: number, dimensions: number, ms: number) =>
    `${count(vectors, 'text')}, ${count(dimensions, 'dimension')} each, in ${formatNumber(ms)} ms`,
  perToken: 'The model returned one vector per token. The mean of these vectors is compared.',
  truncated: (dimensions: number) =>
    `Only the first ${formatNumber(dimensions)} dimensions of each vector are compared.`,
  countMismatch(returned: number, sent: number): string {
    const message = `The model returned ${count(returned, 'vector')} for ${count(sent, 'text')}.`
    return returned > sent ? `${message} Only the first ${sent === 1 ? 'is' : `${sent} are`} shown.` : message
  },
  closest: (first: string, second: string, similarity: number) =>
    `Most similar: “${first}” and “${second}” (${similarity.toFixed(2)}).`,
}

export const rankingMessages = {
  summary: (documents: number, ms: number) => `${count(documents, 'document')} in ${formatNumber(ms)} ms`,
  unreadable: (ms: number) => `The response contains no scores that the portal can read (${formatNumber(ms)} ms)`,
}

export function conversationTooLong(max: number): string {
  return `Conversations longer than ${formatNumber(max)} characters cannot be shown as code. Shorten the system prompt and the message, or start a new conversation.`
}

function tokens(value: number): string {
  return count(value, 'token')
}

function count(value: number, noun: string): string {
  return `${formatNumber(value)} ${noun}${value === 1 ? '' : 's'}`
}
