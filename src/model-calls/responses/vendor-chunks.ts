import { contentReasoning, contentText, normalizeFinishReason } from './content-parts.js'
import type { ResponseChunk } from './response-chunks.js'
import { asNode, isFilledList, isNode, type JsonNode } from './token-usage.js'

/**
 * One event or answer of an API whose members differ from those of OpenAI's chat: OpenAI's Responses, Anthropic's Messages,
 * Cohere's chat, Gemini, and Converse of Amazon Bedrock. Undefined where it belongs to none of them.
 */
export function parseVendorChunk(value: JsonNode): Partial<ResponseChunk> | undefined {
  const { type } = value
  if (typeof type === 'string' && type.startsWith('response.')) return responseEvent(type, value)
  if (value.object === 'response' && Array.isArray(value.output)) return wholeResponse(value)
  return messagesEvent(value) ?? cohereEvent(value) ?? candidate(value) ?? converse(value)
}

/** OpenAI, `/v1/responses` as a stream; the last event repeats the whole answer. */
function responseEvent(type: string, { delta, response }: JsonNode): Partial<ResponseChunk> {
  if (type === 'response.output_text.delta' || type === 'response.refusal.delta') return { text: contentText(delta) }
  if (/^response\.reasoning(?:_summary)?(?:_text)?\.delta$/.test(type)) return { reasoning: contentText(delta) }
  const { finish = '', callsTool = false, error } = wholeResponse(asNode(response))
  return { finish, callsTool, error }
}

function wholeResponse({ output, status, error, incomplete_details }: JsonNode): Partial<ResponseChunk> {
  const items = Array.isArray(output) ? output.map(asNode) : []
  const contents = (type: string) => items.filter((item) => item.type === type).map(({ content }) => content)
  const thoughts = items.filter((item) => item.type === 'reasoning')
  return {
    text: contents('message').map(contentText).join(''),
    reasoning: thoughts
      .map(({ summary, content }) => contentText(summary) || contentText(content) || contentReasoning(content))
      .join(''),
    finish: normalizeFinishReason(asNode(incomplete_details).reason ?? (status === 'completed' ? 'stop' : '')),
    callsTool: items.some((item) => /_call$/.test(String(item.type))),
    error: isNode(error) || status === 'failed' ? contentText(asNode(error).message) : undefined,
  }
}

/** Anthropic, `/v1/messages` as a stream; an answer in one piece is read like any other list of parts. */
function messagesEvent({ type, delta, content_block, message }: JsonNode): Partial<ResponseChunk> | undefined {
  if (type === 'message_start' && isNode(message)) return {}
  if (type === 'message_delta') return { finish: normalizeFinishReason(asNode(delta).stop_reason) }
  if (type === 'content_block_stop' || type === 'message_stop') return {}
  if (type !== 'content_block_delta' && type !== 'content_block_start') return undefined
  const block = asNode(type === 'content_block_delta' ? delta : content_block)
  return { text: contentText(block.text), reasoning: contentText(block.thinking), callsTool: block.type === 'tool_use' }
}

/** Cohere, `/v2/chat` by `type`, and `/v1/chat` by `event_type` or in one piece. */
function cohereEvent(value: JsonNode): Partial<ResponseChunk> | undefined {
  const { type, event_type, delta, text, generation_id, finish_reason } = value
  const isFormerVersion = typeof generation_id === 'string' || event_type === 'text-generation'
  if (isFormerVersion && typeof text === 'string') return { text, finish: normalizeFinishReason(finish_reason) }
  if (event_type === 'stream-end') return { finish: normalizeFinishReason(finish_reason) }
  if (typeof event_type === 'string') return {}
  const { message, finish_reason: reason } = asNode(delta)
  if (type === 'message-end') return { finish: normalizeFinishReason(reason) }
  if (type === 'tool-call-start') return { callsTool: true }
  if (type !== 'content-delta' && type !== 'content-start') return undefined
  const content = asNode(asNode(message).content)
  return { text: contentText(content.text), reasoning: contentText(content.thinking) }
}

/** Gemini, `:generateContent` and `:streamGenerateContent`. */
function candidate({ candidates, promptFeedback }: JsonNode): Partial<ResponseChunk> | undefined {
  if (isNode(promptFeedback) && typeof promptFeedback.blockReason === 'string') return { finish: 'content_filter' }
  if (!isFilledList(candidates)) return undefined
  const { content, finishReason } = asNode(candidates[0])
  const { parts } = asNode(content)
  const all = Array.isArray(parts) ? parts.filter(isNode) : []
  return {
    text: contentText(all.filter(({ thought }) => thought !== true)),
    reasoning: all
      .filter(({ thought }) => thought === true)
      .map(contentText)
      .join(''),
    finish: normalizeFinishReason(finishReason),
    callsTool: all.some(({ functionCall }) => isNode(functionCall)),
  }
}

/** Amazon Bedrock, `/converse` in one piece; its stream is binary. */
function converse({ output, stopReason }: JsonNode): Partial<ResponseChunk> | undefined {
  const { content } = asNode(asNode(output).message)
  if (!Array.isArray(content)) return undefined
  const reasoning = content.map((part) => contentText(asNode(asNode(asNode(part).reasoningContent).reasoningText).text))
  return { text: contentText(content), reasoning: reasoning.join(''), finish: normalizeFinishReason(stopReason) }
}
