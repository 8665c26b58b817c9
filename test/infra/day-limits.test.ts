import t from 'tap'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { createDayLimits } from '../../src/infra/day-limits.js'
import { createRedis } from '../../src/infra/redis.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisEncryption(['a secret that the test knows, and nobody else'])
const DAY = 86_400_000

t.test('without Redis, a limit applies for a day from the first use, to every key', async (t) => {
  let now = 0
  const limits = createDayLimits({ prefix: 'test', now: () => now })
  const both = [
    { key: 'one', max: 1 },
    { key: 'all', max: 2 },
  ]
  t.equal(await limits.take(both), true)
  t.equal(await limits.take(both), false)
  t.equal(await limits.take([{ key: 'two', max: 1 }, ...both.slice(1)]), true, 'a rejected use does not count')
  t.equal(await limits.take([{ key: 'three', max: 1 }, ...both.slice(1)]), false)
  await limits.undo(['one', 'all'])
  t.equal(await limits.take(both), true, 'a cancelled use does not count')
  now += DAY - 1
  t.equal(await limits.take(both), false)
  now += 1
  t.equal(await limits.take(both), true, 'a day later')
})

t.test(
  'with Redis, counts include all replicas and contain no keys; each process counts if Redis is unavailable or empty',
  async (t) => {
    const server = await startRedis()
    const connections = [1, 2].map(() => createRedis(server.url, log, { crypto: trust }))
    t.teardown(async () => {
      for (const connection of connections) connection.close()
      await server.stop()
    })
    await Promise.all(connections.map((connection) => connection.connected(5000)))
    const [one, two] = connections.map((redis) => createDayLimits({ redis, prefix: 'test' }))
    const address = [{ key: 'to ada@example.com', max: 1 }]
    const outcomes = await Promise.all([one, two, one, two].map((limits) => limits?.take(address)))
    t.equal(outcomes.filter(Boolean).length, 1, 'at the same time')
    await one?.undo(['again'])
    t.equal(await one?.take([{ key: 'again', max: 1 }]), true)
    t.equal(await two?.take([{ key: 'again', max: 1 }]), false)
    const [client] = connections
    const keys = (await client?.try((redis) => redis.keys('*'))) ?? []
    t.ok(keys.length > 0)
    for (const key of keys) {
      t.match(key, /^test:day:[\w-]{22}$/)
      const left = (await client?.try((redis) => redis.ttl(key))) ?? 0
      t.ok(left > 86_000 && left <= 86_400, `${key} ends: ${left}`)
    }
    for (const key of keys) await client?.try((redis) => redis.expire(key, 10 * 86_400))
    for (const { key } of [...address, { key: 'again' }]) await one?.take([{ key, max: 1 }])
    for (const key of keys) {
      const left = (await client?.try((redis) => redis.ttl(key))) ?? 0
      t.ok(left > 0 && left <= 86_400, `${key} was set to a later end, and ends within a day: ${left}`)
    }
    for (const key of keys) {
      await client?.try((redis) => redis.del(key))
      await client?.try((redis) => redis.lpush(key, 'something else'))
    }
    t.equal(await one?.take([{ key: 'again', max: 1 }]), false, 'an invalid count is ignored')
    await client?.try((redis) => redis.flushall())
    t.equal(await one?.take([{ key: 'again', max: 1 }]), false, 'this process has the count')
    await server.stop()
    t.equal(await one?.take([{ key: 'again', max: 1 }]), false)
    t.equal(await one?.take([{ key: 'new', max: 1 }]), true, 'and continues without Redis')
    t.equal(await one?.take([{ key: 'new', max: 1 }]), false)
  },
)
