import { modelIdSource } from '../../../model-calls/example-calls.js'
import { capitalize, formatNumber } from '../../../web/pages/format.js'
import type { ListResult } from '../catalogue/build-catalogue.js'
import { catalogueHref, type ModelFilters, type PriceOption, type SortOption } from '../filters.js'
import {
  capabilityLabels,
  contextLabel,
  limitLabels,
  shortPriceLabel,
  staleMessage,
  stateLabels,
  typeLabels,
} from '../messages.js'
import { type Capability, capabilities, type Model, type ModelPlan, modelStates, modelTypes } from '../schemas.js'
import { languageName } from '../search/languages.js'
import {
  allTypes,
  alternatives,
  approximationMessage,
  facetLabels,
  limitOfPlan,
  matchCount,
  matchesWithoutFilters,
  missingIdShortLabels,
  modelCount,
  moreCapabilities,
  pagePosition,
  pagerLabels,
  priceLabels,
  sortLabels,
  titles,
} from './messages.js'

export const typeColors: Record<Model['type'], string> = {
  chat: 'blue',
  completion: 'teal',
  embedding: 'purple',
  rerank: 'purple',
  image: 'orange',
  speech_to_text: 'green',
  text_to_speech: 'green',
  custom: 'grey',
}

/** A page at 2,000 models has hardly more cards than one at 16. */
export const PER_PAGE = 24
/** Links to pages before and after the current one. */
const NEIGHBOURS = 1

export interface CatalogueResults
  extends Pick<ListResult, 'models' | 'total' | 'byType' | 'facets' | 'search' | 'found' | 'closest'> {
  /** cards of this page, rendered */
  cardsHtml: string
  page: number
  filters: ModelFilters
}

/** The part of the page that changes with the search. */
export function resultsView(results: CatalogueResults) {
  const { models, cardsHtml, page, total, byType, filters, search, found, closest } = results
  const { type, ...others } = filters
  const { q, ...withoutSearch } = filters
  const filtered = Object.keys(filters).some((name) => name !== 'sort')
  const pages = Math.max(1, Math.ceil(models.length / PER_PAGE))
  return {
    count: countLabel(models.length, { filtered, total, page, pages }),
    cardsHtml,
    types: [
      { label: allTypes, count: sumOf(byType), href: catalogueHref(others), current: !type },
      ...modelTypes
        .filter((value) => (byType.get(value) ?? 0) > 0 || value === type)
        .map((value) => ({
          label: typeLabels[value],
          count: byType.get(value),
          href: catalogueHref({ ...others, type: value }),
          current: value === type,
        })),
    ],
    pager: pages > 1 ? pagerView(page, pages, filters) : undefined,
    approximation: search ? approximationMessage(search) : '',
    suggestions: [
      ...(search?.suggestions ?? []).map((word) => ({ label: word, href: catalogueHref({ ...filters, q: word }) })),
      ...closest.map(({ name, system_name }) => ({ label: name, href: `/models/${encodeURIComponent(system_name)}` })),
    ],
    withoutFilters: q && found > 0 && models.length === 0 ? matchesWithoutFilters(found) : '',
    withoutFiltersHref: catalogueHref(q ? { q } : {}),
    clearSearchHref: q ? catalogueHref(withoutSearch) : '',
    nothingMatches: models.length === 0 && filtered,
    nothingOfMine: models.length === 0 && filters.mine === true,
    nothingAtAll: models.length === 0 && !filtered,
  }
}

function sumOf(counts: Map<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function countLabel(
  matches: number,
  { filtered, total, page, pages }: { filtered: boolean; total: number; page: number; pages: number },
): string {
  const count = filtered ? matchCount(matches, total) : modelCount(total)
  return pages > 1 ? `${count}. ${pagePosition(page, pages)}` : count
}

function pagerView(page: number, pages: number, filters: ModelFilters) {
  const linked = Array.from({ length: pages }, (_, index) => index + 1).filter(
    (number) => number === 1 || number === pages || Math.abs(number - page) <= NEIGHBOURS,
  )
  const gap = { label: '…', href: '', current: false }
  return {
    label: pagerLabels.above,
    labelBelow: pagerLabels.below,
    previous: page > 1 ? catalogueHref(filters, page - 1) : '',
    next: page < pages ? catalogueHref(filters, page + 1) : '',
    pages: linked.flatMap((number, index) => [
      ...(number - (linked[index - 1] ?? 0) > 1 ? [gap] : []),
      { label: formatNumber(number), href: catalogueHref(filters, number), current: number === page },
    ]),
  }
}

type FacetName = keyof typeof facetLabels
const byLabel = new Intl.Collator('en')

export function catalogueView(
  i: CatalogueResults & { staleSeconds: number | undefined; signedIn: boolean; note: string },
) {
  const { filters, facets } = i
  const choices = <T extends string>(values: readonly T[], labels: Record<T, string>, chosen: string | undefined) =>
    values.map((value) => ({ value, label: labels[value], selected: value === chosen }))
  const facetFilter = (name: FacetName, values: string[], labelOf: (value: string) => string) => {
    const chosen = filters[name]
    const all = chosen === undefined || values.includes(chosen) ? values : [...values, chosen]
    const options = all.map((value) => ({ value, label: labelOf(value), selected: value === chosen }))
    return { name, label: facetLabels[name], options: options.sort((a, b) => byLabel.compare(a.label, b.label)) }
  }
  return {
    title: titles.list,
    ...resultsView(i),
    q: filters.q ?? '',
    type: filters.type ?? '',
    capabilities: choices(capabilities, capabilityLabels, filters.capability),
    states: choices(modelStates, stateLabels, filters.state),
    // A filter with one value would not narrow the list.
    facetFilters: [
      facetFilter('owner', facets.owners, (name) => name),
      facetFilter('language', facets.languages, languageName),
      facetFilter('price', facets.prices, (price) => priceLabels[price as PriceOption]),
    ].filter(({ options }) => options.length > 1),
    sorts: choices(Object.keys(sortLabels) as SortOption[], sortLabels, filters.sort),
    mine: filters.mine === true,
    signedIn: i.signedIn,
    filtered: Object.keys(filters).length > 0,
    note: i.note,
    stale: staleMessage(i.staleSeconds),
  }
}

export function cardView(model: Model) {
  const { system_name, plans } = model
  return {
    name: model.name,
    systemName: system_name,
    href: `/models/${encodeURIComponent(system_name)}`,
    keyHref: model.state === 'retired' ? '' : `/applications/new?model=${encodeURIComponent(system_name)}`,
    kind: model.type,
    type: typeLabels[model.type],
    color: typeColors[model.type],
    state: model.state === 'available' ? '' : stateLabels[model.state],
    stateColor: model.state === 'deprecated' ? 'orange' : 'grey',
    ...ownerTile(model.owner?.name ?? ''),
    summary: model.summary,
    ...chipsOf(model.capabilities.map((name: Capability) => capabilityLabels[name])),
    modelId: model.model_id ?? '',
    noModelId: model.model_id === null ? missingIdShortLabels[modelIdSource(model)] : '',
    context: contextLabel(model),
    price: priceOfPlans(plans),
    limit: firstLimit(plans),
  }
}

/** Hues of the tiles of owners: `.owner-tile-0` and following. */
const HUES = 8

/** The tile of an owner: its initial, and a hue that depends on the name. A model without an owner has the icon of its type. */
function ownerTile(owner: string) {
  const initial = [...owner][0]?.toUpperCase() ?? ''
  const sum = [...owner].reduce((total, character) => (total * 31 + (character.codePointAt(0) ?? 0)) % 9973, 0)
  return { owner, initial, hue: sum % HUES }
}

/** Capabilities that fit on one line of a card. */
const MAX_CHIPS = 3

function chipsOf(labels: string[]) {
  return { chips: labels.slice(0, MAX_CHIPS), moreChips: moreCapabilities(labels.slice(MAX_CHIPS)) }
}

function priceOfPlans(plans: ModelPlan[]): string {
  return capitalize(alternatives([...new Set(plans.map(shortPriceLabel))]))
}

/** The first limit of the first plan; empty while limits are not loaded. */
function firstLimit([plan, ...others]: ModelPlan[]): string {
  if (!plan || plan.limits === null) return ''
  const limit = limitLabels(plan)[0] ?? ''
  return others.length > 0 ? limitOfPlan(limit, plan.name) : limit
}
