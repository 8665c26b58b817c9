import type { TimeBucket } from '../time-range/range.js'

export interface UsageProjection {
  perMs: number
  /** usage at the end of the period at the current rate */
  expected: number
}

/** A forecast requires a tenth of the period, at most six hours. */
const MIN_SHARE = 0.1
const MAX_WAIT_MS = 6 * 3_600_000

/** The average rate since the start of the period; undefined while there is too little data. */
export function projectUsage(used: number, { start, end }: TimeBucket, now: number): UsageProjection | undefined {
  const elapsed = now - start
  if (elapsed < Math.min((end - start) * MIN_SHARE, MAX_WAIT_MS)) return undefined
  const perMs = used / elapsed
  return { perMs, expected: Math.round(used + perMs * (end - now)) }
}
