import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import { within } from '../../src/clients/deadline.js'
import { createRedis } from '../../src/clients/redis.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const server = await startRedis()
const connections: ReturnType<typeof createRedis>[] = []
t.teardown(async () => {
  for (const connection of connections) connection.close()
  await server.stop()
})

/** The cache of one process. */
async function replica(now: () => number = Date.now) {
  const redis = createRedis(server.url, log)
  connections.push(redis)
  await redis.connected(5000)
  return createCache({ redis, prefix: 'test', log, now })
}

t.test('what is not known gives way to what another process stored, even before', async (t) => {
  const kept = { fresh: 1000, keep: 1000, nullYields: true }
  const nothing = async (): Promise<string | null> => null
  const told = (await replica()).cached<string | null>('told', kept, nothing)
  // its clock is ahead, so its null is the newer entry
  const late = (await replica(() => Date.now() + 60_000)).cached<string | null>('told', kept, nothing)
  t.equal((await late.get('lost')).value, null)
  // a busy machine's Redis may be too slow for one put, which is then kept by that process alone
  await until('it is taken over', async () => {
    await told.put('lost', 'the id')
    await late.look('lost')
    return late.peek('lost')?.value === 'the id'
  })
  t.equal((await told.get('never')).value, null)
  t.equal((await late.get('never')).value, null)
  await until('or heard of', async () => {
    await told.put('never', 'another id')
    return late.peek('never')?.value === 'another id'
  })
  t.pass('both ways')
})

t.test('a load that takes longer than the lock lasts is still the only one', async (t) => {
  const loads = new Map<string, number>()
  const slow = async (key: string) => {
    loads.set(key, (loads.get(key) ?? 0) + 1)
    await sleep(4500)
    return 'loaded'
  }
  const kept = { fresh: 1000, keep: 1000 }
  const one = (await replica()).cached('slow', kept, slow)
  const two = (await replica()).cached('slow', kept, slow)
  // on a busy machine Redis may be too slow for a moment, and who cannot ask it loads; so one try of some has to do
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

t.test('who may not wait for a first copy hears so, and the load goes on', async (t) => {
  const slow = (await replica()).cached('late', { fresh: 1000, keep: 1000 }, async () => {
    await sleep(600)
    return 'loaded'
  })
  await t.rejects(
    within(100, () => slow.get()),
    { code: 'threescale_unavailable' },
  )
  await until('it is there', async () => slow.peek()?.value === 'loaded')
  const keys = (await replica()).cached('keys', { fresh: 1, keep: 1, late: 'identity_unavailable' }, () => sleep(600))
  await t.rejects(
    within(50, () => keys.get()),
    { code: 'identity_unavailable' },
  )
})

t.test('keys that never load are not remembered without bound', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const failures: WeakRef<Error>[] = []
  const kept = createCache({ prefix: 'test', log }).cached('never', { fresh: 1, keep: 1, size: 10 }, async (key) => {
    const failure = new Error(key)
    failures.push(new WeakRef(failure))
    throw failure
  })
  for (let count = 0; count < 200; count++) await t.rejects(kept.get(`key ${count}`))
  await sleep(10)
  collect()
  const held = failures.filter((failure) => failure.deref() !== undefined).length
  t.ok(held <= 30, `${held} of ${failures.length} are held`)
  // the pause after a failure still holds for the ones that are remembered
  await t.rejects(kept.renew('key 199'))
})
