import type { Audience, ListedModel } from './catalogue/audience.js'
import type { ListResult } from './catalogue/build-catalogue.js'
import type { ModelFilters, SortOption } from './filters.js'
import { isFree, lowestPrice } from './price.js'
import type { Model } from './schemas.js'
import { primaryLanguage } from './search/languages.js'
import { type Search, search } from './search/search.js'
import type { SearchIndex } from './search/search-index.js'

/** The visible models that match the filters; with `mine`, only those products. A search requires the index. */
export function listModels(
  audience: Audience,
  filters: ModelFilters,
  mine: Set<number> | undefined,
  index: SearchIndex | undefined,
): ListResult {
  const { total } = audience
  const sort = filters.sort as SortOption | undefined
  const q = filters.q?.trim()
  const found = q && index ? search(index, q, audience.visible) : undefined
  const matches = found ? matchesIn(audience, found, sort) : audience.inOrder(sort)
  const ofAllTypes = filterModels(matches, filters, mine)
  const listed = filters.type ? ofAllTypes.filter(({ model }) => model.type === filters.type) : ofAllTypes
  return {
    models: listed.map(({ model }) => model),
    listed,
    total,
    byType: countByType(ofAllTypes, audience),
    facets: audience.facets(),
    search: found,
    found: matches.length,
    closest: found && index ? closestTo(found, audience, index) : [],
    rankOf: found ? (entry) => rankIn(found, entry) : undefined,
  }
}

function countByType(listed: ListedModel[], { byType, total }: Audience): Map<string, number> {
  if (listed.length === total) return byType
  const counts = new Map([...byType.keys()].map((type) => [type, 0]))
  for (const { model } of listed) counts.set(model.type, (counts.get(model.type) ?? 0) + 1)
  return counts
}

const MAX_CLOSEST = 3

function closestTo({ suggestions: [similar] }: Search, audience: Audience, index: SearchIndex): Model[] {
  if (similar === undefined) return []
  const matches = matchesIn(audience, search(index, similar, audience.visible), undefined)
  return matches.slice(0, MAX_CLOSEST).map(({ model }) => model)
}

/** The best matches first, unless they are sorted. Entries of the same rank remain in the order of 3scale. */
function matchesIn(audience: Audience, found: Search, sort: SortOption | undefined): ListedModel[] {
  const { scores } = found
  const matches = audience.inOrder(sort).filter(({ index }) => scores[index] !== 0)
  if (sort) return matches
  const byRank = new Map<number, ListedModel[]>()
  for (const entry of matches) {
    const rank = rankIn(found, entry)
    const equals = byRank.get(rank)
    if (equals) equals.push(entry)
    else byRank.set(rank, [entry])
  }
  return [...byRank].sort(([a], [b]) => a - b).flatMap(([, entries]) => entries)
}

const MAX_SCORE = 9999
/** Prices differ by a ten-thousandth at least, and are at most 100,000. */
const PRICE_STEPS = 10_000
const MAX_PRICE = 100_000 * PRICE_STEPS

/** Retired models last, then by price if the query asks for a low one, then by score. A safe integer: cursors of the API hold it. */
function rankIn({ scores, lowPriceFirst }: Search, { model, index }: ListedModel): number {
  const retired = model.state === 'retired' ? 1 : 0
  const price = lowPriceFirst ? Math.min(Math.round(lowestPrice(model) * PRICE_STEPS), MAX_PRICE) : 0
  return (retired * (MAX_PRICE + 1) + price) * (MAX_SCORE + 1) + MAX_SCORE - Math.min(scores[index] ?? 0, MAX_SCORE)
}

/** By all filters but search and type. */
function filterModels(
  all: ListedModel[],
  { capability, state, owner, language, price }: ModelFilters,
  mine: Set<number> | undefined,
): ListedModel[] {
  if (!capability && !state && !owner && !language && !price && !mine) return all
  const primary = language && primaryLanguage(language)
  return all.filter(
    ({ model, productId }) =>
      (!mine || mine.has(productId)) &&
      (!capability || model.capabilities.some((name) => name === capability)) &&
      (!state || model.state === state) &&
      (!owner || model.owner?.name === owner) &&
      (!primary || model.languages.some((code) => primaryLanguage(code) === primary)) &&
      (!price || isFree(model) === (price === 'free')),
  )
}
