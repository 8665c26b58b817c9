import { createParser } from '../vendor/eventsource-parser.js'

/**
 * Server-sent events of a response's body as { event, data }, with data read as JSON. Rejects where the connection breaks
 * off, also in the middle of an event.
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
      // a last event without its blank line is complete if its JSON is
      parser.feed(done ? '\n\n' : value)
      yield* ready.splice(0)
      if (done) return
    }
  } finally {
    // the rest is not read: the portal then closes the call to the model
    reader.cancel().catch(() => {})
  }
}

const BURST_MS = 50
/** Fewer pieces say nothing about speed. */
const LEAST_PIECES = 8

/**
 * The line below an answer. Times in ms; `first` is when the first text or reasoning came, `pieces` how many there were,
 * `usage` what the model server counted, each number of which may be missing.
 */
export function figuresOf({ began, first, now, pieces, usage, showsReasoning, ended = '' }) {
  const [input, output, reasoning] = ['prompt_tokens', 'completion_tokens', 'reasoning_tokens'].map((name) =>
    countOf(usage?.[name]),
  )
  const parts = [
    first === undefined ? '' : `First token after ${grouped(Math.round(first - began))} ms`,
    first === undefined ? '' : speedOf(),
    tokens(),
    ended,
  ]
  return parts.filter(Boolean).join(' · ')

  function speedOf() {
    // what a gateway buffered arrives at once: only the whole wait then says how fast the model was
    const burst = now - first < BURST_MS
    const seconds = (now - (burst ? began : first)) / 1000
    // reasoning that the server counts and does not send was before the first token
    const hidden = showsReasoning ? 0 : (reasoning ?? 0)
    const count = output === undefined ? pieces : Math.max(0, output - hidden)
    const speed = Math.round(count / seconds)
    if (seconds <= 0 || speed === 0 || (output === undefined && pieces < LEAST_PIECES)) return ''
    return `${burst || output === undefined ? 'about ' : ''}${grouped(speed)} tokens/s`
  }

  function tokens() {
    const thought = reasoning ? ` (${grouped(reasoning)} reasoning)` : ''
    const out = output === undefined ? '' : `${grouped(output)} out${thought}`
    if (input === undefined && output === undefined)
      return pieces ? `about ${grouped(pieces)} ${pieces === 1 ? 'token' : 'tokens'}` : ''
    const approximate = output === undefined && pieces ? `about ${grouped(pieces)} out` : out
    return [input === undefined ? '' : `${grouped(input)} in`, approximate].filter(Boolean).join(', ')
  }
}

function countOf(value) {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function grouped(value) {
  return value.toLocaleString('en-US')
}
