import type { FastifyReply } from 'fastify'
import { isProblem, type PortalError } from '../errors.js'
import { hashJson } from '../infra/crypto/json-hash.js'
import { newAttempt } from './idempotency-key.js'
import { resubmissionMessages } from './messages.js'
import { resubmissionView } from './resubmission-view.js'

export { resubmissionMessages }

/** The attempt in the hidden field of a form, or a new one if it is missing or malformed. */
export function attemptFrom(values: Record<string, string>): string {
  const submitted = values.attempt ?? ''
  return /^[0-9a-f]{32}$/.test(submitted) ? submitted : newAttempt()
}

/**
 * Submits a form. A form that was changed after the Back button is a new request. If `values` are passed, that request
 * always has the same new attempt, however often it is submitted.
 */
export async function submitOnce<T>(
  attempt: string,
  submit: (attempt: string) => Promise<T>,
  values?: Record<string, string>,
): Promise<T> {
  try {
    return await submit(attempt)
  } catch (error) {
    if (!isProblem(error, 'idempotency_key_reused')) throw error
    return submit(values ? hashJson([attempt, values], 32, 'hex') : newAttempt())
  }
}

/** The message of a form that is shown again after an error, and the attempt that it then contains. */
export function afterFailure(error: PortalError, attempt: string): { attempt: string; failure: string | undefined } {
  if (error.code === 'result_deleted') return { attempt: newAttempt(), failure: resubmissionMessages.resultDeleted }
  return { attempt, failure: error.code === 'invalid_fields' ? undefined : error.message }
}

/** Shows the submitted values with a button that submits them again if 3scale does not respond to the write. */
export async function offerResubmission(
  reply: FastifyReply,
  form: Omit<Parameters<typeof resubmissionView>[0], 'failure'>,
  submit: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await submit()
  } catch (error) {
    if (isProblem(error, 'key_not_usable')) return redirectToRepair(reply, error)
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'operator_unreachable')) throw error
    const view = resubmissionView({ ...form, failure: error.message })
    return reply
      .header('retry-after', String(error.retryAfter ?? 5))
      .header('cache-control', 'no-store')
      .page('applications/resubmit', view, { status: error.status })
  }
}

/** The application page states that the key cannot be used yet, and offers the repair. */
export function redirectToRepair(reply: FastifyReply, { application }: PortalError) {
  return reply.redirect(`/applications/${application}`, 303)
}
