import { DateTime } from 'luxon'
import { problem } from '../../errors.js'
import { bucketsOf, HOUR, shifted } from './buckets.js'
import { type Asked, askedOf, type Granularity, type Preset, type RangeQuery } from './range-query.js'

export { type Granularity, type Preset, presets, type RangeQuery } from './range-query.js'

/** A piece of time, its end not in it; milliseconds. */
export interface Bucket {
  start: number
  end: number
}

export interface Range {
  preset: Preset | undefined
  since: number
  until: number
  /** the zone that was asked for */
  askedZone: string
  /** the zone of the buckets: UTC where 3scale gives no hours for so long a range */
  zone: string
  granularity: Granularity
  /** what 3scale is asked for: its hours, days or months, all of UTC */
  source: Granularity
  buckets: Bucket[]
  /** as long, directly before: the same days or months back, each cut where its successor is */
  before: Bucket[]
  /** the last bucket goes on: its number still grows */
  unfinished: boolean
}

const DAY = 24 * HOUR
/** porta refuses more hours, days and months in one call (app/lib/stats/views/usage.rb, ALLOWED_TIME_RANGES) */
export const longest: Record<Granularity, number> = { hour: 90 * DAY, day: 365 * DAY, month: 3650 * DAY }

/** The range that a query means at that time. Throws invalid_fields with a sentence for each field. */
export function rangeOf(query: RangeQuery, now: number): Range {
  const asked = askedOf(query)
  const { zone, preset } = asked
  const ends = preset ? presetEnds(preset, zone, now) : explicitEnds(asked, now)
  const granularity = granularityOf(asked, ends)
  const source = sourceOf(granularity, ends)
  const counted = source === 'hour' ? zone : 'UTC'
  const { since, until } = source === 'hour' ? ends : widened(ends, source)
  const unfinished = until > now
  const cut = unfinished ? Math.min(until, hourAfter(now)) : until
  const buckets = since < cut ? bucketsOf({ start: since, end: cut }, granularity, counted) : []
  return {
    preset,
    since,
    until: Math.max(since, cut),
    askedZone: zone,
    zone: counted,
    granularity,
    source,
    buckets,
    before: shifted(buckets, granularity, counted, source === 'hour'),
    unfinished: unfinished && buckets.length > 0,
  }
}

/** Days and months count today and this month; the end is open until the hour is over. */
function presetEnds(preset: Preset, zone: string, now: number): { since: number; until: number } {
  const until = hourAfter(now)
  if (preset === '24h') return { since: until - DAY, until }
  if (preset === '12m') {
    const month = DateTime.fromMillis(now, { zone: 'UTC' }).startOf('month')
    return { since: month.minus({ months: 11 }).toMillis(), until: month.plus({ months: 1 }).toMillis() }
  }
  const today = DateTime.fromMillis(now, { zone }).startOf('day')
  const days = Number(preset.slice(0, -1))
  return { since: hourOf(startOfDay(today.minus({ days: days - 1 }))), until }
}

function explicitEnds({ since, until, untilIsDay, zone }: Asked, now: number): { since: number; until: number } {
  const end = until ? endOf(until, untilIsDay) : hourAfter(now)
  const start = since
    ? hourOf(since.toMillis())
    : hourOf(startOfDay(DateTime.fromMillis(end - 1, { zone }).minus({ days: 29 })))
  if (start >= end) throw problem('invalid_fields', { fields: { until: 'The end must be after the begin.' } })
  if (end - start > longest.month)
    throw problem('invalid_fields', { fields: { since: '3scale gives at most ten years at once.' } })
  return { since: start, until: end }
}

/** A day ends when the next one begins; a time is the end itself, up to the full hour. */
function endOf(until: DateTime, isDay: boolean): number {
  return isDay ? hourOf(startOfDay(until.plus({ days: 1 }))) : Math.ceil(until.toMillis() / HOUR) * HOUR
}

function granularityOf(
  { granularity, preset }: Asked,
  { since, until }: { since: number; until: number },
): Granularity {
  const length = until - since
  if (granularity === undefined) {
    if (preset === '12m' || length > longest.day) return 'month'
    return length <= 2 * DAY ? 'hour' : 'day'
  }
  if (granularity === 'hour' && length > longest.hour)
    throw problem('invalid_fields', { fields: { granularity: '3scale gives hours for at most 90 days at once.' } })
  if (granularity === 'day' && length > longest.day)
    throw problem('invalid_fields', { fields: { granularity: '3scale gives days for at most a year at once.' } })
  return granularity
}

function sourceOf(granularity: Granularity, { since, until }: { since: number; until: number }): Granularity {
  // an hour more than 90 days is what a change of the clocks can add to 90 days of a zone
  if (until - since <= longest.hour + HOUR) return 'hour'
  return granularity
}

/** To whole days or months of UTC, which is all that 3scale keeps of long ago. */
function widened({ since, until }: { since: number; until: number }, source: Granularity) {
  const unit = source === 'month' ? 'month' : 'day'
  return {
    since: DateTime.fromMillis(since, { zone: 'UTC' }).startOf(unit).toMillis(),
    until:
      DateTime.fromMillis(until - 1, { zone: 'UTC' })
        .endOf(unit)
        .toMillis() + 1,
  }
}

/** Midnight, or the first moment of a day that has none. */
function startOfDay(day: DateTime): number {
  return day.startOf('day').toMillis()
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR) * HOUR
}

function hourAfter(at: number): number {
  return hourOf(at) + HOUR
}
