import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import { createRedis } from '../../src/clients/redis.js'
import { createRedisTrust } from '../../src/web/redis-trust.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

/** What somebody who can write to Redis, and has no session secret, can make of the copies there. */
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

const KEPT = { fresh: 100, keep: 1000 }

/** The cache of one process; what it loads is `ours`. */
async function replica(name: string, { secrets = [SECRET], now = Date.now } = {}) {
  const redis = createRedis(server.url, log, { trust: createRedisTrust(secrets) })
  connections.push(redis)
  await redis.connected(5000)
  const cache = createCache({ redis, prefix: 'test', log, now })
  return cache.cached<string>(name, KEPT, async (key) => `ours for ${key}`)
}

/** Stores a copy from a process of its own, and tells where. */
async function stored(name: string, key: string, value: string, options = {}): Promise<string> {
  const before = new Set(await writer.keys(`test:${name}:*`))
  await (await replica(name, options)).put(key, value)
  const [place] = (await writer.keys(`test:${name}:*`)).filter((each) => !before.has(each))
  if (place === undefined) throw new Error(`${key} was not stored`)
  return place
}

const get = async (name: string, key: string, options = {}) => (await (await replica(name, options)).get(key)).value

t.beforeEach(() => writer.flushall())

t.test('a copy counts at the place where a portal stored it, and nowhere else', async (t) => {
  const grace = await stored('people', 'grace', 'grace')
  const ada = await stored('people', 'ada', 'ada')
  t.equal(await get('people', 'ada'), 'ada', 'as it was stored')
  const text = (await writer.get(grace)) ?? ''
  await writer.set(ada, text)
  t.equal(await get('people', 'ada'), 'ours for ada', 'the copy of somebody else')

  const elsewhere = await stored('keys', 'grace', 'a key')
  await writer.set(elsewhere, text)
  t.equal(await get('keys', 'grace'), 'ours for grace', 'the copy of another cache')
  await stored('people', 'mary', 'mary')
  const foreign = await stored('people', 'mary', 'an impostor', { secrets: [OTHER] })
  const place = await stored('people', 'joan', 'joan')
  await writer.set(place, (await writer.get(foreign)) ?? '')
  t.equal(await get('people', 'joan'), 'ours for joan', 'the copy of a portal with another secret')
})

t.test('what no portal stored is loaded again, whatever it is', async (t) => {
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
  t.equal(await writer.type(place), 'string', 'and the next copy takes its place')
})

t.test('an older copy counts until its own time is up, and never before a newer one', async (t) => {
  let time = Date.now()
  const now = () => time
  const running = await replica('people', { now })
  await running.put('ada', 'first')
  const [place = ''] = await writer.keys('test:people:*')
  const first = (await writer.get(place)) ?? ''
  time += 1000
  await running.put('ada', 'second')
  await writer.set(place, first)
  await running.look('ada')
  t.equal(running.peek('ada')?.value, 'second')
  t.equal(await get('people', 'ada', { now }), 'first', 'a process that starts knows no better')
  time += KEPT.keep * 1000
  await writer.set(place, first)
  t.equal(await get('people', 'ada', { now }), 'ours for ada', 'but not after its time')
})

t.test('a copy from the future is refused, but for what clocks differ', async (t) => {
  await stored('people', 'ada', 'from the future', { now: () => Date.now() + 60_000 })
  t.equal(await get('people', 'ada'), 'ours for ada')
  await stored('people', 'mary', 'a second ahead', { now: () => Date.now() + 1000 })
  t.equal(await get('people', 'mary'), 'a second ahead')
})

t.test('a message counts where a portal sent it, and for a minute', async (t) => {
  let loads = 0
  let time = Date.now()
  const connect = async (now?: () => number) => {
    const redis = createRedis(server.url, log, { trust: createRedisTrust([SECRET]) })
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
  // a busy machine's Redis may miss one
  await until('a message is recorded', async () => {
    await sender.forget('key')
    return messages.length > 0 && running.peek('key') === undefined
  })
  const gone = messages.at(-1) ?? ''
  t.notMatch(gone, /heard|key/, 'nothing in it is in the clear')
  await running.get('key')
  const loaded = loads
  time += 120_000
  await writer.publish('test:changed', gone)
  for (const forged of [
    '',
    'x heard key gone',
    gone.slice(1),
    'A'.repeat(100_000),
    '{"name":"heard","key":"key","gone":true}',
  ])
    await writer.publish('test:changed', forged)
  await sleep(300)
  await running.get('key')
  t.equal(loads, loaded, 'none of them made it forget')
})

t.test('a lock that no portal set stops nobody', async (t) => {
  const place = await stored('people', 'ada', 'ada')
  await writer.del(place)
  await writer.set(`${place}:lock`, 'forged')
  t.equal(await get('people', 'ada'), 'ours for ada', 'a lock without an end is removed')

  let time = Date.now()
  const running = await replica('people', { now: () => time })
  await running.put('mary', 'old')
  const [of = ''] = (await writer.keys('test:people:*')).filter((each) => each !== place)
  const forge = setInterval(() => void writer.set(`${of}:lock`, 'forged', 'PX', 2900), 20)
  t.teardown(() => clearInterval(forge))
  await writer.set(`${of}:lock`, 'forged', 'PX', 2900)
  time += (KEPT.fresh + 1) * 1000
  t.equal((await running.reload('mary')).value, 'old', 'one that is renewed looks like another replica')
  time += 61_000
  t.equal((await running.reload('mary')).value, 'ours for mary', 'for a minute')
})

t.test('while a secret is replaced, copies of either secret are found', async (t) => {
  await stored('operations', 'one', 'by the old one', { secrets: [SECRET] })
  t.equal(await get('operations', 'one', { secrets: [OTHER, SECRET] }), 'by the old one')
  await stored('operations', 'two', 'by the new one', { secrets: [OTHER, SECRET] })
  t.equal(await get('operations', 'two', { secrets: [SECRET, OTHER] }), 'by the new one')
  t.equal(await get('operations', 'two', { secrets: [OTHER] }), 'by the new one')
  t.equal(await get('operations', 'two', { secrets: [SECRET] }), 'ours for two')
})
