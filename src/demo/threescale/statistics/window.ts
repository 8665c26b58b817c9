import { instantOf, type Local, localOf } from '../clock.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

export type Granularity = 'hour' | 'day' | 'month' | 21_600

/** Buckets of a question: `starts[i]` to the next start; the last ends at `until`. */
export interface Window {
  period: string | null
  granularity: Granularity
  starts: number[]
  until: number
}

export class InvalidParameter extends Error {}
/** Input to which porta responds with 500: an unknown time zone or an invalid date. */
export class Unreadable extends Error {}

const granularities: Record<string, Granularity> = {
  year: 'month',
  month: 'day',
  week: 21_600,
  day: 'hour',
}
const longest: Partial<Record<Granularity, [length: number, words: string]>> = {
  month: [3653 * DAY, '10 years'],
  day: [366 * DAY, '1 year'],
  21600: [184 * DAY, '6 months'],
  hour: [90 * DAY, '90 days'],
}

/**
 * `period` without other parameters is a rolling window that ends now, with `since` one of that length; else `granularity`, `since` and `until`.
 * Rounded outwards to the granularity, so a rolling one has a bucket more (porta, app/lib/stats/views/usage.rb).
 */
export function windowOf(query: Record<string, string | undefined>, zone: string, now: number): Window {
  const { period, since, until } = query
  if (period) {
    const usual = granularities[period]
    if (!usual)
      throw new InvalidParameter(`Period must be one of ${quoted(Object.keys(granularities))} not "${period}"`)
    const granularity = query.granularity ? granularityNamed(query.granularity) : usual
    const from = since ? instant(since, zone) : moved(now, period, -1, zone)
    return { period, ...rounded(from, moved(from, period, 1, zone) - 1000, granularity, zone) }
  }
  const granularity = granularityNamed(query.granularity ?? '')
  if (!since || !until) throw new InvalidParameter("You need to specify either 'range' or 'since' and 'until'")
  return { period: null, ...rounded(instant(since, zone), instant(until, zone), granularity, zone) }
}

/** The preceding window of the same length. */
export function previousOf({ starts, until, granularity, period }: Window, zone: string): Window {
  const begin = starts[0] ?? 0
  return { period, ...rounded(begin - (until - begin), begin - 1000, granularity, zone) }
}

/** Start of the period that holds the instant. */
export function startOf(unit: string | number, at: number, zone: string): number {
  const local = localOf(at, zone)
  const midnight: Local = { ...local, hour: 0, minute: 0, second: 0 }
  switch (unit) {
    case 'hour':
      return instantOf({ ...local, minute: 0, second: 0 }, zone)
    case 'day':
      return instantOf(midnight, zone)
    case 'week': {
      const weekday = (new Date(Date.UTC(local.year, local.month - 1, local.day)).getUTCDay() + 6) % 7
      return instantOf({ ...midnight, day: local.day - weekday }, zone)
    }
    case 'month':
      return instantOf({ ...midnight, day: 1 }, zone)
    case 'year':
      return instantOf({ ...midnight, month: 1, day: 1 }, zone)
    default:
      return instantOf({ ...midnight, hour: Math.floor(local.hour / 6) * 6 }, zone)
  }
}

/** As Rails moves a time by a month: to the same day, or the last one of a shorter month. */
export function moved(at: number, period: string, by: number, zone: string): number {
  const local = localOf(at, zone)
  if (period === 'hour') return at + by * HOUR
  if (period === 'day') return instantOf({ ...local, day: local.day + by }, zone)
  if (period === 'week') return instantOf({ ...local, day: local.day + 7 * by }, zone)
  const months = period === 'year' ? 12 * by : by
  const last = new Date(Date.UTC(local.year, local.month - 1 + months + 1, 0)).getUTCDate()
  return instantOf({ ...local, month: local.month + months, day: Math.min(local.day, last) }, zone)
}

function rounded(from: number, to: number, granularity: Granularity, zone: string): Omit<Window, 'period'> {
  const begin = startOf(granularity, from, zone)
  const until = next(startOf(granularity, to, zone), granularity, zone)
  const [length, words] = longest[granularity] ?? [Number.POSITIVE_INFINITY, '']
  if (until - begin > length) throw new InvalidParameter(`Time range for the granularity must be less than ${words}`)
  const starts: number[] = []
  for (let at = begin; at < until; at = next(at, granularity, zone)) starts.push(at)
  return { granularity, starts, until }
}

function next(at: number, granularity: Granularity, zone: string): number {
  return granularity === 21_600 ? at + 6 * HOUR : moved(at, granularity, 1, zone)
}

/** 21600 is a value of responses that requests cannot use. */
function granularityNamed(name: string): Granularity {
  if (name === 'hour' || name === 'day' || name === 'month') return name
  throw new InvalidParameter(`Granularity must be one of [:month, :day, 6 hours, :hour], not ${name}`)
}

/** A date or a time, in the time zone of the request unless it has an offset. */
function instant(text: string, zone: string): number {
  const match =
    /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/.exec(
      text.trim(),
    )
  const [year, month, day, hour, minute, second] = (match?.slice(1, 7) ?? []).map((part) => Number(part ?? 0))
  const wrong = !match || !month || month > 12 || !day || day > 31 || Number(hour) > 24 || Number(minute) > 59
  if (wrong) throw new Unreadable(`not a date: ${text}`)
  const local = { year, month, day, hour, minute, second } as Local
  if (!match[7]) return instantOf(local, zone)
  const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(match[7])
  const minutes = offset ? (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) : 0
  return instantOf(local, 'UTC') - minutes * 60_000
}

function quoted(names: string[]): string {
  return `[${names.map((name) => `"${name}"`).join(', ')}]`
}
