import type { AccountReport, Amounts } from './account-report.js'
import type { ApplicationReport } from './application-report.js'
import type { Estimate } from './cost.js'
import type { Detailed } from './details.js'
import type { LimitState } from './limits.js'
import type { Range } from './range.js'
import type {
  AccountUsage,
  ApplicationCost,
  ApplicationLimits,
  ApplicationUsage,
  CostEstimate,
  LimitUse,
  UsageSeries,
} from './schemas.js'
import { type Series, wholeOf } from './series.js'
import type { CostOf, LimitsOf } from './usage.js'
import { forecastWords, limitNote } from './words.js'

/** Reports as the API gives them, and as pages give them to download. */

export function applicationUsage(report: ApplicationReport): ApplicationUsage {
  return {
    ...owner(report.application),
    ...stretch(report),
    series: report.series.map(series),
    not_asked: report.notAsked.map(({ metric }) => metric),
    notes: report.losses,
  }
}

export function accountUsage(report: AccountReport): AccountUsage {
  return {
    ...stretch(report),
    applications_shown: report.rows.length,
    applications_in_all: report.count,
    page: report.page,
    pages: report.pages,
    calls: amounts(report.calls),
    tokens: amounts(report.tokens),
    models: report.models.map(({ model, name, applications, calls, tokens }) => ({
      model,
      name,
      applications,
      calls: amounts(calls),
      tokens: amounts(tokens),
    })),
    applications: report.rows.map(({ application, calls, tokens, promptTokens, completionTokens }) => ({
      ...owner(application),
      calls: calls?.total ?? null,
      tokens: tokens?.total ?? null,
      prompt_tokens: promptTokens ?? null,
      completion_tokens: completionTokens ?? null,
    })),
  }
}

export function applicationLimits({ application, limits }: LimitsOf, now: number): ApplicationLimits {
  return { ...owner(application), limits: limits.map((state) => limitUse(state, now)) }
}

export function limitUse(state: LimitState, now: number): LimitUse {
  const { forecast } = state
  return {
    metric: state.metric,
    metric_name: state.metricName,
    period: state.period,
    value: state.value,
    included: state.value > 0,
    enforcement: state.enforcement,
    used: state.used,
    left: state.left,
    resets_at: state.resetsAt === null ? null : iso(state.resetsAt),
    forecast: {
      kind: forecast.kind,
      expected: 'expected' in forecast ? forecast.expected : null,
      runs_out_at: 'at' in forecast ? iso(forecast.at) : null,
      words: forecastWords(state, 'UTC', now),
    },
    note: limitNote(state),
  }
}

export function applicationCost({ application, estimate }: CostOf): ApplicationCost {
  return { ...owner(application), estimate: estimate ? costEstimate(estimate) : null }
}

function costEstimate({ source, currency, month, soFar, expected, planFee, lines }: Estimate): CostEstimate {
  return {
    source,
    currency,
    since: iso(month.start),
    until: iso(month.end),
    so_far: rounded(soFar),
    expected: expected === null ? null : rounded(expected),
    plan_fee: planFee,
    lines: lines.map((line) => ({
      metric: line.metric,
      name: line.name,
      units: line.units,
      cost: rounded(line.cost),
      expected: line.expected === null ? null : rounded(line.expected),
    })),
  }
}

function owner({ id, name, model, planName }: Detailed) {
  return { application: { id, name }, model, plan: planName }
}

function stretch({ range, readAt }: { range: Range; readAt: number }) {
  const before = wholeOf(range.before)
  return {
    since: iso(range.since),
    until: iso(range.until),
    granularity: range.granularity,
    time_zone: range.zone,
    previous_since: before ? iso(before.start) : null,
    previous_until: before ? iso(before.end) : null,
    buckets: range.buckets.map(({ start, end }) => ({ start: iso(start), end: iso(end) })),
    read_at: iso(readAt),
  }
}

/** What is younger than the period before has no comparison. */
function series({ measure, values, total, before, young }: Series): UsageSeries {
  const { metric, name, unit, role } = measure
  return { metric, name, unit, role, ...amounts({ values, total, before: young ? undefined : before }) }
}

function amounts({ values, total, before }: Amounts) {
  return { total, values, previous_total: before?.total ?? null, previous_values: before?.values ?? null }
}

/** Whole seconds, as all times of the API. */
function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Prices have four digits in 3scale; six keep a token at a millionth of a price. */
function rounded(amount: number): number {
  return Math.round(amount * 1e6) / 1e6
}
