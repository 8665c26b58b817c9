import { LANGUAGE_TAG } from '../../config/product-config.js'
import type { ListedModel } from './catalogue/audience.js'
import { lowestPrice } from './price.js'
import { capabilities, type Model, modelStates, modelTypes } from './schemas.js'

export interface ModelFilters {
  /** what is searched for: words, phrases or a sentence */
  q?: string
  type?: string
  capability?: string
  state?: string
  /** name of the owner */
  owner?: string
  /** BCP 47 tag; its first part counts */
  language?: string
  price?: string
  /** true: only models for which the caller's account has an application */
  mine?: boolean
  sort?: string
}

export const priceOptions = ['free', 'paid'] as const
export type PriceOption = (typeof priceOptions)[number]

export const sortOptions = ['name', 'newest', 'context', 'price'] as const
export type SortOption = (typeof sortOptions)[number]

/** In 3scale's order unless sorted, retired models last. */
export function sortEntries(models: ListedModel[], sort: SortOption | undefined): ListedModel[] {
  const order = sort && comparators[sort]
  return models.sort((a, b) => retired(a.model) - retired(b.model) || (order ? order(a, b) : 0))
}

const byName = new Intl.Collator('en', { numeric: true })
const comparators: Record<SortOption, (a: ListedModel, b: ListedModel) => number> = {
  name: (a, b) => byName.compare(a.model.name, b.model.name),
  newest: (a, b) => b.productId - a.productId,
  context: (a, b) => (b.model.context_length ?? 0) - (a.model.context_length ?? 0),
  price: (a, b) => lowestPrice(a.model) - lowestPrice(b.model),
}

function retired({ state }: Model): number {
  return state === 'retired' ? 1 : 0
}

/** Reads filters from the query of the catalogue page. Unknown values are ignored. */
export function parseFilters(query: Record<string, unknown>): ModelFilters {
  const q = text(query.q).trim().slice(0, 200)
  const type = modelTypes.find((value) => value === query.type)
  const capability = capabilities.find((value) => value === query.capability)
  const state = modelStates.find((value) => value === query.state)
  const owner = text(query.owner).trim().slice(0, 200)
  const language = LANGUAGE_TAG.exec(text(query.language))?.[0]
  const price = priceOptions.find((value) => value === query.price)
  const sort = sortOptions.find((value) => value === query.sort)
  return {
    ...(q && { q }),
    ...(type && { type }),
    ...(capability && { capability }),
    ...(state && { state }),
    ...(owner && { owner }),
    ...(language && { language }),
    ...(price && { price }),
    ...(query.mine === '1' && { mine: true }),
    ...(sort && { sort }),
  }
}

/** The URL of the catalogue page with these filters. */
export function catalogueHref(filters: ModelFilters, page = 1): string {
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
