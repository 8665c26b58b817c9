import { errorTextIn } from '../../clients/gateway/error-text.js'
import { readJson } from '../../infra/bounded-json.js'
import { contentReasoning, contentText, isFilled, messageReasoning, normalizeFinishReason } from './content-parts.js'
import { asNode, isFilledList, isNode, type JsonNode, readTokenUsage, type TokenUsage } from './token-usage.js'
import { parseVendorChunk } from './vendor-chunks.js'

/** The content of one JSON value of a response: an event of a stream, a line, or a whole answer. */
export interface ResponseChunk {
  text: string
  reasoning: string
  /** true: `text` is all text so far, not only the new part */
  isCumulative: boolean
  /** finish reason, with OpenAI's name if there is one; empty if the answer continues */
  finish: string
  usage: TokenUsage | undefined
  /** true: it contains a tool call */
  callsTool: boolean
  /** index of the answer, if a server returns several */
  choice: number | undefined
  /** false: it contains token counts only */
  isAnswer: boolean
  /** error message, which may be empty; undefined without an error */
  error: string | undefined
}

/**
 * Parses chat and completion responses of vLLM, SGLang, TGI, Ollama, llama.cpp, Mistral, OpenAI, Azure, LiteLLM, OpenRouter, KServe, watsonx.ai
 * and the servers of `vendor-chunks.ts` to a chat or a completion, streamed or not. Undefined where the value has the form of
 * none of them. Never throws; the value was read by `readJson`, so its depth is bounded.
 */
export function parseChunk(value: unknown): ResponseChunk | undefined {
  if (Array.isArray(value)) return parseList(value)
  if (!isNode(value)) return undefined
  const error = findError(value)
  if (error !== undefined) return { ...emptyChunk, error }
  const answer = parseChoices(value) ?? parseVendorChunk(value) ?? parseNative(value)
  const usage = readTokenUsage(value)
  if (answer === undefined && usage === undefined) return undefined
  return { ...emptyChunk, ...answer, usage, isAnswer: answer !== undefined }
}

/** Parses the text of a JSON value; undefined if it is not JSON. */
export function parseChunkText(text: string): ResponseChunk | undefined {
  const read = readJson(text)
  return 'value' in read ? parseChunk(read.value) : undefined
}

/** TGI and Google's gateways wrap a single answer or error in a list. Gemini's API returns a list of chunks of one answer. */
function parseList(list: unknown[]): ResponseChunk | undefined {
  const [first, ...others] = list.slice(0, MAX_LIST_ITEMS)
  const piece = isNode(first) ? parseChunk(first) : undefined
  if (piece === undefined || !isNode(first) || !('candidates' in first)) return piece
  for (const each of others) {
    const next = isNode(each) ? parseChunk(each) : undefined
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

const MAX_LIST_ITEMS = 10_000

const emptyChunk: ResponseChunk = {
  ...{ text: '', reasoning: '', isCumulative: false, finish: '', usage: undefined, callsTool: false },
  ...{ choice: undefined, isAnswer: true, error: undefined },
}

/** OpenAI's format: `choices` with a `delta`, a `message`, or a `text`. */
function parseChoices(value: JsonNode): Partial<ResponseChunk> | undefined {
  if (!Array.isArray(value.choices)) return undefined
  const [first, ...others] = value.choices.slice(0, MAX_CHOICES).map(asNode)
  if (first === undefined) return {}
  const choice = others.reduce((least, each) => (indexOf(each) < indexOf(least) ? each : least), first)
  // Perplexity repeats the previous text in `message`.
  const message = asNode(choice.delta ?? choice.message)
  // Audio answers have a transcript.
  const transcript = contentText(asNode(message.audio).transcript)
  const text = contentText(message.content) || contentText(choice.text) || contentText(message.refusal) || transcript
  const failed = choice.error === undefined || choice.error === null ? undefined : errorTextIn(choice)
  return {
    text,
    reasoning: messageReasoning(message) || contentReasoning(message.content) || messageReasoning(choice),
    finish: normalizeFinishReason(choice.finish_reason),
    callsTool: isFilled(message.tool_calls) || isFilled(message.function_call),
    choice: indexOf(choice),
    error: failed,
  }
}

const MAX_CHOICES = 128

function indexOf({ index }: JsonNode): number {
  return Number.isSafeInteger(index) ? (index as number) : 0
}

/** Native formats of model servers that differ from OpenAI's. */
function parseNative(value: JsonNode): Partial<ResponseChunk> | undefined {
  const { token, message, details, response, content, results, predictions, outputs } = value
  if (isNode(token) && typeof token.text === 'string') {
    const text = token.special === true ? '' : token.text
    return { text, finish: normalizeFinishReason(asNode(details).finish_reason) }
  }
  if (typeof value.generated_text === 'string')
    return {
      text: value.generated_text,
      isCumulative: true,
      finish: normalizeFinishReason(asNode(details).finish_reason ?? value.stop_reason),
    }
  if (isNode(message) && ('content' in message || 'thinking' in message)) {
    const finish = normalizeFinishReason(
      value.done_reason ?? value.finish_reason ?? (value.done === true ? 'stop' : ''),
    )
    const callsTool = isFilled(message.tool_calls)
    return { text: contentText(message.content), reasoning: messageReasoning(message), finish, callsTool }
  }
  if (typeof response === 'string')
    return {
      text: response,
      reasoning: messageReasoning(value),
      finish: normalizeFinishReason(value.done_reason ?? (value.done === true ? 'stop' : '')),
    }
  if (isNode(value.meta_info) && typeof value.text === 'string')
    return { text: value.text, isCumulative: true, finish: normalizeFinishReason(value.meta_info.finish_reason) }
  if (typeof value.text_output === 'string') return { text: value.text_output }
  if (typeof content === 'string' || (Array.isArray(content) && value.role === 'assistant')) {
    const stop = value.stop_type ?? value.stop_reason ?? (value.stopped_limit === true ? 'limit' : '')
    const finish = normalizeFinishReason(stop || (value.stop === true ? 'stop' : ''))
    return { text: contentText(content), reasoning: messageReasoning(value) || contentReasoning(content), finish }
  }
  const first = [results, predictions, outputs].find(isFilledList)?.[0]
  if (typeof first === 'string') return { text: first, isCumulative: true }
  if (!isNode(first)) return undefined
  if (Array.isArray(first.data) && typeof first.data[0] === 'string') return { text: first.data[0], isCumulative: true }
  const piece = parseNative(first)
  // watsonx.ai streams the new part only.
  return piece && { ...piece, isCumulative: false }
}

function findError(value: JsonNode): string | undefined {
  const { error, object, type, errors, detail, choices } = value
  const isSaid = isFilledList(choices)
  const words = () => errorTextIn(value)
  if (object === 'error' || type === 'error') return words()
  // Some servers add an empty error to each answer.
  if (isFilled(error)) return isSaid ? words() || undefined : words()
  if (isSaid) return undefined
  const hasDetail = isFilled(detail) && (Object.keys(value).length === 1 || isFailure(value) || 'title' in value)
  const hasFault = isNode(value.fault) && 'faultstring' in value.fault
  if (isFilledList(errors) || hasDetail || hasFault) return words()
  const isBare = typeof value.message === 'string' && value.message !== '' && isFailure(value)
  return isBare ? words() : undefined
}

/** `{"message":"…","code":503}`: a message without a code can also be the answer of a custom service. */
function isFailure({ code, status, status_code, statusCode, success }: JsonNode): boolean {
  const marks = [code, status, status_code, statusCode]
  return (
    success === false ||
    marks.some((mark) => (typeof mark === 'string' ? /err|fail|invalid|exce|denied/i.test(mark) : Number(mark) >= 400))
  )
}
