import { LRUCache } from 'lru-cache'
import type { RedisConnection } from './redis.js'

export interface DayLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  now?: () => number
}

export interface DayLimit {
  /** what is counted; Redis stores its keyed hash only */
  key: string
  /** uses in a day */
  max: number
}

export type DayLimits = ReturnType<typeof createDayLimits>

const DAY_MS = 86_400_000
const MAX_KEYS = 50_000
/**
 * In one step each, so that each count expires, and not later than a portal sets. Redis checks the permission of each command in a
 * script, so these use only commands that the portal's Redis user may send (deploy/kubernetes/redis/users.sh).
 */
const ADD =
  "local count = redis.call('incrby', KEYS[1], 1) local left = redis.call('pttl', KEYS[1]) if left < 0 or left > tonumber(ARGV[1]) then redis.call('pexpire', KEYS[1], ARGV[1]) end return count"
const UNDO =
  "if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then return redis.call('incrby', KEYS[1], -1) end return 0"

/**
 * Counts uses within a day from the first one: in this process, and in Redis for all replicas. Without Redis each replica has counts of
 * its own, which a restart resets.
 */
export function createDayLimits({ redis, prefix, now = Date.now }: DayLimitsOptions) {
  const counts = new LRUCache<string, { count: number; until: number }>({ max: MAX_KEYS })
  const redisKey = (key: string) => `${prefix}:day:${redis?.hash('day', key)}`

  return {
    /** Counts one use of each key, or of none if a limit is reached. */
    async take(limits: DayLimit[]): Promise<boolean> {
      const taken: string[] = []
      for (const { key, max: most } of limits) {
        taken.push(key)
        if ((await add(key)) <= most) continue
        await undo(taken)
        return false
      }
      return true
    },

    /** Takes back a counted use that did not happen. */
    undo,
  }

  async function add(key: string): Promise<number> {
    const existing = counts.get(key)
    const own = existing && existing.until > now() ? existing : { count: 0, until: now() + DAY_MS }
    const ownCount = ++own.count
    counts.set(key, own)
    const shared = Number((await redis?.try((client) => client.eval(ADD, 1, redisKey(key), DAY_MS))) ?? 0)
    // a Redis that was emptied has a lower count than this process
    own.count = Math.max(own.count, shared)
    return Math.max(ownCount, shared)
  }

  async function undo(keys: string[]): Promise<void> {
    for (const key of keys) {
      const own = counts.get(key)
      if (own && own.count > 0) own.count--
      await redis?.try((client) => client.eval(UNDO, 1, redisKey(key)))
    }
  }
}
