import { DateTime } from 'luxon'
import { type Bucket, type Preset, presets, type Range } from './range.js'
import { offsetWords } from './zones.js'

/** What stands before the rows of a table: an hour, a day, a month, and the year or offset where it tells them apart. */
export function bucketWords(range: Pick<Range, 'buckets' | 'zone' | 'granularity' | 'unfinished'>): string[] {
  const { buckets, zone } = range
  const years = new Set(buckets.map(({ start }) => DateTime.fromMillis(start, { zone }).year))
  const words = buckets.map((bucket) => wordsOf(bucket, range, years.size > 1))
  return words.map((text, index) => {
    // the hour that a change of the clocks repeats
    const twin = words[index - 1] === text || words[index + 1] === text
    const exact = twin ? `${text} (${offsetWords(zone, buckets[index]?.start ?? 0)})` : text
    return range.unfinished && index === buckets.length - 1 ? `${exact}, so far` : exact
  })
}

function wordsOf(
  { start }: Bucket,
  { zone, granularity }: Pick<Range, 'zone' | 'granularity'>,
  withYear: boolean,
): string {
  const time = DateTime.fromMillis(start, { zone })
  const year = withYear ? ' yyyy' : ''
  if (granularity === 'month') return time.toFormat('MMMM yyyy')
  return time.toFormat(granularity === 'hour' ? `ccc d MMM${year}, HH:mm` : `ccc d MMM${year}`)
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

/** RFC 3339 with the zone's offset, for tables that programs read. */
export function localTime(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISO({ suppressMilliseconds: true }) ?? ''
}

/** `yyyy-mm-dd`, as date fields take it. */
export function dayOf(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toFormat('yyyy-MM-dd')
}

export function clockWords(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toFormat('HH:mm:ss')
}
