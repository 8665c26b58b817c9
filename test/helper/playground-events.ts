import { createEventReader } from '../../src/clients/event-stream.js'

/** What an answer of POST /playground/stream says, put together; the last of each kind of event counts. */
export interface Streamed {
  text: string
  reasoning: string
  /** data of the named events */
  usage?: Record<string, number | null>
  finish?: { reason: string; words: string }
  failure?: string
  notices: string[]
  /** seconds of each */
  progress: number[]
}

interface Data {
  text?: string
  reasoning?: string
  words: string
  reason: string
  seconds: number
}

/** Throws where the data of an event is not one JSON object. */
export function streamedIn(events: string): Streamed {
  const reader = createEventReader()
  const found: Streamed = { text: '', reasoning: '', notices: [], progress: [] }
  for (const { event, data } of [...[...reader.read(Buffer.from(events))].flat(), ...reader.end()]) {
    const { text = '', reasoning = '', ...more } = JSON.parse(data) as Data
    found.text += text
    found.reasoning += reasoning
    if (event === 'usage') found.usage = more as never
    if (event === 'finish') found.finish = more
    if (event === 'failure') found.failure = more.words
    if (event === 'notice') found.notices.push(more.words)
    if (event === 'progress') found.progress.push(more.seconds)
  }
  return found
}
