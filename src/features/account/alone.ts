import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisConnection } from '../../clients/redis.js'

const LOCK_MS = 15_000
const WAIT_MS = 10_000
/** Only whoever took the lock gives it back: work that took too long must not free the next one's. */
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

export type Alone = ReturnType<typeof createAlone>

/**
 * One piece of work of a name at a time, in this process and, with Redis, among replicas. Without Redis two replicas may still
 * run the same work at the same time, and 3scale, which checks a name before it writes, accepts both: `sole` is then false, and
 * the work must read again after its write.
 */
export function createAlone(redis: RedisConnection | undefined, { waitMs = WAIT_MS } = {}) {
  const queue = new Map<string, Promise<unknown>>()

  return async function alone<T>(name: string, work: (sole: boolean) => Promise<T>): Promise<T> {
    const before = queue.get(name) ?? Promise.resolve()
    const turn = before.catch(() => {}).then(() => locked(`maas:lock:${name}`, work))
    queue.set(name, turn)
    try {
      return await turn
    } finally {
      if (queue.get(name) === turn) queue.delete(name)
    }
  }

  async function locked<T>(lock: string, work: (sole: boolean) => Promise<T>): Promise<T> {
    const mine = randomBytes(8).toString('hex')
    let sole = false
    for (let waited = 0; waited < waitMs; waited += 50) {
      const taken = await redis?.try(async (client) => [await client.set(lock, mine, 'PX', LOCK_MS, 'NX')])
      sole = taken?.[0] === 'OK'
      if (taken === undefined || sole) break
      await sleep(50)
    }
    try {
      return await work(sole)
    } finally {
      await redis?.try((client) => client.eval(RELEASE, 1, lock, mine))
    }
  }
}
