import { isWithinBounds, readJson } from '../clients/bounded-json.js'
import { createEventReader, EventTooLarge, LONGEST_EVENT, type StreamEvent } from '../clients/event-stream.js'
import { ownWordsOf } from '../clients/server-words.js'
import { type Format, formatOf, isErrorText } from './answer-format.js'
import { type Piece, pieceIn, pieceOf } from './answer-pieces.js'
import { laterUsage, type Usage } from './answer-usage.js'
import { failures, finishWords } from './answer-words.js'
import { createThinking, type Parted } from './thinking.js'

export type AnswerEvent =
  | { kind: 'said'; text: string; reasoning: string }
  /** all text so far was reasoning: the server left out where it began */
  | { kind: 'reasoned' }
  | { kind: 'usage'; usage: Usage }
  /** `words` are empty where the answer ended as usual */
  | { kind: 'finish'; reason: string; words: string }
  /** nothing follows */
  | { kind: 'failure'; words: string }
  /** what else a person should know */
  | { kind: 'notice'; words: string }

/** Characters of an answer that comes in one piece. */
const LONGEST_WHOLE = 1_000_000
/** Characters of an answer in no known form that are kept to read an error from them. */
const LONGEST_UNKNOWN = 8000
/** Lines that look like JSON and are not, after which no other one is tried. */
const MOST_BROKEN = 50

/**
 * Reads the answer of a model server in whatever form it comes: server-sent events, lines of JSON, one JSON value, text, or
 * an error in any of them. Linear in its length, however it is cut into chunks; never throws.
 */
export function createAnswerReader(contentType: string) {
  const decoder = new TextDecoder()
  const events = createEventReader()
  const thinking = createThinking()
  let format: Format | undefined
  /** what came before the format was known */
  let beginning: Uint8Array[] = []
  /** not read yet: the beginning, a line of JSON, the page, the text of no known form */
  let held = ''
  let lines: 'unknown' | 'yes' | 'no' = 'unknown'
  /** what is in no known form */
  let unknown = ''
  let brokenLines = 0
  let length = 0
  let hasReasoning = false
  let hasText = false
  let callsTool = false
  let isAnswer = false
  /** the answer that is read, where a server sends several to one request */
  let choice: number | undefined
  let hasBytes = false
  let finish = ''
  let usage: Usage | undefined
  let reported: string | undefined
  let isOver = false

  return {
    /** What a chunk adds, in pieces between which others may be served. */
    *read(chunk: Uint8Array): Generator<AnswerEvent[]> {
      if (isOver) return
      hasBytes ||= chunk.length > 0
      try {
        if (format === undefined) {
          beginning.push(chunk)
          held += decoder.decode(chunk, { stream: true })
          format = formatOf(contentType, held, false)
          if (format !== undefined) yield* begin(format)
        } else if (format === 'events') for (const found of events.read(chunk)) yield found.flatMap(readEvent)
        else yield* readText(decoder.decode(chunk, { stream: true }))
      } catch (error) {
        yield tooLarge(error)
      }
    },
    /** What is left at the end of the answer, and how it ended. */
    end(): AnswerEvent[] {
      if (isOver) return []
      try {
        const rest = decoder.decode()
        const found: AnswerEvent[] = []
        if (format === undefined) {
          held += rest
          format = formatOf(contentType, held, true) ?? 'text'
          for (const some of begin(format)) found.push(...some)
        }
        if (format === 'events') found.push(...events.end().flatMap(readEvent))
        return isOver ? found : [...found, ...ending()]
      } catch (error) {
        return tooLarge(error)
      }
    },
    /** True: the answer is complete, and what follows is not read. */
    get isOver() {
      return isOver
    },
    /** The words of an error that the server sent as its answer, which may be empty; undefined where it sent none. */
    get reported() {
      return reported
    },
  }

  function* begin(as: Format): Generator<AnswerEvent[]> {
    const text = held
    held = ''
    // bytes, since the last of them may be a part of a character
    if (as === 'events') for (const found of events.read(Buffer.concat(beginning))) yield found.flatMap(readEvent)
    else yield* readText(text)
    beginning = []
  }

  function* readText(text: string): Generator<AnswerEvent[]> {
    if (format === 'text' && (isAnswer || !isErrorText(held + text))) {
      isAnswer = true
      const said = held + text
      held = ''
      yield sayParted(thinking.push(said))
      return
    }
    const hasLineEnd = /[\r\n]/.test(text)
    held += text
    if (held.length > LONGEST_WHOLE) throw new EventTooLarge('an answer of more than 1,000,000 characters')
    if (format !== 'json') held = held.slice(0, LONGEST_UNKNOWN)
    else if (hasLineEnd && lines !== 'no') yield* readLines()
  }

  function* readLines(): Generator<AnswerEvent[]> {
    const found = held.split(/[\r\n]/)
    const first = found.find((line) => line.trim() !== '')
    if (lines === 'unknown' && first !== undefined && first !== found.at(-1)) {
      // JSON over several lines is read at its end
      lines = first.length <= LONGEST_EVENT && 'value' in readJson(first) ? 'yes' : 'no'
    }
    if (lines !== 'yes') return
    held = found.pop() ?? ''
    for (const line of found) if (line.trim() !== '') yield readData(line, '')
  }

  function readEvent({ event, data, stray }: StreamEvent): AnswerEvent[] {
    if (isOver || data.trim() === '') return []
    if (/^"?\[DONE\]"?$/i.test(data.trim())) {
      isAnswer = true
      return ending()
    }
    // lines of JSON in place of events are read as events as long as they are JSON
    if (stray && (brokenLines >= MOST_BROKEN || !/^\s*[[{]/.test(data))) return keepUnknown(data)
    if (stray && !('value' in readJson(data))) brokenLines++
    return readData(data, event)
  }

  /** One JSON value, or text where JSON is expected. */
  function readData(data: string, event: string): AnswerEvent[] {
    if (isOver) return []
    const read = readJson(data)
    const isError = /^error\b/i.test(event) || (!('value' in read) && isErrorText(data))
    if (isError) return failReported(ownWordsOf(data))
    const piece = 'value' in read ? pieceOf(read.value) : undefined
    return piece === undefined ? keepUnknown(data) : readPiece(piece)
  }

  function readPiece(piece: Piece): AnswerEvent[] {
    isAnswer ||= piece.isAnswer
    usage = laterUsage(usage, piece.usage)
    choice ??= piece.choice
    if (piece.choice !== undefined && piece.choice !== choice) return []
    finish = piece.finish || finish
    callsTool ||= piece.callsTool
    const text = piece.isWhole ? piece.text.slice(length) : piece.text
    length += text.length
    const said = sayParted(thinking.push(text), piece.reasoning)
    return piece.error === undefined ? said : [...said, ...failReported(piece.error)]
  }

  function sayParted({ text, reasoning, answer }: Parted, before = ''): AnswerEvent[] {
    const said = sayParts(text, before + reasoning)
    if (answer === undefined) return said
    hasReasoning ||= hasText
    hasText = false
    return [...said, { kind: 'reasoned' }, ...sayParts(answer, '')]
  }

  function sayParts(text: string, reasoning: string): AnswerEvent[] {
    hasText ||= text.trim() !== ''
    hasReasoning ||= reasoning.trim() !== ''
    return text === '' && reasoning === '' ? [] : [{ kind: 'said', text, reasoning }]
  }

  function keepUnknown(data: string): AnswerEvent[] {
    if (unknown.length < LONGEST_UNKNOWN) unknown = `${unknown}${data}\n`.slice(0, LONGEST_UNKNOWN)
    return []
  }

  function ending(): AnswerEvent[] {
    const read = readRest()
    if (isOver) return read
    const said = [...read, ...sayParted(thinking.end())]
    // an error may be in lines that are no events
    const words = ownWordsOf(unknown)
    if (pieceIn(unknown)?.error !== undefined) return [...said, ...failReported(words)]
    if (!isAnswer)
      return [...said, ...fail(unknown === '' && format === 'events' ? failures.empty : failures.unreadable(words))]
    isOver = true
    const counted: AnswerEvent[] = usage === undefined ? [] : [{ kind: 'usage', usage }]
    const reason = finish || (callsTool ? 'tool_calls' : '')
    return [
      ...said,
      ...counted,
      { kind: 'finish', reason, words: finishWords({ reason, hasText, hasReasoning, callsTool }) },
    ]
  }

  /** What is left where an answer is no stream of events. */
  function readRest(): AnswerEvent[] {
    const rest = held
    held = ''
    if (!hasBytes) return fail(failures.empty)
    if (format === 'page') return fail(failures.page(rest))
    if (format === 'binary') return fail(failures.binary(contentType))
    if (format === 'text' && isErrorText(rest)) return failReported(ownWordsOf(rest))
    if (format !== 'json' || rest.trim() === '') return []
    return isWithinBounds(rest) ? readData(rest, '') : fail(failures.tooDeep)
  }

  function failReported(own: string): AnswerEvent[] {
    reported = own
    return fail(failures.reported(own))
  }

  function fail(words: string): AnswerEvent[] {
    isOver = true
    return [{ kind: 'failure', words }]
  }

  function tooLarge(error: unknown): AnswerEvent[] {
    if (!(error instanceof EventTooLarge)) throw error
    return fail(failures.tooLarge)
  }
}
