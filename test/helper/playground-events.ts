import { createEventReader } from '../../src/clients/gateway/event-stream.js'

/** The combined events of a response of POST /playground/stream; the last event of each kind is used. */
export interface Streamed {
  text: string
  reasoning: string
  /** Data of the named events. */
  usage?: Record<string, number | null>
  finish?: { reason: string; message: string }
  failure?: string
  notices: string[]
  /** Seconds of each event. */
  progress: number[]
}

interface Data {
  text?: string
  reasoning?: string
  message: string
  reason: string
  seconds: number
}

/** Throws if the data of an event is not one JSON object. */
export function streamedIn(events: string): Streamed {
  const reader = createEventReader()
  const found: Streamed = { text: '', reasoning: '', notices: [], progress: [] }
  for (const { event, data } of [...[...reader.read(Buffer.from(events))].flat(), ...reader.end()]) {
    const { text = '', reasoning = '', ...more } = JSON.parse(data) as Data
    found.text += text
    found.reasoning += reasoning
    if (event === 'usage') found.usage = more as never
    if (event === 'finish') found.finish = more
    if (event === 'failure') found.failure = more.message
    if (event === 'notice') found.notices.push(more.message)
    if (event === 'progress') found.progress.push(more.seconds)
  }
  return found
}
