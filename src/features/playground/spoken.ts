import { pipeline, type Readable, Transform } from 'node:stream'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { readJson } from '../../clients/bounded-json.js'
import { createEventReader, EventTooLarge } from '../../clients/event-stream.js'
import { createHiding, hide } from '../../clients/secrets.js'

/** A stream that cannot be shown; the message is for the person who reads it. */
export class StreamFailure extends Error {
  override name = 'StreamFailure'
}

/** texts of an answer that the page shows, as vLLM and other servers name them */
const voices = ['content', 'reasoning_content', 'reasoning', 'text'] as const
type Voice = (typeof voices)[number]

const LONGEST_WORDS = 600
/** Bytes that are read before others are served. */
const TURN = 8192

/**
 * The answer of a model as server-sent events of a few known members: what is said, token counts, an error. All else that
 * the server sends is dropped. Secrets are redacted: an answer comes token by token, so a secret that a model repeats is in
 * no single event, and an event that ends as a secret begins waits for the next one. Ends with StreamFailure where the
 * stream is not one of events, or an event is too large.
 */
export function spokenWithout(secrets: string[], from: Readable): Readable {
  const reader = createEventReader()
  const hiding = Object.fromEntries(voices.map((voice) => [voice, createHiding(secrets)])) as Record<
    Voice,
    ReturnType<typeof createHiding>
  >
  let isAnswer = false
  let hasBytes = false
  let sinceTurn = 0

  const clean = new Transform({
    transform(chunk: Buffer, _, done) {
      readChunk(chunk).then(() => done(), done)
    },
    flush(done) {
      try {
        clean.push(reader.end().map(cleaned).join('') + leftovers())
        if (hasBytes && !isAnswer)
          throw new StreamFailure('The model answered, but not as a stream of events that the playground can show.')
        done()
      } catch (error) {
        done(failureOf(error))
      }
    },
  })
  return pipeline(from, clean, () => {})

  /** A chunk may hold thousands of events; others are served in between. */
  async function readChunk(chunk: Buffer): Promise<void> {
    try {
      hasBytes ||= chunk.length > 0
      sinceTurn += chunk.length
      for (const events of reader.read(chunk)) {
        const text = events.map(cleaned).join('')
        if (text !== '') clean.push(text)
        if (sinceTurn < TURN) continue
        await othersFirst()
        if (clean.destroyed) return
      }
      if (sinceTurn >= TURN) sinceTurn = 0
    } catch (error) {
      throw failureOf(error)
    }
  }

  function cleaned(data: string): string {
    if (data.trim() === '[DONE]') {
      isAnswer = true
      return `${leftovers()}data: [DONE]\n\n`
    }
    const read = readJson(data)
    const event = 'value' in read ? shownOf(read.value) : undefined
    if (event === undefined) return ''
    isAnswer = true
    return eventOf(event)
  }

  /** What the page shows of one event; undefined where that is nothing. */
  function shownOf(event: unknown): object | undefined {
    const { choices, error, usage } = membersOf(event)
    const counts = countsOf(usage)
    const words = errorOf(error)
    if (!Array.isArray(choices) && !counts && words === undefined) return undefined
    return {
      ...(Array.isArray(choices) ? { choices: choices.slice(0, 1).map(spoken) } : {}),
      ...(counts ? { usage: counts } : {}),
      ...(words === undefined ? {} : { error: { message: hide(words, secrets).slice(0, LONGEST_WORDS) } }),
    }
  }

  function spoken(choice: unknown): object {
    const { text, delta } = membersOf(choice)
    const said: Record<string, unknown> = { ...membersOf(delta), text }
    return choiceOf(
      voices.flatMap((voice) => {
        const piece = said[voice]
        return typeof piece === 'string' ? [[voice, hiding[voice].push(piece)] as const] : []
      }),
    )
  }

  function leftovers(): string {
    return voices
      .map((voice) => [voice, hiding[voice].end()] as const)
      .filter(([, text]) => text !== '')
      .map((said) => eventOf({ choices: [choiceOf([said])] }))
      .join('')
  }
}

function choiceOf(said: (readonly [Voice, string])[]): object {
  const { text, ...delta } = Object.fromEntries(said)
  return { index: 0, ...(text === undefined ? { delta } : { text }) }
}

function eventOf(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

function countsOf(usage: unknown): object | undefined {
  const { prompt_tokens, completion_tokens } = membersOf(usage)
  return Number.isInteger(prompt_tokens) && Number.isInteger(completion_tokens)
    ? { prompt_tokens, completion_tokens }
    : undefined
}

function errorOf(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined
  const words = typeof error === 'string' ? error : membersOf(error).message
  return typeof words === 'string' ? words : 'The model reported an error.'
}

function membersOf(node: unknown): Record<string, unknown> {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>) : {}
}

function failureOf(error: unknown): Error {
  if (error instanceof EventTooLarge)
    return new StreamFailure('The model sent an event that is larger than the playground shows.')
  return error instanceof Error ? error : new Error(String(error))
}
