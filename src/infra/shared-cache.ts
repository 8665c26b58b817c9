import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { acquireLock, isLocked } from './lock.js'
import type { RedisConnection } from './redis.js'

export interface SharedCacheOptions {
  redis?: RedisConnection | undefined
  /** every key and channel in Redis starts with it */
  prefix: string
  now?: () => number
}

export interface CacheEntry<T> {
  value: T
  /** when it was loaded */
  at: number
}

export interface SharedCachePolicy {
  /** after this time Redis removes an entry */
  maxAgeSeconds: number
  /** called when another process has stored or removed the entry of this key */
  onChange(key: string, isRemoved: boolean): void
}

interface ChangeMessage {
  sender: string
  cache: string
  key: string
  isRemoved: boolean
  at: number
}

/** Renewed while the lock is owned, so a replica that dies with it blocks the others no longer than this. */
const LOCK_MS = 3000
/** The most by which the clocks of two replicas may differ. An entry with a later time is not believed. */
const CLOCK_SKEW_MS = 10_000
/** A message that was recorded and sent again later is ignored. */
const MAX_MESSAGE_AGE_MS = 60_000
const MAX_MESSAGE_CHARACTERS = 8000
/** Longer entries are not stored, and no more is read of an entry that another program may have stored. */
const MAX_ENTRY_CHARACTERS = 32_000_000
/** A write or message that Redis did not confirm is sent again this often, for a minute. */
const REPEAT_MS = 1000
const REPEAT_UNTIL_MS = 60_000
/** Characters of these writes together. */
const MAX_REPEATED = 32_000_000
/** Each process has this lock if there is no Redis that responds. */
const LOCAL_LOCK = { release: async () => {} }

/**
 * What replicas share through Redis: cache entries, messages about changed entries, and a lock for each load. Entries and messages
 * are sealed for their key, with their time inside: an attacker with write access to Redis can delete entries and restore previous ones
 * until they expire, and nothing else. Without Redis, or while it does not respond, each process works with its own cache; what it writes
 * meanwhile is written again when Redis responds, unless another process has stored something newer.
 */
export function createSharedCache({ redis, prefix, now = Date.now }: SharedCacheOptions) {
  const processId = randomBytes(6).toString('hex')
  const channel = `${prefix}:changed`
  const listeners = new Map<string, SharedCachePolicy['onChange']>()
  redis?.subscribe(channel, (sealed) => {
    if (sealed.length > MAX_MESSAGE_CHARACTERS) return
    const message = parse<ChangeMessage>(redis.crypto.open(channel, sealed))
    if (!message || message.sender === processId || Math.abs(now() - message.at) > MAX_MESSAGE_AGE_MS) return
    listeners.get(message.cache)?.(message.key, message.isRemoved)
  })

  /** For each key, its latest write of which Redis has not confirmed a part. It resolves to whether it is done. */
  const unconfirmed = new LRUCache<string, () => Promise<boolean>>({ maxSize: MAX_REPEATED, ttl: REPEAT_UNTIL_MS })
  let timer: NodeJS.Timeout | undefined

  return { named }

  function repeatLater(redisKey: string, size: number, write: () => Promise<boolean>): void {
    unconfirmed.set(redisKey, write, { size })
    if (!timer) timer = setTimeout(() => void repeat(), REPEAT_MS).unref()
  }

  async function repeat(): Promise<void> {
    for (const [redisKey, write] of [...unconfirmed]) {
      if (!redis?.ready()) break
      if ((await write()) && unconfirmed.get(redisKey) === write) unconfirmed.delete(redisKey)
    }
    unconfirmed.purgeStale()
    timer = unconfirmed.size > 0 ? setTimeout(() => void repeat(), REPEAT_MS).unref() : undefined
  }

  function named<T>(cache: string, { maxAgeSeconds, onChange }: SharedCachePolicy) {
    listeners.set(cache, onChange)

    return {
      /** The newest entry that a portal stored for this key, which may be stale. */
      async read(key: string): Promise<CacheEntry<T> | undefined> {
        const entries = await Promise.all(redisKeys(key).map((redisKey) => readAt(redisKey, key)))
        return entries.reduce((one, other) => ((other?.at ?? 0) > (one?.at ?? 0) ? other : one), undefined)
      },
      async write(key: string, entry: CacheEntry<T>): Promise<void> {
        if (!redis) return
        const sealed = redis.crypto.seal(sealContext(key), JSON.stringify(entry))
        if (sealed.length > MAX_ENTRY_CHARACTERS) return
        const store = async () =>
          (await redis.try((client) => client.set(redisKey(key), sealed, 'EX', Math.ceil(maxAgeSeconds)))) !== undefined
        await sendAndAnnounce(key, { at: entry.at, size: sealed.length, isRemoved: false }, store)
      },
      async remove(key: string): Promise<void> {
        if (!redis) return
        const remove = (redisKey: string) => redis.try((client) => client.del(redisKey))
        await sendAndAnnounce(key, { at: now(), size: 1, isRemoved: true }, async () =>
          (await Promise.all(redisKeys(key).map(remove))).every((count) => count !== undefined),
        )
      },
      /** Undefined while another owner has the lock. `isShared`: other replicas respect it. */
      async lock(key: string): Promise<{ release(): Promise<void>; isShared: boolean } | undefined> {
        const lock = redis ? await acquireLock(redis, lockKey(key), LOCK_MS) : 'unavailable'
        if (lock === 'held') return undefined
        return lock === 'unavailable' ? { ...LOCAL_LOCK, isShared: false } : { release: lock.release, isShared: true }
      },
      /** True for a second after Redis did not respond in time. */
      isPaused: (): boolean => redis?.breaker() === 'open',
      isLocked: async (key: string): Promise<boolean> => redis !== undefined && isLocked(redis, lockKey(key)),
    }

    /** Sends a write and announces it to the other processes. What Redis does not confirm is sent again later. */
    async function sendAndAnnounce(
      key: string,
      { at, size, isRemoved }: { at: number; size: number; isRemoved: boolean },
      send: () => Promise<boolean>,
    ): Promise<void> {
      unconfirmed.delete(redisKey(key))
      let isWritten = await send()
      // Other processes can remove their entries before Redis does.
      const isAnnounced = (isWritten || isRemoved) && (await announce(key, isRemoved))
      if (isWritten && isAnnounced) return
      const sendAgain = async () => {
        const entries = await Promise.all(redisKeys(key).map((redisKey) => readAt(redisKey, key)))
        const isReplaced = unconfirmed.get(redisKey(key)) !== sendAgain
        if (isReplaced || entries.some((entry) => entry && entry.at > at)) return true
        isWritten ||= await send()
        return isWritten && announce(key, isRemoved)
      }
      repeatLater(redisKey(key), size, sendAgain)
    }

    async function readAt(redisKey: string, key: string): Promise<CacheEntry<T> | undefined> {
      const sealed = await redis?.try((client) => client.getrange(redisKey, 0, MAX_ENTRY_CHARACTERS))
      const entry = sealed ? parse<CacheEntry<T>>(redis?.crypto.open(sealContext(key), sealed)) : undefined
      if (!entry || entry.at > now() + CLOCK_SKEW_MS) return undefined
      return { value: entry.value, at: Math.min(entry.at, now()) }
    }

    /** Returns whether Redis has the message. */
    async function announce(key: string, isRemoved: boolean): Promise<boolean> {
      const message: ChangeMessage = { sender: processId, cache, key, isRemoved, at: now() }
      const sealed = redis?.crypto.seal(channel, JSON.stringify(message))
      return sealed !== undefined && (await redis?.try((client) => client.publish(channel, sealed))) !== undefined
    }

    function sealContext(key: string): string {
      return `${cache}\n${key}`
    }

    function lockKey(key: string): string {
      return `${redisKey(key)}:lock`
    }

    function redisKey(key: string): string {
      return redisKeys(key)[0] ?? ''
    }

    /** Keys may contain names and e-mail addresses, so Redis stores their keyed hash: one key for each secret, the present one first. */
    function redisKeys(key: string): string[] {
      return redis?.crypto.hashes('cache', cache, key).map((hash) => `${prefix}:${cache}:${hash}`) ?? []
    }
  }
}

function parse<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T)
}
