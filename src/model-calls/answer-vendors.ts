import { finishOf, reasoningIn, textOf } from './answer-parts.js'
import type { Piece } from './answer-pieces.js'
import { isFilledList, isNode, type Node, nodeOf } from './answer-usage.js'

/**
 * One event or answer of an API whose members differ from those of OpenAI's chat: OpenAI's Responses, Anthropic's Messages,
 * Cohere's chat, Gemini, and Converse of Amazon Bedrock. Undefined where it belongs to none of them.
 */
export function vendorPiece(value: Node): Partial<Piece> | undefined {
  const { type } = value
  if (typeof type === 'string' && type.startsWith('response.')) return responseEvent(type, value)
  if (value.object === 'response' && Array.isArray(value.output)) return wholeResponse(value)
  return messagesEvent(value) ?? cohereEvent(value) ?? candidate(value) ?? converse(value)
}

/** OpenAI, `/v1/responses` as a stream; the last event repeats the whole answer. */
function responseEvent(type: string, { delta, response }: Node): Partial<Piece> {
  if (type === 'response.output_text.delta' || type === 'response.refusal.delta') return { text: textOf(delta) }
  if (/^response\.reasoning(?:_summary)?(?:_text)?\.delta$/.test(type)) return { reasoning: textOf(delta) }
  const { finish = '', callsTool = false, error } = wholeResponse(nodeOf(response))
  return { finish, callsTool, error }
}

function wholeResponse({ output, status, error, incomplete_details }: Node): Partial<Piece> {
  const items = Array.isArray(output) ? output.map(nodeOf) : []
  const contents = (type: string) => items.filter((item) => item.type === type).map(({ content }) => content)
  const thoughts = items.filter((item) => item.type === 'reasoning')
  return {
    text: contents('message').map(textOf).join(''),
    reasoning: thoughts
      .map(({ summary, content }) => textOf(summary) || textOf(content) || reasoningIn(content))
      .join(''),
    finish: finishOf(nodeOf(incomplete_details).reason ?? (status === 'completed' ? 'stop' : '')),
    callsTool: items.some((item) => /_call$/.test(String(item.type))),
    error: isNode(error) || status === 'failed' ? textOf(nodeOf(error).message) : undefined,
  }
}

/** Anthropic, `/v1/messages` as a stream; an answer in one piece is read like any other list of parts. */
function messagesEvent({ type, delta, content_block, message }: Node): Partial<Piece> | undefined {
  if (type === 'message_start' && isNode(message)) return {}
  if (type === 'message_delta') return { finish: finishOf(nodeOf(delta).stop_reason) }
  if (type === 'content_block_stop' || type === 'message_stop') return {}
  if (type !== 'content_block_delta' && type !== 'content_block_start') return undefined
  const block = nodeOf(type === 'content_block_delta' ? delta : content_block)
  return { text: textOf(block.text), reasoning: textOf(block.thinking), callsTool: block.type === 'tool_use' }
}

/** Cohere, `/v2/chat` by `type`, and `/v1/chat` by `event_type` or in one piece. */
function cohereEvent(value: Node): Partial<Piece> | undefined {
  const { type, event_type, delta, text, generation_id, finish_reason } = value
  const isOld = typeof generation_id === 'string' || event_type === 'text-generation'
  if (isOld && typeof text === 'string') return { text, finish: finishOf(finish_reason) }
  if (event_type === 'stream-end') return { finish: finishOf(finish_reason) }
  if (typeof event_type === 'string') return {}
  const { message, finish_reason: reason } = nodeOf(delta)
  if (type === 'message-end') return { finish: finishOf(reason) }
  if (type === 'tool-call-start') return { callsTool: true }
  if (type !== 'content-delta' && type !== 'content-start') return undefined
  const content = nodeOf(nodeOf(message).content)
  return { text: textOf(content.text), reasoning: textOf(content.thinking) }
}

/** Gemini, `:generateContent` and `:streamGenerateContent`. */
function candidate({ candidates, promptFeedback }: Node): Partial<Piece> | undefined {
  if (isNode(promptFeedback) && typeof promptFeedback.blockReason === 'string') return { finish: 'content_filter' }
  if (!isFilledList(candidates)) return undefined
  const { content, finishReason } = nodeOf(candidates[0])
  const { parts } = nodeOf(content)
  const all = Array.isArray(parts) ? parts.filter(isNode) : []
  return {
    text: textOf(all.filter(({ thought }) => thought !== true)),
    reasoning: all
      .filter(({ thought }) => thought === true)
      .map(textOf)
      .join(''),
    finish: finishOf(finishReason),
    callsTool: all.some(({ functionCall }) => isNode(functionCall)),
  }
}

/** Amazon Bedrock, `/converse` in one piece; its stream is binary. */
function converse({ output, stopReason }: Node): Partial<Piece> | undefined {
  const { content } = nodeOf(nodeOf(output).message)
  if (!Array.isArray(content)) return undefined
  const reasoning = content.map((part) => textOf(nodeOf(nodeOf(nodeOf(part).reasoningContent).reasoningText).text))
  return { text: textOf(content), reasoning: reasoning.join(''), finish: finishOf(stopReason) }
}
