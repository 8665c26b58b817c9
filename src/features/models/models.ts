import { createHash } from 'node:crypto'
import type { Cache } from '../../clients/cache.js'
import type { Log } from '../../clients/redis.js'
import type { Limit, Metric, Subscription, Threescale } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import type { Model, PlanLimit } from './schemas.js'
import { type Entry, type ProductNotes, type Snapshot, takeSnapshot } from './snapshot.js'

export interface ModelsDeps {
  threescale: Threescale
  cache: Cache
  ttlSeconds: number
  detailTtlSeconds: number
  notes: Record<string, ProductNotes>
  /** reads the token endpoint of an issuer */
  tokenEndpoint(issuer: string): Promise<string>
  log: Log
}

export interface Filters {
  q?: string
  type?: string
}

export interface Listing {
  models: Model[]
  /** how many there are without the filters */
  total: number
  ageSeconds: number
  stale: boolean
  etag: string
}

export type FoundModel = Awaited<ReturnType<Models['find']>>
export type Models = ReturnType<typeof createModels>

interface Learned {
  id: string
  contextLength: number | undefined
}

const DAY = 86_400
const AT_ONCE = 4

/**
 * The catalogue: one immutable snapshot that requests never wait for once there is one, refreshed in the background and
 * served old rather than not at all. Who may see a product is decided here, for pages and API alike.
 */
export function createModels({
  threescale,
  cache,
  ttlSeconds,
  detailTtlSeconds,
  notes,
  tokenEndpoint,
  log,
}: ModelsDeps) {
  const snapshots = cache.cached<Snapshot>('catalogue', { fresh: ttlSeconds, keep: 30 * DAY }, () =>
    takeSnapshot(threescale, notes),
  )
  const limits = cache.cached<Limit[]>('limits', { fresh: detailTtlSeconds, keep: 30 * DAY }, (key) =>
    threescale.listLimits(Number(key.split('@')[0])),
  )
  const metrics = cache.cached<Metric[]>('metrics', { fresh: detailTtlSeconds, keep: 30 * DAY }, (key) =>
    threescale.listMetrics(Number(key)),
  )
  // nothing but a put tells an id, so a copy never ages
  const learned = cache.cached<Learned | null>('model-ids', { fresh: 365 * DAY, keep: 365 * DAY }, async () => null)
  const tokenUrls = cache.cached<string>('token-urls', { fresh: 3600, keep: 30 * DAY }, tokenEndpoint)
  const subscriptions = cache.cached<Subscription[]>('subscriptions', { fresh: 60, keep: 3600 }, (account) =>
    threescale.listSubscriptions(Number(account)),
  )
  let built:
    | {
        of: Snapshot
        details: number
        entries: Map<string, Entry>
        byProduct: Map<number, Entry>
        hosts: Set<string>
        etag: string
      }
    | undefined
  let details = 0
  let reading = false

  return {
    /** No call to 3scale once a snapshot is there. Rejects with threescale_unavailable only where there never was one. */
    async list({ q = '', type = '' }: Filters, caller: Caller | undefined): Promise<Listing> {
      const { current, ageSeconds, stale } = await look()
      const visible = await visibleTo(current, caller)
      const words = q.toLowerCase().split(/\s+/).filter(Boolean)
      const models = visible
        .map(({ model }) => model)
        .filter(
          (model) => (type === '' || model.type === type) && words.every((word) => haystack(model).includes(word)),
        )
      return { models, total: visible.length, ageSeconds, stale, etag: current.etag }
    },

    /** A product that the caller may see and take; anything else is not_found, as what does not exist. */
    async find(systemName: string, caller: Caller | undefined) {
      const { current, ageSeconds, stale } = await look()
      const entry = (await visibleTo(current, caller)).find(({ model }) => model.system_name === systemName)
      if (!entry) throw problem('not_found')
      return {
        model: entry.model,
        product: entry.product,
        plans: entry.offered,
        applicationFields: entry.applicationFields,
        ageSeconds,
        stale,
      }
    },

    /** A product by id whoever asks: for applications that exist already. Undefined: not deployed. */
    async describe(productId: number) {
      const { current } = await look()
      const entry = current.byProduct.get(productId)
      return (
        entry && {
          model: entry.model,
          product: entry.product,
          plans: entry.plans,
          applicationFields: entry.applicationFields,
        }
      )
    },

    /** Calls to models go only to hosts that the catalogue names, and for tokens to their issuers. */
    allowsHost(url: URL): boolean {
      return built?.hosts.has(url.host) === true
    },

    async learnModelId(systemName: string, id: string, contextLength: number | undefined): Promise<void> {
      await learned.put(systemName, { id, contextLength })
      details++
    },

    /** Reads the catalogue before the first request; what fails is tried again by requests. */
    async warm(): Promise<void> {
      await look().catch((error: unknown) => log.warn({ reason: String(error) }, 'the catalogue could not be read yet'))
    },

    age: () => snapshots.peek()?.ageSeconds,
  }

  async function look() {
    const copy = await snapshots.get()
    if (built?.of !== copy.value || built.details !== details) built = build(copy.value)
    void readDetails(copy.value)
    return { current: built, ageSeconds: copy.ageSeconds, stale: copy.ageSeconds > ttlSeconds * 2 }
  }

  function build(snapshot: Snapshot) {
    const entries = new Map(snapshot.entries.map((entry) => [entry.model.system_name, withDetails(entry)]))
    const all = [...entries.values()]
    const hosts = all
      .flatMap(({ model }) => [model.endpoint, ...(model.token_url ? [model.token_url] : [])])
      .map((address) => new URL(address).host)
    const etag = `"${createHash('sha256').update(JSON.stringify(all)).digest('base64url').slice(0, 24)}"`
    return {
      of: snapshot,
      details,
      entries,
      byProduct: new Map(all.map((entry) => [entry.product.id, entry])),
      hosts: new Set(hosts),
      etag,
    }
  }

  /** Limits, learned ids and token addresses join a copy; the snapshot itself is never changed. */
  function withDetails(entry: Entry): Entry {
    const { model, product } = entry
    const known = learned.peek(model.system_name)?.value
    const tokenUrl = model.token_url && tokenUrls.peek(model.token_url)?.value
    return {
      ...entry,
      model: {
        ...model,
        model_id: model.model_id ?? known?.id ?? null,
        context_length: model.context_length ?? known?.contextLength ?? null,
        token_url: model.token_url === null ? null : (tokenUrl ?? null),
        plans: model.plans.map((plan, index) => ({ ...plan, limits: limitsOf(entry.offered[index], product.id) })),
      },
    }
  }

  function limitsOf(plan: Entry['offered'][number] | undefined, productId: number): PlanLimit[] | null {
    const read = plan && limits.peek(limitKey(plan))?.value
    if (!read) return null
    const known = metrics.peek(String(productId))?.value ?? []
    return read.map(({ metricId, period, value }) => {
      const metric = known.find(({ id }) => id === metricId)
      return { metric: metric?.systemName ?? String(metricId), metric_name: metric?.name ?? 'calls', period, value }
    })
  }

  /** Details follow behind the first page, four calls at a time; a refreshed plan has a key of its own. */
  async function readDetails(snapshot: Snapshot): Promise<void> {
    if (reading) return
    reading = true
    try {
      const jobs = snapshot.entries.flatMap((entry) => jobsFor(entry)).filter((job) => job.due())
      if (jobs.length === 0) return
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let job = jobs.shift(); job; job = jobs.shift()) await job.run().catch(() => undefined)
        }),
      )
      details++
    } finally {
      reading = false
    }
  }

  function jobsFor({ model, offered, product }: Entry) {
    const job = (
      cached: {
        peek(key: string): { stale: boolean; ageSeconds: number } | undefined
        get(key: string): Promise<unknown>
      },
      key: string,
      again = true,
    ) => ({
      due: () => {
        const copy = cached.peek(key)
        return copy === undefined || (again && copy.stale)
      },
      run: () => cached.get(key),
    })
    return [
      ...offered.map((plan) => job(limits, limitKey(plan))),
      ...(offered.some((plan) => (limits.peek(limitKey(plan))?.value.length ?? 0) > 0)
        ? [job(metrics, String(product.id))]
        : []),
      ...(model.model_id === null ? [job(learned, model.system_name)] : []),
      ...(model.token_url === null ? [] : [job(tokenUrls, model.token_url)]),
    ]
  }

  async function visibleTo({ entries, of }: NonNullable<typeof built>, caller: Caller | undefined): Promise<Entry[]> {
    const open = [...entries.values()].filter(({ model, offered }) => {
      const note = notes[model.system_name]
      if (offered.length === 0 || note?.hidden) return false
      return !note?.visible_to || note.visible_to.some((group) => caller?.groups.includes(group))
    })
    if (!of.settings.servicePlansVisible) return open
    if (!caller) return []
    const mine = (await subscriptions.get(String(caller.accountId))).value
    const live = new Set(mine.filter(({ state }) => state === 'live').map(({ productId }) => productId))
    return open.filter(({ product }) => live.has(product.id))
  }
}

function limitKey(plan: { id: number; updatedAt: string }): string {
  return `${plan.id}@${plan.updatedAt}`
}

function haystack(model: Model): string {
  return `${model.name} ${model.system_name} ${model.model_id ?? ''} ${model.description}`.toLowerCase()
}
