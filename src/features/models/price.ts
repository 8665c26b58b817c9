import type { Model, ModelPlan, PlanPrice } from './schemas.js'

/** A model is free if one of its plans costs nothing. Undefined while the prices of usage that decide it are not loaded. */
export function isFree({ plans }: Model): boolean | undefined {
  const withoutFees = plans.filter(({ cost_per_month, setup_fee }) => cost_per_month === 0 && setup_fee === 0)
  if (withoutFees.some(({ prices }) => prices?.length === 0)) return true
  return withoutFees.some(({ prices }) => prices === null) ? undefined : false
}

/** Whether the unit of a price is a token, by the names of its metric. */
export function isTokenPrice({ metric, metric_name }: Pick<PlanPrice, 'metric' | 'metric_name'>): boolean {
  return /token/i.test(`${metric} ${metric_name}`)
}

/** Models are immutable. */
const prices = new WeakMap<Model, number>()

/** Of a plan whose prices are not loaded: it comes last. */
const UNKNOWN = Number.MAX_SAFE_INTEGER

/** The lowest price of a month with a million of each kind of token that has a price, and a thousand of other units, for comparison. */
export function lowestPrice(model: Model): number {
  const known = prices.get(model)
  if (known !== undefined) return known
  const price = Math.min(...model.plans.map(priceOf))
  prices.set(model, price)
  return price
}

function priceOf({ cost_per_month, setup_fee, prices }: ModelPlan): number {
  if (prices === null) return UNKNOWN
  return cost_per_month + setup_fee / 12 + prices.reduce((sum, price) => sum + usagePrice(price), 0)
}

/** Of several tiers, the first counts. */
function usagePrice(price: PlanPrice): number {
  if (price.from > 1) return 0
  return price.cost_per_unit * (isTokenPrice(price) ? 1_000_000 : 1000)
}
