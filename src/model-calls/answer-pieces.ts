import { wordsIn } from '../clients/server-words.js'
import { isFilledList, isNode, type Node, nodeOf, type Usage, usageOf } from './answer-usage.js'

/** What one JSON value of an answer says: an event of a stream, a line, or a whole answer. */
export interface Piece {
  text: string
  reasoning: string
  /** true: `text` is all that was said so far, not only what is new */
  isWhole: boolean
  /** why the answer ended, by OpenAI's names where it has one; empty: it goes on */
  finish: string
  usage: Usage | undefined
  /** it calls a tool */
  callsTool: boolean
  /** the words of an error; undefined where it is none */
  error: string | undefined
}

const FINISH: Record<string, string> = {
  ...{ eos: 'stop', eos_token: 'stop', end_turn: 'stop', stop_sequence: 'stop', word: 'stop', done: 'stop' },
  ...{ limit: 'length', max_tokens: 'length', model_length: 'length', max_new_tokens: 'length' },
  ...{ tool_use: 'tool_calls', function_call: 'tool_calls', tool_call: 'tool_calls' },
  ...{ content_filtered: 'content_filter', safety: 'content_filter' },
}
const UNKNOWN_ERROR = 'an error without a message'
const MOST_PARTS = 1000

/**
 * Reads what vLLM, SGLang, TGI, Ollama, llama.cpp, Mistral, OpenAI, Azure, LiteLLM, OpenRouter, KServe and watsonx.ai answer
 * to a chat or a completion, streamed or not. Undefined where the value has nothing of any of them. Never throws; the value
 * is one that `readJson` read, so its depth is bounded.
 */
export function pieceOf(value: unknown): Piece | undefined {
  // TGI's and Google's gateways wrap a single answer or error in a list
  if (Array.isArray(value)) return value.length > 0 && isNode(value[0]) ? pieceOf(value[0]) : undefined
  if (!isNode(value)) return undefined
  const error = errorOf(value)
  if (error !== undefined) return { ...nothing, error }
  const said = choicePiece(value) ?? nativePiece(value)
  const usage = usageOf(value)
  if (said === undefined && usage === undefined) return undefined
  return { ...nothing, ...said, usage }
}

const nothing: Piece = {
  ...{ text: '', reasoning: '', isWhole: false, finish: '', usage: undefined, callsTool: false, error: undefined },
}

/** OpenAI's form: `choices` with a `delta`, a `message` or a `text`. */
function choicePiece(value: Node): Partial<Piece> | undefined {
  if (!Array.isArray(value.choices)) return undefined
  const choice = nodeOf(value.choices[0])
  // Perplexity repeats in `message` what was said so far
  const said = nodeOf(choice.delta ?? choice.message)
  const text = textOf(said.content) || textOf(choice.text) || textOf(said.refusal)
  const failed = choice.error === undefined || choice.error === null ? undefined : wordsIn(choice) || UNKNOWN_ERROR
  return {
    text,
    reasoning: reasoningOf(said) || reasoningIn(said.content) || reasoningOf(choice),
    finish: finishOf(choice.finish_reason),
    callsTool: isFilled(said.tool_calls) || isFilled(said.function_call),
    error: failed,
  }
}

/** The own forms of model servers that have another one than OpenAI's. */
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
    const finish = finishOf(value.done_reason ?? (value.done === true ? 'stop' : ''))
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
  return nativePiece(first)
}

/** Text of a content, which is a text or a list of parts; parts that are no text are left out. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return partsOf(content)
    .filter((part) => !isThought(part))
    .map((part) => (isNode(part) ? textIn(part.text ?? part.refusal) : part))
    .join('')
}

/** Reasoning that stands among the parts of a content. */
function reasoningIn(content: unknown): string {
  if (typeof content === 'string') return ''
  return partsOf(content)
    .filter(isThought)
    .map((part) => textIn(part.thinking) || textIn(part.reasoning) || textIn(part.text) || textIn(part.summary))
    .join('')
}

/** Servers name it differently, and some repeat it under two names. */
function reasoningOf(said: Node): string {
  const { reasoning_content, reasoning, thinking, reasoning_details, thinking_blocks } = said
  for (const named of [reasoning_content, reasoning, thinking, reasoning_details, thinking_blocks]) {
    const text = typeof named === 'string' ? named : textIn(named) || reasoningIn(named)
    if (text !== '') return text
  }
  return ''
}

function textIn(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value))
    return value
      .slice(0, MOST_PARTS)
      .map((each) => (isNode(each) ? textIn(each.text) : textIn(each)))
      .join('')
  return isNode(value) ? textIn(value.value ?? value.text ?? value.summary) : ''
}

function partsOf(content: unknown): (Node | string)[] {
  const parts = Array.isArray(content) ? content.slice(0, MOST_PARTS) : [content]
  return parts.filter((part): part is Node | string => isNode(part) || typeof part === 'string')
}

function isThought(part: Node | string): part is Node {
  return isNode(part) && typeof part.type === 'string' && /think|thought|reason/i.test(part.type)
}

function errorOf(value: Node): string | undefined {
  const { error, object, type, errors, detail, choices } = value
  const isSaid = Array.isArray(choices) && choices.length > 0
  const named = isFilled(error) || object === 'error' || type === 'error'
  const listed = !isSaid && (isFilledList(errors) || isFilled(detail) || isNode(value.fault))
  if (!named && !listed) return isBareMessage(value) ? wordsIn(value) : undefined
  return wordsIn(value) || UNKNOWN_ERROR
}

/** `{"message":"…","code":503}`: an error where no answer has a text as its message. */
function isBareMessage(value: Node): boolean {
  return typeof value.message === 'string' && value.message !== '' && !('choices' in value) && !('response' in value)
}

/** SGLang's own form says `{"type":"stop"}`. */
function finishOf(reason: unknown): string {
  const name = isNode(reason) ? reason.type : reason
  if (typeof name !== 'string') return ''
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, '')
    .slice(0, 40)
  return Object.hasOwn(FINISH, plain) ? (FINISH[plain] ?? '') : plain
}

function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return !(Array.isArray(value) && value.length === 0)
}
