import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { type ErrorCode, problem } from '../errors.js'
import { detachDeadline, untilContextDeadline } from './call-context.js'
import type { Log } from './redis.js'
import { type CacheEntry, createSharedCache, type SharedCacheOptions } from './shared-cache.js'

export interface CacheOptions extends SharedCacheOptions {
  log: Log
  /** called for each read and each load, with the name of the cache */
  onRead?: (name: string, outcome: 'fresh' | 'stale' | 'missing') => void
  onLoad?: (name: string, outcome: 'ok' | 'failed') => void
}

export interface CachePolicy<T = unknown> {
  /** a value is returned without a refresh until it reaches this age, which may depend on the value */
  freshSeconds: number | ((key: string, value: T) => number)
  /** a stale value is returned until it reaches this age, while a refresh runs or if the load fails */
  maxAgeSeconds: number
  /** in memory; the least recently stored entry is removed first */
  maxEntries?: number
  /** of the values in memory together, in the unit of `sizeOf` */
  maxSize?: number
  sizeOf?: (value: T) => number
  /** the error of a caller whose deadline ends before the first value is loaded; default threescale_unavailable */
  timeoutCode?: ErrorCode
  /** true: null means that this process knows nothing; it is not shared, and a value of another process replaces it */
  nullMeansUnknown?: boolean
  /** true: if Redis does not respond in time, it is asked again before a value is loaded, for two seconds at most */
  asksAgain?: boolean
  /** called when a newer value of another process was adopted */
  onReplaced?: () => void
}

export interface CachedValue<T> {
  value: T
  ageSeconds: number
  stale: boolean
}

export type Cache = ReturnType<typeof createCache>

const NO_LOCK = { release: async () => {}, isShared: false }
/** No load after a failed one for this long. */
const RETRY_AFTER_MS = 1000
/** How many keys that failed to load, or wait for another replica, are known. */
const MAX_FAILED = 1000
const WAIT_FOR_OTHERS_MS = 20_000
/** After a time-out, no commands are sent to Redis for a second. */
const ASK_AGAIN_MS = 1000
/** If a key is locked for longer, it is loaded without the lock: writing locks to Redis must not stop refreshes. */
const MAX_LOCK_MS = 60_000

/**
 * Caches values in memory and, if there is one, in Redis: shared by all replicas and loaded by one of them at a time. A stale value
 * is returned while a refresh runs or if the load fails. Nothing here waits for a Redis that does not respond.
 */
export function createCache({ redis, prefix, log, onRead, onLoad, now = Date.now }: CacheOptions) {
  const sharedCache = createSharedCache({ redis, prefix, now })

  return { cached }

  function cached<T>(name: string, policy: CachePolicy<T>, load: (key: string) => Promise<T>) {
    const {
      freshSeconds,
      maxAgeSeconds,
      maxEntries = 10_000,
      maxSize = Number.POSITIVE_INFINITY,
      sizeOf = () => 0,
      timeoutCode = 'threescale_unavailable',
      nullMeansUnknown = false,
      asksAgain = false,
      onReplaced,
    } = policy
    const memory = new Map<string, CacheEntry<T>>()
    let size = 0
    const loading = new Map<string, Promise<CacheEntry<T>>>()
    // a key that never loads is never in `memory`, so these two have a limit of their own
    const failures = new LRUCache<string, { retryAt: number; error: unknown }>({
      max: Math.min(maxEntries, MAX_FAILED),
    })
    const lockedSince = new LRUCache<string, number>({ max: Math.min(maxEntries, MAX_FAILED) })
    const shared = sharedCache.named<T>(name, {
      maxAgeSeconds,
      onChange(key, isRemoved) {
        if (!memory.has(key)) return
        if (isRemoved) removeFromMemory(key)
        else void adoptShared(key)
      },
    })

    return {
      /** A fresh value, or a stale one while it is refreshed. Waits for `load`, until the deadline, only if there is no value. */
      async get(key = ''): Promise<CachedValue<T>> {
        const entry = memory.get(key)
        if (entry && isFresh(key, entry)) {
          onRead?.(name, 'fresh')
          return toCachedValue(key, entry)
        }
        if (entry && ageOf(entry) < maxAgeSeconds) {
          onRead?.(name, 'stale')
          if ((failures.get(key)?.retryAt ?? 0) <= now()) void refresh(key).catch(() => {})
          return toCachedValue(key, entry)
        }
        onRead?.(name, 'missing')
        return toCachedValue(key, await untilContextDeadline(refresh(key), () => problem(timeoutCode)))
      },
      /** A fresh value in memory, without waiting. */
      peekFresh(key = ''): CachedValue<T> | undefined {
        const entry = memory.get(key)
        if (!entry || !isFresh(key, entry)) return undefined
        onRead?.(name, 'fresh')
        return toCachedValue(key, entry)
      },
      /** The value in memory, of any age. No I/O. */
      peek(key = ''): CachedValue<T> | undefined {
        const entry = memory.get(key)
        return entry && toCachedValue(key, entry)
      },
      async put(key: string, value: T): Promise<void> {
        await store(key, { value, at: now() })
      },
      /** Like `get`, but loads a stale value first and rejects if that fails. Returns it stale while another replica loads. */
      async getFresh(key = ''): Promise<CachedValue<T>> {
        const entry = memory.get(key)
        const current = entry && isFresh(key, entry) ? entry : await refresh(key)
        const failure = failures.get(key)
        if (!isFresh(key, current) && failure && failure.retryAt > now()) throw failure.error
        return toCachedValue(key, current)
      },
      /** Adopts what another process has stored. Loads nothing. */
      async sync(key = ''): Promise<void> {
        await adoptShared(key)
      },
      /** Loads now, even if the value is fresh. If that fails, the cached value is returned. */
      reload: async (key = ''): Promise<CachedValue<T>> => toCachedValue(key, await refresh(key, true)),
      async remove(key = ''): Promise<void> {
        removeFromMemory(key)
        failures.delete(key)
        await shared.remove(key)
      },
    }

    function refresh(key: string, isForced = false): Promise<CacheEntry<T>> {
      const running = loading.get(key)
      if (running) return running
      const work = adoptOrLoad(key, isForced).finally(() => loading.delete(key))
      loading.set(key, work)
      return work
    }

    async function adoptOrLoad(key: string, isForced: boolean): Promise<CacheEntry<T>> {
      const adopted = await adoptSharedInTime(key)
      if (adopted && isFresh(key, adopted) && !isForced) return adopted
      // a null of this process takes no call to load
      const lock = nullMeansUnknown ? NO_LOCK : await shared.lock(key)
      if (!lock && isLockBelieved(key)) {
        const entry = adopted ?? memory.get(key) ?? (await waitForOthers(key))
        if (entry) return entry
      }
      try {
        // another replica may have finished its load before this one got the lock
        const newer = lock?.isShared && !isForced ? await adoptShared(key) : undefined
        if (newer && isFresh(key, newer)) return newer
        const entry = { value: await detachDeadline(() => load(key)), at: now() }
        await store(key, entry)
        failures.delete(key)
        onLoad?.(name, 'ok')
        return entry
      } catch (error) {
        failures.set(key, { retryAt: now() + RETRY_AFTER_MS, error })
        onLoad?.(name, 'failed')
        const entry = memory.get(key)
        if (!entry || ageOf(entry) >= maxAgeSeconds) throw error
        const reason = error instanceof Error ? error.message : String(error)
        log.warn({ cache: name, reason }, 'Refresh failed; the stale value is used')
        return entry
      } finally {
        await lock?.release()
      }
    }

    function isLockBelieved(key: string): boolean {
      const since = lockedSince.get(key) ?? now()
      lockedSince.set(key, since)
      return now() - since < MAX_LOCK_MS
    }

    async function waitForOthers(key: string): Promise<CacheEntry<T> | undefined> {
      for (const until = now() + WAIT_FOR_OTHERS_MS; now() < until; ) {
        await sleep(50)
        const entry = await adoptShared(key)
        if (entry) return entry
        if (!(await shared.isLocked(key))) return undefined
      }
      return undefined
    }

    async function adoptSharedInTime(key: string): Promise<CacheEntry<T> | undefined> {
      let entry = await adoptShared(key)
      for (let attempt = 0; asksAgain && shared.isPaused() && attempt < 2; attempt++) {
        await sleep(ASK_AGAIN_MS)
        entry = await adoptShared(key)
      }
      return entry
    }

    /** Replaces the entry in memory with the shared one if that is newer. */
    async function adoptShared(key: string): Promise<CacheEntry<T> | undefined> {
      const entry = await shared.read(key)
      const own = memory.get(key)
      const isNewer = entry && (!own || entry.at > own.at || (nullMeansUnknown && own.value === null))
      if (isNewer && ageOf(entry) < maxAgeSeconds) {
        storeInMemory(key, entry)
        onReplaced?.()
      }
      return memory.get(key)
    }

    async function store(key: string, entry: CacheEntry<T>): Promise<void> {
      storeInMemory(key, entry)
      if (!(nullMeansUnknown && entry.value === null)) await shared.write(key, entry)
    }

    function storeInMemory(key: string, entry: CacheEntry<T>): void {
      removeFromMemory(key)
      memory.set(key, entry)
      size += sizeOf(entry.value)
      lockedSince.delete(key)
      while (memory.size > maxEntries || size > maxSize) {
        const oldestKey = memory.keys().next().value
        if (oldestKey === undefined) return
        removeFromMemory(oldestKey)
        lockedSince.delete(oldestKey)
        failures.delete(oldestKey)
      }
    }

    function removeFromMemory(key: string): void {
      const entry = memory.get(key)
      if (!entry) return
      memory.delete(key)
      size -= sizeOf(entry.value)
    }

    function ageOf(entry: CacheEntry<T>): number {
      return Math.max(0, (now() - entry.at) / 1000)
    }

    function isFresh(key: string, entry: CacheEntry<T>): boolean {
      return ageOf(entry) < (typeof freshSeconds === 'number' ? freshSeconds : freshSeconds(key, entry.value))
    }

    function toCachedValue(key: string, entry: CacheEntry<T>): CachedValue<T> {
      return { value: entry.value, ageSeconds: ageOf(entry), stale: !isFresh(key, entry) }
    }
  }
}
