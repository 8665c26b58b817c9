import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { createAccountVersions } from '../../src/clients/threescale/memory/account-versions.js'
import { createCache } from '../../src/infra/cache.js'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { createDayLimits } from '../../src/infra/day-limits.js'
import { acquireLock } from '../../src/infra/lock.js'
import { createRedis } from '../../src/infra/redis.js'
import { createRevocations } from '../../src/web/auth/revocations.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisEncryption(['a secret of at least thirty-two bytes', 'a previous secret of thirty-two bytes'])
// Even a cluster of one node rejects commands whose keys are in different slots.
const server = await startRedis(undefined, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
const observer = new Redis(server.url)
await observer.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
await until('the cluster is up', async () =>
  String(await observer.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
)
const [one, two] = [1, 2].map(() => createRedis(server.url.replace('redis:', 'redis+cluster:'), log, { crypto: trust }))
if (!one || !two) throw new Error('no connections')
t.teardown(async () => {
  for (const connection of [one, two]) connection.close()
  observer.disconnect()
  await server.stop()
})
await Promise.all([one, two].map((connection) => connection.connected(20_000)))
const subscribers = async (channel: string) => Number((await observer.pubsub('NUMSUB', channel))[1])
const ofEach = <T>(create: (redis: typeof one) => T) => [create(one), create(two)] as const

t.test('counters in different slots are added together, and each expires', async (t) => {
  const counters = Array.from({ length: 20 }, (_, index) => ({ key: `counter:${index}`, by: index + 1 }))
  await observer.set('counter:3', 'no number')
  await until('Redis responds in time', async () => (await one.increment(counters, 60_000)) !== undefined)
  const before = Number(await observer.get('counter:0'))
  const totals = await two.increment(counters, 60_000)
  t.same([totals?.[0], totals?.[3]], [before + 1, undefined])
  t.ok((await observer.pttl('counter:19')) > 0)
})

t.test('caches, locks, limits, sign-outs and versions of accounts work on a cluster', async (t) => {
  const [writing, reading] = ofEach((redis) =>
    createCache({ redis, prefix: 'test', log }).cached(
      'numbers',
      { freshSeconds: 60, maxAgeSeconds: 60 },
      async () => 1,
    ),
  )
  await until('both replicas are subscribed', async () => (await subscribers('test:changed')) === 2)
  t.equal((await reading.get('key')).value, 1)
  await writing.put('key', 2)
  await until('the other replica has the value', async () => reading.peek('key')?.value === 2)
  await writing.remove('key')
  await until('it has removed the value', async () => reading.peek('key') === undefined)

  let lock = await acquireLock(one, 'test:lock')
  for (; lock === 'unavailable'; lock = await acquireLock(one, 'test:lock')) await sleep(50)
  t.equal(await acquireLock(two, 'test:lock'), 'held')
  await (lock as Exclude<typeof lock, string>).release()
  await until('the lock is released', async () => (await observer.get('test:lock')) === null)

  const [first, second] = ofEach((redis) => createDayLimits({ redis, prefix: 'test' }))
  const limits = ['a', 'b', 'c'].map((key) => ({ key, max: 1 }))
  t.equal(await first.take(limits), true)
  t.equal(await second.take(limits), false)

  const [ending, other] = ofEach((redis) => createRevocations({ redis, prefix: 'test', retentionSeconds: 3600 }))
  await ending.recordAccountChange(5)
  await until('the other replica knows the change', async () => other.accountChangedAt(5) > 0)
  for (const each of [ending, other]) each.close()

  const [own, others] = ofEach((redis) => createAccountVersions({ redis, prefix: 'test' }))
  await until('the account has a version', async () => (await others.read(7)) !== undefined)
  const version = await others.read(7)
  await own.invalidate(7)
  await until('it has another version', async () => ![undefined, version].includes(await others.read(7)))
  for (const each of [own, others]) each.close()
})
