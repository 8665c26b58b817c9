import { currentWork, timeLeft } from '../deadline.js'
import type { HttpRequest } from '../http.js'
import type { Kind, Queue } from './queue/queue.js'

export interface Times {
  kind: Kind
  timeoutMs: number
  /** for its turn */
  waitMs: number
  /** the time for its turn is part of its time */
  altogether?: boolean
  /** nobody waits for it alone, so it is asked again beside the first when that stays silent */
  behind?: boolean
  longer?: Pick<HttpRequest, 'longerMs' | 'goesOn'>
}

/** Reads that a person waits for: with the one repeat, an answer within 3 s. */
export const SINGLE_MS = 2500
/** From when it is sent: a sign-up takes 3scale 0.3 s more for each product with a default plan. */
const WRITE_MS = 30_000
/** Who nobody waits for does not wait longer than this for its turn. */
const TURN_MS = 10_000
/** With less time than this left a read is not sent. */
const LEAST_MS = 250

/**
 * How long a call waits for its turn and for its answer. A write has its time from when it is sent. Of a read it is all one
 * time, except where the request is one that writes: such a read waits for as long as 3scale responds at all.
 */
export function timesOf(method: string, timeoutMs: number, queue: Pick<Queue, 'isResponding'>): Times {
  const work = currentWork()
  const always = Number.POSITIVE_INFINITY
  if (method !== 'GET') return { kind: 'write', timeoutMs: WRITE_MS, waitMs: always }
  const behind = timeoutMs > SINGLE_MS
  const isShared = !work?.owner || work.shared
  if (work?.patient && !(behind && isShared)) {
    const longer = { longerMs: WRITE_MS, goesOn: queue.isResponding }
    return { kind: 'read', timeoutMs: SINGLE_MS, waitMs: always, longer }
  }
  const left = behind ? timeoutMs : Math.min(timeoutMs, timeLeft())
  if (!behind && timeLeft() === always) return { kind: 'urgent', timeoutMs, waitMs: TURN_MS }
  const kind = behind && isShared ? 'background' : 'urgent'
  return { kind, timeoutMs: left, waitMs: Math.max(0, left - LEAST_MS), behind, altogether: true }
}
