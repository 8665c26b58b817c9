import type { Offer } from './catalogue.js'
import { capabilities, type Model, type ModelPlan, modelStates, modelTypes } from './schemas.js'

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

const byName = new Intl.Collator('en', { numeric: true })
const orders: Partial<Record<Sorting, (a: Offer, b: Offer) => number>> = {
  name: (a, b) => byName.compare(a.model.name, b.model.name),
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

/** What the address of the catalogue says; anything it does not know is as if it were not there. */
export function filtersOf(query: Record<string, unknown>): Filters {
  const q = text(query.q).trim().slice(0, 200)
  const type = modelTypes.find((value) => value === query.type)
  const capability = capabilities.find((value) => value === query.capability)
  const state = modelStates.find((value) => value === query.state)
  const sort = sortings.find((value) => value === query.sort)
  return {
    ...(q && { q }),
    ...(type && { type }),
    ...(capability && { capability }),
    ...(state && { state }),
    ...(query.mine === '1' && { mine: true }),
    ...(sort && { sort }),
  }
}

/** The other way round: the address that holds these filters. */
export function addressOf(filters: Filters, page = 1): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) {
    if (value === true) query.set(name, '1')
    else if (value) query.set(name, String(value))
  }
  if (page > 1) query.set('page', String(page))
  return query.size > 0 ? `/models?${query}` : '/models'
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
