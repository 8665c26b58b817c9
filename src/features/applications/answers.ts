import { retryAfterIn } from '../../clients/retry-after.js'
import type { Model } from '../models/schemas.js'
import { gatewayWords } from '../models/words.js'
import { type GatewayAnswer, jsonOf } from './model-calls.js'

/** What an answer means, and what helps: a gateway may have no or another configuration of a model promoted just now. */
export function wordsFor(answer: Omit<GatewayAnswer, 'ms'>, model: Model): string {
  const early = [401, 403, 404].includes(answer.status) ? gatewayWords(model) : ''
  return early === '' ? meaningOf(answer) : `${meaningOf(answer)} ${early}`
}

/** The bodies told apart are APIcast's own (gateway/src/apicast/errors.lua). */
function meaningOf({ status, headers, text }: Omit<GatewayAnswer, 'ms'>): string {
  if (status >= 200 && status < 300) return 'The model answered.'
  if (status === 401 || status === 403) {
    if (/missing/i.test(text))
      return 'The gateway saw no credential. The product settings changed a moment ago; try again in a minute.'
    return 'The gateway refused the credential. A key made just now can take some seconds to be known; if it stays, the application may be suspended or the plan may leave this model out.'
  }
  if (status === 404 && /no mapping rule/i.test(text))
    return 'The gateway does not let this path through. Its operator must add a mapping rule.'
  if (status === 404)
    return 'The model server does not know this path or this model id. Its operator should check the model id.'
  if (status === 429) {
    const wait = retryAfterIn(headers)
    return wait === undefined
      ? 'The limit of the plan is used up.'
      : `The limit of the plan is used up. Try again in ${wait} seconds.`
  }
  if (status >= 500)
    return 'The model server behind the gateway does not work at the moment. Try again in a minute; if it stays, tell its operator.'
  return 'The model server did not accept the call.'
}

/** What the model said, where the answer has it; else the beginning of the body. */
export function saidBy(answer: Pick<GatewayAnswer, 'headers' | 'text'>): string {
  const type = answer.headers['content-type'] ?? ''
  if (!/json|text/.test(type)) return `${type || 'Binary'} answer`
  const parsed = jsonOf(answer.text) as { choices?: { message?: { content?: unknown }; text?: unknown }[] } | undefined
  const choice = parsed?.choices?.[0]
  const said = choice?.message?.content ?? choice?.text
  return (typeof said === 'string' ? said : answer.text).slice(0, 600)
}
