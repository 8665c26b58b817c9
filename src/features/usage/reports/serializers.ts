import type { UsageEstimate } from '../limits/cost.js'
import type { LimitState } from '../limits/limits.js'
import { enforcementMessage, forecastMessage } from '../limits/messages.js'
import type {
  AccountUsage,
  ApplicationCost,
  ApplicationLimits,
  ApplicationUsage,
  CostEstimate,
  LimitUse,
  UsageSeries,
} from '../schemas.js'
import { type MetricSeries, spanOf } from '../statistics/series.js'
import type { UsageRange } from '../time-range/range.js'
import type { ApplicationEstimate, ApplicationLimitStates } from '../usage.js'
import type { AccountReport, Amounts } from './account-report.js'
import type { ApplicationDetails } from './application-details.js'
import type { ApplicationReport } from './application-report.js'

/** Reports in the format of the API, which pages also offer as a download. */

export function serializeApplicationUsage(report: ApplicationReport): ApplicationUsage {
  return {
    ...serializeApplication(report.application),
    ...serializeRange(report),
    series: report.series.map(serializeSeries),
    omitted_metrics: report.omittedMetrics.map(({ metric }) => metric),
    caveats: report.caveats,
  }
}

export function serializeAccountUsage(report: AccountReport): AccountUsage {
  return {
    ...serializeRange(report),
    applications_returned: report.rows.length,
    applications_total: report.count,
    next_cursor: report.nextCursor,
    calls: serializeAmounts(report.calls),
    tokens: serializeAmounts(report.tokens),
    models: report.models.map(({ model, modelName, applications, calls, tokens }) => ({
      model,
      model_name: modelName,
      applications,
      calls: serializeAmounts(calls),
      tokens: serializeAmounts(tokens),
    })),
    applications: report.rows.map(({ application, calls, tokens, promptTokens, completionTokens }) => ({
      ...serializeApplication(application),
      calls: calls?.total ?? null,
      tokens: tokens?.total ?? null,
      prompt_tokens: promptTokens ?? null,
      completion_tokens: completionTokens ?? null,
    })),
  }
}

export function serializeApplicationLimits(
  { application, limits }: ApplicationLimitStates,
  now: number,
): ApplicationLimits {
  return { ...serializeApplication(application), limits: limits.map((state) => serializeLimit(state, now)) }
}

export function serializeLimit(state: LimitState, now: number): LimitUse {
  const { forecast } = state
  return {
    metric: state.metric || null,
    metric_name: state.metricName,
    period: state.period,
    value: state.value,
    included: state.value > 0,
    enforcement: state.enforcement,
    used: state.used,
    remaining: state.remaining,
    resets_at: state.resetsAt === null ? null : iso(state.resetsAt),
    forecast: {
      kind: forecast.kind,
      expected: 'expected' in forecast ? forecast.expected : null,
      exhausted_at: 'at' in forecast ? iso(forecast.at) : null,
      message: forecastMessage(state, 'UTC', now),
    },
    enforcement_details: enforcementMessage(state),
  }
}

export function serializeApplicationCost({ application, estimate }: ApplicationEstimate): ApplicationCost {
  return { ...serializeApplication(application), estimate: estimate ? serializeEstimate(estimate) : null }
}

function serializeEstimate({
  source,
  currency,
  month,
  monthToDate,
  expected,
  planFee,
  lines,
}: UsageEstimate): CostEstimate {
  return {
    source,
    currency,
    since: iso(month.start),
    until: iso(month.end),
    month_to_date: roundCost(monthToDate),
    expected: expected === null ? null : roundCost(expected),
    plan_fee: planFee,
    lines: lines.map((line) => ({
      metric: line.metric || null,
      name: line.name,
      units: line.units,
      cost: roundCost(line.cost),
      expected: line.expected === null ? null : roundCost(line.expected),
    })),
  }
}

function serializeApplication({ id, name, model, modelName, plan, planName }: ApplicationDetails) {
  return { application: { id, name }, model, model_name: modelName, plan, plan_name: planName }
}

function serializeRange({ range, readAt }: { range: UsageRange; readAt: number }) {
  const previous = spanOf(range.previousBuckets)
  return {
    since: iso(range.since),
    until: iso(range.until),
    granularity: range.granularity,
    time_zone: range.zone,
    previous_since: previous ? iso(previous.start) : null,
    previous_until: previous ? iso(previous.end) : null,
    buckets: range.buckets.map(({ start, end }) => ({ start: iso(start), end: iso(end) })),
    read_at: iso(readAt),
  }
}

/** Leaves out the comparison if the application or metric is too recent. */
function serializeSeries({ measure, values, total, previous, tooRecent }: MetricSeries): UsageSeries {
  const { metric, name, unit, role } = measure
  return {
    metric,
    name,
    unit,
    role,
    ...serializeAmounts({ values, total, previous: tooRecent ? undefined : previous }),
  }
}

function serializeAmounts({ values, total, previous }: Amounts) {
  return { total, values, previous_total: previous?.total ?? null, previous_values: previous?.values ?? null }
}

/** Times of the API have whole seconds. */
function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Six digits, so that a single token has a cost. */
function roundCost(amount: number): number {
  return Math.round(amount * 1e6) / 1e6
}
