import type { Limit, Metric, Plan, PricingRule, Threescale } from '../../../clients/threescale/types.js'
import type { Cache } from '../../../infra/cache.js'
import type { SnapshotEntry } from '../catalogue/snapshot.js'
import type { PlanLimit, PlanPrice } from '../schemas.js'
import type { RefreshJob } from './refresh-queue.js'

export interface PlanDetailsDeps {
  threescale: Pick<Threescale, 'listLimits' | 'listPricingRules' | 'listMetrics'>
  cache: Cache
  /** how often up to 100 details are read again that show no change */
  ttlSeconds: number
  now: () => number
  /** called when another process has read a detail */
  onReplaced(): void
}

/** What counts and limits the usage of an application. */
export interface CountedPlan {
  metrics: Metric[]
  limits: Limit[]
  prices: PricingRule[]
}

interface ReadPlan {
  /** of product, configuration and plan when it was read */
  version: string
  limits: Limit[]
  prices: PricingRule[]
}

interface ReadMetrics {
  version: string
  metrics: Metric[]
}

const DAY = 86_400
/** So many details are read again once in the configured interval; more take longer, up to a day. */
const DETAILS_PER_INTERVAL = 100
/** Calls for the limits and prices of a plan. */
const CALLS_PER_PLAN = 2

/**
 * Limits, prices and metric names of plans, which no bulk call contains. They are read again when the product, its deployed
 * configuration or the plan has changed. 3scale changes none of these with a limit or a price (porta, usage_limit.rb and
 * pricing_rule.rb: no `touch`; metric.rb touches its product), so the others are read again too, spread over up to a day.
 */
export function createPlanDetails({ threescale, cache, ttlSeconds, now, onReplaced }: PlanDetailsDeps) {
  /** by plan and by product */
  const versions = { plans: new Map<string, string>(), metrics: new Map<string, string>() }
  const productOf = new Map<string, number>()
  const expiredAt = new Map<number, number>()
  const policy = { maxAgeSeconds: 30 * DAY, maxEntries: 100_000, asksAgain: true, onReplaced }
  const plans = cache.cached<ReadPlan>(
    'plan-details',
    { ...policy, freshSeconds: (key, { version }) => freshSeconds(key, version, versions.plans, productOf.get(key)) },
    async (key) => {
      const version = versions.plans.get(key) ?? ''
      const limits = await threescale.listLimits(Number(key))
      return { version, limits, prices: await threescale.listPricingRules(Number(key)) }
    },
  )
  const metrics = cache.cached<ReadMetrics>(
    'product-metrics',
    { ...policy, freshSeconds: (key, { version }) => freshSeconds(key, version, versions.metrics, Number(key)) },
    async (key) => ({
      version: versions.metrics.get(key) ?? '',
      metrics: await threescale.listMetrics(Number(key)),
    }),
  )
  let intervalSeconds = ttlSeconds
  let currentEntries: SnapshotEntry[] | undefined

  return {
    /** Sets what is current. Details of other plans are no longer read again. */
    setCurrent(entries: SnapshotEntry[]): void {
      if (entries === currentEntries) return
      currentEntries = entries
      versions.plans.clear()
      versions.metrics.clear()
      productOf.clear()
      for (const entry of entries) for (const plan of entry.offered) register(entry, plan)
      const calls = versions.plans.size * CALLS_PER_PLAN + versions.metrics.size
      const longest = Math.max(DAY, ttlSeconds)
      intervalSeconds = Math.min(longest, ttlSeconds * Math.max(1, calls / DETAILS_PER_INTERVAL))
    },

    /** Details of the product are read again in the next pass. */
    expire(productId: number): void {
      expiredAt.set(productId, now())
    },

    jobsOf({ product, offered }: SnapshotEntry): RefreshJob[] {
      const keys = offered.map(({ id }) => String(id))
      const planJobs = keys.flatMap((key) => jobs('plan', plans, key, versions.plans, product.id))
      // Metrics are only required for the names of limits and prices.
      const isCounted = keys.some((key) => isPriced(plans.peek(key)?.value))
      return isCounted
        ? [...planJobs, ...jobs('metrics', metrics, String(product.id), versions.metrics, product.id)]
        : planJobs
    },

    /** Calls that read again what shows no change, in a second, on average. */
    callsPerSecond: (): number => versions.plans.size / intervalSeconds,

    /** Reads limits and prices of one plan if they are not cached. */
    async readPlan(entry: SnapshotEntry, plan: Plan): Promise<void> {
      register(entry, plan)
      await Promise.all([plans.get(String(plan.id)), metrics.get(String(entry.product.id))])
    },

    /** Metrics of a product, and limits and prices of one of its plans, offered or not. Read if they are not cached. */
    async read(productId: number, planId: number, entry: SnapshotEntry | undefined): Promise<CountedPlan> {
      const plan = entry?.plans.find(({ id }) => id === planId)
      if (entry && plan) register(entry, plan)
      const [ofPlan, ofProduct] = await Promise.all([plans.get(String(planId)), metrics.get(String(productId))])
      const { limits, prices } = ofPlan.value
      return { limits, prices, metrics: ofProduct.value.metrics }
    },

    /** Calls that `read` would send. */
    callsToRead: (productId: number, planId: number): number =>
      (plans.peek(String(planId)) ? 0 : CALLS_PER_PLAN) + (metrics.peek(String(productId)) ? 0 : 1),

    /** What `limitsOf` and `pricesOf` depend on, in addition to the entry. */
    sourcesOf: ({ product, offered }: SnapshotEntry): unknown[] => [
      metrics.peek(String(product.id))?.value.metrics,
      ...offered.flatMap(({ id }) => {
        const read = plans.peek(String(id))?.value
        return [read?.limits, read?.prices]
      }),
    ],

    /** Null until read. */
    limitsOf(entry: SnapshotEntry, plan: Plan): PlanLimit[] | null {
      const read = plans.peek(String(plan.id))?.value
      if (!read) return null
      const name = namesOf(entry)
      return read.limits.map(({ metricId, period, value }) => ({ ...name(metricId), period, value }))
    },

    /** Null until read. */
    pricesOf(entry: SnapshotEntry, plan: Plan): PlanPrice[] | null {
      const read = plans.peek(String(plan.id))?.value
      if (!read) return null
      const name = namesOf(entry)
      return read.prices.map(({ metricId, costPerUnit, from, to }) => ({
        ...name(metricId),
        cost_per_unit: costPerUnit,
        from,
        to: to ?? null,
      }))
    },
  }

  function register({ product, gateway }: SnapshotEntry, plan: Plan): void {
    const ofProduct = `${product.updatedAt} ${gateway.version}`
    versions.metrics.set(String(product.id), ofProduct)
    versions.plans.set(String(plan.id), `${ofProduct} ${plan.updatedAt}`)
    productOf.set(String(plan.id), product.id)
  }

  function jobs(
    name: string,
    cached: CachedDetails,
    key: string,
    current: Map<string, string>,
    productId: number,
  ): RefreshJob[] {
    const entry = cached.peek(key)
    if (entry?.stale === false) return []
    const isRoutine = entry !== undefined && entry.value.version === current.get(key) && !expiredAt.has(productId)
    return [{ name: `${name} ${key}`, isRoutine, work: () => cached.getFresh(key) }]
  }

  function freshSeconds(
    key: string,
    version: string,
    current: Map<string, string>,
    productId: number | undefined,
  ): number {
    if ((current.get(key) ?? version) !== version) return 0
    const expired = expiredAt.get(productId ?? 0)
    const sinceExpired = expired === undefined ? Number.POSITIVE_INFINITY : (now() - expired) / 1000
    return Math.min(intervalSeconds * partOfInterval(key), sinceExpired)
  }

  /** Names from the product's metrics; a backend's metrics are only in the mapping rules. */
  function namesOf({ product, gateway: { rules } }: SnapshotEntry) {
    const productMetrics = metrics.peek(String(product.id))?.value.metrics ?? []
    return (metricId: number) => {
      const metric = productMetrics.find(({ id }) => id === metricId)
      if (metric) return { metric: metric.systemName, metric_name: metric.name }
      const rule = rules.find((candidate) => candidate.metricId === metricId)
      return rule
        ? { metric: rule.metric, metric_name: rule.metric.replace(/\.\d+$/, '') }
        : { metric: String(metricId), metric_name: 'calls' }
    }
  }
}

interface CachedDetails {
  peek(key: string): { stale: boolean; value: { version: string } } | undefined
  getFresh(key: string): Promise<unknown>
}

function isPriced(plan: ReadPlan | undefined): boolean {
  return plan !== undefined && plan.limits.length + plan.prices.length > 0
}

/**
 * Between a half and the whole interval, by id: details that were read in one go at the start are then read again one by one. It is
 * the same on all replicas, so they do not read at different times.
 */
function partOfInterval(id: string): number {
  // Multiplicative hashing (Knuth): successive ids are far apart.
  return 0.5 + ((Number(id) * 2_654_435_761) % 2 ** 32) / 2 ** 33
}
