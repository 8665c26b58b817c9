import type { UsageEstimate } from '../limits/cost.js'
import type { LimitState } from '../limits/limits.js'
import type { StatisticsResult } from '../statistics/counters.js'
import type { StandardRole } from '../statistics/metric-roles.js'
import { buildSeries, type MetricSeries, sumEach, total } from '../statistics/series.js'
import type { UsageRange } from '../time-range/range.js'
import { type AccountReportScope, shownMetrics } from './account-requests.js'
import type { ApplicationDetails } from './application-details.js'
import { estimateApplicationCost, evaluateLimits, findGaps, type ReportGaps } from './application-report.js'

export interface Amounts {
  values: number[]
  total: number
  previous: { values: number[]; total: number } | undefined
}

export interface ApplicationRow {
  application: ApplicationDetails
  calls: Amounts | undefined
  tokens: Amounts | undefined
  promptTokens: number | undefined
  completionTokens: number | undefined
  /** undefined without a known price, or if a price refers to a metric that only the application's own page requests */
  estimate: UsageEstimate | undefined
  /** limits of the standard metrics; the application's own page has all limits */
  limits: LimitState[]
}

export interface ModelRow {
  model: string | null
  modelName: string | null
  applications: number
  calls: Amounts
  tokens: Amounts
}

export interface AccountReport {
  range: UsageRange
  rows: ApplicationRow[]
  models: ModelRow[]
  calls: Amounts
  tokens: Amounts
  /** page of applications, number of pages, and number of applications */
  page: number
  pages: number
  count: number
  /** of the other applications, how many may have usage in the range, by the time of their last traffic in 3scale */
  othersInUse: number
  /** true: comparisons, tokens, limits, or costs were not requested, because they require too many requests */
  isReduced: boolean
  /** for API clients; null on the last page, or if the page was requested by number */
  nextCursor: string | null
  /** models of the account's applications */
  modelOptions: { model: string; name: string }[]
  /** undefined if it was not requested, or is unknown */
  tenantZone: string | undefined
  gaps: ReportGaps
  readAt: number
  upstreamCalls: number
}

export function buildAccountReport(
  input: {
    applications: ApplicationDetails[]
    range: UsageRange
    currency: string | null
    page: number
    pages: number
    count: number
    nextCursor: string | null
    othersInUse: number
    isReduced: boolean
    scope: AccountReportScope
    modelOptions: AccountReport['modelOptions']
    tenantZone: string | undefined
  },
  statistics: StatisticsResult,
  now: number,
): AccountReport {
  const { range, applications } = input
  const rows = applications.map((application) => buildApplicationRow(application, input, statistics, now))
  return {
    range,
    rows,
    models: groupByModel(rows, range),
    calls: sumAmounts(
      rows.map(({ calls }) => calls),
      range,
    ),
    tokens: sumAmounts(
      rows.map(({ tokens }) => tokens),
      range,
    ),
    page: input.page,
    pages: input.pages,
    count: input.count,
    nextCursor: input.nextCursor,
    othersInUse: input.othersInUse,
    isReduced: input.isReduced,
    modelOptions: input.modelOptions,
    tenantZone: input.tenantZone,
    gaps: findGaps(statistics, applications),
    readAt: now - statistics.ageSeconds * 1000,
    upstreamCalls: statistics.calls,
  }
}

function buildApplicationRow(
  application: ApplicationDetails,
  { currency, range, scope }: { currency: string | null; range: UsageRange; scope: AccountReportScope },
  statistics: StatisticsResult,
  now: number,
): ApplicationRow {
  const shown = shownMetrics(application, scope)
  const of = (role: StandardRole): MetricSeries | undefined => {
    const measure = shown.find((candidate) => candidate.role === role)
    return measure && buildSeries(application, measure, range, statistics.tally)
  }
  const whole = shown.some(({ role }) => role === 'total_tokens')
  const [prompt, completion] = [of('prompt_tokens'), of('completion_tokens')]
  const sides = [prompt, completion].filter((side) => side !== undefined)
  const standard = new Set(application.standard.map(({ metric }) => metric))
  const priced = application.prices.priced.every(({ measure }) => standard.has(measure.metric))
  return {
    application,
    calls: of('calls'),
    tokens: whole ? of('total_tokens') : sides.length > 0 ? sumAmounts(sides, range) : undefined,
    promptTokens: prompt?.total,
    completionTokens: completion?.total,
    estimate: priced ? estimateApplicationCost(application, currency, range.source, statistics, now) : undefined,
    limits: evaluateLimits(application, statistics, now).filter(({ metric }) => standard.has(metric)),
  }
}

function groupByModel(rows: ApplicationRow[], range: UsageRange): ModelRow[] {
  const groups = new Map<string | null, ApplicationRow[]>()
  for (const row of rows) {
    const group = groups.get(row.application.model)
    if (group) group.push(row)
    else groups.set(row.application.model, [row])
  }
  return [...groups]
    .map(([model, own]) => ({
      model,
      modelName: own[0]?.application.modelName ?? model,
      applications: own.length,
      calls: sumAmounts(
        own.map(({ calls }) => calls),
        range,
      ),
      tokens: sumAmounts(
        own.map(({ tokens }) => tokens),
        range,
      ),
    }))
    .sort((a, b) => b.calls.total - a.calls.total || (a.modelName ?? '').localeCompare(b.modelName ?? ''))
}

/** Sums the parts. The sum has a comparison only if every part has one. */
function sumAmounts(parts: (Amounts | undefined)[], { buckets }: UsageRange): Amounts {
  const present = parts.filter((part) => part !== undefined)
  const values = sumEach(
    present.map((part) => part.values),
    buckets.length,
  )
  const earlier = present.flatMap(({ previous }) => (previous ? [previous.values] : []))
  if (earlier.length < present.length) return { values, total: total(values), previous: undefined }
  const previous = sumEach(earlier, buckets.length)
  return { values, total: total(values), previous: { values: previous, total: total(previous) } }
}
