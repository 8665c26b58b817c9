import { HOUR } from '../time-range/buckets.js'
import { maxDurations, type TimeBucket, type UsageGranularity } from '../time-range/range.js'
import { addUsage, type CountedValues } from './counted-values.js'

/** A metric of an application over an interval. */
export interface StatisticsRequest {
  application: number
  metric: string
  /** `eternity`: all data; `from` and `to` are ignored */
  source: UsageGranularity | 'eternity'
  from: number
  to: number
}

/** One request to 3scale. */
export type StatisticsWindow = StatisticsRequest

/**
 * The fewest windows that cover all requests: one per metric and source if it fits into the maximum of 3scale (90 days of
 * hours, one year of days, ten years of months), else several.
 */
export function planWindows(requests: StatisticsRequest[]): StatisticsWindow[] {
  const groups = new Map<string, StatisticsRequest[]>()
  for (const request of requests) {
    const key = groupKey(request)
    const group = groups.get(key)
    if (group) group.push(request)
    else groups.set(key, [request])
  }
  return [...groups.values()].flatMap(mergeRequests).flatMap(splitIntoWindows)
}

function groupKey({
  application,
  source,
  metric,
}: Pick<StatisticsRequest, 'application' | 'source' | 'metric'>): string {
  return `${application} ${source} ${metric}`
}

/** Merges requests that overlap or fit into one window. */
function mergeRequests(requests: StatisticsRequest[]): StatisticsRequest[] {
  const spans: StatisticsRequest[] = []
  for (const request of requests.sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1)
    const to = Math.max(last?.to ?? 0, request.to)
    const isMergeable =
      last &&
      (request.source === 'eternity' || request.from <= last.to || to - last.from <= maxDurations[request.source])
    if (isMergeable) last.to = to
    else spans.push({ ...request })
  }
  return spans
}

/** Splits from the end, so that the window that still grows is the same for all requests within the hour. */
function splitIntoWindows(span: StatisticsRequest): StatisticsWindow[] {
  if (span.source === 'eternity') return [{ ...span, from: 0, to: 0 }]
  const maxDuration = maxDurations[span.source]
  const windows: StatisticsWindow[] = []
  for (let to = span.to; to > span.from; ) {
    const from = Math.max(span.from, startOfUnit(to - maxDuration, span.source))
    windows.unshift({ ...span, from, to })
    to = from
  }
  return windows
}

function startOfUnit(at: number, source: UsageGranularity): number {
  if (source === 'hour') return Math.ceil(at / HOUR) * HOUR
  const date = new Date(at)
  if (source === 'day') return Math.ceil(at / (24 * HOUR)) * 24 * HOUR
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/** The response for one window. */
export interface WindowValues {
  window: StatisticsWindow
  values: CountedValues
}

export type UsageTally = ReturnType<typeof createTally>

/** Sums of the responses over any requested interval. */
export function createTally(results: WindowValues[]) {
  const byMetric = new Map<string, WindowValues[]>()
  for (const result of results) {
    const key = groupKey(result.window)
    const group = byMetric.get(key)
    if (group) group.push(result)
    else byMetric.set(key, [result])
  }

  return {
    /** Whether 3scale returned a response for the metric and source, with or without numbers. */
    isAnswered: (request: Pick<StatisticsRequest, 'application' | 'metric' | 'source'>): boolean =>
      byMetric.has(groupKey(request)),

    /** Undefined if the interval was not requested, or has no response. */
    sum(request: StatisticsRequest): number | undefined {
      if (request.source !== 'eternity') return sumsOf(request, [{ start: request.from, end: request.to }])?.[0]
      const values = byMetric.get(groupKey(request))?.[0]?.values
      return values?.isReported ? (values.sums.at(-1) ?? 0) : undefined
    },

    sumsOf,
  }

  /** The usage in each bucket; undefined if any of them was not requested, or has no response. */
  function sumsOf(
    request: Pick<StatisticsRequest, 'application' | 'metric' | 'source'>,
    buckets: TimeBucket[],
  ): number[] | undefined {
    const [first, last] = [buckets[0], buckets.at(-1)]
    if (!first || !last) return []
    const parts = byMetric.get(groupKey(request)) ?? []
    let covered = 0
    for (const { window } of parts)
      covered += Math.max(0, Math.min(window.to, last.end) - Math.max(window.from, first.start))
    if (covered < last.end - first.start) return undefined
    const amounts = new Array<number>(buckets.length).fill(0)
    for (const { window, values } of parts) addUsage(values, window, buckets, amounts)
    return amounts
  }
}
