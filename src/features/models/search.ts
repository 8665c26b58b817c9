import type { Offer } from './catalogue.js'
import type { Model, ModelPlan } from './schemas.js'

export interface Filters {
  /** words that all occur in name, id or description */
  q?: string
  type?: string
  capability?: string
  state?: string
  /** true: only what the caller's account has an application for */
  mine?: boolean
  sort?: string
}

export const sortings = ['name', 'newest', 'context', 'price'] as const
export type Sorting = (typeof sortings)[number]

/** As the filters say; without a sort in 3scale's order, retired models last. */
export function search(offers: Offer[], { q = '', type, capability, state, sort }: Filters): Offer[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  const found = offers.filter(
    ({ model, words: text }) =>
      (!type || model.type === type) &&
      (!capability || model.capabilities.some((name) => name === capability)) &&
      (!state || model.state === state) &&
      words.every((word) => text.includes(word)),
  )
  const order = orders[sort as Sorting]
  return found.sort((a, b) => retired(a.model) - retired(b.model) || (order ? order(a, b) : 0))
}

const orders: Partial<Record<Sorting, (a: Offer, b: Offer) => number>> = {
  name: (a, b) => a.model.name.localeCompare(b.model.name, 'en'),
  newest: (a, b) => b.product.id - a.product.id,
  context: (a, b) => (b.model.context_length ?? 0) - (a.model.context_length ?? 0),
  price: (a, b) => cheapest(a.model) - cheapest(b.model),
}

function retired({ state }: Model): number {
  return state === 'retired' ? 1 : 0
}

/** By the month; among those without a monthly cost, the ones that cost by use come after the free ones. */
function cheapest({ plans }: Model): number {
  return Math.min(...plans.map(monthly))
}

function monthly({ cost_per_month, setup_fee, prices }: ModelPlan): number {
  return cost_per_month + setup_fee / 12 + ((prices?.length ?? 0) > 0 ? 0.01 : 0)
}
