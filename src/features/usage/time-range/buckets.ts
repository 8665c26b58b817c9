import { DateTime } from 'luxon'
import type { TimeBucket, UsageGranularity } from './range.js'
import { startOfDay, zoneNamed } from './zone-offsets.js'

export const HOUR = 3_600_000

/**
 * Splits an interval into hours, days, or months of the zone; the first and the last may be partial. Boundaries are full
 * hours in UTC, as in 3scale: in a zone with a half-hour offset, the hour around midnight belongs to the new day.
 */
export function splitIntoBuckets(whole: TimeBucket, granularity: UsageGranularity, zone: string): TimeBucket[] {
  const buckets: TimeBucket[] = []
  for (let start = whole.start; start < whole.end; ) {
    const end = Math.min(unitAt(start, granularity, zone).end, whole.end)
    buckets.push({ start, end })
    start = end
  }
  return buckets
}

/**
 * Shifts buckets back by the length of their period. A full day corresponds to a full day, even if one of them has 23
 * hours. A partial day corresponds to the same hours of the earlier day if `isHourly`, because 3scale has hourly data then.
 */
export function shiftToPreviousPeriod(
  buckets: TimeBucket[],
  granularity: UsageGranularity,
  zone: string,
  isHourly: boolean,
): TimeBucket[] {
  const [first, last] = [buckets[0], buckets.at(-1)]
  if (!first || !last) return []
  if (granularity === 'hour') {
    const length = last.end - first.start
    return buckets.map(({ start, end }) => ({ start: start - length, end: end - length }))
  }
  const back = granularity === 'day' ? { days: buckets.length } : { months: buckets.length }
  const unitOfFirst = unitAt(first.start, granularity, zone)
  const middle = DateTime.fromMillis(unitOfFirst.start + (unitOfFirst.end - unitOfFirst.start) / 2, {
    zone: zoneNamed(zone),
  })
  let earlier: TimeBucket | undefined
  return buckets.map((bucket) => {
    earlier = unitAt(earlier?.end ?? middle.minus(back).toMillis(), granularity, zone)
    const isEnd = bucket === first || bucket === last
    const unit = isEnd ? unitAt(bucket.start, granularity, zone) : bucket
    const isFull = bucket.start === unit.start && bucket.end === unit.end
    if (isFull || !isHourly) return earlier
    const start = Math.min(earlier.start + (bucket.start - unit.start), earlier.end)
    const end = bucket.end === unit.end ? earlier.end : Math.min(earlier.start + (bucket.end - unit.start), earlier.end)
    return { start, end: Math.max(start, end) }
  })
}

/** The hour, day, or month of the zone that contains this time. */
function unitAt(at: number, granularity: UsageGranularity, zone: string): TimeBucket {
  if (granularity === 'hour') {
    const start = startOfHour(at)
    return { start, end: start + HOUR }
  }
  const local = new Date(at + zoneNamed(zone).offset(at) * 60_000)
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()]
  const isDay = granularity === 'day'
  const start = startOfHour(startOfDay(zone, isDay ? Date.UTC(year, month, day) : Date.UTC(year, month)))
  const next = startOfHour(startOfDay(zone, isDay ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1)))
  // The hour of a boundary belongs to the unit that starts in it.
  return at < next ? { start, end: next } : unitAt(at + HOUR, granularity, zone)
}

function startOfHour(at: number): number {
  return Math.floor(at / HOUR) * HOUR
}
