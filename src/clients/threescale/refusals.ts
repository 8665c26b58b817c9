import { type PortalError, problem } from '../../errors.js'
import type { HttpAnswer } from '../http.js'
import { sentenceOf } from './messages.js'
import { object, type Wire } from './values.js'

/**
 * 3scale's refusals as ours. It has three spellings (`error`, `errors`, `status`), text bodies and empty ones; there is no
 * 401: a bad token is 403, and so is a delete that the model refuses (porta, app/lib/three_scale/api/responder.rb). The
 * cause is a sentence for the operator; it holds nothing of the answer but its status.
 */
export function refusal(answer: HttpAnswer): PortalError {
  const { status, text } = answer
  const body = parse(text)
  const cause = Object.assign(new Error(operatorSentence(answer, body)), { answered: status })
  if (status === 401 || status === 403) {
    if ('errors' in body) return problem('conflict', { detail: firstMessage(body), cause })
    return problem(isScope(body) ? 'threescale_scope' : 'threescale_denied', { cause })
  }
  // a web page is an ingress or a proxy speaking: its "not found" says nothing about a record
  if (isPage(answer) || status < 400 || status === 429 || status >= 500)
    return problem('threescale_unavailable', { cause, ...retryAfter(answer) })
  if (status === 404 || isUnknownMetric(status, body)) return problem('not_found', { cause })
  if (isUnknownPeriod(status, body)) return problem('not_acceptable', { cause })
  if (status === 409) return problem('conflict', { cause })
  if (status === 422) return problem('invalid_fields', { fields: fieldsOf(body), cause })
  return problem('internal', { cause })
}

/** The HTTP status of 3scale's answer that became this error; undefined where none did, such as after a time-out. */
export function answeredStatus(error: unknown): number | undefined {
  const { answered } = ((error as { cause?: unknown } | undefined)?.cause ?? {}) as { answered?: unknown }
  return typeof answered === 'number' ? answered : undefined
}

/** The statistics call an unknown metric a bad request (porta, app/lib/stats/base.rb). */
function isUnknownMetric(status: number, { error }: Wire): boolean {
  return status === 400 && typeof error === 'string' && /^metric .+ not found$/s.test(error)
}

/** Statistics of a period that this release does not have (porta, app/lib/stats/base.rb). */
function isUnknownPeriod(status: number, { error }: Wire): boolean {
  return status === 400 && typeof error === 'string' && error.startsWith('Period must be one of')
}

/** An answer that is not what it should be. The parser's own words are left out: they quote the text, keys and all. */
export function unreadable(answer: HttpAnswer, wanted: 'JSON' | 'XML'): PortalError {
  const type = answer.headers['content-type']?.split(';')[0] ?? 'no type'
  const cause = new Error(
    `3scale answered ${answer.status} with ${type} that is not ${wanted}; check THREESCALE_ADMIN_URL`,
  )
  return problem('threescale_unavailable', { cause })
}

function operatorSentence(answer: HttpAnswer, body: Wire): string {
  const { status } = answer
  const said = `3scale answered ${status}`
  if (status >= 300 && status < 400)
    return `${said}, a redirect; THREESCALE_ADMIN_URL must be the address of the tenant’s admin portal itself`
  if (isPage(answer)) return `${said} with a web page; check THREESCALE_ADMIN_URL and what stands before it`
  if (isScope(body))
    return `${said}: THREESCALE_ACCESS_TOKEN lacks a scope or may only read; it needs account_management (rw) and stats`
  if (body.error === 'Access denied')
    return `${said}: THREESCALE_ACCESS_TOKEN is not valid for the tenant of THREESCALE_ADMIN_URL, or it has expired`
  if (status === 401 || (status === 403 && !('errors' in body)))
    return `${said}: the owner of THREESCALE_ACCESS_TOKEN may not do this; it should be an admin of the tenant`
  return said
}

function isScope({ error }: Wire): boolean {
  return typeof error === 'string' && error.includes('correct permissions')
}

function isPage({ headers }: HttpAnswer): boolean {
  return (headers['content-type'] ?? '').includes('text/html')
}

function retryAfter({ headers }: HttpAnswer): { retryAfter?: number } {
  const seconds = Number(headers['retry-after'])
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 3600 ? { retryAfter: seconds } : {}
}

/** Also where a state machine refuses in its own way: `{"error": {"error": "State cannot …", "object": …}}`. */
function fieldsOf(body: Wire): Record<string, string> {
  const errors = Object.entries(object(body.errors)).map(
    ([name, messages]) => [name, sentenceOf(list(messages))] as const,
  )
  // a wrong user is an error of the account's too, which says nothing more (porta, signups_controller.rb)
  const entries = errors.filter(([name]) => name !== 'users' || errors.length === 1)
  if (entries.length > 0) return Object.fromEntries(entries)
  const inner = object(body.error)
  if (typeof inner.error === 'string') return { state: sentenceOf([inner.error]) }
  if (typeof inner.errors === 'string') return { base: sentenceOf([inner.errors]) }
  return typeof body.error === 'string' ? { base: sentenceOf([body.error]) } : {}
}

function firstMessage(body: Wire): string {
  return sentenceOf(Object.values(object(body.errors)).flatMap(list).slice(0, 1)) || 'This cannot be deleted.'
}

function list(messages: unknown): string[] {
  return Array.isArray(messages) ? messages.map(String) : [String(messages)]
}

function parse(text: string): Wire {
  try {
    return object(JSON.parse(text))
  } catch {
    return {}
  }
}
