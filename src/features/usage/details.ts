import type { Cache } from '../../clients/cache.js'
import type { Gate } from '../../clients/gate.js'
import type {
  Limit,
  Metric,
  Plan,
  PricingRule,
  Application as Record3scale,
  Threescale,
} from '../../clients/threescale/nouns.js'
import type { Model } from '../models/schemas.js'
import { type Prices, pricesOf } from './cost.js'
import type { Gateway } from './losses.js'
import { type Measure, type MetricNames, measuresOf } from './measures.js'

/** What PORTAL_CONFIG says of a product. */
export interface UsageNotes {
  metrics?: MetricNames
  prices?: Prices
}

export interface DetailsDeps {
  threescale: Pick<Threescale, 'listMetrics' | 'listLimits' | 'listPricingRules'>
  cache: Cache
  gate: Gate
  detailTtlSeconds: number
  /** a product by id whoever asks; undefined: not deployed */
  describe(productId: number): Promise<{ model: Model; plans: Plan[]; gateway?: Gateway } | undefined>
  notes: Record<string, UsageNotes>
}

/** An application with what can be counted, limited and charged of it. */
export interface Detailed {
  id: number
  name: string
  state: string
  model: string
  modelName: string
  type: Model['type'] | undefined
  planName: string
  madeAt: number
  measures: Measure[]
  limits: { limit: Limit; measure: Measure }[]
  /** metrics that the gateway’s rules add to: their limits are looked at when a call comes in */
  looked: Set<string>
  gateway: Gateway
  prices: ReturnType<typeof pricesOf>
  planFee: number
}

export type Details = ReturnType<typeof createDetails>

const MONTH = 30 * 86_400

/** Metrics of products, limits and prices of plans: the tenant's own facts, kept for everybody as the catalogue is. */
export function createDetails({ threescale, cache, gate, detailTtlSeconds, describe, notes }: DetailsDeps) {
  const kept = { fresh: detailTtlSeconds, keep: MONTH }
  const metrics = cache.cached<Metric[]>('usage-metrics', kept, (key) =>
    gate(() => threescale.listMetrics(numberIn(key))),
  )
  const limits = cache.cached<Limit[]>('usage-limits', kept, (key) => gate(() => threescale.listLimits(numberIn(key))))
  const rules = cache.cached<PricingRule[]>('usage-prices', kept, (key) =>
    gate(() => threescale.listPricingRules(numberIn(key))),
  )

  return {
    /** At most three calls, none while they are kept. Rejects with threescale_unavailable where one was never read. */
    async of(record: Record3scale): Promise<Detailed> {
      const found = await describe(record.productId)
      const plan = found?.plans.find(({ id }) => id === record.planId)
      // a change of the plan or its product is seen at once, not when the copy has aged
      const planKey = `${record.planId}@${plan?.updatedAt ?? ''}`
      const [listed, limited, priced] = await Promise.all([
        metrics.get(String(record.productId)),
        limits.get(planKey),
        rules.get(planKey),
      ])
      const gateway = found?.gateway ?? { metrics: [], tokenPolicy: undefined }
      const note = notes[found?.model.system_name ?? ''] ?? {}
      const measures = measuresOf(listed.value, gateway.metrics, note.metrics)
      return {
        id: record.id,
        name: record.name || `Application ${record.id}`,
        state: record.state,
        model: found?.model.system_name ?? '',
        modelName: found?.model.name ?? 'No longer offered',
        type: found?.model.type,
        planName: plan?.name ?? record.planName,
        madeAt: Date.parse(record.createdAt) || 0,
        measures,
        limits: limited.value.map((limit) => ({ limit, measure: measureOf(limit, measures) })),
        looked: new Set(gateway.metrics),
        gateway,
        prices: pricesOf(priced.value, note.prices, measures),
        planFee: plan?.costPerMonth ?? 0,
      }
    },
  }
}

/** A limit may be on a metric of a backend, which 3scale names by its number only. */
function measureOf({ metricId }: Limit, measures: Measure[]): Measure {
  const known = measures.find(({ id }) => id === metricId)
  return (
    known ?? { id: metricId, metric: '', name: `metric ${metricId} of a backend`, unit: '', role: 'other', since: '' }
  )
}

function numberIn(key: string): number {
  return Number(key.split('@')[0])
}
