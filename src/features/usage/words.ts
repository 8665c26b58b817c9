import { DateTime } from 'luxon'
import { number } from '../../web/words.js'
import { limitWords } from '../models/words.js'
import type { LimitState } from './limits.js'
import { isTokens } from './losses.js'

/** Sentences about limits, times and money, which pages and API share. */

/** `10,000 calls a day`; what 3scale calls hits are calls. */
export function limitName({ role, metricName, period, value }: LimitState): string {
  return limitWords({ metric: role === 'calls' ? 'hits' : '', metric_name: metricName, period, value })
}

const thisPeriod: Record<LimitState['period'], string> = {
  minute: 'this minute',
  hour: 'this hour',
  day: 'today',
  week: 'this week',
  month: 'this month',
  year: 'this year',
  eternity: 'all',
}

export function resetWords({ period, resetsAt, value }: LimitState, zone: string, now: number): string {
  if (value === 0) return ''
  if (period === 'minute') return 'With every minute'
  return resetsAt === null ? 'Never' : sentenceCase(whenWords(resetsAt, zone, now))
}

export function forecastWords(state: LimitState, zone: string, now: number): string {
  const { forecast, period, value, role, metricName, resetsAt } = state
  const what = role === 'calls' ? 'calls' : metricName
  const of = period === 'eternity' ? `${number(value)} ${what}` : `${number(value)} ${what} of ${thisPeriod[period]}`
  switch (forecast.kind) {
    case 'used_up':
      return resetsAt === null
        ? `The ${of} are used up.`
        : `The ${of} are used up until ${whenWords(resetsAt, zone, now)}.`
    case 'runs_out':
      return `At this pace the ${of} are used up ${atWords(forecast.at, zone, now)}.`
    case 'enough':
      return forecast.expected === 0
        ? 'Nothing used so far.'
        : `At this pace about ${number(forecast.expected)} of ${number(value)} are used when it resets.`
    case 'too_early':
      return 'Too early to tell a pace.'
    default:
      return ''
  }
}

/** What the gateway really does about a limit (gateway.md 3.3, 3.5 and 4.4). */
export function limitNote(state: LimitState): string {
  const unreported = 'This release of 3scale has no usage over all time, so what is left is not known. '
  return (state.reported ? '' : unreported) + enforcementNote(state)
}

function enforcementNote(state: LimitState): string {
  const { enforcement, period, value } = state
  const finer = period === 'minute' && value > 0
  if (enforcement === 'never_looked_at') {
    const nobody = 'The gateway does not look at this limit when a call comes in, so it stops nobody'
    if (value === 0) return `${nobody}.`
    return isTokens(state) ? `${nobody}; calls whose tokens would pass it are not counted.` : `${nobody}.`
  }
  if (enforcement === 'not_included') return 'The gateway refuses such calls with 403.'
  const refuses =
    'Calls beyond it are refused with 429. One or more may still pass, as each gateway remembers that a key was good.'
  return finer
    ? `3scale measures nothing finer than an hour, so what is left of a minute cannot be shown. ${refuses}`
    : refuses
}

/** `16:40`, `tomorrow at 01:00`, `on 1 December at 01:00`: in the zone. */
export function whenWords(at: number, zone: string, now: number): string {
  const [time, today] = [DateTime.fromMillis(at, { zone }), DateTime.fromMillis(now, { zone })]
  const days = time.startOf('day').diff(today.startOf('day'), 'days').days
  const clock = time.toFormat('HH:mm')
  if (Math.round(days) === 0) return clock
  if (Math.round(days) === 1) return `tomorrow at ${clock}`
  return `${time.toFormat('d MMMM')}${time.year === today.year ? '' : ` ${time.year}`} at ${clock}`
}

function atWords(at: number, zone: string, now: number): string {
  const when = whenWords(at, zone, now)
  if (when.startsWith('tomorrow')) return when
  return /^\d\d:/.test(when) ? `at ${when}` : `on ${when}`
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
