import { problem } from '../../../errors.js'
import { withDeadline } from '../../../infra/deadline.js'

/** Rejects with threescale_unavailable at the deadline (ms of Date.now). The work is not cancelled. */
export async function byDeadline<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  const fail = () => {
    throw problem('threescale_unavailable')
  }
  return Date.now() >= deadline ? fail() : withDeadline(work(), deadline - Date.now(), fail)
}
