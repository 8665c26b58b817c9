import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayConfig, Plan, Product, Threescale } from '../../../src/clients/threescale/types.js'
import { problem } from '../../../src/errors.js'
import { createModels, type ModelsDeps } from '../../../src/features/models/models.js'
import { createCache } from '../../../src/infra/cache.js'

export const log = { warn: () => {}, info: () => {} }
const quietServers = { mayQuery: () => false, query: async () => {} }

const hits = { metricId: 11, metric: 'hits', delta: 1, last: false }

/** A tenant in memory that counts every call and responds with a short delay. */
export function tenant(names: string[]) {
  const calls: Record<string, number> = {}
  let running = 0
  let atOnce = 0
  const state = {
    products: names.map((systemName, index) => ({ id: index + 1, systemName, name: systemName, description: '' })),
    plans: names.map((_name, index) => ({
      id: index + 1,
      productId: index + 1,
      systemName: 'basic',
      name: 'Basic',
      state: 'published',
      isDefault: false,
      custom: false,
      updatedAt: '1',
    })),
    docs: [] as { id: number; productId: number; published: boolean; body: string }[],
    subscriptions: [] as { id: number; productId: number; state: string }[],
    servicePlansVisible: false,
    down: false,
    backend: '',
    version: 1,
    changedAt: '2026-01-01T00:00:00Z',
    /** Method and pattern by product; those of a chat model by default. */
    rules: {} as Record<number, [method: string, pattern: string][]>,
  }
  const answer =
    <T>(name: string, make: (id: number) => T) =>
    async (id = 0): Promise<T> => {
      calls[name] = (calls[name] ?? 0) + 1
      atOnce = Math.max(atOnce, ++running)
      await sleep(1)
      running--
      if (state.down) throw problem('threescale_unavailable')
      return make(id)
    }
  const config = (product: { id: number }): GatewayConfig => ({
    productId: product.id,
    version: state.version,
    changedAt: state.changedAt,
    endpoint: `https://model-${product.id}.example.com:443`,
    credentials: {
      mode: 'user_key',
      location: 'authorization',
      names: { userKey: 'user_key', appId: 'app_id', appKey: 'app_key' },
    },
    rules: state.rules[product.id]?.map(([method, pattern]) => ({ ...hits, method, pattern })) ?? [
      { ...hits, method: 'POST', pattern: '/v1/chat/completions', metricId: 12, metric: 'chat.7' },
      { ...hits, method: 'GET', pattern: '/v1/models' },
    ],
    backends: [{ path: '/', versioned: false }],
    issuer: undefined,
    policies: [],
    tokenPolicy: undefined,
    refusals: {
      authFailed: { status: 403, text: 'Authentication failed' },
      authMissing: { status: 403, text: 'Authentication parameters missing' },
      noMatch: { status: 404, text: 'No Mapping Rule matched' },
      limitsExceeded: { status: 429, text: 'Usage limit exceeded' },
    },
    privateAddress: state.backend || undefined,
  })
  const threescale = {
    listProducts: answer('products', () => state.products as Product[]),
    listPlans: answer('plans', () => state.plans as unknown as Plan[]),
    listGatewayConfigs: answer('configs', () => state.products.map(config)),
    listApiDocs: answer('docs', () => state.docs),
    readApiDoc: answer('doc', (id) => state.docs.find((doc) => doc.id === id)),
    listFieldDefinitions: answer('fields', () => []),
    readSettings: answer('settings', () => ({ servicePlansVisible: state.servicePlansVisible })),
    listLimits: answer('limits', () => [
      { metricId: 11, period: 'day', value: 5 },
      { metricId: 12, period: 'day', value: 6 },
    ]),
    listPricingRules: answer('prices', () => [{ metricId: 11, costPerUnit: 0.5, from: 1, to: undefined }]),
    listMetrics: answer('metrics', () => [{ id: 11, systemName: 'hits', name: 'Hits', unit: 'hit' }]),
    listSubscriptions: answer('subscriptions', () => state.subscriptions),
    listApplications: answer('applications', () => [{ id: 9, name: 'mine', productId: 1, state: 'live' }]),
  } as unknown as Threescale
  return {
    state,
    threescale,
    count: (name: string) => calls[name] ?? 0,
    total: () => Object.values(calls).reduce((sum, n) => sum + n, 0),
    atOnce: () => atOnce,
  }
}

export function catalogue(threescale: Threescale, extra: Partial<ModelsDeps> = {}) {
  const cache = createCache({ prefix: 'test', log })
  return createModels({
    threescale,
    cache,
    ttlSeconds: 3600,
    detailTtlSeconds: 3600,
    configurationSeconds: 300,
    overrides: {},
    tokenEndpoint: async () => '',
    servers: quietServers,
    log,
    ...extra,
  })
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (await holds()) return
    await sleep(5)
  }
  throw new Error('it never came')
}
