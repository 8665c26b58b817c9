import type { Readable } from 'node:stream'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { createHiding, hide } from '../../clients/secrets.js'
import { type AnswerEvent, createAnswerReader } from '../../model-calls/answer-reader.js'

/** Bytes that are read before others are served. */
const TURN = 8192

/** How long the end of a complete answer is waited for: until then its connection cannot be used again. */
const LINGER_MS = 1000

/** An answer of a model server: its media type and its body. */
export interface Body {
  type: string
  body: Readable
}

/**
 * What a model answers, as events of a few known members, whatever form its server sends. All else is dropped. Secrets are
 * redacted: an answer comes token by token, so a secret that a model repeats is in no single event, and an event that ends
 * as a secret begins waits for the next one. Ends with one `finish` or `failure`; rejects where the connection breaks.
 */
export async function* spokenWithout(secrets: string[], { type, body }: Body): AsyncGenerator<AnswerEvent[]> {
  const reader = createAnswerReader(type)
  const voices = { text: createHiding(secrets), reasoning: createHiding(secrets) }
  let sinceTurn = 0
  let isComplete = false

  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      sinceTurn += chunk.length
      for (const events of reader.read(chunk)) {
        const shown = events.flatMap(cleaned)
        if (shown.length > 0) yield shown
        // a chunk may hold thousands of events
        if (sinceTurn >= TURN) await othersFirst()
      }
      if (sinceTurn >= TURN) sinceTurn = 0
      if (reader.isOver) return
    }
    yield reader.end().flatMap(cleaned)
  } finally {
    if (isComplete) linger(body)
    else body.destroy()
  }

  function cleaned(event: AnswerEvent): AnswerEvent[] {
    if (event.kind === 'said') return said(voices.text.push(event.text), voices.reasoning.push(event.reasoning))
    if (event.kind === 'reasoned') return [...said(voices.text.end(), ''), event]
    isComplete = event.kind === 'finish'
    const left = said(voices.text.end(), voices.reasoning.end())
    return [...left, 'words' in event ? { ...event, words: hide(event.words, secrets) } : event]
  }

  function said(text: string, reasoning: string): AnswerEvent[] {
    return text === '' && reasoning === '' ? [] : [{ kind: 'said', text, reasoning }]
  }
}

/** Reads what is left of a body and drops it. */
function linger(body: Readable): void {
  const late = setTimeout(() => body.destroy(), LINGER_MS).unref()
  body.once('close', () => clearTimeout(late))
  body.on('error', () => {})
  body.resume()
}
