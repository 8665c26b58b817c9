import { problem } from '../../../errors.js'
import { estimateCost, requestForCost, type UsageEstimate } from '../limits/cost.js'
import { evaluateLimit, type LimitState, requestForLimit } from '../limits/limits.js'
import type { StatisticsResult } from '../statistics/counters.js'
import type { UsageMetric } from '../statistics/metric-roles.js'
import type { StatisticsRequest } from '../statistics/requests.js'
import { buildSeries, type MetricSeries, requestsForRange } from '../statistics/series.js'
import type { UsageGranularity, UsageRange } from '../time-range/range.js'
import type { ApplicationDetails } from './application-details.js'
import { metricErrors, names } from './messages.js'
import { tokenCaveats } from './metering-caveats.js'

/** Metrics of one application in a report. Further metrics can be selected by name. */
export const MAX_METRICS_PER_REPORT = 16

export interface ApplicationReport {
  application: ApplicationDetails
  range: UsageRange
  series: MetricSeries[]
  /** metrics that are not in the report */
  omittedMetrics: UsageMetric[]
  limits: LimitState[]
  estimate: UsageEstimate | undefined
  caveats: string[]
  /** undefined if it was not requested, or is unknown */
  tenantZone: string | undefined
  gaps: ReportGaps
  readAt: number
  upstreamCalls: number
}

/** Missing data of a report, and the reason. */
export interface ReportGaps {
  /** names of metrics without a response in time */
  unavailable: string[]
  /** names of metrics that no longer exist in 3scale */
  removed: string[]
  /** the first failure, for callers that require complete data */
  error: unknown
}

/** The named metrics, or by default the first ones: calls and tokens before methods. Throws invalid_fields. */
export function selectMetrics(
  { measures }: ApplicationDetails,
  metric: string | undefined,
): { selected: UsageMetric[]; omitted: UsageMetric[] } {
  const requested = (metric ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (requested.length === 0)
    return { selected: measures.slice(0, MAX_METRICS_PER_REPORT), omitted: measures.slice(MAX_METRICS_PER_REPORT) }
  const unknown = requested.find((name) => !measures.some((measure) => measure.metric === name))
  if (unknown !== undefined || requested.length > MAX_METRICS_PER_REPORT) {
    const all = measures.map((measure) => measure.metric).join(', ')
    const detail = unknown === undefined ? metricErrors.tooMany(MAX_METRICS_PER_REPORT) : metricErrors.unknown(all)
    throw problem('invalid_fields', { fields: { metric: detail } })
  }
  const selected = measures.filter((measure) => requested.includes(measure.metric))
  return { selected, omitted: measures.filter((measure) => !selected.includes(measure)) }
}

export function requestsForLimits(application: ApplicationDetails, now: number): StatisticsRequest[] {
  return application.limits.flatMap(({ limit, measure }) => requestForLimit(application.id, limit, measure, now) ?? [])
}

export function requestsForCost(
  application: ApplicationDetails,
  source: UsageGranularity,
  now: number,
): StatisticsRequest[] {
  return application.prices.priced.map(({ measure }) => requestForCost(application.id, measure, source, now))
}

export function requestsForApplication(
  application: ApplicationDetails,
  selected: UsageMetric[],
  range: UsageRange,
  now: number,
): StatisticsRequest[] {
  return [
    ...selected.flatMap((measure) => requestsForRange(application, measure, range)),
    ...requestsForLimits(application, now),
    ...requestsForCost(application, range.source, now),
  ]
}

export function buildApplicationReport(
  input: {
    application: ApplicationDetails
    selected: UsageMetric[]
    omitted: UsageMetric[]
    range: UsageRange
    currency: string | null
    tenantZone: string | undefined
  },
  statistics: StatisticsResult,
  now: number,
): ApplicationReport {
  const { application, range } = input
  return {
    application,
    range,
    series: input.selected.flatMap((measure) => buildSeries(application, measure, range, statistics.tally) ?? []),
    omittedMetrics: input.omitted,
    limits: evaluateLimits(application, statistics, now),
    estimate: estimateApplicationCost(application, input.currency, range.source, statistics, now),
    caveats: tokenCaveats(application.measures, application.gateway, generatesText(application)),
    tenantZone: input.tenantZone,
    gaps: findGaps(statistics, [application]),
    readAt: now - statistics.ageSeconds * 1000,
    upstreamCalls: statistics.calls,
  }
}

export function evaluateLimits(
  application: ApplicationDetails,
  { tally }: StatisticsResult,
  now: number,
): LimitState[] {
  const { id, createdAt, checkedMetrics } = application
  return application.limits.map(({ limit, measure }) =>
    evaluateLimit({ limit, measure, application: id, createdAt, checkedMetrics }, tally, now),
  )
}

export function estimateApplicationCost(
  application: ApplicationDetails,
  currency: string | null,
  source: UsageGranularity,
  { tally }: StatisticsResult,
  now: number,
): UsageEstimate | undefined {
  const { id, prices, planFee, createdAt } = application
  return estimateCost({ application: id, prices, currency, planFee, createdAt, source }, tally, now)
}

export function findGaps({ failed }: Pick<StatisticsResult, 'failed'>, applications: ApplicationDetails[]): ReportGaps {
  const nameOf = ({ window }: StatisticsResult['failed'][number]) => {
    const application = applications.find(({ id }) => id === window.application)
    const name = application?.measures.find(({ metric }) => metric === window.metric)?.name ?? window.metric
    return applications.length > 1 ? names.metricOfApplication(name, application?.name ?? window.application) : name
  }
  const isRemoved = ({ error }: StatisticsResult['failed'][number]) => (error as { code?: string }).code === 'not_found'
  return {
    unavailable: [...new Set(failed.filter((failure) => !isRemoved(failure)).map(nameOf))],
    removed: [...new Set(failed.filter(isRemoved).map(nameOf))],
    error: failed.find((failure) => !isRemoved(failure))?.error,
  }
}

function generatesText({ type }: ApplicationDetails): boolean {
  return type === 'chat' || type === 'completion'
}
