import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { type ErrorCode, problem } from '../errors.js'
import { unhurried, waitFor } from './deadline.js'
import type { Log } from './redis.js'
import { createSharing, type Entry, hashOf, type SharingOptions } from './sharing.js'

export interface CacheOptions extends SharingOptions {
  log: Log
  /** told of every read and load, by the cache's name */
  onRead?: (name: string, outcome: 'fresh' | 'old' | 'missing') => void
  onLoad?: (name: string, outcome: 'ok' | 'failed') => void
  now?: () => number
}

export interface Kept {
  /** seconds a copy is given without looking further */
  fresh: number
  /** seconds a copy may still be given while a refresh runs, or when the load fails */
  keep: number
  /** true: sealed in Redis */
  secret?: boolean
  /** entries kept in memory; the oldest go first */
  size?: number
  /** what somebody hears who cannot wait for the first copy; default threescale_unavailable */
  late?: ErrorCode
  /** true: null says that nothing is known here; it is not shared, and gives way to whatever another process stored */
  nullYields?: boolean
  /** hears that a newer copy of another process was taken over */
  changed?: () => void
}

export interface Copy<T> {
  value: T
  ageSeconds: number
  stale: boolean
}

export type Cache = ReturnType<typeof createCache>
export type Cached<T> = ReturnType<Cache['cached']> & { get(key: string): Promise<Copy<T>> }

const NO_LOCK = { release: async () => {} }
const BACK_OFF_MS = 1000
const WAIT_MS = 20_000

/**
 * Copies in memory and, where there is one, in Redis: shared by all replicas, loaded once at a time among them, and the
 * old copy is given while a refresh runs or when the load fails. Nothing here waits for a Redis that does not answer.
 */
export function createCache({ redis, prefix, seal, log, onRead, onLoad, now = Date.now }: CacheOptions) {
  const sharing = createSharing({ redis, prefix, seal })

  return { cached }

  function cached<T>(
    name: string,
    { fresh, keep, secret = false, size = 10_000, late = 'threescale_unavailable', nullYields = false, changed }: Kept,
    load: (key: string) => Promise<T>,
  ) {
    const memory = new Map<string, Entry<T>>()
    const loading = new Map<string, Promise<Entry<T>>>()
    // a key that never loads is never in `memory`, so these two are bounded by themselves
    const failed = new LRUCache<string, { restUntil: number; error: unknown }>({ max: size })
    const keys = new LRUCache<string, string>({ max: 2 * size })
    const shared = sharing.of<T>(name, {
      secret,
      keep,
      heard(hash, gone) {
        const key = keys.get(hash)
        if (key === undefined) return
        if (gone) memory.delete(key)
        else void adopt(key)
      },
    })

    return {
      /** A fresh copy, or the old one while it is refreshed; waits for `load`, as long as one may, only where there is no copy. */
      async get(key = ''): Promise<Copy<T>> {
        const entry = memory.get(key)
        if (entry && age(entry) < fresh) {
          onRead?.(name, 'fresh')
          return copy(entry)
        }
        if (entry && age(entry) < keep) {
          onRead?.(name, 'old')
          if ((failed.get(key)?.restUntil ?? 0) <= now()) void refresh(key).catch(() => {})
          return copy(entry)
        }
        onRead?.(name, 'missing')
        return copy(await waitFor(refresh(key), () => problem(late)))
      },
      /** The copy in memory, however old; no I/O. */
      peek(key = ''): Copy<T> | undefined {
        const entry = memory.get(key)
        return entry && copy(entry)
      },
      async put(key: string, value: T): Promise<void> {
        await store(key, { value, at: now() })
      },
      /** As `get`, but loads first what is not fresh and rejects when that fails; the old copy while another replica loads. */
      async renew(key = ''): Promise<Copy<T>> {
        const entry = memory.get(key)
        const renewed = entry && age(entry) < fresh ? entry : await refresh(key)
        const failure = failed.get(key)
        if (age(renewed) >= fresh && failure && failure.restUntil > now()) throw failure.error
        return copy(renewed)
      },
      /** Takes over what another process stored since; loads nothing. */
      async look(key = ''): Promise<void> {
        await adopt(key)
      },
      /** Loads now, whatever is kept; the old copy stays when that fails. */
      reload: async (key = ''): Promise<Copy<T>> => copy(await refresh(key, true)),
      async forget(key = ''): Promise<void> {
        memory.delete(key)
        failed.delete(key)
        await shared.forget(key)
      },
    }

    function refresh(key: string, force = false): Promise<Entry<T>> {
      const running = loading.get(key)
      if (running) return running
      const work = loadOrAdopt(key, force).finally(() => loading.delete(key))
      loading.set(key, work)
      return work
    }

    async function loadOrAdopt(key: string, force: boolean): Promise<Entry<T>> {
      const theirs = await adopt(key)
      if (theirs && age(theirs) < fresh && !force) return theirs
      // null costs nothing to find out
      const lock = nullYields ? NO_LOCK : await shared.lock(key)
      if (!lock) {
        const waited = theirs ?? memory.get(key) ?? (await waitForOthers(key))
        if (waited) return waited
      }
      try {
        // another replica may have ended its load between the look and the lock
        const since = lock && lock !== NO_LOCK && !force ? await adopt(key) : undefined
        if (since && age(since) < fresh) return since
        const entry = { value: await unhurried(() => load(key)), at: now() }
        await store(key, entry)
        failed.delete(key)
        onLoad?.(name, 'ok')
        return entry
      } catch (error) {
        failed.set(key, { restUntil: now() + BACK_OFF_MS, error })
        onLoad?.(name, 'failed')
        const old = memory.get(key)
        if (!old || age(old) >= keep) throw error
        log.warn({ cache: name, reason: error instanceof Error ? error.message : String(error) }, 'kept the old copy')
        return old
      } finally {
        await lock?.release()
      }
    }

    async function waitForOthers(key: string): Promise<Entry<T> | undefined> {
      for (const until = now() + WAIT_MS; now() < until; ) {
        await sleep(50)
        const entry = await adopt(key)
        if (entry) return entry
        if (!(await shared.isLocked(key))) return undefined
      }
      return undefined
    }

    /** Takes over the shared copy where it is newer than ours. */
    async function adopt(key: string): Promise<Entry<T> | undefined> {
      const entry = await shared.read(key)
      const mine = memory.get(key)
      const better = entry && (!mine || entry.at > mine.at || (nullYields && mine.value === null))
      if (better && age(entry) < keep) {
        remember(key, entry)
        changed?.()
      }
      return memory.get(key)
    }

    async function store(key: string, entry: Entry<T>): Promise<void> {
      remember(key, entry)
      if (!(nullYields && entry.value === null)) await shared.write(key, entry)
    }

    function remember(key: string, entry: Entry<T>): void {
      memory.delete(key)
      memory.set(key, entry)
      keys.set(hashOf(key), key)
      if (memory.size <= size) return
      const oldest = memory.keys().next().value
      if (oldest === undefined) return
      memory.delete(oldest)
      keys.delete(hashOf(oldest))
      failed.delete(oldest)
    }

    function age(entry: Entry<T>): number {
      return Math.max(0, (now() - entry.at) / 1000)
    }

    function copy(entry: Entry<T>): Copy<T> {
      return { value: entry.value, ageSeconds: age(entry), stale: age(entry) >= fresh }
    }
  }
}
