import t from 'tap'
import { createDayLimits } from '../../src/clients/day-limits.js'
import { createRedis } from '../../src/clients/redis.js'
import { createRedisTrust } from '../../src/web/redis-trust.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisTrust(['a secret that the test knows, and nobody else'])
const DAY = 86_400_000

t.test('without Redis: so many within a day from the first, under every key', async (t) => {
  let now = 0
  const limits = createDayLimits({ prefix: 'test', now: () => now })
  const both = [
    { key: 'one', most: 1 },
    { key: 'all', most: 2 },
  ]
  t.equal(await limits.take(both), true)
  t.equal(await limits.take(both), false)
  t.equal(await limits.take([{ key: 'two', most: 1 }, ...both.slice(1)]), true, 'what was refused did not count')
  t.equal(await limits.take([{ key: 'three', most: 1 }, ...both.slice(1)]), false)
  await limits.giveBack(['one', 'all'])
  t.equal(await limits.take(both), true, 'what was not done after all does not count')
  now += DAY - 1
  t.equal(await limits.take(both), false)
  now += 1
  t.equal(await limits.take(both), true, 'a day later')
})

t.test('with Redis: counts of all replicas, without the keys, and its own when Redis is away or empty', async (t) => {
  const server = await startRedis()
  const connections = [1, 2].map(() => createRedis(server.url, log, { trust }))
  t.teardown(async () => {
    for (const connection of connections) connection.close()
    await server.stop()
  })
  await Promise.all(connections.map((connection) => connection.connected(5000)))
  const [one, two] = connections.map((redis) => createDayLimits({ redis, prefix: 'test' }))
  const address = [{ key: 'to ada@example.com', most: 1 }]
  const outcomes = await Promise.all([one, two, one, two].map((limits) => limits?.take(address)))
  t.equal(outcomes.filter(Boolean).length, 1, 'at once')
  await one?.giveBack(['again'])
  t.equal(await one?.take([{ key: 'again', most: 1 }]), true)
  t.equal(await two?.take([{ key: 'again', most: 1 }]), false)
  const [client] = connections
  const keys = (await client?.try((redis) => redis.keys('*'))) ?? []
  t.ok(keys.length > 0)
  for (const key of keys) {
    t.match(key, /^test:day:[\w-]{22}$/)
    const left = (await client?.try((redis) => redis.ttl(key))) ?? 0
    t.ok(left > 86_000 && left <= 86_400, `${key} ends: ${left}`)
  }
  for (const key of keys) await client?.try((redis) => redis.expire(key, 10 * 86_400))
  for (const { key } of [...address, { key: 'again' }]) await one?.take([{ key, most: 1 }])
  for (const key of keys) {
    const left = (await client?.try((redis) => redis.ttl(key))) ?? 0
    t.ok(left > 0 && left <= 86_400, `${key} was given a later end, and ends within a day: ${left}`)
  }
  for (const key of keys) {
    await client?.try((redis) => redis.del(key))
    await client?.try((redis) => redis.lpush(key, 'something else'))
  }
  t.equal(await one?.take([{ key: 'again', most: 1 }]), false, 'what is no count is ignored')
  await client?.try((redis) => redis.flushall())
  t.equal(await one?.take([{ key: 'again', most: 1 }]), false, 'this process still knows')
  await server.stop()
  t.equal(await one?.take([{ key: 'again', most: 1 }]), false)
  t.equal(await one?.take([{ key: 'new', most: 1 }]), true, 'and goes on by itself')
  t.equal(await one?.take([{ key: 'new', most: 1 }]), false)
})
