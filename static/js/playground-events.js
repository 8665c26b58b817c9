import { createParser } from '../vendor/eventsource-parser.js'
import { messages } from './playground-messages.js'

/**
 * Server-sent events of a response body as { event, data }, with data parsed as JSON. Rejects if the connection is closed in
 * the middle of an event.
 */
export async function* eventsOf(body) {
  const ready = []
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => ready.push({ event, data: JSON.parse(data) }),
  })
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { value, done } = await reader.read()
      // A last event without its blank line is complete if its JSON is.
      parser.feed(done ? '\n\n' : value)
      yield* ready.splice(0)
      if (done) return
    }
  } finally {
    // Cancelling lets the portal close its request to the model.
    reader.cancel().catch(() => {})
  }
}

const BURST_MS = 50
/** Fewer chunks are not enough to estimate a speed. */
const MIN_CHUNKS = 8

/**
 * The line below an answer. Times are in ms; `first` is the time of the first text or reasoning, `chunks` the number of
 * chunks, and `usage` the counts of the model server, each of which may be missing.
 */
export function formatStatistics({ start, first, now, chunks, usage, showsReasoning, ending = '' }) {
  const [input, output, reasoning] = ['prompt_tokens', 'completion_tokens', 'reasoning_tokens'].map((name) =>
    countOf(usage?.[name]),
  )
  const parts = [
    first === undefined ? '' : messages.firstToken(grouped(Math.round(first - start))),
    first === undefined ? '' : speed(),
    tokens(),
    ending,
  ]
  return parts.filter(Boolean).join(' · ')

  function speed() {
    // A gateway that buffers sends everything in one burst. The whole wait is then the only measure.
    const isBurst = now - first < BURST_MS
    const seconds = (now - (isBurst ? start : first)) / 1000
    // Reasoning that the server counts but does not send precedes the first token.
    const unseen = showsReasoning ? 0 : (reasoning ?? 0)
    const count = output === undefined ? chunks : Math.max(0, output - unseen)
    const perSecond = Math.round(count / seconds)
    if (seconds <= 0 || perSecond === 0 || (output === undefined && chunks < MIN_CHUNKS)) return ''
    return messages.speed(grouped(perSecond), isBurst || output === undefined)
  }

  function tokens() {
    if (input === undefined && output === undefined)
      return chunks ? messages.estimatedTokens(grouped(chunks), chunks === 1) : ''
    const known = output === undefined ? '' : messages.output(grouped(output), reasoning ? grouped(reasoning) : '')
    const out = output === undefined && chunks ? messages.estimatedOutput(grouped(chunks)) : known
    return [input === undefined ? '' : messages.input(grouped(input)), out].filter(Boolean).join(', ')
  }
}

function countOf(value) {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function grouped(value) {
  return value.toLocaleString('en-US')
}
