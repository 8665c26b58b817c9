import type { Found, Offer } from './catalogue.js'
import type { Model } from './schemas.js'
import { type Filters, search } from './search.js'

/** What the filters find among the offers that a caller may see; `mine`: only those products. */
export function find(visible: Offer[], filters: Filters, mine: Set<number> | undefined): Found {
  const offers = search(mine ? visible.filter(({ product }) => mine.has(product.id)) : visible, filters)
  const models = offers.map(({ model }) => withoutHiddenSuccessor(model, visible))
  return { models, total: visible.length, byType: countByType(visible) }
}

function countByType(offers: Offer[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { model } of offers) counts.set(model.type, (counts.get(model.type) ?? 0) + 1)
  return counts
}

const discreet = new WeakMap<Model, Model>()

/** A restricted model is not named as a successor either. */
export function withoutHiddenSuccessor(model: Model, visible: Offer[]): Model {
  if (model.successor === null || visible.some((offer) => offer.model.system_name === model.successor)) return model
  const copy = discreet.get(model) ?? { ...model, successor: null }
  discreet.set(model, copy)
  return copy
}
