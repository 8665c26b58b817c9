import { createParser } from 'eventsource-parser'

export const MAX_EVENT_CHARACTERS = 64 * 1024
/** Lines that are not fields of an event. The parser creates an Error for each. */
const MAX_STRAY_LINES = 20_000
/** Characters that are parsed before other requests may be handled. */
const PIECE_CHARACTERS = 2 * 1024

/** An event larger than `LONGEST_EVENT`, or far too many lines that are no events; nothing after it can be read. */
export class EventTooLarge extends Error {
  override name = 'EventTooLarge'
}

export interface StreamEvent {
  /** default: `message` */
  event: string
  data: string
  /** true: a line that is not a field of an event, such as JSON without `data:`; the standard ignores these */
  isStray: boolean
}

/**
 * Reads server-sent events (WHATWG HTML, 9.2.6) in time linear in their length, for any chunks. Comments, ids and retry times are
 * ignored. Throws EventTooLarge.
 */
export function createEventReader() {
  const decoder = new TextDecoder()
  let events: StreamEvent[] = []
  let isTooLarge = false
  let strayLines = 0
  let endedInReturn = false
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ event = 'message', data }) => {
      isTooLarge ||= data.length > MAX_EVENT_CHARACTERS
      events.push({ event, data, isStray: false })
    },
    onError: ({ type, line }) => {
      isTooLarge ||= type === 'max-buffer-size-exceeded' || (line?.length ?? 0) > MAX_EVENT_CHARACTERS
      isTooLarge ||= type === 'unknown-field' && ++strayLines > MAX_STRAY_LINES
      if (type === 'unknown-field' && line !== undefined) events.push({ event: '', data: line, isStray: true })
    },
  })

  return {
    /** The complete events, in pieces between which other requests may be handled. */
    *read(chunk: Uint8Array): Generator<StreamEvent[]> {
      const text = withLineFeeds(decoder.decode(chunk, { stream: true }))
      for (let at = 0; at < text.length; at += PIECE_CHARACTERS) yield feed(text.slice(at, at + PIECE_CHARACTERS))
    },
    /** The last event, because some servers omit the required empty line after it. */
    end: (): StreamEvent[] => feed(`${withLineFeeds(decoder.decode())}\n\n`),
  }

  /** The parser waits after a CR for a possible LF, which would delay the events of a stream with CR only. */
  function withLineFeeds(text: string): string {
    if (text === '') return text
    const rest = endedInReturn && text.startsWith('\n') ? text.slice(1) : text
    endedInReturn = text.endsWith('\r')
    return rest.replace(/\r\n?/g, '\n')
  }

  function feed(text: string): StreamEvent[] {
    events = []
    parser.feed(text)
    if (isTooLarge) throw new EventTooLarge('an event is too long, or too many lines are no events')
    return events
  }
}
