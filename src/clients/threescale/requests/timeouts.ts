import { currentContext, remainingMs } from '../../../infra/call-context.js'
import type { HttpRequest } from '../../../infra/http/http.js'
import type { CallKind, RequestQueue } from '../queue/request-queue.js'

export interface RequestTimeouts {
  kind: CallKind
  timeoutMs: number
  /** in the queue */
  waitMs: number
  /** `timeoutMs` includes the time in the queue */
  includesWait?: boolean
  /** sent a second time while the first request has no response */
  hedged?: boolean
  extension?: Pick<HttpRequest, 'extendedTimeoutMs' | 'mayExtend'>
}

/** For reads that a user waits for: including the retry, a response within 3 s. */
export const SINGLE_MS = 2500
/** From the time it is sent: a sign-up takes 3scale 0.3 s for each product with a default plan. */
const WRITE_MS = 30_000
/** In the queue, for reads without a caller. */
const QUEUE_MS = 10_000
/** A read with less time than this is not sent. */
const MIN_MS = 250

/**
 * How long a call may wait in the queue and for its response. The time-out of a write starts when it is sent. That of a read includes
 * the queue, except in a request that may write: such a read waits in the queue without a limit, and for as long as 3scale responds.
 */
export function timeoutsFor(
  method: string,
  timeoutMs: number,
  queue: Pick<RequestQueue, 'isResponding'>,
): RequestTimeouts {
  const context = currentContext()
  const noLimit = Number.POSITIVE_INFINITY
  if (method !== 'GET') return { kind: 'write', timeoutMs: WRITE_MS, waitMs: noLimit }
  const hedged = timeoutMs > SINGLE_MS
  const isShared = !context?.owner || context.shared
  if (context?.unbounded && !(hedged && isShared)) {
    const extension = { extendedTimeoutMs: WRITE_MS, mayExtend: queue.isResponding }
    return { kind: 'read', timeoutMs: SINGLE_MS, waitMs: noLimit, extension }
  }
  if (!hedged && remainingMs() === noLimit) return { kind: 'urgent', timeoutMs, waitMs: QUEUE_MS }
  const kind = hedged && isShared ? 'background' : 'urgent'
  const limitedMs = hedged ? timeoutMs : Math.min(timeoutMs, remainingMs())
  return { kind, timeoutMs: limitedMs, waitMs: Math.max(0, limitedMs - MIN_MS), hedged, includesWait: true }
}
