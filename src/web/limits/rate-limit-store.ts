import type { RedisConnection } from '../../infra/redis.js'

export const WINDOW_MS = 60_000
const SYNC_MS = 100
const MAX_KEYS = 50_000

interface Count {
  window: number
  local: number
  /** the part of `local` that was added in Redis */
  synced: number
  /** requests that other replicas counted */
  remote: number
  redisKey: string
}

/**
 * Requests per key in the current minute. This process counts in memory and adds its counts in Redis a tenth of a second later, which
 * returns those of the other replicas. Redis stores keyed hashes, neither names nor addresses.
 */
export function createRateLimitStore(redis: RedisConnection | undefined, prefix: string) {
  const counts = new Map<string, Count>()
  const unsynced = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  return {
    increment,
    close: () => clearTimeout(timer),
  }

  /** Counts a request with its weight. `ttl`: milliseconds until the count is reset. */
  function increment(key: string, windowMs: number, weight = 1): { current: number; ttl: number } {
    const now = Date.now()
    const count = countOf(key, Math.floor(now / windowMs))
    count.local += weight
    if (redis) scheduleSync(key)
    return { current: count.local + count.remote, ttl: windowMs - (now % windowMs) }
  }

  /** Windows start at the same time on all replicas, so that their counts can be added. */
  function countOf(key: string, window: number): Count {
    const current = counts.get(key)
    if (current?.window === window) return current
    const redisKey = redis ? `${prefix}:rate:${redis.hash('rate', key)}:${window}` : ''
    const count = { window, local: 0, synced: 0, remote: 0, redisKey }
    counts.delete(key)
    counts.set(key, count)
    const oldest = counts.size > MAX_KEYS ? counts.keys().next().value : undefined
    if (oldest !== undefined) counts.delete(oldest)
    return count
  }

  function scheduleSync(key: string): void {
    unsynced.add(key)
    timer ??= setTimeout(() => void sync(), SYNC_MS).unref()
  }

  async function sync(): Promise<void> {
    const batch = [...unsynced].flatMap((key) => counts.get(key) ?? [])
    unsynced.clear()
    const added = batch.map(({ local, synced, redisKey }) => ({ key: redisKey, by: local - synced }))
    const totals = await redis?.increment(added, 2 * WINDOW_MS)
    for (const [index, count] of batch.entries()) {
      const total = totals?.[index]
      if (total === undefined) continue
      count.synced += added[index]?.by ?? 0
      count.remote = Math.max(0, total - count.synced)
    }
    timer = undefined
    const [next] = unsynced
    if (next !== undefined) scheduleSync(next)
  }
}
