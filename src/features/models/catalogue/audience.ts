import { type PriceOption, priceOptions, type SortOption, sortEntries } from '../filters.js'
import { isFree } from '../price.js'
import type { Model } from '../schemas.js'
import { primaryLanguage } from '../search/languages.js'
import type { CatalogueEntry } from './build-catalogue.js'

export interface ListedModel {
  model: Model
  /** ids of products ascend as 3scale lists them */
  productId: number
  /** of its entry in the catalogue */
  index: number
}

export interface Facets {
  owners: string[]
  /** first parts of language tags */
  languages: string[]
  prices: PriceOption[]
}

/** What callers with the same view see of a catalogue. It is computed once for all their requests. */
export interface Audience {
  /** callers with this key have this view */
  key: string
  bySystemName: Map<string, ListedModel>
  entries: Map<string, CatalogueEntry>
  total: number
  /** of the total, by type */
  byType: Map<string, number>
  /** in 3scale's order unless sorted, retired models last */
  inOrder(sort: SortOption | undefined): ListedModel[]
  /** values to filter by */
  facets(): Facets
  /** 1 for each entry of the catalogue that is visible */
  visible: Uint8Array
}

/** `visible` are entries of `all`, in the same order. */
export function createAudience(key: string, visible: CatalogueEntry[], all: CatalogueEntry[]): Audience {
  const indexes = new Map(all.map((entry, index) => [entry, index]))
  const entries = new Map(visible.map((entry) => [entry.model.system_name, entry]))
  const bySystemName = new Map(
    visible.map((entry) => {
      const model = withoutHiddenSuccessor(entry.model, entries)
      return [model.system_name, { model, productId: entry.product.id, index: indexes.get(entry) ?? 0 }]
    }),
  )
  const byType = new Map<string, number>()
  for (const { model } of visible) byType.set(model.type, (byType.get(model.type) ?? 0) + 1)
  const orders = new Map<SortOption | undefined, ListedModel[]>()
  let known: Facets | undefined
  const isVisible = new Uint8Array(all.length)
  for (const { index } of bySystemName.values()) isVisible[index] = 1

  return { key, bySystemName, entries, total: visible.length, byType, inOrder, facets, visible: isVisible }

  function facets(): Facets {
    known ??= facetsOf(visible.map(({ model }) => model))
    return known
  }

  function inOrder(sort: SortOption | undefined): ListedModel[] {
    const order = orders.get(sort) ?? sortEntries([...bySystemName.values()], sort)
    orders.set(sort, order)
    return order
  }
}

function facetsOf(models: Model[]): Facets {
  const free = new Set(models.map(isFree))
  return {
    owners: [...new Set(models.flatMap(({ owner }) => owner?.name ?? []))].sort(),
    languages: [...new Set(models.flatMap(({ languages }) => languages.map(primaryLanguage)))].sort(),
    prices: priceOptions.filter((price) => free.has(price === 'free')),
  }
}

const withoutSuccessor = new WeakMap<Model, Model>()

/** A model that the caller may not see is not named as a successor either. */
function withoutHiddenSuccessor(model: Model, visible: Map<string, unknown>): Model {
  if (model.successor === null || visible.has(model.successor)) return model
  const copy = withoutSuccessor.get(model) ?? { ...model, successor: null }
  withoutSuccessor.set(model, copy)
  return copy
}
