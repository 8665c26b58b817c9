import { type PortalError, problem } from '../../../errors.js'
import type { HttpResponse } from '../../../infra/http/http.js'
import { object, type WireObject } from '../mapping/wire-values.js'
import { operatorMessages } from './operator-messages.js'
import { CANNOT_BE_DELETED, validationMessage } from './validation-messages.js'

/**
 * Converts an error response of 3scale. 3scale has three spellings (`error`, `errors`, `status`), plain text and empty bodies. It has
 * no 401: a bad token is 403, and so is a delete that the model rejects (porta, app/lib/three_scale/api/responder.rb). The cause is a
 * message for the operator.
 */
export function toThreescaleError(response: HttpResponse): PortalError {
  const { status, text } = response
  const body = parse(text)
  const cause = Object.assign(new Error(operatorMessage(response, body)), { responseStatus: status })
  if (status === 401 || status === 403) {
    if ('errors' in body) return problem('conflict', { detail: firstMessage(body), cause })
    return problem(isMissingScope(body) ? 'threescale_scope' : 'threescale_denied', { cause })
  }
  // a web page is from an ingress or a proxy, whose "not found" means nothing for a record
  if (isWebPage(response) || status < 400 || status === 429 || status >= 500)
    return problem('threescale_unavailable', { cause, ...retryAfter(response) })
  if (status === 404 || isUnknownMetric(status, body)) return problem('not_found', { cause })
  if (isUnknownPeriod(status, body)) return problem('not_acceptable', { cause })
  if (status === 409) return problem('conflict', { cause })
  if (status === 422) return problem('invalid_fields', { fields: fieldsOf(body), cause })
  return problem('internal', { cause })
}

/** The HTTP status of the 3scale response behind this error; undefined if there was no response, as after a time-out. */
export function responseStatus(error: unknown): number | undefined {
  const { responseStatus: status } = ((error as { cause?: unknown } | undefined)?.cause ?? {}) as {
    responseStatus?: unknown
  }
  return typeof status === 'number' ? status : undefined
}

/** The parser's own message is left out: it quotes the response, including keys. */
export function unreadableResponse(response: HttpResponse, expected: 'JSON' | 'XML'): PortalError {
  const type = response.headers['content-type']?.split(';')[0] ?? 'no content type'
  const cause = new Error(operatorMessages.unreadable(response.status, type, expected))
  return problem('threescale_unavailable', { cause })
}

/** Statistics return 400 for an unknown metric (porta, app/lib/stats/base.rb). */
function isUnknownMetric(status: number, { error }: WireObject): boolean {
  return status === 400 && typeof error === 'string' && /^metric .+ not found$/s.test(error)
}

/** Statistics return 400 for a period that this release does not have (porta, app/lib/stats/base.rb). */
function isUnknownPeriod(status: number, { error }: WireObject): boolean {
  return status === 400 && typeof error === 'string' && error.startsWith('Period must be one of')
}

function operatorMessage(response: HttpResponse, body: WireObject): string {
  const { status } = response
  if (status >= 300 && status < 400) return operatorMessages.redirect(status)
  if (isWebPage(response)) return operatorMessages.webPage(status)
  if (isMissingScope(body)) return operatorMessages.missingScope(status)
  if (body.error === 'Access denied') return operatorMessages.invalidToken(status)
  if (status === 401 || (status === 403 && !('errors' in body))) return operatorMessages.missingPermission(status)
  return operatorMessages.status(status)
}

function isMissingScope({ error }: WireObject): boolean {
  return typeof error === 'string' && error.includes('correct permissions')
}

function isWebPage({ headers }: HttpResponse): boolean {
  return (headers['content-type'] ?? '').includes('text/html')
}

function retryAfter({ headers }: HttpResponse): { retryAfter?: number } {
  const seconds = Number(headers['retry-after'])
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 3600 ? { retryAfter: seconds } : {}
}

/** A state machine has its own format: `{"error": {"error": "State cannot …", "object": …}}`. */
function fieldsOf(body: WireObject): Record<string, string> {
  const errors = Object.entries(object(body.errors)).map(
    ([name, messages]) => [name, validationMessage(toList(messages))] as const,
  )
  // an invalid user is also reported as an error of the account, without more information (porta, signups_controller.rb)
  const entries = errors.filter(([name]) => name !== 'users' || errors.length === 1)
  if (entries.length > 0) return Object.fromEntries(entries)
  const inner = object(body.error)
  if (typeof inner.error === 'string') return { state: validationMessage([inner.error]) }
  if (typeof inner.errors === 'string') return { base: validationMessage([inner.errors]) }
  return typeof body.error === 'string' ? { base: validationMessage([body.error]) } : {}
}

function firstMessage(body: WireObject): string {
  const [first] = Object.values(object(body.errors)).flatMap(toList)
  return first ? validationMessage([first]) : CANNOT_BE_DELETED
}

function toList(messages: unknown): string[] {
  return Array.isArray(messages) ? messages.map(String) : [String(messages)]
}

function parse(text: string): WireObject {
  try {
    return object(JSON.parse(text))
  } catch {
    return {}
  }
}
