import { capitalize, formatNumber, plural } from '../../../web/pages/format.js'
import { limitLabel as planLimitLabel } from '../../models/messages.js'
import { countsTokens } from '../statistics/metric-roles.js'
import { HOUR } from '../time-range/buckets.js'
import { formatClock, formatDate, formatDay } from '../time-range/format.js'
import type { LimitState } from './limits.js'

/** `10,000 calls a day`. The metric `hits` of 3scale is called calls. */
export function limitLabel({ role, metricName, period, value }: LimitState): string {
  return planLimitLabel({ metric: role === 'calls' ? 'hits' : '', metric_name: metricName, period, value })
}

export type LimitLevel = 'calm' | 'near' | 'over'

/** How pages color the share of a limit that is used. */
export function limitLevel(share: number): LimitLevel {
  if (share >= 1) return 'over'
  return share >= 0.8 ? 'near' : 'calm'
}

const currentPeriod: Record<LimitState['period'], string> = {
  minute: 'this minute',
  hour: 'this hour',
  day: 'today',
  week: 'this week',
  month: 'this month',
  year: 'this year',
  eternity: '',
}

export function resetLabel({ period, resetsAt, value }: LimitState, zone: string, now: number): string {
  if (value === 0) return ''
  if (period === 'minute') return 'Every minute'
  return resetsAt === null ? 'Never' : capitalize(describeTime(resetsAt, zone, now))
}

export function forecastMessage(state: LimitState, zone: string, now: number): string {
  const { forecast, period, value, role, metricName, resetsAt } = state
  const limit = `limit of ${role === 'calls' ? plural(value, 'call') : `${formatNumber(value)} ${metricName}`}`
  switch (forecast.kind) {
    case 'exhausted':
      return resetsAt === null
        ? `The ${limit} is exhausted.`
        : `The ${limit} ${currentPeriod[period]} is exhausted until ${describeTime(resetsAt, zone, now)}.`
    case 'will_be_exhausted':
      return `At the current rate, the ${limit} ${currentPeriod[period]} will be exhausted ${describeMoment(forecast.at, zone, now)}.`
    case 'within_limit':
      return forecast.expected === 0
        ? 'No usage yet.'
        : `At the current rate, about ${formatNumber(forecast.expected)} of ${formatNumber(value)} will be used before the limit resets.`
    case 'insufficient_data':
      return 'Not enough data for a forecast.'
    default:
      return ''
  }
}

/** How the gateway enforces a limit (gateway.md 3.3, 3.5 and 4.4). */
export function enforcementMessage(state: LimitState): string {
  return [state.isReported ? '' : UNREPORTED, describeEnforcement(state)].filter(Boolean).join(' ')
}

const UNREPORTED = 'This version of 3scale does not report usage over all time, so the remaining amount is unknown.'
const MINUTE = '3scale reports no usage per minute, so the remaining amount is unknown.'
const NOT_ENFORCED = 'The gateway does not check this limit.'
const TOKENS_NOT_ENFORCED = 'The gateway does not check this limit, but does not count calls whose tokens exceed it.'
const NOT_INCLUDED = 'The gateway rejects these calls with 403.'
const ENFORCED =
  'The gateway rejects calls beyond this limit with 429. A few more calls can succeed, because each gateway caches authorizations.'

function describeEnforcement(state: LimitState): string {
  const { enforcement, period, value } = state
  if (enforcement === 'not_enforced') return value > 0 && countsTokens(state) ? TOKENS_NOT_ENFORCED : NOT_ENFORCED
  if (enforcement === 'not_included') return NOT_INCLUDED
  return period === 'minute' && value > 0 ? `${MINUTE} ${ENFORCED}` : ENFORCED
}

/** `16:40`, `tomorrow at 01:00`, `on 1 December at 01:00`, in the zone. */
function describeTime(at: number, zone: string, now: number): string {
  const [day, today] = [formatDay(at, zone), formatDay(now, zone)]
  const clock = formatClock(at, zone).slice(0, 5)
  if (day === today) return clock
  if (Date.parse(day) - Date.parse(today) === 24 * HOUR) return `tomorrow at ${clock}`
  return `${formatDate(day, day.slice(0, 4) !== today.slice(0, 4))} at ${clock}`
}

function describeMoment(at: number, zone: string, now: number): string {
  const time = describeTime(at, zone, now)
  if (time.startsWith('tomorrow')) return time
  return /^\d\d:/.test(time) ? `at ${time}` : `on ${time}`
}
