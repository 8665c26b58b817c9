import { HOUR } from './buckets.js'
import { type Granularity, longest } from './range.js'

/** One number that somebody wants to know: a metric of an application over a piece of time. */
export interface Need {
  application: number
  metric: string
  /** `eternity`: all there ever was; `from` and `to` then mean nothing */
  source: Granularity | 'eternity'
  from: number
  to: number
}

/** One call to 3scale. */
export type Window = Need

/**
 * The fewest calls that tell all of it: one a metric and source as long as it lies within what 3scale gives at once
 * (90 days of hours, a year of days, ten years of months), else one for each such piece.
 */
export function windowsFor(needs: Need[]): Window[] {
  const groups = new Map<string, Need[]>()
  for (const need of needs) {
    const key = `${need.application} ${need.source} ${need.metric}`
    groups.set(key, [...(groups.get(key) ?? []), need])
  }
  return [...groups.values()].flatMap(spansOf).flatMap(pieces)
}

/** Needs that overlap, or fit into one call together, become one; a far-away one stays by itself. */
function spansOf(needs: Need[]): Need[] {
  const spans: Need[] = []
  for (const need of [...needs].sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1)
    const to = Math.max(last?.to ?? 0, need.to)
    const joins = last && (need.source === 'eternity' || need.from <= last.to || to - last.from <= longest[need.source])
    if (joins) spans.splice(-1, 1, { ...last, to })
    else spans.push({ ...need })
  }
  return spans
}

/** Cut from the end, so that the piece that still grows is the same for everybody who asks within the hour. */
function pieces(span: Need): Window[] {
  if (span.source === 'eternity') return [{ ...span, from: 0, to: 0 }]
  const most = longest[span.source]
  const windows: Window[] = []
  for (let to = span.to; to > span.from; ) {
    const from = Math.max(span.from, startOf(to - most, span.source))
    windows.unshift({ ...span, from, to })
    to = from
  }
  return windows
}

function startOf(at: number, source: Granularity): number {
  if (source === 'hour') return Math.ceil(at / HOUR) * HOUR
  const date = new Date(at)
  if (source === 'day') return Math.ceil(at / (24 * HOUR)) * 24 * HOUR
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
}

/** What 3scale answered for one window: a value for each hour, day or month of UTC that begins at `starts`. */
export interface Counted {
  window: Window
  starts: number[]
  values: number[]
}

/** The begin of each value (porta gives none): hours and days are all as long, months are those of the calendar. */
export function startsOf(source: Window['source'], since: number, count: number): number[] {
  const first = new Date(since)
  return Array.from({ length: count }, (_, index) => {
    if (source === 'month') return Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + index, 1)
    return since + index * (source === 'day' ? 24 * HOUR : HOUR)
  })
}

/** Answers put together: sums over any piece of time that a need named. */
export function createTally(counted: Counted[]) {
  return {
    /** whether 3scale answered for the metric and source at all, with numbers or without */
    isAnswered({ application, metric, source }: Need): boolean {
      return counted.some(
        ({ window }) => window.application === application && window.metric === metric && window.source === source,
      )
    },

    /** undefined where 3scale was not asked for it, or did not answer */
    sum({ application, metric, source, from, to }: Need): number | undefined {
      const parts = counted.filter(
        ({ window }) => window.application === application && window.metric === metric && window.source === source,
      )
      if (source === 'eternity') return parts[0]?.values[0]
      const covered = parts
        .filter(({ window }) => window.from < to && window.to > from)
        .reduce((sum, { window }) => sum + Math.min(window.to, to) - Math.max(window.from, from), 0)
      if (covered < to - from) return undefined
      let sum = 0
      for (const { window, starts, values } of parts) {
        const until = Math.min(to, window.to)
        for (let index = firstFrom(starts, Math.max(from, window.from)); (starts[index] ?? until) < until; index++)
          sum += values[index] ?? 0
      }
      return sum
    },
  }
}

/** Index of the first start that is not before that time. */
function firstFrom(starts: number[], at: number): number {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return low
}

export type Tally = ReturnType<typeof createTally>
