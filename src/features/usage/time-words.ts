import { DateTime } from 'luxon'
import { type Preset, presets, type Range } from './range.js'
import { offsetsAt, offsetWords } from './zones.js'

type Labelled = Pick<Range, 'buckets' | 'zone' | 'granularity' | 'unfinished'>

/** A report has a table for each kind of number, with the same rows. */
const labelled = new WeakMap<Labelled['buckets'], string[]>()

/** What stands before the rows of a table: an hour, a day, a month, and the year or offset where it tells them apart. */
export function bucketWords(range: Labelled): string[] {
  const known = labelled.get(range.buckets)
  if (known) return known
  const labels = labelsOf(range)
  labelled.set(range.buckets, labels)
  return labels
}

function labelsOf(range: Labelled): string[] {
  const { buckets, zone } = range
  const locals = localDates(
    buckets.map(({ start }) => start),
    zone,
  )
  const years = new Set(locals.map((local) => local.getUTCFullYear()))
  const words = locals.map((local) => wordsOf(local, range.granularity, years.size > 1))
  return words.map((text, index) => {
    // the hour that a change of the clocks repeats
    const twin = words[index - 1] === text || words[index + 1] === text
    const exact = twin ? `${text} (${offsetWords(zone, buckets[index]?.start ?? 0)})` : text
    return range.unfinished && index === buckets.length - 1 ? `${exact}, so far` : exact
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
const two = (value: number) => String(value).padStart(2, '0')

/** Written out here, as a report has thousands of them. */
function wordsOf(local: Date, granularity: Range['granularity'], withYear: boolean): string {
  const [month = '', year] = [MONTHS[local.getUTCMonth()], local.getUTCFullYear()]
  if (granularity === 'month') return `${month} ${year}`
  const day = `${DAYS[local.getUTCDay()]} ${local.getUTCDate()} ${month.slice(0, 3)}${withYear ? ` ${year}` : ''}`
  return granularity === 'hour' ? `${day}, ${two(local.getUTCHours())}:${two(local.getUTCMinutes())}` : day
}

/** Dates whose UTC fields are the local ones of the zone. */
function localDates(times: number[], zone: string): Date[] {
  const offsets = offsetsAt(times, zone)
  return times.map((at, index) => new Date(at + (offsets[index] ?? 0) * 60_000))
}

/** `the last 30 days`, `1 to 5 March 2026`. */
export function rangeWords({ preset, since, until, zone }: Range): string {
  if (preset) return `the last ${presets[preset]}`
  const [first, last] = [
    DateTime.fromMillis(since, { zone }),
    DateTime.fromMillis(Math.max(since, until - 1), { zone }),
  ]
  const end = last.toFormat('d MMMM yyyy')
  if (first.hasSame(last, 'day')) return end
  if (first.hasSame(last, 'month')) return `${first.day} to ${end}`
  return `${first.toFormat(first.hasSame(last, 'year') ? 'd MMMM' : 'd MMMM yyyy')} to ${end}`
}

export function beforeWords({ preset }: { preset: Preset | undefined }): string {
  return preset ? `the ${presets[preset]} before` : 'the period before'
}

/** RFC 3339 with the zone's offset, for tables that programs read. The times are in order. */
export function localTimes(times: number[], zone: string): string[] {
  const offsets = offsetsAt(times, zone)
  return localDates(times, zone).map((local, index) => {
    const text = local.toISOString().slice(0, 19)
    const offset = offsets[index] ?? 0
    if (zone === 'UTC') return `${text}Z`
    const ahead = Math.abs(offset)
    return `${text}${offset < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`
  })
}

/** `yyyy-mm-dd`, as date fields take it. */
export function dayOf(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toFormat('yyyy-MM-dd')
}

export function clockWords(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toFormat('HH:mm:ss')
}
