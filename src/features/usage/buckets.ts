import { DateTime } from 'luxon'
import type { Bucket, Granularity } from './range.js'

export const HOUR = 3_600_000

/**
 * The hours, days or months of the zone in that piece of time; the first and the last are cut by its ends. Borders are
 * whole hours of UTC, as 3scale counts: in a zone half an hour beside them, the hour of the border is the new day's.
 */
export function bucketsOf(whole: Bucket, granularity: Granularity, zone: string): Bucket[] {
  const buckets: Bucket[] = []
  for (let start = whole.start; start < whole.end; ) {
    const end = Math.min(unitAround(start, granularity, zone).end, whole.end)
    buckets.push({ start, end })
    start = end
  }
  return buckets
}

/**
 * The buckets as many days or months back, or as many hours. A whole day answers to a whole day, also where one of them
 * has 23 hours. A cut one answers to the same hours of its day where `cut` says that 3scale can tell them.
 */
export function shifted(buckets: Bucket[], granularity: Granularity, zone: string, cut: boolean): Bucket[] {
  const [first, last] = [buckets[0], buckets.at(-1)]
  if (!first || !last) return []
  if (granularity === 'hour') {
    const length = last.end - first.start
    return buckets.map(({ start, end }) => ({ start: start - length, end: end - length }))
  }
  const back = granularity === 'day' ? { days: buckets.length } : { months: buckets.length }
  const unitOfFirst = unitAround(first.start, granularity, zone)
  const middle = DateTime.fromMillis(unitOfFirst.start + (unitOfFirst.end - unitOfFirst.start) / 2, { zone })
  let earlier: Bucket | undefined
  return buckets.map((bucket) => {
    // buckets follow each other without a gap, and so do those before them
    earlier = unitAround(earlier?.end ?? middle.minus(back).toMillis(), granularity, zone)
    const isEnd = bucket === first || bucket === last
    const unit = isEnd ? unitAround(bucket.start, granularity, zone) : bucket
    const whole = bucket.start === unit.start && bucket.end === unit.end
    if (whole || !cut) return earlier
    const start = Math.min(earlier.start + (bucket.start - unit.start), earlier.end)
    const end = bucket.end === unit.end ? earlier.end : Math.min(earlier.start + (bucket.end - unit.start), earlier.end)
    return { start, end: Math.max(start, end) }
  })
}

/** The hour, day or month of the zone that holds that moment. */
function unitAround(at: number, granularity: Granularity, zone: string): Bucket {
  if (granularity === 'hour') {
    const start = Math.floor(at / HOUR) * HOUR
    return { start, end: start + HOUR }
  }
  // the border's own hour belongs to what begins in it
  const moment = DateTime.fromMillis(at, { zone })
  const first = moment.startOf(granularity)
  const here = border(first)
  const next = border(first.plus(granularity === 'day' ? { days: 1 } : { months: 1 }).startOf('day'))
  if (at < next) return { start: here, end: next }
  return unitAround(next + HOUR, granularity, zone)
}

function border(start: DateTime): number {
  return Math.floor(start.toMillis() / HOUR) * HOUR
}
