import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { FieldDefinition, Plan, Product } from '../../../clients/threescale/types.js'
import type { ProductDetails } from '../details/product-details.js'
import type { Model } from '../schemas.js'
import { createConcepts } from '../search/concepts.js'
import { documentOf, type SearchDocument } from '../search/document.js'
import type { Search } from '../search/search.js'
import { createSearchIndex, type SearchIndex } from '../search/search-index.js'
import type { Audience, Facets, ListedModel } from './audience.js'
import { toModel } from './model.js'
import type { ProductOverrides } from './product-overrides.js'
import type { Snapshot, SnapshotEntry, SpecRef } from './snapshot.js'

const MAX_RESULTS = 200
/** Models in the results and audiences that are cached: each takes some dozen bytes. */
const MAX_LISTED = 50_000
/** After this time of building, requests are answered first. */
const SLICE_MS = 10

/** A product of the catalogue, as the other features use it. */
export interface CatalogueEntry {
  model: Model
  product: Product
  plans: Plan[]
  offered: Plan[]
  /** every field, including those hidden from developers */
  applicationFields: FieldDefinition[]
  rules: SnapshotEntry['gateway']['rules']
  backends: SnapshotEntry['gateway']['backends']
  /** what statistics and limits depend on */
  gateway: Pick<SnapshotEntry['gateway'], 'metrics' | 'tokenPolicy' | 'refusals'>
  spec: SpecRef | undefined
  /** model facts in the examples of the spec, by model type */
  specExamples: SnapshotEntry['specExamples']
  /** what it was built from */
  source: SnapshotEntry
  details: unknown[]
  searchDocument: SearchDocument
}

/** The result of a list request: one object for all callers with the same view, so responses can be cached by it. */
export interface ListResult {
  models: Model[]
  /** the same models with their products, for cursors */
  listed: ListedModel[]
  /** number of models without the filters */
  total: number
  /** number of matches by type, with every filter but the type */
  byType: Map<string, number>
  facets: Facets
  /** what was found, if the list is a search */
  search: Search | undefined
  /** number of models that the search found, without the filters */
  found: number
  /** models that a suggestion finds, if the search finds none */
  closest: Model[]
  /** sort key of a search: the best match has the least */
  rankOf: ((entry: ListedModel) => number) | undefined
}

export interface Catalogue {
  snapshot: Snapshot
  /** version of the product details it was built from */
  version: number
  /** day since 1970 in UTC on which it was built: a model may retire at midnight */
  day: number
  /** in ms: when the next gateway becomes ready, which changes its model */
  expiresAt: number
  entries: CatalogueEntry[]
  bySystemName: Map<string, CatalogueEntry>
  byProduct: Map<number, CatalogueEntry>
  hosts: Set<string>
  audiences: LRUCache<string, Audience>
  /** list results, by audience and filters */
  results: LRUCache<string, ListResult>
  /** created by the first search */
  searchIndex: LazySearchIndex
}

interface LazySearchIndex {
  get(): Promise<SearchIndex>
  current: { index: SearchIndex; documents: SearchDocument[]; languages: string[] } | undefined
}

export interface CatalogueSources {
  snapshot: Snapshot
  details: ProductDetails
  overrides: Record<string, ProductOverrides>
  currency: string | undefined
  /** `search.synonyms` in PORTAL_CONFIG */
  synonyms: Record<string, string[]>
  day: number
  /** how long gateways cache a configuration */
  configurationSeconds: number
  now: number
  /** what did not change is taken from it */
  previous: Catalogue | undefined
}

/**
 * Combines snapshot, product details and PORTAL_CONFIG. The result is immutable. Entries whose sources did not change are those of the
 * previous catalogue; if all are, so are lists and audiences, and responses that were rendered from them remain valid.
 */
export async function buildCatalogue(sources: CatalogueSources): Promise<Catalogue> {
  const { snapshot, details, day, previous } = sources
  const version = details.version()
  const entries: CatalogueEntry[] = []
  let began = performance.now()
  for (const entry of snapshot.entries) {
    entries.push(unchangedEntry(entry, sources) ?? buildEntry(entry, sources))
    if (performance.now() - began < SLICE_MS) continue
    await yieldToEventLoop()
    began = performance.now()
  }
  const built = { snapshot, version, day, expiresAt: nextReadyAt(entries) }
  if (previous && isSameCatalogue(previous, entries, snapshot)) return { ...previous, ...built }
  return { ...built, ...indexesOf(entries, sources) }
}

function unchangedEntry(entry: SnapshotEntry, sources: CatalogueSources): CatalogueEntry | undefined {
  const { details, day, previous } = sources
  const known = previous?.day === day ? previous.byProduct.get(entry.product.id) : undefined
  const isUnchanged =
    known?.source === entry &&
    known.model.gateway_ready_at === gatewayReadyAt(entry, sources) &&
    isSame(known.details, details.sourcesOf(entry))
  return isUnchanged ? known : undefined
}

function buildEntry(entry: SnapshotEntry, sources: CatalogueSources): CatalogueEntry {
  const { details, overrides, currency, day } = sources
  const today = new Date(day * 86_400_000).toISOString().slice(0, 10)
  const facts = toModel(entry, details, overrides[entry.product.systemName] ?? {}, currency, today)
  const model = { ...facts, gateway_ready_at: gatewayReadyAt(entry, sources) }
  const { product, plans, offered, applicationFields, gateway, spec, specExamples } = entry
  return {
    model,
    product,
    plans,
    offered,
    applicationFields,
    rules: gateway.rules,
    backends: gateway.backends,
    gateway,
    spec,
    specExamples,
    source: entry,
    details: details.sourcesOf(entry),
    searchDocument: documentOf(model),
  }
}

function isSameCatalogue(previous: Catalogue, entries: CatalogueEntry[], { settings }: Snapshot): boolean {
  return (
    entries.length === previous.entries.length &&
    entries.every((entry, index) => entry === previous.entries[index]) &&
    isSame([settings], [previous.snapshot.settings])
  )
}

/** Compares what is not the same object by its content, because another replica may have read the same again. */
function isSame(one: unknown[], other: unknown[]): boolean {
  return (
    one.length === other.length &&
    one.every((value, index) => value === other[index] || JSON.stringify(value) === JSON.stringify(other[index]))
  )
}

function nextReadyAt(entries: CatalogueEntry[]): number {
  return entries.reduce(
    (next, { model: { gateway_ready_at: at } }) => (at ? Math.min(next, Date.parse(at)) : next),
    Number.POSITIVE_INFINITY,
  )
}

function indexesOf(entries: CatalogueEntry[], { previous, synonyms }: CatalogueSources) {
  const addresses = new Set(
    entries.flatMap(({ model }) => [model.endpoint, ...(model.token_url ? [model.token_url] : [])]),
  )
  return {
    entries,
    bySystemName: new Map(entries.map((entry) => [entry.model.system_name, entry])),
    byProduct: new Map(entries.map((entry) => [entry.product.id, entry])),
    hosts: new Set([...addresses].map((address) => new URL(address).host)),
    audiences: new LRUCache<string, Audience>({
      maxSize: MAX_LISTED,
      sizeCalculation: ({ total }) => total + 1,
    }),
    results: new LRUCache<string, ListResult>({
      max: MAX_RESULTS,
      maxSize: MAX_LISTED,
      sizeCalculation: ({ listed }) => listed.length + 1,
    }),
    searchIndex: lazySearchIndex(entries, synonyms, previous?.searchIndex.current),
  }
}

/** Most changes of a catalogue do not change what can be found. */
function lazySearchIndex(
  entries: CatalogueEntry[],
  synonyms: Record<string, string[]>,
  before: LazySearchIndex['current'],
): LazySearchIndex {
  let latest: Promise<SearchIndex> | undefined
  const lazy: LazySearchIndex = {
    current: before,
    get: () => (latest ??= create()),
  }
  return lazy

  async function create(): Promise<SearchIndex> {
    const documents = entries.map(({ searchDocument }) => searchDocument)
    if (lazy.current && isSame(documents, lazy.current.documents)) return lazy.current.index
    const languages = [...new Set(documents.flatMap((document) => document.languages))].sort()
    const concepts =
      lazy.current && isSame(languages, lazy.current.languages)
        ? lazy.current.index.concepts
        : createConcepts(synonyms, languages)
    const index = await createSearchIndex(documents, concepts)
    lazy.current = { documents, languages, index }
    return index
  }
}

/** The id in the spec's example request. If the model server lists several models, this is the one to use. */
export function exampleIdIn(catalogue: Catalogue | undefined, systemName: string): string | undefined {
  const entry = catalogue?.bySystemName.get(systemName)
  return entry?.specExamples[entry.model.type]?.modelId
}

function gatewayReadyAt({ gateway }: SnapshotEntry, { configurationSeconds, now }: CatalogueSources): string | null {
  if (gateway.promotedBy === null) return null
  const at = gateway.promotedBy + configurationSeconds * 1000
  return at > now ? new Date(at).toISOString() : null
}
