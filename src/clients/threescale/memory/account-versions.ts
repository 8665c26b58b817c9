import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { RedisConnection } from '../../../infra/redis.js'

export interface AccountVersionsOptions {
  redis: RedisConnection | undefined
  /** every key in Redis starts with it */
  prefix: string
}

export type AccountVersions = ReturnType<typeof createAccountVersions>

/** Longer than anything is cached under a version. */
const LIFETIME_SECONDS = 3600
/** A write is abandoned after 30 s; 3scale may complete it later. */
const WRITING_SECONDS = 60
const WRITING = 'writing-'
const VERSION = /^(?:writing-)?[\w-]{16}$/
const MAX_CHARACTERS = 32
const MAX_KEYS = 10_000
const RETRY_MS = 250
/** The longest that a write waits for a Redis that did not respond in time, in intervals of `RETRY_MS`. */
const WAITS = 8
/** Nothing that another replica cached before a write is used for longer than this. */
const GIVE_UP_MS = 120_000

/**
 * A version of each account in Redis, which every write of every replica changes before and after it. What a replica read under a
 * version is current while the account still has it. A version is random and never returns, so a flush or an expired key invalidates
 * what was cached. Replicas also send each other their changes, so an earlier version that is restored in Redis is not
 * current either. Without Redis, and while it does not respond, there are no versions.
 */
export function createAccountVersions({ redis, prefix }: AccountVersionsOptions) {
  /** Accounts whose version could not be changed, and until when that is tried. */
  const pending = new Map<number, number>()
  const keys = new LRUCache<number, string[]>({ max: MAX_KEYS })
  /** Changes that this process knows of, so that a version that is restored in Redis is not current again. */
  const changes = new LRUCache<number, { count: number; at: number }>({ max: MAX_KEYS })
  const channel = `${prefix}:account-changed`
  let changeCount = 0
  const lostHandlers: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  redis?.subscribe(channel, (sealed) => {
    if (sealed.length <= MAX_CHARACTERS * 8) recordChange(Number(redis.crypto.open(channel, sealed)))
  })
  // Other replicas may have written while this one was disconnected, without a version that shows it.
  redis?.onReady(() => {
    lost()
    void retry()
  })

  return {
    /** Undefined: there is no version, so nothing may be cached or returned from a cache. */
    async read(accountId: number): Promise<string | undefined> {
      if (!redis || pending.has(accountId)) return undefined
      const values = await Promise.all(keysOf(accountId).map(readOrCreate))
      if (values.every((value) => value !== undefined && !value.startsWith(WRITING)))
        return [...values, changes.get(accountId)?.count ?? 0].join(' ')
      if (!redis.ready()) lost()
      return undefined
    },

    /** Sends a write. What is read meanwhile is not cached. `isUncertain`: 3scale may complete the failed write later. */
    async aroundWrite<T>(
      accountId: number,
      send: () => Promise<T>,
      isUncertain: (error: unknown) => boolean,
    ): Promise<T> {
      await change(accountId, true)
      let isWriting = false
      try {
        return await send()
      } catch (error) {
        isWriting = isUncertain(error)
        throw error
      } finally {
        await change(accountId, isWriting)
        // Other replicas cannot see the write until Redis, which did not respond in time, has the new version.
        for (let attempt = 0; pending.has(accountId) && redis?.breaker() === 'open' && attempt < WAITS; attempt++)
          await sleep(RETRY_MS)
      }
    },

    /** Invalidates what every replica has cached about an account. */
    invalidate: (accountId: number): Promise<void> => change(accountId, false),

    /** When the account was last changed, as far as this process knows, in ms; 0 if unknown. */
    changedAt: (accountId: number): number => changes.get(accountId)?.at ?? 0,

    /** Called when a change of another replica may have been missed. */
    onLost: (handler: () => void) => lostHandlers.push(handler),

    close: () => clearInterval(timer),
  }

  function lost(): void {
    for (const handler of lostHandlers) handler()
  }

  /** One key for each secret: during a rotation, replicas have different ones. */
  function keysOf(accountId: number): string[] {
    const known = keys.get(accountId)
    if (known) return known
    const hashes = redis?.crypto.hashes('account-version', String(accountId)) ?? []
    const names = hashes.map((hash) => `${prefix}:account:${hash}`)
    keys.set(accountId, names)
    return names
  }

  async function readOrCreate(key: string): Promise<string | undefined> {
    const value = await readValue(key)
    if (value !== '') return value
    await redis?.try((client) => client.set(key, newVersion(), 'EX', LIFETIME_SECONDS, 'NX'))
    return (await readValue(key)) || undefined
  }

  async function readValue(key: string): Promise<string | undefined> {
    const value = await redis?.try((client) => client.getrange(key, 0, MAX_CHARACTERS))
    return value === undefined || value === '' || VERSION.test(value) ? value : undefined
  }

  async function change(accountId: number, isWriting: boolean): Promise<void> {
    recordChange(accountId)
    if (!redis) return
    const value = isWriting ? `${WRITING}${newVersion()}` : newVersion()
    const seconds = isWriting ? WRITING_SECONDS : LIFETIME_SECONDS
    const [replies] = await Promise.all([
      Promise.all(keysOf(accountId).map((key) => redis.try((client) => client.set(key, value, 'EX', seconds)))),
      redis.try((client) => client.publish(channel, redis.crypto.seal(channel, String(accountId)))),
    ])
    if (replies.every((reply) => reply === 'OK')) pending.delete(accountId)
    else if (!pending.has(accountId)) {
      lost()
      pending.set(accountId, Date.now() + GIVE_UP_MS)
      timer ??= setInterval(() => void retry(), RETRY_MS).unref()
    }
  }

  function recordChange(accountId: number): void {
    if (Number.isSafeInteger(accountId)) changes.set(accountId, { count: ++changeCount, at: Date.now() })
  }

  async function retry(): Promise<void> {
    for (const [accountId, until] of [...pending])
      if (until < Date.now()) pending.delete(accountId)
      else await change(accountId, false)
    if (pending.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function newVersion(): string {
  return randomBytes(12).toString('base64url')
}
