import { readJson } from '../clients/bounded-json.js'
import { wordsIn } from '../clients/server-words.js'
import { finishOf, isFilled, reasoningIn, reasoningOf, textOf } from './answer-parts.js'
import { isFilledList, isNode, type Node, nodeOf, type Usage, usageOf } from './answer-usage.js'
import { vendorPiece } from './answer-vendors.js'

/** What one JSON value of an answer contains; the value is an event of a stream, a line, or a whole answer. */
export interface Piece {
  text: string
  reasoning: string
  /** true: `text` is the whole text so far, not only what is new */
  isWhole: boolean
  /** why the answer ended, by OpenAI's names where it has one; empty: it goes on */
  finish: string
  usage: Usage | undefined
  /** true: it calls a tool */
  callsTool: boolean
  /** index of the answer that it belongs to, where a server sends several to one request */
  choice: number | undefined
  /** false: it has token counts only */
  isAnswer: boolean
  /** the words of an error, which may be empty; undefined where it is none */
  error: string | undefined
}

/**
 * Reads the answers of vLLM, SGLang, TGI, Ollama, llama.cpp, Mistral, OpenAI, Azure, LiteLLM, OpenRouter, KServe, watsonx.ai
 * and the servers of `answer-vendors.ts` to a chat or a completion, streamed or not. Undefined where the value has the form of
 * none of them. Never throws; the value was read by `readJson`, so its depth is bounded.
 */
export function pieceOf(value: unknown): Piece | undefined {
  if (Array.isArray(value)) return listedPiece(value)
  if (!isNode(value)) return undefined
  const error = errorOf(value)
  if (error !== undefined) return { ...nothing, error }
  const said = choicePiece(value) ?? vendorPiece(value) ?? nativePiece(value)
  const usage = usageOf(value)
  if (said === undefined && usage === undefined) return undefined
  return { ...nothing, ...said, usage, isAnswer: said !== undefined }
}

/** The same for the text of a JSON value; undefined where it is not JSON. */
export function pieceIn(text: string): Piece | undefined {
  const read = readJson(text)
  return 'value' in read ? pieceOf(read.value) : undefined
}

/** TGI and Google's gateways wrap a single answer or error in a list; Gemini's API lists the pieces of one answer. */
function listedPiece(list: unknown[]): Piece | undefined {
  const [first, ...others] = list.slice(0, MOST_LISTED)
  const piece = isNode(first) ? pieceOf(first) : undefined
  if (piece === undefined || !isNode(first) || !('candidates' in first)) return piece
  for (const each of others) {
    const next = isNode(each) ? pieceOf(each) : undefined
    if (next === undefined) continue
    piece.text += next.text
    piece.reasoning += next.reasoning
    piece.finish = next.finish || piece.finish
    piece.usage = next.usage ?? piece.usage
    piece.callsTool ||= next.callsTool
    piece.error ??= next.error
  }
  return piece
}

const MOST_LISTED = 10_000

const nothing: Piece = {
  ...{ text: '', reasoning: '', isWhole: false, finish: '', usage: undefined, callsTool: false },
  ...{ choice: undefined, isAnswer: true, error: undefined },
}

/** OpenAI's form: `choices` with a `delta`, a `message` or a `text`. */
function choicePiece(value: Node): Partial<Piece> | undefined {
  if (!Array.isArray(value.choices)) return undefined
  const [first, ...others] = value.choices.slice(0, MOST_CHOICES).map(nodeOf)
  if (first === undefined) return {}
  const choice = others.reduce((least, each) => (indexOf(each) < indexOf(least) ? each : least), first)
  // Perplexity repeats in `message` what was said so far
  const said = nodeOf(choice.delta ?? choice.message)
  // the words of an answer as sound
  const transcript = textOf(nodeOf(said.audio).transcript)
  const text = textOf(said.content) || textOf(choice.text) || textOf(said.refusal) || transcript
  const failed = choice.error === undefined || choice.error === null ? undefined : wordsIn(choice)
  return {
    text,
    reasoning: reasoningOf(said) || reasoningIn(said.content) || reasoningOf(choice),
    finish: finishOf(choice.finish_reason),
    callsTool: isFilled(said.tool_calls) || isFilled(said.function_call),
    choice: indexOf(choice),
    error: failed,
  }
}

const MOST_CHOICES = 128

function indexOf({ index }: Node): number {
  return Number.isSafeInteger(index) ? (index as number) : 0
}

/** Forms of model servers that differ from OpenAI's. */
function nativePiece(value: Node): Partial<Piece> | undefined {
  const { token, message, details, response, content, results, predictions, outputs } = value
  if (isNode(token) && typeof token.text === 'string') {
    const text = token.special === true ? '' : token.text
    return { text, finish: finishOf(nodeOf(details).finish_reason) }
  }
  if (typeof value.generated_text === 'string')
    return {
      text: value.generated_text,
      isWhole: true,
      finish: finishOf(nodeOf(details).finish_reason ?? value.stop_reason),
    }
  if (isNode(message) && ('content' in message || 'thinking' in message)) {
    const finish = finishOf(value.done_reason ?? value.finish_reason ?? (value.done === true ? 'stop' : ''))
    const callsTool = isFilled(message.tool_calls)
    return { text: textOf(message.content), reasoning: reasoningOf(message), finish, callsTool }
  }
  if (typeof response === 'string')
    return {
      text: response,
      reasoning: reasoningOf(value),
      finish: finishOf(value.done_reason ?? (value.done === true ? 'stop' : '')),
    }
  if (isNode(value.meta_info) && typeof value.text === 'string')
    return { text: value.text, isWhole: true, finish: finishOf(value.meta_info.finish_reason) }
  if (typeof value.text_output === 'string') return { text: value.text_output }
  if (typeof content === 'string' || (Array.isArray(content) && value.role === 'assistant')) {
    const stop = value.stop_type ?? value.stop_reason ?? (value.stopped_limit === true ? 'limit' : '')
    const finish = finishOf(stop || (value.stop === true ? 'stop' : ''))
    return { text: textOf(content), reasoning: reasoningOf(value) || reasoningIn(content), finish }
  }
  const first = [results, predictions, outputs].find(isFilledList)?.[0]
  if (typeof first === 'string') return { text: first, isWhole: true }
  if (!isNode(first)) return undefined
  if (Array.isArray(first.data) && typeof first.data[0] === 'string') return { text: first.data[0], isWhole: true }
  const piece = nativePiece(first)
  // watsonx.ai streams what is new
  return piece && { ...piece, isWhole: false }
}

function errorOf(value: Node): string | undefined {
  const { error, object, type, errors, detail, choices } = value
  const isSaid = isFilledList(choices)
  const words = () => wordsIn(value)
  if (object === 'error' || type === 'error') return words()
  // some servers add an empty error to each answer
  if (isFilled(error)) return isSaid ? words() || undefined : words()
  if (isSaid) return undefined
  const hasDetail = isFilled(detail) && (Object.keys(value).length === 1 || isFailure(value) || 'title' in value)
  const hasFault = isNode(value.fault) && 'faultstring' in value.fault
  if (isFilledList(errors) || hasDetail || hasFault) return words()
  const isBare = typeof value.message === 'string' && value.message !== '' && isFailure(value)
  return isBare ? words() : undefined
}

/** `{"message":"…","code":503}`: a message alone may also be the answer of a custom service. */
function isFailure({ code, status, status_code, statusCode, success }: Node): boolean {
  const marks = [code, status, status_code, statusCode]
  return (
    success === false ||
    marks.some((mark) => (typeof mark === 'string' ? /err|fail|invalid|exce|denied/i.test(mark) : Number(mark) >= 400))
  )
}
