import type { Cache } from '../../clients/cache.js'
import type { Limit, Metric, Plan, PricingRule, Threescale } from '../../clients/threescale/nouns.js'
import type { Facts } from './facts.js'
import { createPass, type Job } from './pass.js'
import type { PlanLimit, PlanPrice } from './schemas.js'
import type { Entry } from './snapshot.js'
import { contextLength, modelId } from './spec-words.js'

export interface DetailsDeps {
  threescale: Pick<Threescale, 'listLimits' | 'listPricingRules' | 'listMetrics'>
  cache: Cache
  ttlSeconds: number
  /** reads the token endpoint of an issuer */
  tokenEndpoint(issuer: string): Promise<string>
  /** queries a model server, where its operator allows it; what it reports arrives through `learn` */
  askServer(entry: Entry): Promise<void>
  /** whether `askServer` would ask */
  mayAsk(entry: Entry): boolean
  now?: () => number
}

export type Details = ReturnType<typeof createDetails>

interface Learned {
  id: string | undefined
  contextLength: number | undefined
  type?: Facts['type']
  /** true: the server has no list of models */
  unlisted?: true
  format?: Facts['request_format']
}

const DAY = 86_400
const YEAR = 365 * DAY
const LOOK_MS = 20_000

/**
 * What has no bulk call: limits, prices and metric names of plans, token endpoints, and what model servers reported. Read
 * behind the first page, four calls at a time, again when old or when a plan changed; kept while 3scale is down.
 */
export function createDetails(deps: DetailsDeps) {
  const { threescale, cache, ttlSeconds, tokenEndpoint, askServer, mayAsk, now = Date.now } = deps
  let version = 0
  const changed = () => {
    version++
  }
  const kept = { fresh: ttlSeconds, keep: 30 * DAY, size: 100_000, changed }
  const limits = cache.cached<Limit[]>('limits', kept, (key) => threescale.listLimits(planId(key)))
  const prices = cache.cached<PricingRule[]>('prices', kept, (key) => threescale.listPricingRules(planId(key)))
  const metrics = cache.cached<Metric[]>('metrics', kept, (key) => threescale.listMetrics(Number(key)))
  const tokenUrls = cache.cached<string>('token-urls', { fresh: 3600, keep: 30 * DAY, changed }, tokenEndpoint)
  // nothing but a put has what a server reported, so a copy never ages
  const learned = cache.cached<Learned | null>(
    'model-ids',
    { fresh: YEAR, keep: YEAR, nullYields: true, changed },
    async () => null,
  )
  const askedAt = new Map<string, number>()
  const lookedAt = new Map<string, number>()
  const pass = createPass<Entry>({ jobsOf, changed, restMs: ttlSeconds * 1000, now })

  return {
    /** Changes whenever `limitsOf`, `factsOf` or another reader would answer differently. */
    version: () => version,

    /** Reads what is missing or old. Never rejects. */
    read: pass.read,

    /** Limits and prices of one plan, where they are not known yet. */
    async readPlan({ product }: Entry, plan: Plan): Promise<void> {
      await Promise.all([limits.get(planKey(plan)), prices.get(planKey(plan)), metrics.get(String(product.id))])
    },

    /** Null until read. */
    limitsOf({ product, gateway }: Entry, plan: Plan): PlanLimit[] | null {
      const read = limits.peek(planKey(plan))?.value
      if (!read) return null
      const name = namesOf(product.id, gateway.rules)
      return read.map(({ metricId, period, value }) => ({ ...name(metricId), period, value }))
    },

    /** Null until read. */
    pricesOf({ product, gateway }: Entry, plan: Plan): PlanPrice[] | null {
      const read = prices.peek(planKey(plan))?.value
      if (!read) return null
      const name = namesOf(product.id, gateway.rules)
      return read.map(({ metricId, costPerUnit, from, to }) => ({
        ...name(metricId),
        cost_per_unit: costPerUnit,
        from,
        to: to ?? null,
      }))
    },

    tokenUrlOf: ({ gateway: { issuer } }: Entry): string | null =>
      issuer === undefined ? null : (tokenUrls.peek(issuer)?.value ?? null),

    /** What the model server reported of itself. */
    factsOf({ product }: Entry): Facts {
      const told = learned.peek(product.systemName)?.value
      if (!told) return {}
      return {
        ...(told.id === undefined ? {} : { model_id: told.id }),
        ...(told.contextLength === undefined ? {} : { context_length: told.contextLength }),
        ...(told.type === undefined ? {} : { type: told.type }),
        ...(told.format === undefined ? {} : { request_format: told.format }),
      }
    },

    /** Whether the model server answered that it has no list of models. */
    isUnlisted: ({ product }: Entry): boolean => learned.peek(product.systemName)?.value?.unlisted === true,

    /** Keeps that a model server has no list; what it listed before stays. */
    async learnUnlisted(systemName: string): Promise<void> {
      const known = learnedOf(systemName)
      if (known.id !== undefined || known.unlisted) return
      await learned.put(systemName, { ...known, unlisted: true })
      changed()
    },

    /** Keeps what a model server reported, as far as it is valid. */
    async learn(systemName: string, id: unknown, length: unknown, type?: Facts['type']): Promise<void> {
      const { format } = learnedOf(systemName)
      const told = { id: modelId(id), contextLength: contextLength(length), type, ...(format && { format }) }
      if (told.id === undefined && told.contextLength === undefined) return
      await learned.put(systemName, told)
      changed()
    },

    /** Keeps which form of the body a model server accepts. */
    async learnFormat(systemName: string, format: NonNullable<Facts['request_format']>): Promise<void> {
      const known = learnedOf(systemName)
      if (known.format === format) return
      await learned.put(systemName, { ...known, format })
      changed()
    },
  }

  function learnedOf(systemName: string): Learned {
    return learned.peek(systemName)?.value ?? { id: undefined, contextLength: undefined }
  }

  function jobsOf(entry: Entry): Job[] {
    const { product, offered, gateway } = entry
    const plans = offered.map(planKey)
    const counted = plans.some((key) => limits.peek(key)?.value.length || prices.peek(key)?.value.length)
    return [
      ...plans.flatMap((key) => [...due('limits', limits, key), ...due('prices', prices, key)]),
      ...(counted ? due('metrics', metrics, String(product.id)) : []),
      ...(gateway.issuer === undefined ? [] : due('token', tokenUrls, gateway.issuer)),
      ...serverJobs(entry),
    ]
  }

  /**
   * What another replica or an earlier process learned is looked for once, and now and then where nothing is known: its
   * message may have been lost. Servers that may be asked are asked again when old.
   */
  function serverJobs(entry: Entry): Job[] {
    const { systemName } = entry.product
    const copy = learned.peek(systemName)
    if (!copy) return due('learned', learned, systemName)
    if (copy.value === null && now() - (lookedAt.get(systemName) ?? 0) > LOOK_MS) {
      const look = async () => {
        lookedAt.set(systemName, now())
        await learned.look(systemName)
      }
      return [{ name: `look ${systemName}`, work: look }]
    }
    const asked = askedAt.get(systemName) ?? (copy.value === null ? 0 : now() - copy.ageSeconds * 1000)
    if (!mayAsk(entry) || now() - asked < ttlSeconds * 1000) return []
    const ask = async () => {
      // an answer or none: not before the next turn
      askedAt.set(systemName, now())
      await askServer(entry)
    }
    return [{ name: `server ${systemName}`, work: ask }]
  }

  /** Names from the product's metrics; a backend's metrics are only in the mapping rules. */
  function namesOf(productId: number, rules: Entry['gateway']['rules']) {
    const known = metrics.peek(String(productId))?.value ?? []
    return (metricId: number) => {
      const metric = known.find(({ id }) => id === metricId)
      if (metric) return { metric: metric.systemName, metric_name: metric.name }
      const rule = rules.find((candidate) => candidate.metricId === metricId)
      return rule
        ? { metric: rule.metric, metric_name: rule.metric.replace(/\.\d+$/, '') }
        : { metric: String(metricId), metric_name: 'calls' }
    }
  }
}

interface Kept {
  peek(key: string): { stale: boolean } | undefined
  renew(key: string): Promise<unknown>
}

function due(name: string, kept: Kept, key: string): Job[] {
  return kept.peek(key)?.stale === false ? [] : [{ name: `${name} ${key}`, work: () => kept.renew(key) }]
}

/** A changed plan has a key of its own, so its limits are read at once. */
function planKey(plan: Plan): string {
  return `${plan.id}@${plan.updatedAt}`
}

function planId(key: string): number {
  return Number(key.split('@')[0])
}
