import type {
  Limit,
  Metric,
  Plan,
  PricingRule,
  ThreescaleApplication as Record3scale,
} from '../../../clients/threescale/types.js'
import type { ConfiguredPrices } from '../../../config/unit-prices.js'
import type { Model } from '../../models/schemas.js'
import { resolvePrices } from '../limits/cost.js'
import { classifyMetrics, type MetricNames, standardRoles, type UsageMetric } from '../statistics/metric-roles.js'
import { names } from './messages.js'
import type { MeteredGateway } from './metering-caveats.js'

/** Settings of a product in PORTAL_CONFIG. */
export interface UsageOverrides {
  metrics?: MetricNames
  prices?: ConfiguredPrices
}

export interface ApplicationDetailsDeps {
  /** a product by id, regardless of the caller; undefined if it is not deployed */
  findProduct(productId: number): Promise<{ model: Model; plans: Plan[]; gateway?: MeteredGateway } | undefined>
  /** metrics, limits, and prices, which are cached for all users, like the catalogue */
  readPlan(productId: number, planId: number): Promise<Pick<DetailSources, 'metrics' | 'limits' | 'prices'>>
  overrides: Record<string, UsageOverrides>
}

/** What applications of the same product and plan share. */
interface PlanDetails {
  measures: UsageMetric[]
  /** the metric of each standard role that the product has */
  standard: UsageMetric[]
  limits: { limit: Limit; measure: UsageMetric }[]
  /** metrics of the mapping rules, whose limits the gateway checks for each call */
  checkedMetrics: Set<string>
  gateway: MeteredGateway
  prices: ReturnType<typeof resolvePrices>
}

/** An application with its metrics, limits, and prices. */
export interface ApplicationDetails extends PlanDetails {
  id: number
  name: string
  state: string
  /** system name and display name; null if the product is no longer deployed */
  model: string | null
  modelName: string | null
  type: Model['type'] | undefined
  /** system name; null if the plan is unknown */
  plan: string | null
  planName: string
  createdAt: number
  planFee: number
}

export type Details = ReturnType<typeof createApplicationDetails>

/** The responses that details are derived from. A new response is a new object. */
interface DetailSources {
  metrics: Metric[]
  limits: Limit[]
  prices: PricingRule[]
  gateway: MeteredGateway
}

const NO_GATEWAY: MeteredGateway = { metrics: [], tokenPolicy: undefined }

/** Combines applications with what their products and plans count. */
export function createApplicationDetails({ findProduct, readPlan, overrides }: ApplicationDetailsDeps) {
  const derived = new WeakMap<Limit[], { sources: DetailSources; details: PlanDetails }>()
  const combined = new WeakMap<
    Record3scale,
    { product: object | undefined; shared: PlanDetails; details: ApplicationDetails }
  >()

  return {
    /**
     * The same object until a source changes. No call while the plan is cached, else three. Rejects with threescale_unavailable if it
     * was never cached.
     */
    async of(record: Record3scale): Promise<ApplicationDetails> {
      const product = await findProduct(record.productId)
      const read = await readPlan(record.productId, record.planId)
      const systemName = product?.model.system_name
      const shared = planDetails({ ...read, gateway: product?.gateway ?? NO_GATEWAY }, overrides[systemName ?? ''])
      const cached = combined.get(record)
      if (cached && cached.product === product && cached.shared === shared) return cached.details
      const plan = product?.plans.find(({ id }) => id === record.planId)
      const details: ApplicationDetails = {
        ...shared,
        id: record.id,
        name: record.name || names.application(record.id),
        state: record.state,
        model: systemName ?? null,
        modelName: product?.model.name ?? null,
        type: product?.model.type,
        plan: plan?.systemName ?? null,
        planName: plan?.name ?? record.planName,
        createdAt: Date.parse(record.createdAt) || 0,
        planFee: plan?.costPerMonth ?? 0,
      }
      combined.set(record, { product, shared, details })
      return details
    },
  }

  /** Derived again only if a source was replaced, because a report has many applications of few plans. */
  function planDetails(sources: DetailSources, override: UsageOverrides = {}): PlanDetails {
    const cached = derived.get(sources.limits)
    if (cached && isSameSources(cached.sources, sources)) return cached.details
    const details = derivePlanDetails(sources, override)
    derived.set(sources.limits, { sources, details })
    return details
  }
}

function isSameSources(one: DetailSources, other: DetailSources): boolean {
  return one.metrics === other.metrics && one.prices === other.prices && one.gateway === other.gateway
}

function derivePlanDetails({ metrics, limits, prices, gateway }: DetailSources, override: UsageOverrides): PlanDetails {
  const measures = classifyMetrics(metrics, gateway.metrics, override.metrics)
  return {
    measures,
    standard: standardRoles.flatMap((role) => measures.find((measure) => measure.role === role) ?? []),
    limits: limits.map((limit) => ({ limit, measure: measureOf(limit, measures) })),
    checkedMetrics: new Set(gateway.metrics),
    gateway,
    prices: resolvePrices(prices, override.prices, measures),
  }
}

/** A limit may refer to a metric of a backend, of which 3scale returns the id only. */
function measureOf({ metricId }: Limit, measures: UsageMetric[]): UsageMetric {
  const listed = measures.find(({ id }) => id === metricId)
  return (
    listed ?? {
      id: metricId,
      metric: '',
      name: names.backendMetric(metricId),
      unit: '',
      role: 'other',
      createdAt: '',
    }
  )
}
