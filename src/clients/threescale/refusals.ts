import { type PortalError, problem } from '../../errors.js'
import type { HttpAnswer } from '../http.js'
import { object, type Wire } from './wire.js'

/**
 * 3scale's refusals as ours. It has three spellings (`error`, `errors`, `status`), text bodies and empty ones; there is no
 * 401: a bad token is 403, and so is a delete that the model refuses (porta, app/lib/three_scale/api/responder.rb).
 */
export function refusal({ status, text }: HttpAnswer): PortalError {
  const body = parse(text)
  const cause = new Error(`3scale answered ${status}`)
  if (status === 404) return problem('not_found', { cause })
  if (status === 409) return problem('conflict', { cause })
  if (status === 403 && 'errors' in body) return problem('conflict', { detail: firstMessage(body), cause })
  if (status === 403) return problem('threescale_denied', { detail: deniedSentence(body), cause })
  if (status === 422) return problem('invalid_fields', { fields: fieldsOf(body), cause })
  if (status === 429 || status >= 500) return problem('threescale_unavailable', { cause })
  return problem('internal', { cause })
}

function deniedSentence(body: Wire): string {
  const error = String(body.error ?? '')
  if (error.includes('correct permissions')) {
    return 'The access token of the portal lacks a scope or may only read. It needs account_management (rw) and stats.'
  }
  if (error.includes('Access denied')) {
    return 'The access token of the portal is not valid for this 3scale tenant, or it has expired. Check THREESCALE_ACCESS_TOKEN.'
  }
  return 'The owner of the portal’s access token may not do this in 3scale. It should be an admin of the tenant.'
}

function fieldsOf(body: Wire): Record<string, string> {
  const errors = object(body.errors)
  const entries = Object.entries(errors).map(([name, messages]) => [name, list(messages).join(', ')])
  if (entries.length > 0) return Object.fromEntries(entries)
  return typeof body.error === 'string' ? { base: body.error } : {}
}

function firstMessage(body: Wire): string {
  return Object.values(object(body.errors)).flatMap(list)[0] ?? 'This cannot be deleted.'
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
