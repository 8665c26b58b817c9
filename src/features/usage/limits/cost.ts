import type { PricingRule } from '../../../clients/threescale/types.js'
import { type ConfiguredPrices, unitPricesOf } from '../../../config/unit-prices.js'
import type { UsageMetric } from '../statistics/metric-roles.js'
import type { StatisticsRequest, UsageTally } from '../statistics/requests.js'
import { HOUR } from '../time-range/buckets.js'
import type { TimeBucket, UsageGranularity } from '../time-range/range.js'
import { projectUsage } from './forecast.js'
import { periodAt } from './limits.js'

/** The price of one metric, for its units in a month. */
export interface PricedMetric {
  measure: UsageMetric
  cost(units: number): number
}

export interface EstimateLine {
  metric: string
  name: string
  /** month to date */
  units: number
  cost: number
  /** projection for the month; null while there is too little data */
  expected: number | null
}

export interface UsageEstimate {
  source: '3scale' | 'portal'
  /** null if unknown: 3scale's pricing rules have no currency */
  currency: string | null
  month: TimeBucket
  lines: EstimateLine[]
  monthToDate: number
  expected: number | null
  /** fixed monthly price of the plan, not part of the sums */
  planFee: number
  /** true: a metric with a price could not be read, so the sums are too low */
  incomplete: boolean
}

/** The pricing rules of the plan in 3scale if there are any, else the configured prices. */
export function resolvePrices(
  rules: PricingRule[],
  prices: ConfiguredPrices | undefined,
  measures: UsageMetric[],
): { source: UsageEstimate['source']; priced: PricedMetric[] } {
  const byRule = measures.flatMap((measure) => {
    const matching = rules.filter(({ metricId }) => metricId === measure.id)
    return matching.length === 0
      ? []
      : [{ measure, cost: (units: number) => sum(matching.map((rule) => costInTier(rule, units))) }]
  })
  if (rules.length > 0) return { source: '3scale', priced: byRule }
  return { source: 'portal', priced: configuredPrices(prices ?? {}, measures) }
}

/** Cost of the units in the range of the rule (porta, app/models/pricing_rule.rb, cost_for_value). */
function costInTier({ costPerUnit, from, to }: PricingRule, units: number): number {
  return Math.max(0, Math.min(units, to ?? units) - from + 1) * costPerUnit
}

/** Of the metrics that the product has. */
function configuredPrices(prices: ConfiguredPrices, measures: UsageMetric[]): PricedMetric[] {
  return unitPricesOf(prices).flatMap(({ role, price, units: per }) => {
    const measure = measures.find((candidate) => candidate.role === role)
    return measure ? [{ measure, cost: (units: number) => (units / per) * price }] : []
  })
}

/** The request for the current month in UTC, with the same granularity as the rest of the page. */
export function requestForCost(
  application: number,
  measure: UsageMetric,
  source: UsageGranularity,
  now: number,
): StatisticsRequest {
  const month = monthOf(now)
  const to = source === 'hour' ? (Math.floor(now / HOUR) + 1) * HOUR : month.end
  return { application, metric: measure.metric, source, from: month.start, to }
}

export function estimateCost(
  i: {
    application: number
    prices: ReturnType<typeof resolvePrices>
    currency: string | null
    planFee: number
    createdAt: number
    source: UsageGranularity
  },
  tally: UsageTally,
  now: number,
): UsageEstimate | undefined {
  const { prices, createdAt } = i
  if (prices.priced.length === 0) return undefined
  const month = monthOf(now)
  const elapsed = { start: Math.max(month.start, Math.min(createdAt, now)), end: month.end }
  const lines = prices.priced.flatMap(({ measure, cost }): EstimateLine[] => {
    const units = tally.sum(requestForCost(i.application, measure, i.source, now))
    if (units === undefined) return []
    const projection = projectUsage(units, elapsed, now)
    const { metric, name } = measure
    return [{ metric, name, units, cost: cost(units), expected: projection ? cost(projection.expected) : null }]
  })
  const expected = lines.map((line) => line.expected)
  return {
    source: prices.source,
    currency: i.currency,
    month,
    lines,
    monthToDate: sum(lines.map((line) => line.cost)),
    expected: expected.includes(null) ? null : sum(expected.map(Number)),
    planFee: i.planFee,
    incomplete: lines.length < prices.priced.length,
  }
}

export function monthOf(now: number): TimeBucket {
  const month = periodAt('month', now)
  if (!month) throw new Error('a month has ends')
  return month
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
