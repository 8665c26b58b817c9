import t from 'tap'
import { createSharedSnapshot } from '../../../../src/features/models/catalogue/shared-snapshot.js'
import type { Snapshot, SnapshotEntry } from '../../../../src/features/models/catalogue/snapshot.js'
import { createCache } from '../../../../src/infra/cache.js'
import { createRedisEncryption } from '../../../../src/infra/crypto/redis-encryption.js'
import { createRedis } from '../../../../src/infra/redis.js'
import { startRedis } from '../../../helper/stack.js'
import { log } from '../in-memory-catalogue.js'

const server = await startRedis()
t.teardown(() => server.stop())
const crypto = createRedisEncryption(['a secret of this test, of some length'])
const connections: { close(): void }[] = []
t.teardown(() => {
  for (const connection of connections) connection.close()
})

function product(id: number, name = `p${id}`): SnapshotEntry {
  return { product: { id, name } } as unknown as SnapshotEntry
}

async function connect() {
  const redis = createRedis(server.url, log as never, { crypto })
  connections.push(redis)
  await redis.connected(5000)
  const keys = async (pattern: string) => (await redis.try((client) => client.keys(pattern))) ?? []
  return {
    redis,
    countParts: async () => (await keys('*:catalogue-parts:*')).length,
    async removeParts() {
      for (const key of await keys('*:catalogue-parts:*')) await redis.try((client) => client.del(key))
    },
  }
}

/** A replica whose `take` returns what `state` has, and is counted. */
async function replica(state: { entries: SnapshotEntry[] }) {
  const { redis, ...parts } = await connect()
  let taken = 0
  const shared = createSharedSnapshot({
    cache: createCache({ redis, prefix: 'test', log }),
    freshSeconds: 3600,
    async take(previous): Promise<Snapshot> {
      taken++
      const entries = state.entries
      const isSame = previous?.entries.every((entry, index) => entry === entries[index])
      return previous && isSame
        ? previous
        : { entries, settings: { servicePlansVisible: false } as Snapshot['settings'] }
    },
    now: Date.now,
  })
  return { ...parts, taken: () => taken, ...shared }
}

t.test('replicas share a snapshot in parts, and only changed parts are written and read', async (t) => {
  const state = { entries: Array.from({ length: 200 }, (_, index) => product(index)) }
  const one = await replica(state)
  const two = await replica(state)
  const first = (await one.get()).value
  t.equal(await one.countParts(), 4, '50 products in each')
  const adopted = (await two.get()).value
  t.equal(two.taken(), 0, 'the second replica reads it from Redis')
  t.same(adopted.entries, first.entries)

  t.equal((await one.reload()).value, first, 'a refresh without a change returns the same snapshot')
  t.equal(await one.countParts(), 4)

  state.entries = state.entries.map((entry) => (entry.product.id === 60 ? product(60, 'renamed') : entry))
  const second = (await one.reload()).value
  t.equal(second.entries[60]?.product.name, 'renamed')
  t.equal(await one.countParts(), 5, 'one part is new')
  await t.resolves(until(async () => (await two.get()).value.entries[60]?.product.name === 'renamed'))
  const other = (await two.get()).value
  t.equal(two.taken(), 0)
  t.equal(other.entries[0], adopted.entries[0], 'products of other parts are the same objects')
  t.equal(other.entries.length, 200)

  state.entries = [product(-5), ...state.entries.slice(1)]
  await one.reload()
  t.ok((await one.countParts()) <= 7, 'a removed and a new product change their parts only')
})

t.test('a replica that does not find a part in Redis reads the catalogue itself', async (t) => {
  const state = { entries: [product(1), product(60)] }
  const one = await replica(state)
  await one.reload()
  await one.removeParts()
  const two = await replica(state)
  t.equal((await two.get()).value.entries.length, 2)
  t.equal(two.taken(), 1)
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it never came')
}
