import { problem } from '../../errors.js'
import { readJson } from '../../infra/bounded-json.js'
import { gatewayMessages } from './messages.js'

/** The JSON that a model returned. Throws gateway_unavailable with a message for the caller. */
export function parseModelJson(text: string): unknown {
  const json = readJson(text)
  if ('value' in json) return json.value
  const detail = json.rejected === 'too_large' ? gatewayMessages.jsonTooComplex : gatewayMessages.notJson
  throw problem('gateway_unavailable', { detail })
}
