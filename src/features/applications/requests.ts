import type { FastifyReply } from 'fastify'
import { isProblem } from '../../errors.js'
import { againView } from './again-view.js'
import { newAttempt } from './keys.js'

/** The hidden field of a form, or a new attempt where it is missing or not one of ours. */
export function attemptIn(values: Record<string, string>): string {
  const given = values.attempt ?? ''
  return /^[0-9a-f]{32}$/.test(given) ? given : newAttempt()
}

/** A form brought back by the Back button and changed is a new wish. */
export async function once<T>(attempt: string, work: (attempt: string) => Promise<T>): Promise<T> {
  try {
    return await work(attempt)
  } catch (error) {
    if (!isProblem(error, 'attempt_reused')) throw error
    return work(newAttempt())
  }
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
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'operator_unreachable')) throw error
    const view = againView({ ...form, failure: error.message })
    return reply
      .header('retry-after', '5')
      .header('cache-control', 'no-store')
      .page('applications/again', view, { status: error.status })
  }
}
