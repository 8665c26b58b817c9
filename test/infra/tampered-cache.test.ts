import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { createCache } from '../../src/infra/cache.js'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import type { Secrets } from '../../src/infra/crypto/secrets.js'
import { createRedis } from '../../src/infra/redis.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

/** Cache entries that an attacker can create with write access to Redis and without the session secret. */
const SECRET = 'a secret of at least thirty-two bytes'
const OTHER = 'another secret of thirty-two bytes or more'
const log = { warn() {}, info() {} }
const server = await startRedis()
const writer = new Redis(server.url)
const connections: ReturnType<typeof createRedis>[] = []
t.teardown(async () => {
  writer.disconnect()
  for (const connection of connections) connection.close()
  await server.stop()
})

const KEPT = { freshSeconds: 100, maxAgeSeconds: 1000 }

/** The cache of one process; it loads `ours`. */
async function replica(name: string, { secrets = [SECRET] as Secrets, now = Date.now } = {}) {
  const redis = createRedis(server.url, log, { crypto: createRedisEncryption(secrets) })
  connections.push(redis)
  await redis.connected(5000)
  const cache = createCache({ redis, prefix: 'test', log, now })
  return cache.cached<string>(name, KEPT, async (key) => `ours for ${key}`)
}

/** Stores an entry from a separate process and returns its key. */
async function stored(name: string, key: string, value: string, options = {}): Promise<string> {
  const before = new Set(await writer.keys(`test:${name}:*`))
  await (await replica(name, options)).put(key, value)
  const [place] = (await writer.keys(`test:${name}:*`)).filter((each) => !before.has(each))
  if (place === undefined) throw new Error(`${key} was not stored`)
  return place
}

const get = async (name: string, key: string, options = {}) => (await (await replica(name, options)).get(key)).value

t.beforeEach(() => writer.flushall())

t.test('a cache entry is accepted under the key that a portal stored it under, and under no other', async (t) => {
  const grace = await stored('people', 'grace', 'grace')
  const ada = await stored('people', 'ada', 'ada')
  t.equal(await get('people', 'ada'), 'ada', 'as stored')
  const text = (await writer.get(grace)) ?? ''
  await writer.set(ada, text)
  t.equal(await get('people', 'ada'), 'ours for ada', 'the entry of another key')

  const elsewhere = await stored('keys', 'grace', 'a key')
  await writer.set(elsewhere, text)
  t.equal(await get('keys', 'grace'), 'ours for grace', 'the entry of another cache')
  await stored('people', 'mary', 'mary')
  const foreign = await stored('people', 'mary', 'an impostor', { secrets: [OTHER] })
  const place = await stored('people', 'joan', 'joan')
  await writer.set(place, (await writer.get(foreign)) ?? '')
  t.equal(await get('people', 'joan'), 'ours for joan', 'the entry of a portal with another secret')
})

t.test('an entry that no portal stored is ignored and loaded again', async (t) => {
  const place = await stored('catalogue', 'key', 'value')
  const good = (await writer.get(place)) ?? ''
  const entry = JSON.stringify({ value: 'forged', at: Date.now() })
  const forged: [name: string, value: string][] = [
    ['in the clear', entry],
    ['of the prototype', '{"__proto__":{"value":"forged"},"at":1}'],
    ['a number that JSON takes for infinite', '{"value":"forged","at":1e400}'],
    ['base64', Buffer.from(entry).toString('base64url')],
    ['cut', good.slice(0, -1)],
    ['cut to nearly nothing', good.slice(0, 20)],
    ['longer', `${good}AAAA`],
    ['changed in one place', good.replace(/.(?=.{30}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))],
    ['empty', ''],
    ['not text', '\u0000\ufffd'.repeat(1000)],
    ['of 40 MB', 'A'.repeat(40_000_000)],
  ]
  for (const [name, value] of forged) {
    await writer.set(place, value)
    t.equal(await get('catalogue', 'key'), 'ours for key', name)
  }
  await writer.del(place)
  await writer.lpush(place, good)
  t.equal(await get('catalogue', 'key'), 'ours for key', 'a list')
  t.equal(await writer.type(place), 'string', 'and the next entry replaces it')
})

t.test('a replayed entry is accepted until it expires, and never instead of a newer one', async (t) => {
  let time = Date.now()
  const now = () => time
  const running = await replica('people', { now })
  await running.put('ada', 'first')
  const [place = ''] = await writer.keys('test:people:*')
  const first = (await writer.get(place)) ?? ''
  time += 1000
  await running.put('ada', 'second')
  await writer.set(place, first)
  await running.sync('ada')
  t.equal(running.peek('ada')?.value, 'second')
  t.equal(await get('people', 'ada', { now }), 'first', 'a process that starts cannot detect it')
  time += KEPT.maxAgeSeconds * 1000
  await writer.set(place, first)
  t.equal(await get('people', 'ada', { now }), 'ours for ada', 'but not after it expires')
})

t.test('an entry from the future is rejected, except for clock skew', async (t) => {
  await stored('people', 'ada', 'from the future', { now: () => Date.now() + 60_000 })
  t.equal(await get('people', 'ada'), 'ours for ada')
  await stored('people', 'mary', 'a second ahead', { now: () => Date.now() + 1000 })
  t.equal(await get('people', 'mary'), 'a second ahead')
})

t.test('a message is accepted on the channel that a portal sent it to, for one minute', async (t) => {
  let loads = 0
  let time = Date.now()
  const connect = async (now?: () => number) => {
    const redis = createRedis(server.url, log, { crypto: createRedisEncryption([SECRET]) })
    connections.push(redis)
    await redis.connected(5000)
    const cache = createCache({ redis, prefix: 'test', log, ...(now ? { now } : {}) })
    return cache.cached<string>('heard', KEPT, async (key) => `${key} ${++loads}`)
  }
  const running = await connect(() => time)
  const sender = await connect()
  const messages: string[] = []
  const listener = new Redis(server.url)
  t.teardown(() => listener.disconnect())
  await listener.subscribe('test:changed')
  listener.on('message', (_channel, message) => messages.push(message))

  t.equal((await running.get('key')).value, 'key 1')
  // On a busy machine, Redis may miss one.
  await until('a message is recorded', async () => {
    await sender.remove('key')
    return messages.length > 0 && running.peek('key') === undefined
  })
  const removed = messages.at(-1) ?? ''
  t.notMatch(removed, /heard|key/, 'it contains no plain text')
  await running.get('key')
  const loaded = loads
  time += 120_000
  await writer.publish('test:changed', removed)
  for (const forged of [
    '',
    'x heard key gone',
    removed.slice(1),
    'A'.repeat(100_000),
    '{"name":"heard","key":"key","gone":true}',
  ])
    await writer.publish('test:changed', forged)
  await sleep(300)
  await running.get('key')
  t.equal(loads, loaded, 'none of them removed an entry')
})

t.test('a lock that no portal set blocks no work', async (t) => {
  const place = await stored('people', 'ada', 'ada')
  await writer.del(place)
  await writer.set(`${place}:lock`, 'forged')
  t.equal(await get('people', 'ada'), 'ours for ada', 'a lock without an expiry is removed')

  let time = Date.now()
  const running = await replica('people', { now: () => time })
  await running.put('mary', 'old')
  const [of = ''] = (await writer.keys('test:people:*')).filter((each) => each !== place)
  const forge = setInterval(() => void writer.set(`${of}:lock`, 'forged', 'PX', 2900), 20)
  t.teardown(() => clearInterval(forge))
  await writer.set(`${of}:lock`, 'forged', 'PX', 2900)
  time += (KEPT.freshSeconds + 1) * 1000
  t.equal((await running.reload('mary')).value, 'old', 'a renewed lock looks like that of another replica')
  time += 61_000
  t.equal((await running.reload('mary')).value, 'ours for mary', 'for a minute')
})

t.test('during the replacement of a secret, entries of both secrets are accepted', async (t) => {
  await stored('operations', 'one', 'by the old one', { secrets: [SECRET] })
  t.equal(await get('operations', 'one', { secrets: [OTHER, SECRET] }), 'by the old one')
  await stored('operations', 'two', 'by the new one', { secrets: [OTHER, SECRET] })
  t.equal(await get('operations', 'two', { secrets: [SECRET, OTHER] }), 'by the new one')
  t.equal(await get('operations', 'two', { secrets: [OTHER] }), 'by the new one')
  t.equal(await get('operations', 'two', { secrets: [SECRET] }), 'ours for two')
})
