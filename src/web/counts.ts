import type { RedisConnection } from '../clients/redis.js'

export const WINDOW_MS = 60_000
const SHARE_MS = 100
const KEPT = 50_000

interface Count {
  window: number
  mine: number
  /** how much of `mine` Redis has */
  told: number
  others: number
}

/**
 * How often each key was counted in the present minute: in this process's own memory at once, and a tenth of a second later
 * in Redis, which tells what the other replicas counted and sees neither names nor addresses.
 */
export function createCounts(redis: RedisConnection | undefined, prefix: string) {
  const counts = new Map<string, Count>()
  const untold = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  return {
    take,
    close: () => clearTimeout(timer),
  }

  /** One request more, or one that counts as several. Milliseconds until the count is anew. */
  function take(key: string, windowMs: number, weight = 1): { current: number; ttl: number } {
    const now = Date.now()
    const count = countOf(key, Math.floor(now / windowMs))
    count.mine += weight
    if (redis) tellSoon(key)
    return { current: count.mine + count.others, ttl: windowMs - (now % windowMs) }
  }

  /** All replicas cut time at the same minutes, so their counts belong together. */
  function countOf(key: string, window: number): Count {
    const kept = counts.get(key)
    if (kept?.window === window) return kept
    const fresh = { window, mine: 0, told: 0, others: 0 }
    counts.delete(key)
    counts.set(key, fresh)
    const oldest = counts.size > KEPT ? counts.keys().next().value : undefined
    if (oldest !== undefined) counts.delete(oldest)
    return fresh
  }

  function tellSoon(key: string): void {
    untold.add(key)
    timer ??= setTimeout(() => void tell(), SHARE_MS).unref()
  }

  async function tell(): Promise<void> {
    const keys = [...untold]
    untold.clear()
    await Promise.all(keys.map(tellOne))
    timer = undefined
    const [waiting] = untold
    if (waiting !== undefined) tellSoon(waiting)
  }

  async function tellOne(key: string): Promise<void> {
    const count = counts.get(key)
    if (!count) return
    const more = count.mine - count.told
    const place = `${prefix}:rate:${redis?.hash('rate', key)}:${count.window}`
    const total = await redis?.try((client) => client.incrby(place, more))
    if (total === undefined) return
    count.told += more
    count.others = Math.max(0, total - count.told)
    if (total === more) await redis?.try((client) => client.pexpire(place, 2 * WINDOW_MS))
  }
}
