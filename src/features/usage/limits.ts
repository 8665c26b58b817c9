import type { Limit } from '../../clients/threescale/nouns.js'
import { HOUR } from './buckets.js'
import type { Measure } from './measures.js'
import { paceOf } from './pace.js'
import type { Bucket } from './range.js'
import type { Need, Tally } from './windows.js'

/** How the gateway treats a limit (gateway.md 3.3, 4.4). */
export type Enforcement = 'refuses' | 'not_included' | 'never_looked_at'

export interface LimitState {
  metric: string
  metricName: string
  role: Measure['role']
  period: Limit['period']
  value: number
  enforcement: Enforcement
  /** null: 3scale did not report it; for a minute it never can */
  used: number | null
  left: number | null
  /** false where this 3scale has no numbers for the period, whenever it is asked */
  reported: boolean
  /** null where it never resets */
  resetsAt: number | null
  forecast: Forecast
}

export type Forecast =
  | { kind: 'none' }
  | { kind: 'too_early' }
  | { kind: 'used_up' }
  | { kind: 'enough'; expected: number }
  | { kind: 'runs_out'; at: number; expected: number }

const DAY = 24 * HOUR

/** The calendar period of 3scale around that time: UTC, weeks begin on Monday (apisonator, period/boundary.rb). */
export function periodAround(period: Limit['period'], now: number): Bucket | undefined {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  switch (period) {
    case 'minute':
      return { start: Math.floor(now / 60_000) * 60_000, end: (Math.floor(now / 60_000) + 1) * 60_000 }
    case 'hour':
      return { start: Math.floor(now / HOUR) * HOUR, end: (Math.floor(now / HOUR) + 1) * HOUR }
    case 'day':
      return { start: Date.UTC(year, month, day), end: Date.UTC(year, month, day + 1) }
    case 'week': {
      const monday = Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7))
      return { start: monday, end: monday + 7 * DAY }
    }
    case 'month':
      return { start: Date.UTC(year, month, 1), end: Date.UTC(year, month + 1, 1) }
    case 'year':
      return { start: Date.UTC(year, 0, 1), end: Date.UTC(year + 1, 0, 1) }
    default:
      return undefined
  }
}

/** What has to be known for that limit; nothing where 3scale measures nothing, or the value is 0. */
export function limitNeed(application: number, limit: Limit, measure: Measure, now: number): Need | undefined {
  if (limit.value === 0 || limit.period === 'minute' || measure.metric === '') return undefined
  const { metric } = measure
  const period = periodAround(limit.period, now)
  if (!period) return { application, metric, source: 'eternity', from: 0, to: 0 }
  if (limit.period === 'year') return { application, metric, source: 'month', from: period.start, to: monthAfter(now) }
  return { application, metric, source: 'hour', from: period.start, to: (Math.floor(now / HOUR) + 1) * HOUR }
}

export function limitState(
  i: { limit: Limit; measure: Measure; application: number; madeAt: number; looked: Set<string> },
  tally: Tally,
  now: number,
): LimitState {
  const { limit, measure } = i
  const period = periodAround(limit.period, now)
  const need = limitNeed(i.application, limit, measure, now)
  const used = need ? (tally.sum(need) ?? null) : null
  return {
    metric: measure.metric,
    metricName: measure.name,
    role: measure.role,
    period: limit.period,
    value: limit.value,
    enforcement: enforcementOf(limit, measure, i.looked),
    used,
    left: used === null ? null : Math.max(0, limit.value - used),
    reported: used !== null || !need || !tally.isAnswered(need),
    resetsAt: period && limit.value > 0 ? period.end : null,
    forecast: used === null || !period ? { kind: 'none' } : forecastOf(used, limit.value, period, i.madeAt, now),
  }
}

/**
 * The back-end looks only at the metrics of the call and their parents. Calls carry the metrics of the mapping rules;
 * what is reported after the answer, tokens above all, is not looked at when a call comes in.
 */
function enforcementOf({ value }: Limit, { metric, role }: Measure, looked: Set<string>): Enforcement {
  const seen = looked.has(metric) || (role === 'calls' && looked.size > 0)
  if (!seen) return 'never_looked_at'
  return value === 0 ? 'not_included' : 'refuses'
}

function forecastOf(used: number, value: number, period: Bucket, madeAt: number, now: number): Forecast {
  if (used >= value) return { kind: 'used_up' }
  const pace = paceOf(used, { start: Math.max(period.start, Math.min(madeAt, now)), end: period.end }, now)
  if (!pace) return { kind: 'too_early' }
  if (pace.expected <= value) return { kind: 'enough', expected: pace.expected }
  return { kind: 'runs_out', at: now + (value - used) / pace.perMs, expected: pace.expected }
}

function monthAfter(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}
