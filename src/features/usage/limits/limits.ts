import type { Limit } from '../../../clients/threescale/types.js'
import type { UsageMetric } from '../statistics/metric-roles.js'
import type { StatisticsRequest, UsageTally } from '../statistics/requests.js'
import { HOUR } from '../time-range/buckets.js'
import type { TimeBucket } from '../time-range/range.js'
import { projectUsage } from './forecast.js'

/** How the gateway enforces a limit (gateway.md 3.3, 4.4). */
export type Enforcement = 'enforced' | 'not_included' | 'not_enforced'

export interface LimitState {
  metric: string
  metricName: string
  role: UsageMetric['role']
  period: Limit['period']
  value: number
  enforcement: Enforcement
  /** null if 3scale did not report it, and always for minutes */
  used: number | null
  remaining: number | null
  /** false if this version of 3scale does not report usage for the period */
  isReported: boolean
  /** null if it never resets */
  resetsAt: number | null
  forecast: LimitForecast
}

export type LimitForecast =
  | { kind: 'none' }
  | { kind: 'insufficient_data' }
  | { kind: 'exhausted' }
  | { kind: 'within_limit'; expected: number }
  | { kind: 'will_be_exhausted'; at: number; expected: number }

const DAY = 24 * HOUR

/** The period of 3scale at this time: UTC, weeks start on Monday (apisonator, period/boundary.rb). */
export function periodAt(period: Limit['period'], now: number): TimeBucket | undefined {
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

/** The request for the usage of a limit; undefined if 3scale does not report it, or the value is 0. */
export function requestForLimit(
  application: number,
  limit: Limit,
  measure: UsageMetric,
  now: number,
): StatisticsRequest | undefined {
  if (limit.value === 0 || limit.period === 'minute' || measure.metric === '') return undefined
  const { metric } = measure
  const period = periodAt(limit.period, now)
  if (!period) return { application, metric, source: 'eternity', from: 0, to: 0 }
  if (limit.period === 'year')
    return { application, metric, source: 'month', from: period.start, to: startOfNextMonth(now) }
  return { application, metric, source: 'hour', from: period.start, to: (Math.floor(now / HOUR) + 1) * HOUR }
}

export function evaluateLimit(
  i: { limit: Limit; measure: UsageMetric; application: number; createdAt: number; checkedMetrics: Set<string> },
  tally: UsageTally,
  now: number,
): LimitState {
  const { limit, measure } = i
  const period = periodAt(limit.period, now)
  const request = requestForLimit(i.application, limit, measure, now)
  const used = request ? (tally.sum(request) ?? null) : null
  return {
    metric: measure.metric,
    metricName: measure.name,
    role: measure.role,
    period: limit.period,
    value: limit.value,
    enforcement: classifyEnforcement(limit, measure, i.checkedMetrics),
    used,
    remaining: used === null ? null : Math.max(0, limit.value - used),
    isReported: used !== null || !request || !tally.isAnswered(request),
    resetsAt: period && limit.value > 0 ? period.end : null,
    forecast: used === null || !period ? { kind: 'none' } : forecastLimit(used, limit.value, period, i.createdAt, now),
  }
}

/**
 * The backend checks only the metrics of the mapping rules that a call matches, and their parents. Metrics that the gateway
 * reports after the response, such as tokens, are not checked.
 */
function classifyEnforcement(
  { value }: Limit,
  { metric, role }: UsageMetric,
  checkedMetrics: Set<string>,
): Enforcement {
  const isChecked = checkedMetrics.has(metric) || (role === 'calls' && checkedMetrics.size > 0)
  if (!isChecked) return 'not_enforced'
  return value === 0 ? 'not_included' : 'enforced'
}

function forecastLimit(used: number, value: number, period: TimeBucket, createdAt: number, now: number): LimitForecast {
  if (used >= value) return { kind: 'exhausted' }
  const projection = projectUsage(
    used,
    { start: Math.max(period.start, Math.min(createdAt, now)), end: period.end },
    now,
  )
  if (!projection) return { kind: 'insufficient_data' }
  if (projection.expected <= value) return { kind: 'within_limit', expected: projection.expected }
  return { kind: 'will_be_exhausted', at: now + (value - used) / projection.perMs, expected: projection.expected }
}

function startOfNextMonth(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}
