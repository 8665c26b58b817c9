import { createParser } from 'eventsource-parser'

/** Characters of one event that are read. */
export const LONGEST_EVENT = 64 * 1024
/**
 * The parser looks for either kind of line end from each line on, so it is given pieces: with lines of both kinds its work is
 * bounded by lines times the length of a piece.
 */
const PIECE = 2 * 1024

/** An event larger than `LONGEST_EVENT`; nothing after it can be read. */
export class EventTooLarge extends Error {
  override name = 'EventTooLarge'
}

/**
 * Reads the data of server-sent events (WHATWG HTML, 9.2.6) in time that is linear in their length, however they are cut
 * into chunks. Comments, ids and retry times are dropped. Throws EventTooLarge.
 */
export function createEventReader() {
  const decoder = new TextDecoder()
  let found: string[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onEvent: ({ data }) => {
      isTooLarge ||= data.length > LONGEST_EVENT
      found.push(data)
    },
    onError: ({ type }) => {
      isTooLarge ||= type === 'max-buffer-size-exceeded'
    },
  })

  return {
    /** The events that are complete, in pieces between which others may be served. */
    *read(chunk: Uint8Array): Generator<string[]> {
      const text = decoder.decode(chunk, { stream: true })
      for (let at = 0; at < text.length; at += PIECE) yield feed(text.slice(at, at + PIECE))
    },
    /** The last event: some servers end without the empty line that should follow it. */
    end: (): string[] => feed(`${decoder.decode()}\n\n`),
  }

  function feed(text: string): string[] {
    found = []
    parser.feed(text)
    if (isTooLarge) throw new EventTooLarge(`an event of more than ${LONGEST_EVENT} characters`)
    return found
  }
}
