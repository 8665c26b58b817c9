import { randomBytes } from 'node:crypto'
import type { RedisConnection } from './redis.js'

export interface SharingOptions {
  redis?: RedisConnection | undefined
  /** every key and channel in Redis starts with it */
  prefix: string
  now?: () => number
}

export interface Entry<T> {
  value: T
  at: number
}

export interface SharedBy {
  /** seconds until Redis forgets a copy */
  keep: number
  /** another process stored a copy under this key, or removed it */
  heard(key: string, gone: boolean): void
}

interface Message {
  from: string
  name: string
  key: string
  gone: boolean
  at: number
}

/** Renewed while it is held, so a replica that dies with it holds up the others no longer than this. */
const LOCK_MS = 3000
/** How far the clocks of two replicas may differ: what was stored later than that after now was not stored yet. */
const CLOCKS_MS = 10_000
/** A message that was recorded and sent again later is ignored. */
const MESSAGE_MS = 60_000
const LONGEST_MESSAGE = 8000
/** Nothing longer is stored, and no more than that is read of what somebody else may have stored. */
const MOST_CHARACTERS = 32_000_000

/**
 * What replicas share through Redis: copies, messages about new ones, and a lock for the load of the next. All of it is sealed for
 * its place, with its time inside: whoever writes to Redis can delete copies and put older ones back until their time is up, and
 * nothing else. Without Redis, or while it does not answer, each process is on its own: nothing is there, and each may have the lock.
 */
export function createSharing({ redis, prefix, now = Date.now }: SharingOptions) {
  const self = randomBytes(6).toString('hex')
  const channel = `${prefix}:changed`
  const listeners = new Map<string, SharedBy['heard']>()
  redis?.subscribe(channel, (sealed) => {
    const message = sealed.length > LONGEST_MESSAGE ? undefined : parsed<Message>(redis.trust.open(channel, sealed))
    if (!message || message.from === self || Math.abs(now() - message.at) > MESSAGE_MS) return
    listeners.get(message.name)?.(message.key, message.gone)
  })

  return { of }

  function of<T>(name: string, { keep, heard }: SharedBy) {
    listeners.set(name, heard)

    return {
      /** The newest copy that a portal stored under this key, which may be older than is wanted. */
      async read(key: string): Promise<Entry<T> | undefined> {
        const copies = await Promise.all(places(key).map((place) => readAt(place, key)))
        return copies.reduce((one, other) => ((other?.at ?? 0) > (one?.at ?? 0) ? other : one), undefined)
      },
      async write(key: string, entry: Entry<T>): Promise<void> {
        if (!redis) return
        const sealed = redis.trust.seal(contextOf(key), JSON.stringify(entry))
        if (sealed.length > MOST_CHARACTERS) return
        const stored = await redis.try((client) => client.set(place(key), sealed, 'EX', Math.ceil(keep)))
        if (stored) await announce(key, false)
      },
      async forget(key: string): Promise<void> {
        for (const each of places(key)) await redis?.try((client) => client.del(each))
        await announce(key, true)
      },
      /** Held until its release; undefined while another process holds it. */
      async lock(key: string): Promise<{ release(): Promise<void> } | undefined> {
        const lock = `${place(key)}:lock`
        const answer = await redis?.try(async (client) => [await client.set(lock, self, 'PX', LOCK_MS, 'NX')])
        if (answer && answer[0] !== 'OK') {
          await endForged(lock)
          return undefined
        }
        const beat = setInterval(() => void redis?.try((client) => client.pexpire(lock, LOCK_MS)), LOCK_MS / 3).unref()
        return {
          async release() {
            clearInterval(beat)
            await redis?.try((client) => client.del(lock))
          },
        }
      },
      async isLocked(key: string): Promise<boolean> {
        const answer = await redis?.try(async (client) => [await client.exists(`${place(key)}:lock`)])
        return answer?.[0] === 1
      },
    }

    async function readAt(place: string, key: string): Promise<Entry<T> | undefined> {
      const sealed = await redis?.try((client) => client.getrange(place, 0, MOST_CHARACTERS))
      const entry = sealed ? parsed<Entry<T>>(redis?.trust.open(contextOf(key), sealed)) : undefined
      return entry && entry.at <= now() + CLOCKS_MS ? { value: entry.value, at: Math.min(entry.at, now()) } : undefined
    }

    async function announce(key: string, gone: boolean): Promise<void> {
      const message: Message = { from: self, name, key, gone, at: now() }
      await redis?.try((client) => client.publish(channel, redis.trust.seal(channel, JSON.stringify(message))))
    }

    /** A lock of a portal ends by itself; one that does not would stop every refresh. */
    async function endForged(lock: string): Promise<void> {
      const left = await redis?.try((client) => client.pttl(lock))
      if (left === -1 || (left ?? 0) > LOCK_MS) await redis?.try((client) => client.del(lock))
    }

    function contextOf(key: string): string {
      return `${name}\n${key}`
    }

    function place(key: string): string {
      return places(key)[0] ?? ''
    }

    /** Keys may hold names and addresses of people; Redis sees only their keyed hash. */
    function places(key: string): string[] {
      return redis?.trust.hashes('cache', name, key).map((hash) => `${prefix}:${name}:${hash}`) ?? []
    }
  }
}

function parsed<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T)
}
