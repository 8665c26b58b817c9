import type { GatewayConfig, Plan, Threescale } from '../../clients/threescale/types.js'
import { isProblem, problem } from '../../errors.js'
import type { Cache, CachedValue } from '../../infra/cache.js'
import type { Log } from '../../infra/redis.js'
import type { Caller } from '../../web/auth/caller.js'
import { createAudiences } from './catalogue/audiences.js'
import { buildCatalogue, type Catalogue, exampleIdIn, type ListResult } from './catalogue/build-catalogue.js'
import { toModelPlan } from './catalogue/model.js'
import type { ProductOverrides } from './catalogue/product-overrides.js'
import { createRefreshSoon } from './catalogue/refresh-soon.js'
import { createSharedSnapshot } from './catalogue/shared-snapshot.js'
import { type Snapshot, type SnapshotEntry, takeSnapshot } from './catalogue/snapshot.js'
import { createVisibility } from './catalogue/visibility.js'
import type { CountedPlan } from './details/plan-details.js'
import { createProductDetails } from './details/product-details.js'
import type { ModelFilters } from './filters.js'
import { listModels } from './list-models.js'
import type { Model, ModelPlan } from './schemas.js'
import { createSpecs, type SpecFactsReader } from './specs/specs.js'

export interface ModelsDeps {
  threescale: Threescale
  cache: Cache
  ttlSeconds: number
  detailTtlSeconds: number
  /** `products` in PORTAL_CONFIG, by system name */
  overrides: Record<string, ProductOverrides>
  /** how long gateways cache their configuration */
  configurationSeconds: number
  /** `search.synonyms` in PORTAL_CONFIG */
  synonyms?: Record<string, string[]> | undefined
  /** ISO 4217 */
  currency?: string | undefined
  /** reads the token endpoint of an issuer */
  tokenEndpoint(issuer: string): Promise<string>
  /** queries model servers where the operator allows it; results arrive through `learnModelId` */
  servers: {
    mayQuery(systemName: string): boolean
    query(model: Model, privateAddress: string | undefined): Promise<void>
  }
  /** reads API documents; in this thread by default */
  readFacts?: SpecFactsReader
  /** when the portal last changed something in the account, in ms */
  accountChangedAt?: (accountId: number) => number
  log: Log
  now?: () => number
}

export interface CatalogueListing extends ListResult {
  /** the same object until its content changes: rendered responses are cached by it */
  result: ListResult
  ageSeconds: number
  stale: boolean
}

export type Models = ReturnType<typeof createModels>

const DAY = 86_400
/** The snapshot is refreshed at this part of its time to live and checked ten times in it, so a change is published in time even under load. */
const REFRESH_AT = 0.6
const CHECKS_PER_TTL = 10

/**
 * The catalogue: one immutable snapshot, refreshed in the background, that requests never wait for. It is served stale when
 * 3scale does not respond. Visibility of products is decided here, for pages and API alike.
 */
export function createModels(deps: ModelsDeps) {
  const { threescale, cache, ttlSeconds, detailTtlSeconds, overrides, currency, servers, log, now = Date.now } = deps
  const { configurationSeconds, synonyms = {} } = deps
  const visibility = createVisibility({ threescale, cache, overrides, changedAt: deps.accountChangedAt ?? (() => 0) })
  const audienceOf = createAudiences(visibility)
  const specs = createSpecs({ threescale, cache, readFacts: deps.readFacts })
  const privateAddresses = new Map<number, string>()
  const details = createProductDetails({
    threescale,
    cache,
    ttlSeconds: detailTtlSeconds,
    tokenEndpoint: deps.tokenEndpoint,
    mayQuery: ({ product }) => servers.mayQuery(product.systemName),
    queryServer,
    now,
  })
  const snapshots = createSharedSnapshot({
    cache,
    freshSeconds: ttlSeconds * REFRESH_AT,
    take(previous) {
      readingSince = performance.now()
      const onConfigs = rememberPrivateAddresses
      return takeSnapshot({ threescale, readSpecs: specs.read, onConfigs, previous, configurationSeconds, now })
    },
    now,
  })
  const soon = createRefreshSoon({ refresh: rereadCatalogue })
  const notified = new Set<number>()
  let readingSince = Number.NEGATIVE_INFINITY
  let catalogue: Catalogue | undefined
  let building: Promise<void> | undefined
  let detailedSnapshot: Snapshot | undefined
  let timer: NodeJS.Timeout | undefined

  return {
    /** No call to 3scale once a snapshot exists. Rejects with threescale_unavailable only if none was ever read. */
    async list(filters: ModelFilters, caller: Caller | undefined): Promise<CatalogueListing> {
      const { current, ageSeconds, stale } = await currentCatalogue()
      const mine = filters.mine ? await productsInUse(caller) : undefined
      const audience = await audienceOf(current, caller)
      const key = JSON.stringify([audience.key, filters, mine && [...mine].sort()])
      let result = current.results.get(key)
      if (!result) {
        const index = filters.q?.trim() ? await current.searchIndex.get() : undefined
        result = listModels(audience, filters, mine, index)
        current.results.set(key, result)
      }
      return { ...result, result, ageSeconds, stale }
    },

    /** A product that is visible to the caller. Any other rejects with not_found, as one that does not exist. */
    async find(systemName: string, caller: Caller | undefined) {
      const { current, ageSeconds, stale } = await currentCatalogue()
      const audience = await audienceOf(current, caller)
      const entry = audience.entries.get(systemName)
      const model = audience.bySystemName.get(systemName)?.model
      if (!entry || !model) throw visibility.notFound(caller)
      if (model.plans.some(({ limits }) => limits === null)) void details.readFirst(entry.source)
      const { product, offered, applicationFields, rules, spec, backends } = entry
      return { model, product, plans: offered, applicationFields, rules, spec, backends, ageSeconds, stale }
    },

    /** The models with these names that are visible to the caller, in this order. */
    async pick(systemNames: string[], caller: Caller | undefined): Promise<Model[]> {
      const audience = await audienceOf((await currentCatalogue()).current, caller)
      return systemNames.flatMap((name) => audience.bySystemName.get(name)?.model ?? [])
    },

    /** A product by id, visible to the caller or not: for existing applications. Undefined if it is not deployed. */
    async describe(productId: number) {
      const { current } = await currentCatalogue()
      return current.byProduct.get(productId)
    },

    /** Any plan of a product, offered or not. Limits and prices are read if they are not cached. */
    async describePlan(productId: number, plan: Plan): Promise<ModelPlan> {
      const { current } = await currentCatalogue()
      const entry = current.byProduct.get(productId)?.source
      if (!entry) throw problem('not_found')
      await details.readPlan(entry, plan)
      return toModelPlan(plan, entry, details, overrides[entry.product.systemName] ?? {}, currency)
    },

    /** What counts and limits usage under a plan, offered or not. Read if it is not cached. */
    async readCountedPlan(productId: number, planId: number): Promise<CountedPlan> {
      const { current } = await currentCatalogue()
      return details.readCounted(productId, planId, current.byProduct.get(productId)?.source)
    },

    /** Calls to 3scale that `readCountedPlan` would send. */
    callsForCountedPlan: details.callsToReadCounted,

    readSpec: specs.readText,

    /** Calls to models go only to hosts in the catalogue, and token requests only to the issuers of its products. */
    allowsHost(url: URL): boolean {
      return catalogue?.hosts.has(url.host) === true
    },

    /** The responses of the gateway to requests it refuses; undefined for a product that is not deployed. */
    refusalsOf: (systemName: string) => catalogue?.bySystemName.get(systemName)?.gateway.refusals,

    learnModelId: details.learn,
    learnUnlisted: details.learnUnlisted,
    learnFormat: details.learnFormat,
    exampleIdOf: (systemName: string) => exampleIdIn(catalogue, systemName),

    /** Reads the catalogue before the first request. After a failure, requests and `start` read it again. */
    async warm(): Promise<void> {
      await readCatalogue().catch((error: unknown) =>
        log.warn({ reason: String(error) }, 'the catalogue could not be read yet'),
      )
    },

    /** Refreshes the catalogue whether or not it is requested. One replica at a time reads for all of them. */
    start(): void {
      timer ??= setInterval(
        () => void refresh(),
        Math.max(100, (ttlSeconds * 1000 * REFRESH_AT) / CHECKS_PER_TTL),
      ).unref()
    },

    /**
     * For notifications of changes: reads the catalogue again within seconds, and the details of that product too. It may be called
     * any number of times, on one replica or on each.
     */
    refreshSoon({ productId }: { productId?: number } = {}): void {
      if (productId !== undefined) notified.add(productId)
      soon.request()
    },

    stop(): void {
      clearInterval(timer)
      timer = undefined
      soon.stop()
    },

    age: snapshots.ageSeconds,
  }

  /** No promise while the catalogue in memory is fresh. */
  function currentCatalogue() {
    const cached = snapshots.peekFresh()
    const isReady = cached && cached.value === detailedSnapshot && isCurrent(cached.value)
    return isReady && catalogue ? withAge(catalogue, cached) : readCatalogue()
  }

  async function readCatalogue() {
    const cached = await snapshots.get()
    const snapshot = cached.value
    if (!isCurrent(snapshot)) await rebuild(snapshot)
    if (detailedSnapshot !== snapshot) {
      detailedSnapshot = snapshot
      void details.read(snapshot.entries)
    }
    if (!catalogue) throw problem('threescale_unavailable')
    return withAge(catalogue, cached)
  }

  function withAge(current: Catalogue, { ageSeconds }: CachedValue<Snapshot>) {
    return { current, ageSeconds, stale: ageSeconds > ttlSeconds }
  }

  function isCurrent(snapshot: Snapshot): boolean {
    return (
      catalogue?.snapshot === snapshot &&
      catalogue.version === details.version() &&
      catalogue.day === today() &&
      catalogue.expiresAt > now()
    )
  }

  /** One build at a time. A request waits for the one that began after its snapshot was there, or for the next one. */
  async function rebuild(snapshot: Snapshot): Promise<void> {
    if (building) await building
    if (isCurrent(snapshot)) return
    building ??= build(snapshot).finally(() => {
      building = undefined
    })
    await building
  }

  async function build(snapshot: Snapshot): Promise<void> {
    const sources = { snapshot, details, overrides, currency, synonyms, configurationSeconds }
    catalogue = await buildCatalogue({ ...sources, day: today(), now: now(), previous: catalogue })
  }

  function today(): number {
    return Math.floor(now() / (DAY * 1000))
  }

  async function refresh(): Promise<void> {
    try {
      const { value } = await snapshots.getFresh()
      await currentCatalogue()
      // Not awaited: reading the details can take longer than the interval to the next check.
      void details.read(value.entries)
    } catch (error) {
      if (!isProblem(error)) log.warn({ reason: String(error) }, 'the catalogue could not be refreshed')
    }
  }

  /** False if another replica, or a refresh that began earlier, did the reading. */
  async function rereadCatalogue(): Promise<boolean> {
    const began = performance.now()
    for (const productId of notified) details.expire(productId)
    notified.clear()
    const { value } = await snapshots.reload()
    await currentCatalogue()
    void details.read(value.entries)
    return readingSince >= began
  }

  async function productsInUse(caller: Caller | undefined): Promise<Set<number>> {
    if (!caller) throw problem('sign_in_required')
    return visibility.usedProducts(caller)
  }

  function rememberPrivateAddresses(configs: GatewayConfig[]): void {
    privateAddresses.clear()
    for (const { productId, privateAddress } of configs)
      if (privateAddress) privateAddresses.set(productId, privateAddress)
  }

  async function queryServer({ product }: SnapshotEntry): Promise<void> {
    const entry = catalogue?.byProduct.get(product.id)
    if (entry) await servers.query(entry.model, privateAddresses.get(product.id))
  }
}
