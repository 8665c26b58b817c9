import type { Readable } from 'node:stream'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { createRedactor, redact } from '../../infra/redaction.js'
import { createResponseReader, type ResponseEvent } from './response-reader.js'

/** Bytes that are read before others are served. */
const BYTES_PER_TICK = 8192

/** Time-out of the end of a complete answer. Until then, its connection cannot be reused. */
const TRAILING_BYTES_TIMEOUT_MS = 1000

/** An answer of a model server: its media type and its body. */
export interface StreamedResponse {
  type: string
  body: Readable
}

/**
 * What a model answers, as events of a few known members, whatever form its server sends. All else is dropped. Secrets are
 * redacted: an answer comes token by token, so a secret that a model repeats is in no single event, and an event that ends
 * as a secret begins waits for the next one. Ends with one `finish` or `failure`; rejects where the connection breaks.
 */
export async function* redactStream(
  secrets: string[],
  { type, body }: StreamedResponse,
): AsyncGenerator<ResponseEvent[]> {
  const reader = createResponseReader(type)
  const voices = { text: createRedactor(secrets), reasoning: createRedactor(secrets) }
  let sinceTurn = 0
  let isComplete = false

  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      sinceTurn += chunk.length
      for (const events of reader.read(chunk)) {
        const shown = events.flatMap(cleaned)
        if (shown.length > 0) yield shown
        // a chunk may hold thousands of events
        if (sinceTurn >= BYTES_PER_TICK) await othersFirst()
      }
      if (sinceTurn >= BYTES_PER_TICK) sinceTurn = 0
      if (reader.isOver) return
    }
    yield reader.end().flatMap(cleaned)
  } finally {
    if (isComplete) drain(body)
    else body.destroy()
  }

  function cleaned(event: ResponseEvent): ResponseEvent[] {
    if (event.kind === 'delta') return deltaOf(voices.text.push(event.text), voices.reasoning.push(event.reasoning))
    if (event.kind === 'reclassify') return [...deltaOf(voices.text.end(), ''), event]
    isComplete = event.kind === 'finish'
    const rest = deltaOf(voices.text.end(), voices.reasoning.end())
    return [...rest, 'message' in event ? { ...event, message: redact(event.message, secrets) } : event]
  }

  function deltaOf(text: string, reasoning: string): ResponseEvent[] {
    return text === '' && reasoning === '' ? [] : [{ kind: 'delta', text, reasoning }]
  }
}

/** Reads what is left of a body and drops it. */
function drain(body: Readable): void {
  const late = setTimeout(() => body.destroy(), TRAILING_BYTES_TIMEOUT_MS).unref()
  body.once('close', () => clearTimeout(late))
  body.on('error', () => {})
  body.resume()
}
