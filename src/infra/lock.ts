import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisConnection } from './redis.js'

const DURATION_MS = 15_000
const WAIT_MS = 10_000
const POLL_MS = 50
/** Only the owner of a lock renews or releases it: a slow owner must not free the lock of the next one. */
const RENEW =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

/** A lock in Redis that this process owns. It is renewed until it is released. */
export interface OwnedLock {
  /** True if the lock has passed to another owner, or if Redis does not respond. */
  isLost(): Promise<boolean>
  release(): Promise<void>
}

/** What a critical section can check before it writes. */
export interface LockStatus {
  /** True if the lock has passed to another owner: data that was read before must be read again before a write. */
  isLost(): Promise<boolean>
}

export type WithLock = ReturnType<typeof createLock>

/**
 * Creates `withLock`, which runs the work of one name one at a time: always in this process, and across replicas if there is a
 * Redis. 3scale has no lock: it validates a name or a key before it writes, so it may accept two concurrent requests (on MySQL
 * it always accepts two concurrent sign-ups). With the lock that is rare, not impossible, because Redis may be missing or stop.
 * Therefore the work reads again after its write and removes duplicates. Names contain personal data, so Redis stores their
 * keyed hash only.
 */
export function createLock(redis: RedisConnection | undefined, { waitMs = WAIT_MS } = {}) {
  const queues = new Map<string, Promise<unknown>>()

  return async function withLock<T>(name: string, work: (lock: LockStatus) => Promise<T>): Promise<T> {
    const previous = queues.get(name) ?? Promise.resolve()
    const run = previous.catch(() => {}).then(() => lockAndRun(`maas:lock:${redis?.hash('lock', name) ?? ''}`, work))
    queues.set(name, run)
    try {
      return await run
    } finally {
      if (queues.get(name) === run) queues.delete(name)
    }
  }

  async function lockAndRun<T>(key: string, work: (lock: LockStatus) => Promise<T>): Promise<T> {
    const lock = await waitForLock(key)
    try {
      return await work({ isLost: async () => lock !== undefined && (await lock.isLost()) })
    } finally {
      await lock?.release()
    }
  }

  /** Undefined without Redis, while it does not respond, and after another owner has held the lock for `waitMs`. */
  async function waitForLock(key: string): Promise<OwnedLock | undefined> {
    for (const until = performance.now() + waitMs; redis && performance.now() < until; await sleep(POLL_MS)) {
      const lock = await acquireLock(redis, key)
      if (lock === 'unavailable') return undefined
      if (lock !== 'held') return lock
    }
    return undefined
  }
}

/** Tries once. `held`: another owner has the lock. `unavailable`: Redis does not respond. */
export async function acquireLock(
  redis: RedisConnection,
  key: string,
  durationMs = DURATION_MS,
): Promise<OwnedLock | 'held' | 'unavailable'> {
  const owner = randomBytes(12).toString('hex')
  const reply = await redis.try(async (client) => [await client.set(key, owner, 'PX', durationMs, 'NX')])
  if (reply === undefined) return 'unavailable'
  if (reply[0] !== 'OK') {
    await removeForgedLock(redis, key, durationMs)
    return 'held'
  }
  const renewal = setInterval(
    () => void redis.try((client) => client.eval(RENEW, 1, key, owner, durationMs)),
    durationMs / 3,
  ).unref()
  return {
    isLost: async () => (await redis.try((client) => client.get(key))) !== owner,
    async release() {
      clearInterval(renewal)
      await redis.try((client) => client.eval(RELEASE, 1, key, owner))
    },
  }
}

export async function isLocked(redis: RedisConnection, key: string): Promise<boolean> {
  return (await redis.try((client) => client.exists(key))) === 1
}

/** A lock of the portal expires. One that does not, or expires later, was written by something else and would block every owner. */
async function removeForgedLock(redis: RedisConnection, key: string, durationMs: number): Promise<void> {
  const remaining = await redis.try((client) => client.pttl(key))
  if (remaining === -1 || (remaining ?? 0) > durationMs) await redis.try((client) => client.del(key))
}
