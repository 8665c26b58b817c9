import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createCache } from '../../src/infra/cache.js'
import { runWithDeadline } from '../../src/infra/call-context.js'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { createRedis } from '../../src/infra/redis.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisEncryption(['a secret of at least thirty-two bytes'])
const server = await startRedis()
const connections: ReturnType<typeof createRedis>[] = []
t.teardown(async () => {
  for (const connection of connections) connection.close()
  await server.stop()
})

/** The cache of one process. */
async function replica(now: () => number = Date.now) {
  const redis = createRedis(server.url, log, { crypto: trust })
  connections.push(redis)
  await redis.connected(5000)
  return createCache({ redis, prefix: 'test', log, now })
}

t.test('a value stored by another process replaces a cached null, also if it is older', async (t) => {
  const stored = { freshSeconds: 1000, maxAgeSeconds: 1000, nullMeansUnknown: true }
  const nothing = async (): Promise<string | null> => null
  const reported = (await replica()).cached<string | null>('told', stored, nothing)
  // Its clock is ahead, so its null is the newer entry.
  const late = (await replica(() => Date.now() + 60_000)).cached<string | null>('told', stored, nothing)
  t.equal((await late.get('lost')).value, null)
  // On a busy machine, Redis may be too slow for one write, which is then cached by that process only.
  await until('it is taken over', async () => {
    await reported.put('lost', 'the id')
    await late.sync('lost')
    return late.peek('lost')?.value === 'the id'
  })
  t.equal((await reported.get('never')).value, null)
  t.equal((await late.get('never')).value, null)
  await until('or heard of', async () => {
    await reported.put('never', 'another id')
    return late.peek('never')?.value === 'another id'
  })
  t.pass('in both directions')
})

t.test('what Redis did not confirm is written again when it responds, but replaces nothing newer', async (t) => {
  const redis = createRedis(server.url, log, { crypto: trust })
  connections.push(redis)
  await redis.connected(5000)
  let isCut = false
  const cut: typeof redis = { ...redis, try: async (run) => (isCut ? undefined : redis.try(run)) }
  const policy = { freshSeconds: 1000, maxAgeSeconds: 1000 }
  const nothing = async () => 'loaded'
  const one = createCache({ redis: cut, prefix: 'test', log }).cached<string>('repeated', policy, nothing)
  const two = (await replica()).cached<string>('repeated', policy, nothing)
  const valueAt = async (key: string) => {
    await two.sync(key)
    return two.peek(key)?.value
  }
  await until('two entries are shared', async () => {
    for (const key of ['removed', 'replaced']) await one.put(key, 'before')
    return (await valueAt('removed')) === 'before' && (await valueAt('replaced')) === 'before'
  })
  isCut = true
  await one.put('stored', 'first')
  await one.put('stored', 'second')
  await one.put('replaced', 'older')
  await one.remove('removed')
  await sleep(5)
  await two.put('replaced', 'newer')
  t.equal(await valueAt('stored'), undefined)
  isCut = false
  await until('the entry is shared', async () => (await valueAt('stored')) === 'second')
  await until('the other process has removed its entry', async () => two.peek('removed') === undefined)
  await until('the newer entry is used here, too', async () => {
    await one.sync('replaced')
    return one.peek('replaced')?.value === 'newer'
  })
  t.equal((await (await replica()).cached<string>('repeated', policy, nothing).get('replaced')).value, 'newer')
})

t.test('a change is announced again if Redis confirmed it but not the message about it', async (t) => {
  const redis = createRedis(server.url, log, { crypto: trust })
  connections.push(redis)
  await redis.connected(5000)
  let lost = 0
  const withoutMessages: typeof redis = {
    ...redis,
    try: (run) =>
      redis.try((client) => {
        const publishing = { publish: async () => Promise.reject(new Error(`message ${++lost} is lost`)) }
        return run(lost < 2 ? Object.assign(Object.create(client), publishing) : client)
      }),
  }
  const policy = { freshSeconds: 1000, maxAgeSeconds: 1000 }
  const one = createCache({ redis: withoutMessages, prefix: 'announced', log }).cached('numbers', policy, async () => 1)
  const two = createCache({ redis, prefix: 'announced', log }).cached('numbers', policy, async () => 1)
  await until('the other process is subscribed', async () =>
    Boolean(await redis.try(async (client) => Number((await client.pubsub('NUMSUB', 'announced:changed'))[1]) > 0)),
  )
  t.equal((await two.get('key')).value, 1)
  await one.put('key', 2)
  await until('the other process has the value', async () => two.peek('key')?.value === 2)
  lost = 0
  await one.remove('key')
  await until('the other process has removed it', async () => two.peek('key') === undefined)
  t.equal(lost, 2, 'after two messages that were lost')
})

t.test('a load that takes longer than its lock is still the only one', async (t) => {
  const loads = new Map<string, number>()
  const slow = async (key: string) => {
    loads.set(key, (loads.get(key) ?? 0) + 1)
    await sleep(4500)
    return 'loaded'
  }
  const stored = { freshSeconds: 1000, maxAgeSeconds: 1000 }
  const one = (await replica()).cached('slow', stored, slow)
  const two = (await replica()).cached('slow', stored, slow)
  // On a busy machine, Redis may be too slow for a moment, and a process that cannot reach it loads: one of several tries must succeed.
  let single = false
  for (let round = 0; round < 6 && !single; round++) {
    const key = String(round)
    const first = one.get(key)
    await sleep(300)
    t.equal((await two.get(key)).value, 'loaded')
    t.equal((await first).value, 'loaded')
    single = loads.get(key) === 1
  }
  t.ok(single)
})

t.test('a caller that cannot wait for the first load is notified, and the load continues', async (t) => {
  const slow = (await replica()).cached('late', { freshSeconds: 1000, maxAgeSeconds: 1000 }, async () => {
    await sleep(600)
    return 'loaded'
  })
  await t.rejects(
    runWithDeadline(100, () => slow.get()),
    { code: 'threescale_unavailable' },
  )
  await until('it is there', async () => slow.peek()?.value === 'loaded')
  const keys = (await replica()).cached(
    'keys',
    { freshSeconds: 1, maxAgeSeconds: 1, timeoutCode: 'identity_unavailable' },
    () => sleep(600),
  )
  await t.rejects(
    runWithDeadline(50, () => keys.get()),
    { code: 'identity_unavailable' },
  )
})

t.test('the number of remembered load failures is limited', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const failures: WeakRef<Error>[] = []
  const stored = createCache({ prefix: 'test', log }).cached(
    'never',
    { freshSeconds: 1, maxAgeSeconds: 1, maxEntries: 10 },
    async (key) => {
      const failure = new Error(key)
      failures.push(new WeakRef(failure))
      throw failure
    },
  )
  for (let count = 0; count < 200; count++) await t.rejects(stored.get(`key ${count}`))
  await sleep(10)
  collect()
  const current = failures.filter((failure) => failure.deref() !== undefined).length
  t.ok(current <= 30, `${current} of ${failures.length} are remembered`)
  // The pause after a failure still applies to the remembered ones.
  await t.rejects(stored.getFresh('key 199'))
})

t.test('the size of the values in memory is limited, and the oldest are removed first', async (t) => {
  const cache = createCache({ prefix: 'maas', log })
  const policy = { freshSeconds: 60, maxAgeSeconds: 60, maxSize: 10, sizeOf: (text: string) => text.length }
  const texts = cache.cached<string>('texts', policy, async (key) => key)
  for (const key of ['aaaa', 'bbbb', 'aaaa', 'cc']) await texts.get(key)
  t.ok(
    ['aaaa', 'bbbb', 'cc'].every((key) => texts.peekFresh(key)),
    'ten characters',
  )
  await texts.reload('aaaa')
  await texts.get('d')
  t.same(
    ['aaaa', 'bbbb', 'cc', 'd'].filter((key) => texts.peekFresh(key)),
    ['aaaa', 'cc', 'd'],
  )
  await texts.remove('aaaa')
  await texts.get('eeee')
  t.ok(texts.peekFresh('cc'), 'a removed value has no size')
  await texts.get('larger than all')
  t.notOk(texts.peekFresh('larger than all'))
})
