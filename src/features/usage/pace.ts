import type { Bucket } from './range.js'

export interface Pace {
  perMs: number
  /** at the end of the period, when it goes on like this */
  expected: number
}

/** A tenth of the period, at most six hours, has to be over before its pace tells something. */
const SHARE = 0.1
const LONGEST_MS = 6 * 3_600_000

/** The average since the period began; undefined while it is too young to tell. */
export function paceOf(used: number, { start, end }: Bucket, now: number): Pace | undefined {
  const elapsed = now - start
  if (elapsed < Math.min((end - start) * SHARE, LONGEST_MS)) return undefined
  const perMs = used / elapsed
  return { perMs, expected: Math.round(used + perMs * (end - now)) }
}
