import t from 'tap'
import type { Plan, Threescale } from '../../../../src/clients/threescale/types.js'
import type { SnapshotEntry } from '../../../../src/features/models/catalogue/snapshot.js'
import { createProductDetails } from '../../../../src/features/models/details/product-details.js'
import { createCache } from '../../../../src/infra/cache.js'
import { createRedisEncryption } from '../../../../src/infra/crypto/redis-encryption.js'
import { createRedis, type RedisConnection } from '../../../../src/infra/redis.js'
import { startRedis } from '../../../helper/stack.js'
import { log } from '../in-memory-catalogue.js'

const MINUTE = 60_000
const DAY = 86_400_000
const PRODUCTS = 40
/** 40 products with two plans: limits and prices of each plan, and the metrics of each product. */
const ROUND = PRODUCTS * 5

interface CreateOptions {
  redis?: RedisConnection
  ttlSeconds?: number
}

/** Products with two plans each, whose details take 200 calls. */
function products(): SnapshotEntry[] {
  return Array.from({ length: PRODUCTS }, (_, index) => {
    const id = index + 1
    const plans = [2 * id, 2 * id + 1].map((plan) => ({ id: plan, updatedAt: '2026-01-01T00:00:00Z' }) as Plan)
    const product = { id, systemName: `p${id}`, updatedAt: '2026-01-01T00:00:00Z' }
    return {
      product,
      offered: plans,
      gateway: { version: 1, rules: [], issuer: undefined },
    } as unknown as SnapshotEntry
  })
}

function changed(entries: SnapshotEntry[], id: number, change: (entry: SnapshotEntry) => SnapshotEntry) {
  return entries.map((entry) => (entry.product.id === id ? change(entry) : entry))
}

/** A 3scale that counts calls, with a clock that only the test moves. */
function tenant() {
  const read: string[] = []
  const down = { isDown: false }
  let clock = Date.parse('2026-03-01T00:00:00Z')
  const answer =
    <T>(name: string, rows: T[]) =>
    async (id: number) => {
      if (down.isDown) throw Object.assign(new Error('down'), { code: 'threescale_unavailable' })
      read.push(`${name} ${id}`)
      return rows
    }
  const threescale = {
    listLimits: answer('limits', [{ metricId: 1, period: 'day', value: 5 }]),
    listPricingRules: answer('prices', []),
    listMetrics: answer('metrics', [{ id: 1, systemName: 'hits', name: 'Hits' }]),
  } as unknown as Threescale
  return {
    down,
    /** The calls since the last time. */
    calls: () => read.splice(0),
    wait(ms: number) {
      clock += ms
    },
    create({ redis, ttlSeconds = 900 }: CreateOptions = {}) {
      const now = () => clock
      return createProductDetails({
        threescale,
        cache: createCache({ prefix: 'test', log, now, ...(redis ? { redis } : {}) }),
        ttlSeconds,
        tokenEndpoint: async () => '',
        queryServer: async () => {},
        mayQuery: () => false,
        now,
      })
    },
  }
}

t.test('details of products that do not change are read once, then spread over a day', async (t) => {
  const { create, calls, wait } = tenant()
  // With this interval, the catalogue of this test is read as slowly as one of 2,000 products with the default.
  const details = create({ ttlSeconds: 43_200 })
  const entries = products()
  await details.read(entries)
  t.equal(calls().length, ROUND)
  const perHour: number[] = []
  const again = new Set<string>()
  for (let hour = 0; hour < 25; hour++) {
    let count = 0
    for (let minute = 0; minute < 60; minute += 2) {
      wait(2 * MINUTE)
      await details.read(entries)
      for (const call of calls()) {
        again.add(call)
        count++
      }
    }
    perHour.push(count)
  }
  const total = perHour.reduce((sum, count) => sum + count, 0)
  t.equal(again.size, ROUND, 'each detail is read again')
  t.ok(total <= 2 * ROUND, `${total} calls in a day`)
  t.ok(Math.max(...perHour) <= (3 * ROUND) / 24, `at most ${Math.max(...perHour)} in an hour`)
})

t.test('a small catalogue is read again in the configured interval', async (t) => {
  const { create, calls, wait } = tenant()
  const details = create()
  const entries = products().slice(0, 16)
  await details.read(entries)
  t.equal(calls().length, 80)
  for (let minute = 0; minute < 30; minute++) {
    wait(MINUTE)
    await details.read(entries)
  }
  const again = new Set(calls())
  t.equal(again.size, 80, 'every detail within two intervals of 15 minutes')
})

t.test('a changed plan, a promoted configuration and a notification cause reads of their product only', async (t) => {
  const { create, calls, wait } = tenant()
  const details = create()
  let entries = products()
  await details.read(entries)
  calls()

  entries = changed(entries, 7, (entry) => ({
    ...entry,
    offered: entry.offered.map((plan) => (plan.id === 14 ? { ...plan, updatedAt: '2026-03-01T00:00:00Z' } : plan)),
  }))
  await details.read(entries)
  t.same(calls(), ['limits 14', 'prices 14'], 'the changed plan')

  entries = changed(entries, 9, (entry) => ({ ...entry, gateway: { ...entry.gateway, version: 2 } }))
  await details.read(entries)
  t.same(calls().sort(), ['limits 18', 'limits 19', 'metrics 9', 'prices 18', 'prices 19'], 'the promoted product')

  wait(1000)
  details.expire(11)
  wait(1000)
  await details.read(entries)
  t.same(calls().sort(), ['limits 22', 'limits 23', 'metrics 11', 'prices 22', 'prices 23'], 'the notified product')
  await details.read(entries)
  t.same(calls(), [], 'once')
})

t.test('after an outage, what became due is read at a limited rate', async (t) => {
  const { create, calls, wait, down } = tenant()
  const details = create({ ttlSeconds: 43_200 })
  const entries = products()
  await details.read(entries)
  calls()
  down.isDown = true
  wait(2 * DAY)
  await details.read(entries)
  down.isDown = false
  for (let minute = 0; minute < 60; minute++) {
    wait(MINUTE)
    await details.read(entries)
  }
  t.ok(calls().length <= (4 * ROUND) / 24, 'in the first hour, not all at once')
})

t.test('a model that a user opens is read before the others', async (t) => {
  const { create, calls } = tenant()
  const details = create()
  const entries = products()
  const all = details.read(entries)
  await details.readFirst(entries[30] as SnapshotEntry)
  const before = calls()
  t.ok(before.includes('metrics 31'))
  t.ok(before.length < ROUND / 2, `${before.length} calls until it is complete`)
  await all
})

t.test('with Redis, a replica that starts or restarts reads nothing again', async (t) => {
  const server = await startRedis()
  t.teardown(() => server.stop())
  const crypto = createRedisEncryption(['a secret of this test, of some length'])
  const connect = async () => {
    const redis = createRedis(server.url, log as never, { crypto })
    t.teardown(() => redis.close())
    await redis.connected(5000)
    return redis
  }
  const { create, calls, wait } = tenant()
  const entries = products()
  await create({ redis: await connect() }).read(entries)
  t.equal(calls().length, ROUND)
  wait(MINUTE)
  const restarted = create({ redis: await connect() })
  await restarted.read(entries)
  t.same(calls(), [])
  t.equal(restarted.limitsOf(entries[0] as SnapshotEntry, entries[0]?.offered[0] as Plan)?.length, 1)

  const promoted = changed(entries, 9, (entry) => ({ ...entry, gateway: { ...entry.gateway, version: 2 } }))
  const others = [create({ redis: await connect() }), create({ redis: await connect() })]
  for (const other of others) await other.read(entries)
  await restarted.read(promoted)
  for (const other of others) await other.read(promoted)
  t.equal(calls().length, 5, 'three replicas read a promoted product once')
})
