import { createParser } from 'eventsource-parser'

/** Characters of one event that are read. */
export const LONGEST_EVENT = 64 * 1024
/** Lines that are no fields of an event, each of which costs the parser an Error. */
const MOST_STRAY = 20_000
/** Characters that are parsed before others may be served. */
const PIECE = 2 * 1024

/** An event larger than `LONGEST_EVENT`, or far too many lines that are no events; nothing after it can be read. */
export class EventTooLarge extends Error {
  override name = 'EventTooLarge'
}

export interface StreamEvent {
  /** `message` where the stream names none */
  event: string
  data: string
  /** true: a line that is no field of an event, such as JSON without `data:`; the standard ignores these */
  stray: boolean
}

/**
 * Reads server-sent events (WHATWG HTML, 9.2.6) in time that is linear in their length, however they are cut into chunks.
 * Comments, ids and retry times are dropped. Throws EventTooLarge.
 */
export function createEventReader() {
  const decoder = new TextDecoder()
  let found: StreamEvent[] = []
  let isTooLarge = false
  let strayLines = 0
  let endedInReturn = false
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onEvent: ({ event = 'message', data }) => {
      isTooLarge ||= data.length > LONGEST_EVENT
      found.push({ event, data, stray: false })
    },
    onError: ({ type, line }) => {
      isTooLarge ||= type === 'max-buffer-size-exceeded' || (line?.length ?? 0) > LONGEST_EVENT
      isTooLarge ||= type === 'unknown-field' && ++strayLines > MOST_STRAY
      if (type === 'unknown-field' && line !== undefined) found.push({ event: '', data: line, stray: true })
    },
  })

  return {
    /** The events that are complete, in pieces between which others may be served. */
    *read(chunk: Uint8Array): Generator<StreamEvent[]> {
      const text = withLineFeeds(decoder.decode(chunk, { stream: true }))
      for (let at = 0; at < text.length; at += PIECE) yield feed(text.slice(at, at + PIECE))
    },
    /** The last event: some servers end without the empty line that should follow it. */
    end: (): StreamEvent[] => feed(`${withLineFeeds(decoder.decode())}\n\n`),
  }

  /** The parser waits after a CR for a possible LF, so an event of a stream with CR alone would come late. */
  function withLineFeeds(text: string): string {
    if (text === '') return text
    const rest = endedInReturn && text.startsWith('\n') ? text.slice(1) : text
    endedInReturn = text.endsWith('\r')
    return rest.replace(/\r\n?/g, '\n')
  }

  function feed(text: string): StreamEvent[] {
    found = []
    parser.feed(text)
    if (isTooLarge) throw new EventTooLarge('an event is too long, or too many lines are no events')
    return found
  }
}
