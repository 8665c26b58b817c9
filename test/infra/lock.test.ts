import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisEncryption } from '../../src/infra/crypto/redis-encryption.js'
import { acquireLock, createLock, type OwnedLock } from '../../src/infra/lock.js'
import { createRedis } from '../../src/infra/redis.js'
import { until } from '../helper/faults.js'
import { startRedis } from '../helper/stack.js'

const log = { warn() {}, info() {} }
const trust = createRedisEncryption(['a secret of at least thirty-two bytes'])
const server = await startRedis()
/** Reads and writes as another program, without the short time-outs of the portal. */
const observer = new Redis(server.url)
const connections: ReturnType<typeof createRedis>[] = []
t.teardown(async () => {
  observer.disconnect()
  for (const connection of connections) connection.close()
  await server.stop()
})

/** The connection of one portal instance. */
async function connect() {
  const redis = createRedis(server.url, log, { crypto: trust })
  connections.push(redis)
  await redis.connected(5000)
  return redis
}

const [first, second] = [await connect(), await connect()]

/** A busy machine may exceed the 50 ms that one command has. */
async function attempt(redis: typeof first, key: string, durationMs?: number): Promise<OwnedLock | 'held'> {
  for (;;) {
    const lock = await acquireLock(redis, key, durationMs)
    if (lock !== 'unavailable') return lock
    await sleep(50)
  }
}

async function acquire(redis: typeof first, key: string, durationMs?: number): Promise<OwnedLock> {
  const lock = await attempt(redis, key, durationMs)
  if (lock === 'held') throw new Error('another owner has the lock')
  return lock
}

t.test('a slow owner whose lock expired does not release the lock of the next owner', async (t) => {
  const slow = await acquire(first, 'slow')
  t.equal(await attempt(second, 'slow'), 'held')
  await observer.del('slow')
  const next = await acquire(second, 'slow')
  t.equal(await slow.isLost(), true)
  await slow.release()
  t.equal(await observer.exists('slow'), 1)
  await until('the next owner still has it', async () => !(await next.isLost()))
  await until('and releases it', async () => {
    await next.release()
    return (await observer.exists('slow')) === 0
  })
})

t.test('a slow owner whose lock expired does not renew the lock of the next owner', async (t) => {
  const slow = await acquire(first, 'renewed', 300)
  await observer.set('renewed', 'another owner', 'PX', 500)
  await sleep(700)
  t.equal(await observer.exists('renewed'), 0)
  await slow.release()
})

t.test('a lock is renewed while its owner works', async (t) => {
  const lock = await acquire(first, 'long', 1500)
  await sleep(3000)
  await until('it is still owned', async () => !(await lock.isLost()))
  t.equal(await attempt(second, 'long', 1500), 'held')
  await lock.release()
})

t.test('a lock without an expiry is removed', async () => {
  await observer.set('forged', 'another program')
  await until('the lock is free', async () => (await attempt(second, 'forged')) !== 'held')
})

t.test('two instances run the work of one name one at a time, and each goes on after a failure', async (t) => {
  const locks = [createLock(first), createLock(second)]
  let running = 0
  let mostRunning = 0
  const work = async () => {
    running++
    mostRunning = Math.max(mostRunning, running)
    await sleep(20)
    running--
    throw new Error('failed')
  }
  const calls = locks.flatMap((withLock) => [1, 2, 3].map(() => withLock('one name', work)))
  const outcomes = await Promise.allSettled(calls)
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 6)
  t.equal(mostRunning, 1)
})

t.test('work overtaken by another owner is notified that its lock is lost', async (t) => {
  const withLock = createLock(first)
  await withLock('overtaken', async (lock) => {
    const key = `maas:lock:${first.hash('lock', 'overtaken')}`
    await until('it is owned', async () => !(await lock.isLost()))
    await observer.set(key, 'another owner')
    t.equal(await lock.isLost(), true)
    await observer.del(key)
  })
})

t.test('after `waitMs` the work runs although another owner still has the lock', async (t) => {
  const key = `maas:lock:${first.hash('lock', 'blocked')}`
  const owner = await acquire(second, key)
  const withLock = createLock(first, { waitMs: 200 })
  t.equal(await withLock('blocked', async () => 'done'), 'done')
  await until('the owner keeps its lock', async () => !(await owner.isLost()))
  await owner.release()
})

t.test('without Redis the work of one name runs one at a time in this process', async (t) => {
  const withLock = createLock(undefined)
  const order: string[] = []
  const step = (name: string, ms: number) =>
    withLock('name', async (lock) => {
      order.push(`${name} starts`)
      await sleep(ms)
      order.push(`${name} ends`)
      t.equal(await lock.isLost(), false)
    })
  await Promise.all([step('one', 30), step('two', 0)])
  t.same(order, ['one starts', 'one ends', 'two starts', 'two ends'])
})
