import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisConnection } from '../../clients/redis.js'

const LOCK_MS = 15_000
const WAIT_MS = 10_000

/**
 * One piece of work of a name at a time, in this process and, with Redis, among replicas. It is a courtesy, not a promise:
 * without Redis two replicas may still meet, and then 3scale refuses the name that is taken.
 */
export function createAlone(redis: RedisConnection | undefined) {
  const queue = new Map<string, Promise<unknown>>()

  return async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = queue.get(name) ?? Promise.resolve()
    const turn = before.catch(() => {}).then(() => locked(`maas:lock:signup:${name}`, work))
    queue.set(name, turn)
    try {
      return await turn
    } finally {
      if (queue.get(name) === turn) queue.delete(name)
    }
  }

  async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
    for (let waited = 0; waited < WAIT_MS; waited += 100) {
      const taken = await redis?.try(async (client) => [await client.set(lock, '1', 'PX', LOCK_MS, 'NX')])
      if (taken === undefined || taken[0] === 'OK') break
      await sleep(100)
    }
    try {
      return await work()
    } finally {
      await redis?.try((client) => client.del(lock))
    }
  }
}
