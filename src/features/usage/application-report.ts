import { problem } from '../../errors.js'
import { costNeed, type Estimate, estimateOf } from './cost.js'
import type { Read } from './counters.js'
import type { Detailed } from './details.js'
import { type LimitState, limitNeed, limitState } from './limits.js'
import { tokenLosses } from './losses.js'
import type { Measure } from './measures.js'
import type { Granularity, Range } from './range.js'
import { rangeNeeds, type Series, seriesOf } from './series.js'
import type { Need } from './windows.js'

/** Metrics of one application that a page asks 3scale for; the others are named and asked for when chosen. */
export const MOST_METRICS = 16

export interface ApplicationReport {
  application: Detailed
  range: Range
  series: Series[]
  /** there for the choosing, beyond the most that are asked at once */
  notAsked: Measure[]
  limits: LimitState[]
  estimate: Estimate | undefined
  losses: string[]
  /** where it was requested and is known */
  tenantZone: string | undefined
  gaps: Gaps
  readAt: number
  calls: number
}

/** What a report lacks, and why. */
export interface Gaps {
  /** names of what 3scale did not answer in time, or refused */
  unread: string[]
  /** names of metrics that 3scale does not know any more */
  gone: string[]
  /** the first failure, to be thrown where nothing incomplete may be given */
  error: unknown
}

/** The metrics to show: those named, else the first ones, calls and tokens before methods. Throws invalid_fields. */
export function chosen({ measures }: Detailed, metric: string | undefined): { shown: Measure[]; notAsked: Measure[] } {
  const names = (metric ?? '').split(',').map((name) => name.trim())
  const wanted = names.filter(Boolean)
  if (wanted.length === 0) return { shown: measures.slice(0, MOST_METRICS), notAsked: measures.slice(MOST_METRICS) }
  const unknown = wanted.find((name) => !measures.some((measure) => measure.metric === name))
  if (unknown !== undefined || wanted.length > MOST_METRICS) {
    const all = measures.map((measure) => measure.metric).join(', ')
    const detail = unknown === undefined ? `Name at most ${MOST_METRICS} metrics.` : `Use some of: ${all}.`
    throw problem('invalid_fields', { fields: { metric: detail } })
  }
  const shown = measures.filter((measure) => wanted.includes(measure.metric))
  return { shown, notAsked: measures.filter((measure) => !shown.includes(measure)) }
}

export function limitNeeds(application: Detailed, now: number): Need[] {
  return application.limits.flatMap(({ limit, measure }) => limitNeed(application.id, limit, measure, now) ?? [])
}

export function costNeeds(application: Detailed, source: Granularity, now: number): Need[] {
  return application.prices.priced.map(({ measure }) => costNeed(application.id, measure, source, now))
}

export function needsOf(application: Detailed, shown: Measure[], range: Range, now: number): Need[] {
  return [
    ...shown.flatMap((measure) => rangeNeeds(application, measure, range)),
    ...limitNeeds(application, now),
    ...costNeeds(application, range.source, now),
  ]
}

export function applicationReport(
  i: {
    application: Detailed
    shown: Measure[]
    notAsked: Measure[]
    range: Range
    currency: string | null
    tenantZone: string | undefined
  },
  read: Read,
  now: number,
): ApplicationReport {
  const { application, range } = i
  return {
    application,
    range,
    series: i.shown.flatMap((measure) => seriesOf(application, measure, range, read.tally) ?? []),
    notAsked: i.notAsked,
    limits: limitsOf(application, read, now),
    estimate: estimate(application, i.currency, range.source, read, now),
    losses: tokenLosses(application.measures, application.gateway, chats(application)),
    tenantZone: i.tenantZone,
    gaps: gapsOf(read, [application]),
    readAt: now,
    calls: read.calls,
  }
}

export function limitsOf(application: Detailed, { tally }: Read, now: number): LimitState[] {
  const { id, madeAt, looked } = application
  return application.limits.map(({ limit, measure }) =>
    limitState({ limit, measure, application: id, madeAt, looked }, tally, now),
  )
}

export function estimate(
  application: Detailed,
  currency: string | null,
  source: Granularity,
  { tally }: Read,
  now: number,
): Estimate | undefined {
  const { id, prices, planFee, madeAt } = application
  return estimateOf({ application: id, prices, currency, planFee, madeAt, source }, tally, now)
}

export function gapsOf({ failed }: Pick<Read, 'failed'>, applications: Detailed[]): Gaps {
  const named = ({ window }: Read['failed'][number]) => {
    const application = applications.find(({ id }) => id === window.application)
    const name = application?.measures.find(({ metric }) => metric === window.metric)?.name ?? window.metric
    return applications.length > 1 ? `${name} of ${application?.name ?? window.application}` : name
  }
  const isGone = ({ error }: Read['failed'][number]) => (error as { code?: string }).code === 'not_found'
  return {
    unread: [...new Set(failed.filter((failure) => !isGone(failure)).map(named))],
    gone: [...new Set(failed.filter(isGone).map(named))],
    error: failed.find((failure) => !isGone(failure))?.error,
  }
}

function chats({ type }: Detailed): boolean {
  return type === 'chat' || type === 'completion'
}
