import type { PricingRule } from '../../clients/threescale/nouns.js'
import { HOUR } from './buckets.js'
import { periodAround } from './limits.js'
import type { Measure } from './measures.js'
import { paceOf } from './pace.js'
import type { Bucket, Granularity } from './range.js'
import type { Need, Tally } from './windows.js'

/** PORTAL_CONFIG's prices of a product, for where 3scale has no pricing rules. */
export interface Prices {
  per_million_prompt_tokens?: number
  per_million_completion_tokens?: number
  per_million_tokens?: number
  per_call?: number
}

/** A price of one metric: what so many units of a month cost. */
export interface Priced {
  measure: Measure
  cost(units: number): number
}

export interface CostLine {
  metric: string
  name: string
  /** of this month, so far */
  units: number
  cost: number
  /** at the end of the month; null while the month is too young to tell */
  expected: number | null
}

export interface Estimate {
  source: '3scale' | 'portal'
  /** null: 3scale's pricing rules do not name it */
  currency: string | null
  month: Bucket
  lines: CostLine[]
  soFar: number
  expected: number | null
  /** the plan's fixed price a month, apart from the above */
  planFee: number
  /** a metric with a price could not be read: the sums lack it */
  incomplete: boolean
}

/** 3scale's rules where the plan has any, else the configured prices; [] where there are none. */
export function pricesOf(
  rules: PricingRule[],
  prices: Prices | undefined,
  measures: Measure[],
): { source: Estimate['source']; priced: Priced[] } {
  const byRule = measures.flatMap((measure) => {
    const own = rules.filter(({ metricId }) => metricId === measure.id)
    return own.length === 0 ? [] : [{ measure, cost: (units: number) => sum(own.map((rule) => tier(rule, units))) }]
  })
  if (rules.length > 0) return { source: '3scale', priced: byRule }
  return { source: 'portal', priced: configured(prices ?? {}, measures) }
}

/** The part of the units that falls into the rule's range (porta, app/models/pricing_rule.rb, cost_for_value). */
function tier({ costPerUnit, from, to }: PricingRule, units: number): number {
  return Math.max(0, Math.min(units, to ?? units) - from + 1) * costPerUnit
}

/** Prompt and completion tokens are part of the total: a price for all tokens counts only where they have none. */
function configured(prices: Prices, measures: Measure[]): Priced[] {
  const of = (role: Measure['role'], price: number | undefined, per: number): Priced[] => {
    const measure = measures.find((candidate) => candidate.role === role)
    return measure && price !== undefined ? [{ measure, cost: (units) => (units / per) * price }] : []
  }
  const sides = [
    ...of('prompt_tokens', prices.per_million_prompt_tokens, 1e6),
    ...of('completion_tokens', prices.per_million_completion_tokens, 1e6),
  ]
  return [
    ...of('calls', prices.per_call, 1),
    ...(sides.length > 0 ? sides : of('total_tokens', prices.per_million_tokens, 1e6)),
  ]
}

/** The month of 3scale's counters, which is one of UTC; asked in the unit that the rest of the page is asked in. */
export function costNeed(application: number, measure: Measure, source: Granularity, now: number): Need {
  const month = monthOf(now)
  const to = source === 'hour' ? (Math.floor(now / HOUR) + 1) * HOUR : month.end
  return { application, metric: measure.metric, source, from: month.start, to }
}

export function estimateOf(
  i: {
    application: number
    prices: ReturnType<typeof pricesOf>
    currency: string | null
    planFee: number
    madeAt: number
    source: Granularity
  },
  tally: Tally,
  now: number,
): Estimate | undefined {
  const { prices, madeAt } = i
  if (prices.priced.length === 0) return undefined
  const month = monthOf(now)
  const since = { start: Math.max(month.start, Math.min(madeAt, now)), end: month.end }
  const lines = prices.priced.flatMap(({ measure, cost }): CostLine[] => {
    const units = tally.sum(costNeed(i.application, measure, i.source, now))
    if (units === undefined) return []
    const pace = paceOf(units, since, now)
    const { metric, name } = measure
    return [{ metric, name, units, cost: cost(units), expected: pace ? cost(pace.expected) : null }]
  })
  const expected = lines.map((line) => line.expected)
  return {
    source: prices.source,
    currency: i.currency,
    month,
    lines,
    soFar: sum(lines.map((line) => line.cost)),
    expected: expected.includes(null) ? null : sum(expected.map(Number)),
    planFee: i.planFee,
    incomplete: lines.length < prices.priced.length,
  }
}

export function monthOf(now: number): Bucket {
  const month = periodAround('month', now)
  if (!month) throw new Error('a month has ends')
  return month
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
