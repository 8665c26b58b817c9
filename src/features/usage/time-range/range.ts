import { LRUCache } from 'lru-cache'
import { DateTime } from 'luxon'
import { problem } from '../../../errors.js'
import { HOUR, shiftToPreviousPeriod, splitIntoBuckets } from './buckets.js'
import { rangeErrors } from './messages.js'
import {
  type ParsedRangeQuery,
  parseRangeQuery,
  type RangePreset,
  type RangeQuery,
  type UsageGranularity,
} from './range-query.js'
import { startOfDay, zoneNamed } from './zone-offsets.js'

export {
  type RangePreset,
  type RangeQuery,
  rangePresets,
  type UsageGranularity,
} from './range-query.js'

/** A time interval in milliseconds; the end is exclusive. */
export interface TimeBucket {
  start: number
  end: number
}

export interface UsageRange {
  preset: RangePreset | undefined
  since: number
  until: number
  /** the requested zone */
  requestedZone: string
  /** zone of the buckets: UTC if 3scale has no hourly data for so long a range */
  zone: string
  granularity: UsageGranularity
  /** granularity of the data requested from 3scale, always in UTC */
  source: UsageGranularity
  buckets: TimeBucket[]
  /** the period of the same length before, each bucket cut like its successor */
  previousBuckets: TimeBucket[]
  /** the last bucket has not ended, so its number still grows */
  isOngoing: boolean
}

const DAY = 24 * HOUR
/** porta rejects longer ranges per request (app/lib/stats/views/usage.rb, ALLOWED_TIME_RANGES). */
export const maxDurations: Record<UsageGranularity, number> = { hour: 90 * DAY, day: 365 * DAY, month: 3650 * DAY }

/** With daylight saving time, 90 days of a zone can have one more hour. */
const maxHours = maxDurations.hour + HOUR

/** Offsets of zones are multiples of this, so days and hours start at multiples of it. */
const QUARTER_HOUR = HOUR / 4
/** of all cached ranges together: the longest range has 4,320 */
const MAX_BUCKETS = 100_000

const ranges = new LRUCache<string, UsageRange>({
  maxSize: MAX_BUCKETS,
  sizeCalculation: ({ buckets }) => 10 + 2 * buckets.length,
})

/**
 * Resolves a query at that time. Throws invalid_fields with a message for each field. A range is the same for all callers until
 * the next quarter of an hour, so it is resolved once. Nothing may change it.
 */
export function resolveRange(query: RangeQuery, now: number): UsageRange {
  const parsed = parseRangeQuery(query)
  const { zone, preset, since, until, untilIsDay, granularity } = parsed
  const ends = [since?.toMillis(), until?.toMillis(), untilIsDay]
  const key = JSON.stringify([Math.floor(now / QUARTER_HOUR), zone, preset, granularity, ...ends])
  const range = ranges.get(key) ?? resolveParsed(parsed, now)
  ranges.set(key, range)
  return range
}

function resolveParsed(parsed: ParsedRangeQuery, now: number): UsageRange {
  const { zone, preset } = parsed
  const ends = preset ? presetEnds(preset, zone, now) : explicitEnds(parsed, now)
  const granularity = chooseGranularity(parsed, ends)
  const source = chooseSource(granularity, ends)
  const bucketZone = source === 'hour' ? zone : 'UTC'
  const { since, until } = source === 'hour' ? ends : widenToUnits(ends, source)
  const isOngoing = until > now
  const end = isOngoing ? Math.min(until, startOfNextHour(now)) : until
  const buckets = since < end ? splitIntoBuckets({ start: since, end }, granularity, bucketZone) : []
  return {
    preset,
    since,
    until: Math.max(since, end),
    requestedZone: zone,
    zone: bucketZone,
    granularity,
    source,
    buckets,
    previousBuckets: shiftToPreviousPeriod(buckets, granularity, bucketZone, source === 'hour'),
    isOngoing: isOngoing && buckets.length > 0,
  }
}

/** Presets include the current day or month, up to the end of the current hour. */
function presetEnds(preset: RangePreset, zone: string, now: number): { since: number; until: number } {
  const until = startOfNextHour(now)
  if (preset === '24h') return { since: until - DAY, until }
  if (preset === '12m') {
    const month = DateTime.fromMillis(now, { zone: 'UTC' }).startOf('month')
    return { since: month.minus({ months: 11 }).toMillis(), until: month.plus({ months: 1 }).toMillis() }
  }
  const today = DateTime.fromMillis(now, { zone: zoneNamed(zone) })
  const days = Number(preset.slice(0, -1))
  return { since: startOfHour(startOf(today.minus({ days: days - 1 }))), until }
}

function explicitEnds(
  { since, until, untilIsDay, zone }: ParsedRangeQuery,
  now: number,
): { since: number; until: number } {
  const end = until ? endOfRange(until, untilIsDay) : startOfNextHour(now)
  const start = since
    ? startOfHour(since.toMillis())
    : startOfHour(startOf(DateTime.fromMillis(end - 1, { zone: zoneNamed(zone) }).minus({ days: 29 })))
  if (start >= end) throw problem('invalid_fields', { fields: { until: rangeErrors.order } })
  if (end - start > maxDurations.month) throw problem('invalid_fields', { fields: { since: rangeErrors.tooLong } })
  return { since: start, until: end }
}

/** A day ends at the start of the next day; a time is rounded up to the full hour. */
function endOfRange(until: DateTime, isDay: boolean): number {
  return isDay ? startOfHour(startOf(until.plus({ days: 1 }))) : Math.ceil(until.toMillis() / HOUR) * HOUR
}

function chooseGranularity(
  { granularity, preset }: ParsedRangeQuery,
  { since, until }: { since: number; until: number },
): UsageGranularity {
  const length = until - since
  if (granularity === undefined) {
    if (preset === '12m' || length > maxDurations.day) return 'month'
    return length <= 2 * DAY ? 'hour' : 'day'
  }
  if (granularity === 'hour' && length > maxHours)
    throw problem('invalid_fields', { fields: { granularity: rangeErrors.hoursTooLong } })
  if (granularity === 'day' && length > maxDurations.day)
    throw problem('invalid_fields', { fields: { granularity: rangeErrors.daysTooLong } })
  return granularity
}

function chooseSource(
  granularity: UsageGranularity,
  { since, until }: { since: number; until: number },
): UsageGranularity {
  if (until - since <= maxHours) return 'hour'
  return granularity
}

/** Widens to whole days or months in UTC, the finest data that 3scale has for long ranges. */
function widenToUnits({ since, until }: { since: number; until: number }, source: UsageGranularity) {
  const unit = source === 'month' ? 'month' : 'day'
  return {
    since: DateTime.fromMillis(since, { zone: 'UTC' }).startOf(unit).toMillis(),
    until:
      DateTime.fromMillis(until - 1, { zone: 'UTC' })
        .endOf(unit)
        .toMillis() + 1,
  }
}

function startOf({ year, month, day, zoneName }: DateTime): number {
  return startOfDay(zoneName ?? 'UTC', Date.UTC(year, month - 1, day))
}

function startOfHour(at: number): number {
  return Math.floor(at / HOUR) * HOUR
}

function startOfNextHour(at: number): number {
  return startOfHour(at) + HOUR
}
