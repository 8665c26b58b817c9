import { DateTime } from 'luxon'
import { HOUR } from './buckets.js'
import { periods, presetLabels } from './messages.js'
import type { RangePreset, UsageRange } from './range.js'
import { formatOffset } from './time-zones.js'
import { zoneNamed } from './zone-offsets.js'

type LabelledRange = Pick<UsageRange, 'buckets' | 'zone' | 'granularity' | 'isOngoing'>

/** Row labels of a table: hour, day, or month, with the year or offset if it is ambiguous otherwise. */
export const bucketLabels = oncePerRange(formatBuckets)

/** Start and end of each row in RFC 3339, with the offset of the zone. */
export const bucketTimes = oncePerRange(({ buckets, zone }) => ({
  starts: buckets.map(({ start }) => localTime(start, zone)),
  ends: buckets.map(({ end }) => localTime(end, zone)),
}))

/** Tables and callers share the buckets of a range (`range.ts`), and so what is derived from them. */
function oncePerRange<Range extends LabelledRange, T>(derive: (range: Range) => T): (range: Range) => T {
  const results = new WeakMap<Range['buckets'], T>()
  return (range) => {
    const result = results.get(range.buckets) ?? derive(range)
    results.set(range.buckets, result)
    return result
  }
}

function formatBuckets(range: LabelledRange): string[] {
  const { buckets, zone, granularity } = range
  // A day or month can start within the hour before: 3scale counts full hours in UTC.
  const locals = buckets.map(({ start, end }) => localDate(granularity === 'hour' ? start : (start + end) / 2, zone))
  const years = new Set(locals.map((local) => local.getUTCFullYear()))
  const labels = locals.map((local) => formatBucket(local, granularity, years.size > 1))
  return labels.map((text, index) => {
    // The hour that is repeated at the end of daylight saving time.
    const isRepeated = labels[index - 1] === text || labels[index + 1] === text
    const exact = isRepeated ? `${text} (${formatOffset(zone, buckets[index]?.start ?? 0)})` : text
    return range.isOngoing && index === buckets.length - 1 ? periods.ongoing(exact) : exact
  })
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July'].concat([
  'August',
  'September',
  'October',
  'November',
  'December',
])
const twoDigits = (value: number) => String(value).padStart(2, '0')

/** Formats without Intl, because a report has thousands of labels. */
function formatBucket(local: Date, granularity: UsageRange['granularity'], withYear: boolean): string {
  const [month = '', year] = [MONTHS[local.getUTCMonth()], local.getUTCFullYear()]
  if (granularity === 'month') return `${month} ${year}`
  const day = `${DAYS[local.getUTCDay()]} ${local.getUTCDate()} ${month.slice(0, 3)}${withYear ? ` ${year}` : ''}`
  return granularity === 'hour' ? `${day}, ${twoDigits(local.getUTCHours())}:${twoDigits(local.getUTCMinutes())}` : day
}

/** The hour around midnight belongs to the new day. */
function endOfHour(start: number): number {
  return start + HOUR - 1
}

/** A date whose UTC fields are the local fields of the zone. */
function localDate(at: number, zone: string): Date {
  return new Date(at + zoneNamed(zone).offset(at) * 60_000)
}

/** `the last 30 days`, `1 to 5 March 2026`. */
export function describeRange({ preset, since, until, zone }: UsageRange): string {
  if (preset) return periods.last(presetLabels[preset])
  const [first, last] = [
    DateTime.fromMillis(endOfHour(since), { zone: zoneNamed(zone) }),
    DateTime.fromMillis(Math.max(since, until - 1), { zone: zoneNamed(zone) }),
  ]
  const end = last.toFormat('d MMMM yyyy')
  if (first.hasSame(last, 'day')) return end
  if (first.hasSame(last, 'month')) return `${first.day} to ${end}`
  return `${first.toFormat(first.hasSame(last, 'year') ? 'd MMMM' : 'd MMMM yyyy')} to ${end}`
}

export function describePreviousPeriod({ preset }: { preset: RangePreset | undefined }): string {
  return preset ? periods.previous(presetLabels[preset]) : periods.previousPeriod
}

function localTime(at: number, zone: string): string {
  const text = localDate(at, zone).toISOString().slice(0, 19)
  if (zone === 'UTC') return `${text}Z`
  const offset = zoneNamed(zone).offset(at)
  const ahead = Math.abs(offset)
  return `${text}${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(ahead / 60))}:${twoDigits(ahead % 60)}`
}

/** The first and the last day of a range, as `yyyy-mm-dd` for date fields. */
export const rangeDays = oncePerRange(({ since, until, requestedZone }: UsageRange) => {
  const end = Math.max(since, until - 1)
  return { first: formatDay(Math.min(endOfHour(since), end), requestedZone), last: formatDay(end, requestedZone) }
})

/** `yyyy-mm-dd` */
export function formatDay(at: number, zone: string): string {
  return localDate(at, zone).toISOString().slice(0, 10)
}

/** `1 December`, or `1 December 2026`, of `2026-12-01`. */
export function formatDate(day: string, withYear: boolean): string {
  const [year, month, date] = day.split('-').map(Number)
  return `${date} ${MONTHS[(month ?? 1) - 1]}${withYear ? ` ${year}` : ''}`
}

export function formatClock(at: number, zone: string): string {
  return localDate(at, zone).toISOString().slice(11, 19)
}
