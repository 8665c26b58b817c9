import type { Cache } from '../../clients/cache.js'
import type { Log } from '../../clients/redis.js'
import type { GatewayConfig, Plan, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { createAudience, type OwnApplication } from './audience.js'
import { type Catalogue, exampleIdIn, type Found, type Offer, planOf, putTogether } from './catalogue.js'
import { createDetails } from './details.js'
import { find, withoutHiddenSuccessor } from './found.js'
import type { ProductNotes } from './notes.js'
import type { Model, ModelPlan } from './schemas.js'
import type { Filters } from './search.js'
import { type Entry, type Snapshot, takeSnapshot } from './snapshot.js'
import { createSpecs, type FactsReader } from './specs.js'

export interface ModelsDeps {
  threescale: Threescale
  cache: Cache
  ttlSeconds: number
  detailTtlSeconds: number
  notes: Record<string, ProductNotes>
  /** how long gateways cache their configuration */
  configurationSeconds: number
  /** ISO 4217 */
  currency?: string | undefined
  /** reads the token endpoint of an issuer */
  tokenEndpoint(issuer: string): Promise<string>
  /** asks model servers that their operator allows; what they tell comes back by `learnModelId` */
  servers: { mayAsk(systemName: string): boolean; ask(model: Model, privateAddress: string | undefined): Promise<void> }
  /** reads API documents; in this thread by default */
  readFacts?: FactsReader
  log: Log
  now?: () => number
}

export interface Listing extends Found {
  /** the same object as long as nothing of it changes */
  found: Found
  ageSeconds: number
  stale: boolean
}

export type FoundModel = Awaited<ReturnType<Models['find']>>
export type Models = ReturnType<typeof createModels>

const DAY = 86_400
/** Refreshed at this part of the time allowed, looked at ten times in it: what is new is there in time, load included. */
const EARLY = 0.6
const LOOKS = 10

/**
 * The catalogue: one immutable snapshot that requests never wait for once there is one, refreshed in the background and
 * served old rather than not at all. Who may see a product is decided here, for pages and API alike.
 */
export function createModels(deps: ModelsDeps) {
  const { threescale, cache, ttlSeconds, detailTtlSeconds, notes, currency, servers, log, now = Date.now } = deps
  const { configurationSeconds } = deps
  const audience = createAudience({ threescale, cache, notes })
  const specs = createSpecs({ threescale, cache, readFacts: deps.readFacts })
  const privateAddresses = new Map<number, string>()
  const details = createDetails({
    threescale,
    cache,
    ttlSeconds: detailTtlSeconds,
    tokenEndpoint: deps.tokenEndpoint,
    mayAsk: ({ product }) => servers.mayAsk(product.systemName),
    askServer,
    now,
  })
  // the number is of the shape: replicas of two versions share one Redis while they are rolled out
  const snapshots = cache.cached<Snapshot>('catalogue-5', { fresh: ttlSeconds * EARLY, keep: 30 * DAY }, () =>
    takeSnapshot({
      threescale,
      takeSpecs: specs.take,
      sawConfigs,
      previous: previous(),
      configurationSeconds,
      now,
    }),
  )
  let built: Catalogue | undefined
  let detailed: Snapshot | undefined
  let timer: NodeJS.Timeout | undefined

  return {
    /** No call to 3scale once a snapshot is there. Rejects with threescale_unavailable only where there never was one. */
    async list(filters: Filters, caller: Caller | undefined): Promise<Listing> {
      const { current, ageSeconds, stale } = await look()
      const mine = filters.mine ? await productsOf(caller) : undefined
      const audienceKey = await audience.keyOf(caller, current.snapshot.settings.servicePlansVisible)
      const key = JSON.stringify([audienceKey, filters, mine && [...mine].sort()])
      let found = current.found.get(key)
      if (!found) {
        found = find(await visibleTo(current, caller), filters, mine)
        current.found.set(key, found)
      }
      return { ...found, found, ageSeconds, stale }
    },

    /** A product that the caller may see and take; anything else is not_found, as what does not exist. */
    async find(systemName: string, caller: Caller | undefined) {
      const { current, ageSeconds, stale } = await look()
      const visible = await visibleTo(current, caller)
      const offer = visible.find(({ model }) => model.system_name === systemName)
      if (!offer) throw audience.notFound(caller)
      const { product, offered, applicationFields, rules, spec, backends } = offer
      const model = withoutHiddenSuccessor(offer.model, visible)
      return { model, product, plans: offered, applicationFields, rules, spec, backends, ageSeconds, stale }
    },

    /** A product by id whoever asks: for applications that exist already. Undefined: not deployed. */
    async describe(productId: number) {
      const { current } = await look()
      return current.byProduct.get(productId)
    },

    /** The caller's own applications of a product, without secrets: one call at most. */
    async applicationsFor(productId: number, caller: Caller): Promise<OwnApplication[]> {
      return (await audience.applicationsOf(caller)).filter((application) => application.productId === productId)
    },

    /** Any plan of a product, also one that is not offered; its limits and prices are read where they are not known yet. */
    async describePlan(productId: number, plan: Plan): Promise<ModelPlan> {
      const { current } = await look()
      const entry = current.snapshot.entries.find(({ product }) => product.id === productId)
      if (!entry) throw problem('not_found')
      await details.readPlan(entry, plan)
      return planOf(plan, entry, details, notes[entry.product.systemName] ?? {}, currency)
    },

    readSpec: specs.read,

    /** Calls to models go only to hosts that the catalogue names, and for tokens to their issuers. */
    allowsHost(url: URL): boolean {
      return built?.hosts.has(url.host) === true
    },

    /** How the gateway answers what it refuses itself; undefined for a product that is not deployed. */
    refusalsOf: (systemName: string) => built?.bySystemName.get(systemName)?.gateway.refusals,

    learnModelId: details.learn,
    learnUnlisted: details.learnUnlisted,
    learnFormat: details.learnFormat,
    exampleIdOf: (systemName: string) => exampleIdIn(built, systemName),

    /** Reads the catalogue before the first request; what fails is tried again by requests and by `start`. */
    async warm(): Promise<void> {
      await look().catch((error: unknown) => log.warn({ reason: String(error) }, 'the catalogue could not be read yet'))
    },

    /** Keeps the catalogue young whether or not somebody looks at it; one replica at a time reads for all. */
    start(): void {
      timer ??= setInterval(() => void keepYoung(), Math.max(100, (ttlSeconds * 1000 * EARLY) / LOOKS)).unref()
    },

    stop(): void {
      clearInterval(timer)
      timer = undefined
    },

    age: () => snapshots.peek()?.ageSeconds,
  }

  async function look() {
    const copy = await snapshots.get()
    const day = Math.floor(now() / (DAY * 1000))
    const current = built?.snapshot === copy.value && built.version === details.version() && built.day === day
    if (!built || !current || built.until <= now()) {
      built = putTogether({ snapshot: copy.value, details, notes, currency, day, configurationSeconds, now: now() })
    }
    if (detailed !== copy.value) {
      detailed = copy.value
      void details.read(copy.value.entries)
    }
    return { current: built, ageSeconds: copy.ageSeconds, stale: copy.ageSeconds > ttlSeconds }
  }

  function previous(): Snapshot | undefined {
    return snapshots.peek()?.value
  }

  async function keepYoung(): Promise<void> {
    try {
      const { value } = await snapshots.renew()
      await look()
      // it takes as long as it takes; the next look must not wait for it
      void details.read(value.entries)
    } catch (error) {
      if (!isProblem(error)) log.warn({ reason: String(error) }, 'the catalogue could not be read again')
    }
  }

  function visibleTo({ offers, snapshot }: Catalogue, caller: Caller | undefined): Promise<Offer[]> {
    return audience.mayTake(offers, caller, snapshot.settings.servicePlansVisible)
  }

  async function productsOf(caller: Caller | undefined): Promise<Set<number>> {
    if (!caller) throw problem('sign_in_required')
    return new Set((await audience.applicationsOf(caller)).map(({ productId }) => productId))
  }

  function sawConfigs(configs: GatewayConfig[]): void {
    privateAddresses.clear()
    for (const { productId, privateAddress } of configs)
      if (privateAddress) privateAddresses.set(productId, privateAddress)
  }

  async function askServer({ product }: Entry): Promise<void> {
    const offer = built?.byProduct.get(product.id)
    if (offer) await servers.ask(offer.model, privateAddresses.get(product.id))
  }
}
