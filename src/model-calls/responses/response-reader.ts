import { errorTextOf } from '../../clients/gateway/error-text.js'
import {
  createEventReader,
  EventTooLarge,
  MAX_EVENT_CHARACTERS,
  type StreamEvent,
} from '../../clients/gateway/event-stream.js'
import { isWithinBounds, readJson } from '../../infra/bounded-json.js'
import { failureMessages, finishMessage } from './messages.js'
import { createReasoningSplitter, type SplitText } from './reasoning-tags.js'
import { parseChunk, parseChunkText, type ResponseChunk } from './response-chunks.js'
import { detectFormat, isErrorText, type ResponseFormat } from './response-format.js'
import { mergeTokenUsage, type TokenUsage } from './token-usage.js'

export type ResponseEvent =
  | { kind: 'delta'; text: string; reasoning: string }
  /** all text so far was reasoning: the server omitted the opening tag */
  | { kind: 'reclassify' }
  | { kind: 'usage'; usage: TokenUsage }
  /** `message` is empty if the answer ended as usual */
  | { kind: 'finish'; reason: string; message: string }
  /** the last event */
  | { kind: 'failure'; message: string }
  | { kind: 'notice'; message: string }

/** Maximum length of an answer in one chunk. */
const MAX_RESPONSE_CHARACTERS = 1_000_000
/** Characters of an unrecognized response that are searched for an error. */
const MAX_UNRECOGNISED_CHARACTERS = 8000
/** Invalid JSON lines after which no further line is parsed. */
const MAX_INVALID_LINES = 50

/**
 * Reads the response of a model server in any format: server-sent events, JSON lines, a JSON value, text, or an error in any of
 * them. Linear in its length, regardless of chunk borders; never throws.
 */
export function createResponseReader(contentType: string) {
  const decoder = new TextDecoder()
  const events = createEventReader()
  const splitter = createReasoningSplitter()
  let format: ResponseFormat | undefined
  /** chunks received before the format was detected */
  let initialChunks: Uint8Array[] = []
  /** text that is not parsed yet */
  let buffer = ''
  let lines: 'unknown' | 'yes' | 'no' = 'unknown'
  /** text in an unrecognized format */
  let unrecognised = ''
  let brokenLines = 0
  let length = 0
  let hasReasoning = false
  let hasText = false
  let callsTool = false
  let isAnswer = false
  /** index of the answer that is read, if a server returns several */
  let choice: number | undefined
  let hasBytes = false
  let finish = ''
  let usage: TokenUsage | undefined
  let reported: string | undefined
  let isOver = false

  return {
    /** Events of a chunk, in batches between which other requests can be served. */
    *read(chunk: Uint8Array): Generator<ResponseEvent[]> {
      if (isOver) return
      hasBytes ||= chunk.length > 0
      try {
        if (format === undefined) {
          initialChunks.push(chunk)
          buffer += decoder.decode(chunk, { stream: true })
          format = detectFormat(contentType, buffer, false)
          if (format !== undefined) yield* begin(format)
        } else if (format === 'events') for (const batch of events.read(chunk)) yield batch.flatMap(readEvent)
        else yield* readText(decoder.decode(chunk, { stream: true }))
      } catch (error) {
        yield failTooLarge(error)
      }
    },
    /** The remaining events and the end of the answer. */
    end(): ResponseEvent[] {
      if (isOver) return []
      try {
        const rest = decoder.decode()
        const remaining: ResponseEvent[] = []
        if (format === undefined) {
          buffer += rest
          format = detectFormat(contentType, buffer, true) ?? 'text'
          for (const batch of begin(format)) remaining.push(...batch)
        }
        if (format === 'events') remaining.push(...events.end().flatMap(readEvent))
        return isOver ? remaining : [...remaining, ...ending()]
      } catch (error) {
        return failTooLarge(error)
      }
    },
    /** True: the answer is complete, and further chunks are ignored. */
    get isOver() {
      return isOver
    },
    /** Message of an error that the server returned as its answer, which may be empty; undefined without an error. */
    get reported() {
      return reported
    },
  }

  function* begin(as: ResponseFormat): Generator<ResponseEvent[]> {
    const text = buffer
    buffer = ''
    // Bytes, because the last ones can be part of a character.
    if (as === 'events') for (const batch of events.read(Buffer.concat(initialChunks))) yield batch.flatMap(readEvent)
    else yield* readText(text)
    initialChunks = []
  }

  function* readText(text: string): Generator<ResponseEvent[]> {
    if (format === 'text' && (isAnswer || !isErrorText(buffer + text))) {
      isAnswer = true
      const answerText = buffer + text
      buffer = ''
      yield emitSplit(splitter.push(answerText))
      return
    }
    const hasLineEnd = /[\r\n]/.test(text)
    buffer += text
    if (buffer.length > MAX_RESPONSE_CHARACTERS) throw new EventTooLarge('an answer of more than 1,000,000 characters')
    if (format !== 'json') buffer = buffer.slice(0, MAX_UNRECOGNISED_CHARACTERS)
    else if (hasLineEnd && lines !== 'no') yield* readLines()
  }

  function* readLines(): Generator<ResponseEvent[]> {
    const pieces = buffer.split(/[\r\n]/)
    const first = pieces.find((line) => line.trim() !== '')
    if (lines === 'unknown' && first !== undefined && first !== pieces.at(-1)) {
      // JSON over several lines is parsed at the end.
      lines = first.length <= MAX_EVENT_CHARACTERS && 'value' in readJson(first) ? 'yes' : 'no'
    }
    if (lines !== 'yes') return
    buffer = pieces.pop() ?? ''
    for (const line of pieces) if (line.trim() !== '') yield readData(line, '')
  }

  function readEvent({ event, data, isStray: stray }: StreamEvent): ResponseEvent[] {
    if (isOver || data.trim() === '') return []
    if (/^"?\[DONE\]"?$/i.test(data.trim())) {
      isAnswer = true
      return ending()
    }
    // JSON lines without `data:` are read as events.
    if (stray && (brokenLines >= MAX_INVALID_LINES || !/^\s*[[{]/.test(data))) return bufferUnrecognised(data)
    if (stray && !('value' in readJson(data))) brokenLines++
    return readData(data, event)
  }

  /** One JSON value, or text instead of JSON. */
  function readData(data: string, event: string): ResponseEvent[] {
    if (isOver) return []
    const read = readJson(data)
    const isError = /^error\b/i.test(event) || (!('value' in read) && isErrorText(data))
    if (isError) return failWithReport(errorTextOf(data))
    const chunk = 'value' in read ? parseChunk(read.value) : undefined
    return chunk === undefined ? bufferUnrecognised(data) : readChunk(chunk)
  }

  function readChunk(chunk: ResponseChunk): ResponseEvent[] {
    isAnswer ||= chunk.isAnswer
    usage = mergeTokenUsage(usage, chunk.usage)
    choice ??= chunk.choice
    if (chunk.choice !== undefined && chunk.choice !== choice) return []
    finish = chunk.finish || finish
    callsTool ||= chunk.callsTool
    const text = chunk.isCumulative ? chunk.text.slice(length) : chunk.text
    length += text.length
    const deltas = emitSplit(splitter.push(text), chunk.reasoning)
    return chunk.error === undefined ? deltas : [...deltas, ...failWithReport(chunk.error)]
  }

  function emitSplit({ text, reasoning, answer }: SplitText, before = ''): ResponseEvent[] {
    const deltas = emitDelta(text, before + reasoning)
    if (answer === undefined) return deltas
    hasReasoning ||= hasText
    hasText = false
    return [...deltas, { kind: 'reclassify' }, ...emitDelta(answer, '')]
  }

  function emitDelta(text: string, reasoning: string): ResponseEvent[] {
    hasText ||= text.trim() !== ''
    hasReasoning ||= reasoning.trim() !== ''
    return text === '' && reasoning === '' ? [] : [{ kind: 'delta', text, reasoning }]
  }

  function bufferUnrecognised(data: string): ResponseEvent[] {
    if (unrecognised.length < MAX_UNRECOGNISED_CHARACTERS)
      unrecognised = `${unrecognised}${data}\n`.slice(0, MAX_UNRECOGNISED_CHARACTERS)
    return []
  }

  function ending(): ResponseEvent[] {
    const read = readRest()
    if (isOver) return read
    const remaining = [...read, ...emitSplit(splitter.end())]
    // Lines that are not events can contain an error.
    const words = errorTextOf(unrecognised)
    if (parseChunkText(unrecognised)?.error !== undefined) return [...remaining, ...failWithReport(words)]
    if (!isAnswer)
      return [
        ...remaining,
        ...fail(unrecognised === '' && format === 'events' ? failureMessages.empty : failureMessages.unreadable(words)),
      ]
    isOver = true
    const counted: ResponseEvent[] = usage === undefined ? [] : [{ kind: 'usage', usage }]
    const reason = finish || (callsTool ? 'tool_calls' : '')
    return [
      ...remaining,
      ...counted,
      { kind: 'finish', reason, message: finishMessage({ reason, hasText, hasReasoning, callsTool }) },
    ]
  }

  /** The rest of a response that is not an event stream. */
  function readRest(): ResponseEvent[] {
    const rest = buffer
    buffer = ''
    if (!hasBytes) return fail(failureMessages.empty)
    if (format === 'page') return fail(failureMessages.page(rest))
    if (format === 'binary') return fail(failureMessages.binary(contentType))
    if (format === 'text' && isErrorText(rest)) return failWithReport(errorTextOf(rest))
    if (format !== 'json' || rest.trim() === '') return []
    return isWithinBounds(rest) ? readData(rest, '') : fail(failureMessages.tooDeep)
  }

  function failWithReport(own: string): ResponseEvent[] {
    reported = own
    return fail(failureMessages.reported(own))
  }

  function fail(message: string): ResponseEvent[] {
    isOver = true
    return [{ kind: 'failure', message }]
  }

  function failTooLarge(error: unknown): ResponseEvent[] {
    if (!(error instanceof EventTooLarge)) throw error
    return fail(failureMessages.tooLarge)
  }
}
