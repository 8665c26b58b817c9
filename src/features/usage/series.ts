import type { Detailed } from './details.js'
import type { Measure } from './measures.js'
import type { Bucket, Range } from './range.js'
import type { Need, Tally } from './windows.js'

/** One metric over the buckets of a range, and over the period before it. */
export interface Series {
  measure: Measure
  values: number[]
  total: number
  /** undefined where 3scale did not tell it */
  before: { values: number[]; total: number } | undefined
  /** what is younger than the period before; a comparison would only tell its age */
  young: 'application' | 'metric' | undefined
}

/** What a range asks of a metric: the range itself and, where there was an application already, the period before it. */
export function rangeNeeds(application: Detailed, { metric }: Measure, range: Range): Need[] {
  const asked = [range.buckets, madeAfter(application, range.before) ? [] : range.before]
  return asked.flatMap((buckets) => {
    const whole = wholeOf(buckets)
    return whole
      ? [{ application: application.id, metric, source: range.source, from: whole.start, to: whole.end }]
      : []
  })
}

/** Undefined where 3scale did not tell the numbers of the range. */
export function seriesOf(application: Detailed, measure: Measure, range: Range, tally: Tally): Series | undefined {
  const values = sums(application.id, measure, range, range.buckets, tally)
  if (!values) return undefined
  const earlier = madeAfter(application, range.before)
    ? range.before.map(() => 0)
    : sums(application.id, measure, range, range.before, tally)
  return {
    measure,
    values,
    total: total(values),
    before: earlier && { values: earlier, total: total(earlier) },
    young: youngOf(application, measure, range),
  }
}

function youngOf({ madeAt }: Detailed, { since }: Measure, { before }: Range): Series['young'] {
  const start = before[0]?.start
  if (start === undefined) return undefined
  if (madeAt > start) return 'application'
  return Date.parse(since) > start ? 'metric' : undefined
}

function madeAfter({ madeAt }: Detailed, buckets: Bucket[]): boolean {
  return madeAt >= (buckets.at(-1)?.end ?? Number.POSITIVE_INFINITY)
}

function sums(
  application: number,
  { metric }: Measure,
  { source }: Range,
  buckets: Bucket[],
  tally: Tally,
): number[] | undefined {
  const values = buckets.map(({ start, end }) => tally.sum({ application, metric, source, from: start, to: end }))
  return values.includes(undefined) ? undefined : (values as number[])
}

export function wholeOf(buckets: Bucket[]): Bucket | undefined {
  const [first, last] = [buckets[0], buckets.at(-1)]
  return first && last && { start: first.start, end: last.end }
}

export function total(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
