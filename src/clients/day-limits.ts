import { LRUCache } from 'lru-cache'
import type { RedisConnection } from './redis.js'

export interface DayLimitsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  now?: () => number
}

export interface DayLimit {
  /** what is counted; Redis has its keyed hash alone */
  key: string
  /** how often within a day */
  most: number
}

export type DayLimits = ReturnType<typeof createDayLimits>

const DAY_SECONDS = 86_400
const REMEMBERED = 50_000
/** In one step each, so that no count is left without an end, or with a later one than a portal gives. */
const ADD =
  "local count = redis.call('incr', KEYS[1]) local left = redis.call('ttl', KEYS[1]) if left < 0 or left > tonumber(ARGV[1]) then redis.call('expire', KEYS[1], ARGV[1]) end return count"
const GIVE_BACK =
  "if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then return redis.call('decr', KEYS[1]) end return 0"

/**
 * How often something was done within a day from its first time: in this process, and in Redis for all replicas where
 * there is one. Without Redis each replica counts for itself, and a restart forgets.
 */
export function createDayLimits({ redis, prefix, now = Date.now }: DayLimitsOptions) {
  const counts = new LRUCache<string, { count: number; until: number }>({ max: REMEMBERED })
  const place = (key: string) => `${prefix}:day:${redis?.hash('day', key)}`

  return {
    /** Counts once under each key, or under none where one of them is used up. */
    async take(limits: DayLimit[]): Promise<boolean> {
      const taken: string[] = []
      for (const { key, most } of limits) {
        taken.push(key)
        if ((await add(key)) <= most) continue
        await giveBack(taken)
        return false
      }
      return true
    },

    /** What was counted was not done after all. */
    giveBack,
  }

  async function add(key: string): Promise<number> {
    const known = counts.get(key)
    const mine = known && known.until > now() ? known : { count: 0, until: now() + DAY_SECONDS * 1000 }
    const own = ++mine.count
    counts.set(key, mine)
    const shared = Number((await redis?.try((client) => client.eval(ADD, 1, place(key), DAY_SECONDS))) ?? 0)
    // an emptied Redis knows less than this process
    mine.count = Math.max(mine.count, shared)
    return Math.max(own, shared)
  }

  async function giveBack(keys: string[]): Promise<void> {
    for (const key of keys) {
      const known = counts.get(key)
      if (known && known.count > 0) known.count--
      await redis?.try((client) => client.eval(GIVE_BACK, 1, place(key)))
    }
  }
}
