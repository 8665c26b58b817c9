import { isNode, type JsonNode } from './token-usage.js'

const FINISH_REASONS: Record<string, string> = {
  ...{ eos: 'stop', eos_token: 'stop', end_turn: 'stop', stop_sequence: 'stop', word: 'stop', done: 'stop' },
  ...{ complete: 'stop', completed: 'stop', endoftext: 'stop', finish: 'stop', load: 'stop' },
  ...{ limit: 'length', max_tokens: 'length', model_length: 'length', max_new_tokens: 'length' },
  ...{ max_output_tokens: 'length', token_limit: 'length', model_context_window_exceeded: 'length' },
  ...{ tool_use: 'tool_calls', function_call: 'tool_calls', tool_call: 'tool_calls' },
  ...{ content_filtered: 'content_filter', safety: 'content_filter', prohibited_content: 'content_filter' },
  ...{ error_toxic: 'content_filter', guardrail_intervened: 'content_filter', refusal: 'content_filter' },
  ...{ null: '', not_finished: '', finish_reason_unspecified: '' },
}
const MAX_PARTS = 1000

/** Text of a content, which is a text or a list of parts; parts that are no text are left out. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  return partsOf(content)
    .filter((part) => !isReasoningPart(part))
    .map((part) => (isNode(part) ? nestedText(part.text ?? part.refusal) : part))
    .join('')
}

/** Reasoning that stands among the parts of a content. */
export function contentReasoning(content: unknown): string {
  if (typeof content === 'string') return ''
  return partsOf(content)
    .filter(isReasoningPart)
    .map(
      (part) =>
        nestedText(part.thinking) || nestedText(part.reasoning) || nestedText(part.text) || nestedText(part.summary),
    )
    .join('')
}

/** Servers name it differently, and some repeat it under two names. */
export function messageReasoning(message: JsonNode): string {
  const { reasoning_content, reasoning, thinking, reasoning_details, thinking_blocks } = message
  for (const named of [reasoning_content, reasoning, thinking, reasoning_details, thinking_blocks]) {
    const text = typeof named === 'string' ? named : nestedText(named) || contentReasoning(named)
    if (text !== '') return text
  }
  return ''
}

function nestedText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value))
    return value
      .slice(0, MAX_PARTS)
      .map((each) => (isNode(each) ? nestedText(each.text) : nestedText(each)))
      .join('')
  return isNode(value) ? nestedText(value.value ?? value.text ?? value.summary) : ''
}

function partsOf(content: unknown): (JsonNode | string)[] {
  const parts = Array.isArray(content) ? content.slice(0, MAX_PARTS) : [content]
  return parts.filter((part): part is JsonNode | string => isNode(part) || typeof part === 'string')
}

function isReasoningPart(part: JsonNode | string): part is JsonNode {
  return isNode(part) && typeof part.type === 'string' && /think|thought|reason/i.test(part.type)
}

/** SGLang's own form says `{"type":"stop"}`. */
export function normalizeFinishReason(reason: unknown): string {
  const name = isNode(reason) ? reason.type : reason
  if (typeof name !== 'string') return ''
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, '')
    .slice(0, 40)
  return Object.hasOwn(FINISH_REASONS, plain) ? (FINISH_REASONS[plain] ?? '') : plain
}

export function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return !(Array.isArray(value) && value.length === 0)
}
