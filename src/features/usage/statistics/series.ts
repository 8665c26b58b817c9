import type { ApplicationDetails } from '../reports/application-details.js'
import type { TimeBucket, UsageRange } from '../time-range/range.js'
import type { UsageMetric } from './metric-roles.js'
import type { StatisticsRequest, UsageTally } from './requests.js'

/** One metric over the buckets of a range and of the previous period. */
export interface MetricSeries {
  measure: UsageMetric
  values: number[]
  total: number
  /** undefined if 3scale did not return it */
  previous: { values: number[]; total: number } | undefined
  /** created during the previous period, so that a comparison would be misleading */
  tooRecent: 'application' | 'metric' | undefined
}

/** Requests for the range and, if the application existed by then, for the previous period. */
export function requestsForRange(
  application: ApplicationDetails,
  measure: UsageMetric,
  range: UsageRange,
): StatisticsRequest[] {
  return (['current', 'previous'] as const).flatMap((period) => requestsForPeriod(application, measure, range, period))
}

/** The request for one of the periods, if there is anything to report. */
export function requestsForPeriod(
  application: ApplicationDetails,
  { metric }: UsageMetric,
  { buckets, previousBuckets, source }: UsageRange,
  period: 'current' | 'previous',
): StatisticsRequest[] {
  if (period === 'previous' && isCreatedAfter(application, previousBuckets)) return []
  const span = spanOf(period === 'current' ? buckets : previousBuckets)
  return span ? [{ application: application.id, metric, source, from: span.start, to: span.end }] : []
}

/** Undefined if 3scale did not return the numbers of the range. */
export function buildSeries(
  application: ApplicationDetails,
  measure: UsageMetric,
  range: UsageRange,
  tally: UsageTally,
): MetricSeries | undefined {
  const values = sumBuckets(application.id, measure, range, range.buckets, tally)
  if (!values) return undefined
  const previous = isCreatedAfter(application, range.previousBuckets)
    ? range.previousBuckets.map(() => 0)
    : sumBuckets(application.id, measure, range, range.previousBuckets, tally)
  return {
    measure,
    values,
    total: total(values),
    previous: previous && { values: previous, total: total(previous) },
    tooRecent: findTooRecent(application, measure, range),
  }
}

function findTooRecent(
  { createdAt }: ApplicationDetails,
  { createdAt: metricCreatedAt }: UsageMetric,
  { previousBuckets }: UsageRange,
): MetricSeries['tooRecent'] {
  const start = previousBuckets[0]?.start
  if (start === undefined) return undefined
  if (createdAt > start) return 'application'
  return Date.parse(metricCreatedAt) > start ? 'metric' : undefined
}

function isCreatedAfter({ createdAt }: ApplicationDetails, buckets: TimeBucket[]): boolean {
  return createdAt >= (buckets.at(-1)?.end ?? Number.POSITIVE_INFINITY)
}

function sumBuckets(
  application: number,
  { metric }: UsageMetric,
  { source }: UsageRange,
  buckets: TimeBucket[],
  tally: UsageTally,
): number[] | undefined {
  return tally.sumsOf({ application, metric, source }, buckets)
}

export function spanOf(buckets: TimeBucket[]): TimeBucket | undefined {
  const [first, last] = [buckets[0], buckets.at(-1)]
  return first && last && { start: first.start, end: last.end }
}

export function total(values: number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

/** The sum of the series in each bucket. */
export function sumEach(series: number[][], length: number): number[] {
  const sums = new Array<number>(length).fill(0)
  for (const values of series)
    for (let index = 0; index < length; index++) sums[index] = (sums[index] ?? 0) + (values[index] ?? 0)
  return sums
}
