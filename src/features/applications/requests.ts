import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { isProblem, type PortalError } from '../../errors.js'
import { againView } from './again-view.js'
import { newAttempt } from './keys.js'

/** The hidden field of a form, or a new attempt where it is missing or not one of ours. */
export function attemptIn(values: Record<string, string>): string {
  const given = values.attempt ?? ''
  return /^[0-9a-f]{32}$/.test(given) ? given : newAttempt()
}

/**
 * A form brought back by the Back button and changed is a new request. With its `values` it has the same new attempt however often
 * it is sent.
 */
export async function once<T>(
  attempt: string,
  work: (attempt: string) => Promise<T>,
  values?: Record<string, string>,
): Promise<T> {
  try {
    return await work(attempt)
  } catch (error) {
    if (!isProblem(error, 'attempt_reused')) throw error
    return work(values ? derived(attempt, values) : newAttempt())
  }
}

function derived(attempt: string, values: Record<string, string>): string {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([attempt, entries]))
    .digest('hex')
    .slice(0, 32)
}

/** Where 3scale does not answer a write, what was typed comes back with a button that sends it again. */
export async function orAgain(
  reply: FastifyReply,
  form: Omit<Parameters<typeof againView>[0], 'failure'>,
  work: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    if (isProblem(error, 'key_not_usable')) return toRepair(reply, error)
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'operator_unreachable')) throw error
    const view = againView({ ...form, failure: error.message })
    return reply
      .header('retry-after', String(error.retryAfter ?? 5))
      .header('cache-control', 'no-store')
      .page('applications/again', view, { status: error.status })
  }
}

/** The page of the application says that its key cannot be used yet, and offers to repair it. */
export function toRepair(reply: FastifyReply, { application }: PortalError) {
  return reply.redirect(`/applications/${application}`, 303)
}
