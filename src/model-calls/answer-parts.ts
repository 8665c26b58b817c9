import { isNode, type Node } from './answer-usage.js'

const FINISH: Record<string, string> = {
  ...{ eos: 'stop', eos_token: 'stop', end_turn: 'stop', stop_sequence: 'stop', word: 'stop', done: 'stop' },
  ...{ complete: 'stop', completed: 'stop', endoftext: 'stop', finish: 'stop', load: 'stop' },
  ...{ limit: 'length', max_tokens: 'length', model_length: 'length', max_new_tokens: 'length' },
  ...{ max_output_tokens: 'length', token_limit: 'length', model_context_window_exceeded: 'length' },
  ...{ tool_use: 'tool_calls', function_call: 'tool_calls', tool_call: 'tool_calls' },
  ...{ content_filtered: 'content_filter', safety: 'content_filter', prohibited_content: 'content_filter' },
  ...{ error_toxic: 'content_filter', guardrail_intervened: 'content_filter', refusal: 'content_filter' },
  ...{ null: '', not_finished: '', finish_reason_unspecified: '' },
}
const MOST_PARTS = 1000

/** Text of a content, which is a text or a list of parts; parts that are no text are left out. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return partsOf(content)
    .filter((part) => !isThought(part))
    .map((part) => (isNode(part) ? textIn(part.text ?? part.refusal) : part))
    .join('')
}

/** Reasoning that stands among the parts of a content. */
export function reasoningIn(content: unknown): string {
  if (typeof content === 'string') return ''
  return partsOf(content)
    .filter(isThought)
    .map((part) => textIn(part.thinking) || textIn(part.reasoning) || textIn(part.text) || textIn(part.summary))
    .join('')
}

/** Servers name it differently, and some repeat it under two names. */
export function reasoningOf(said: Node): string {
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

/** SGLang's own form says `{"type":"stop"}`. */
export function finishOf(reason: unknown): string {
  const name = isNode(reason) ? reason.type : reason
  if (typeof name !== 'string') return ''
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, '')
    .slice(0, 40)
  return Object.hasOwn(FINISH, plain) ? (FINISH[plain] ?? '') : plain
}

export function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return !(Array.isArray(value) && value.length === 0)
}
