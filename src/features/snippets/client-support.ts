import { needsRawQuery } from './credential-transport.js'
import { misreadReason } from './interpreters.js'
import { unsupported } from './messages.js'
import type { SnippetClient, SnippetContext } from './snippet-context.js'

/** The reason why a client does not support this call; undefined if it does. */
export function unsupportedReason(client: SnippetClient, context: SnippetContext): string | undefined {
  const { label, limits, interpreters } = client
  const { model, call, transport } = context
  if (limits.types && !limits.types.includes(model.type)) return unsupported.type(label, model.type)
  if (limits.anyPath === false && !call.usual) return unsupported.path(label)
  if (limits.cannotSend?.includes(transport.kind)) return unsupported.credential(label, transport.kind)
  if (limits.encodesQuery && needsRawQuery(transport)) return unsupported.queryEncoding(label)
  if (limits.queriesModelId === false && context.queriesModelId) return unsupported.modelId(label)
  const misread = misreadReason(interpreters, context)
  if (misread) return unsupported.text(label, misread.label, misread.reason)
  const { maxLength } = limits
  return maxLength !== undefined && client.render(context).length > maxLength
    ? unsupported.length(label, maxLength)
    : undefined
}
