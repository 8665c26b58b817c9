import type { UsageValues } from '../../../clients/threescale/types.js'
import { HOUR } from '../time-range/buckets.js'
import type { TimeBucket } from '../time-range/range.js'
import type { StatisticsWindow } from './requests.js'

/** A response of 3scale without its zeros, because most hours have no usage. */
export interface CountedValues {
  /** start of each hour, day, or month in UTC with usage, in ascending order */
  starts: number[]
  /** the usage of each and of all before it */
  sums: number[]
  /** false if this 3scale does not report the period `eternity` */
  isReported: boolean
}

/** Adds the start of each value, which porta does not return. */
export function countValues(source: StatisticsWindow['source'], { since, values }: UsageValues): CountedValues {
  const first = Date.parse(since)
  const counted: CountedValues = { starts: [], sums: [], isReported: values.length > 0 }
  let sum = 0
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0
    if (value === 0) continue
    sum += value
    counted.starts.push(source === 'eternity' ? 0 : startOfValue(source, first, index))
    counted.sums.push(sum)
  }
  return counted
}

function startOfValue(source: Exclude<StatisticsWindow['source'], 'eternity'>, first: number, index: number): number {
  if (source !== 'month') return first + index * (source === 'day' ? 24 * HOUR : HOUR)
  const month = new Date(first)
  return Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + index, 1)
}

/** Adds the usage within the bounds to each bucket. Buckets are in ascending order and do not overlap. */
export function addUsage(
  { starts, sums }: CountedValues,
  bounds: { from: number; to: number },
  buckets: TimeBucket[],
  amounts: number[],
): void {
  let index = firstIndexFrom(starts, Math.max(bounds.from, buckets[0]?.start ?? 0))
  for (let bucket = 0; bucket < buckets.length && index < starts.length; bucket++) {
    const { start, end } = buckets[bucket] as TimeBucket
    const until = Math.min(end, bounds.to)
    while (index < starts.length && (starts[index] ?? 0) < start) index++
    const before = sums[index - 1] ?? 0
    while (index < starts.length && (starts[index] ?? 0) < until) index++
    amounts[bucket] = (amounts[bucket] ?? 0) + (sums[index - 1] ?? 0) - before
  }
}

/** Index of the first start at or after this time. */
function firstIndexFrom(starts: number[], at: number): number {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return low
}
