import { LRUCache } from 'lru-cache'
import type { RedisConnection } from '../../infra/redis.js'

export interface RevocationsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** maximum lifetime of a session; entries are retained as long */
  retentionSeconds: number
  now?: () => number
}

/** The members of a session that revocations match; times in ms. */
export interface Revocable {
  issuer: string
  subject: string
  sid: string
  /** 3scale username; undefined before sign-up */
  username?: string
  /** when it began */
  began: number
  /** when the sign-in that led to it began */
  since: number
}

interface Entry {
  /** sessions that began until then are revoked */
  at: number
  /** when the entry expires */
  until: number
  /** as it is stored: key, times and signature */
  member: string
}

export type Revocations = ReturnType<typeof createRevocations>

/** A sign-out may arrive while its sign-in is still in the completion form. */
const PENDING_SIGN_IN_MS = 2 * 3600_000
const JTI_RETENTION_MS = 10 * 60_000
/** Longer than any entry of `features/account/account-user-cache.ts` is used. */
const ACCOUNT_CHANGE_RETENTION_MS = 2 * 3600_000
const COMPARE_INTERVAL_MS = 2000
const HELLO = 'hello'
/** On a greeting, every replica reads the whole list. Older greetings are ignored, and at most one per second is processed. */
const HELLO_MAX_AGE_MS = 60_000
const HELLO_INTERVAL_MS = 1000
const PAGE = 1000
/** Each request of a caller compares the same few keys. */
const MAX_CACHED_KEYS = 20_000
const MAX_PAGES = 200

/**
 * Sign-outs, and users whose role or membership the portal changed. Sessions are checked against them. Every replica has the whole list
 * in memory and receives new entries through Redis. After Redis was empty or unavailable, the replicas write their entries again, and a
 * new replica requests those of the others, so a flush restores no session. All entries and messages are signed, so write access to Redis
 * does not permit sign-outs. No request waits for Redis, which stores keyed hashes.
 */
export function createRevocations({ redis, prefix, retentionSeconds, now = Date.now }: RevocationsOptions) {
  const entries = new Map<string, Entry>()
  const redisKey = `${prefix}:revocations`
  /** Compared with every request. */
  const cachedKeys = new LRUCache<string, string[]>({ max: MAX_CACHED_KEYS })
  let lastHello = 0
  let synchronizing: Promise<void> | undefined
  redis?.subscribe(redisKey, (message) => {
    if (message.startsWith(HELLO)) answerHello(message)
    else adopt(message)
  })
  redis?.onReady(async () => {
    await synchronize()
    await redis.try((client) => client.publish(redisKey, signed(0, HELLO, now())))
  })
  const timer = setInterval(() => void compareLengths(), COMPARE_INTERVAL_MS)
  timer.unref()

  return {
    /** Revokes one session of the provider, with all copies of its cookie, but not a later sign-in. */
    async endSession({ issuer, sid, began }: Revocable): Promise<void> {
      // clocks of replicas differ, so the session may seem to begin later than now
      await add(['sid', issuer, sid], Math.max(now(), began))
    },

    /** Revokes all sessions of a person. */
    async endAll({ issuer, subject }: Pick<Revocable, 'issuer' | 'subject'>): Promise<void> {
      await add(['sub', issuer, subject], now())
    },

    /** Revokes all sessions of a removed 3scale user. */
    async endUser(username: string): Promise<void> {
      await add(['user', username], now())
    },

    /** Marks cached data of a 3scale user as outdated. */
    async recordChange(username: string): Promise<void> {
      await add(['change', username], now())
    },

    /** Marks cached data of an account and its users as outdated, for as long as a cache may contain it. */
    async recordAccountChange(accountId: number): Promise<void> {
      await add(['account', String(accountId)], now(), ACCOUNT_CHANGE_RETENTION_MS)
    },

    /** When 3scale last reported a change of the account or its users; ms, -1: never. */
    accountChangedAt: (accountId: number): number => latest(keysOf('account', String(accountId))),

    /** When the portal last changed or removed a user; ms, -1: never. */
    changedAt: (username: string): number =>
      Math.max(latest(keysOf('change', username)), latest(keysOf('user', username))),

    /** The provider ended one session or all sessions of a person. A repeated logout token has no effect. */
    async endedByProvider(logout: { issuer: string; sid?: string; subject?: string; jti: string }): Promise<void> {
      const { issuer, sid, subject = '', jti } = logout
      if (keysOf('jti', issuer, jti).some((key) => entries.has(key))) return
      if (sid) await add(['sid', issuer, sid], Number.MAX_SAFE_INTEGER)
      else await add(['sub', issuer, subject], now())
      await add(['jti', issuer, jti], 0, JTI_RETENTION_MS)
    },

    isRevoked: (session: Revocable): boolean => createCheck(session)(),

    /** A reusable check of one session. */
    createCheck,

    /** Reads the shared list and adds the entries that it lacks. */
    synchronize,
    close: () => clearInterval(timer),
  }

  function createCheck({ issuer, subject, sid, username, began, since }: Revocable): () => boolean {
    const own = keysOf('sid', issuer, sid)
    const all = [...keysOf('sub', issuer, subject), ...(username === undefined ? [] : keysOf('user', username))]
    return () => own.some((key) => at(key) >= began) || all.some((key) => at(key) >= since)
  }

  function at(key: string): number {
    return entries.get(key)?.at ?? -1
  }

  function latest(keys: string[]): number {
    let last = -1
    for (const key of keys) last = Math.max(last, at(key))
    return last
  }

  /** Takes effect here immediately. Written with each secret, for replicas that have only one of them. */
  async function add(
    parts: string[],
    at: number,
    retentionMs = retentionSeconds * 1000 + PENDING_SIGN_IN_MS,
  ): Promise<void> {
    const members = keysOf(...parts).map((key, index) => {
      const latest = Math.max(at, entries.get(key)?.at ?? 0)
      const member = signed(index, key, latest, now() + retentionMs)
      store(key, latest, now() + retentionMs, member)
      return member
    })
    for (const member of members) await publish(member)
  }

  async function publish(member: string): Promise<void> {
    await redis?.try((client) => client.zadd(redisKey, untilOf(member), member))
    await redis?.try((client) => client.publish(redisKey, member))
  }

  /** False if the signature is not valid or the entry has expired. */
  function adopt(member: string): boolean {
    const [key = '', at, until] = member.split(' ')
    if (entries.get(key)?.member === member) return true
    if (!isSigned(member) || Number(until) < now()) return false
    store(key, Number(at), Number(until), member)
    return true
  }

  function store(key: string, at: number, until: number, member: string): void {
    const current = entries.get(key)
    if (current && (current.at > at || (current.at === at && current.until >= until))) return
    entries.set(key, { at, until, member })
  }

  /** Cheap, so it can run often: the whole list is read only if the lengths differ. */
  async function compareLengths(): Promise<void> {
    const size = await redis?.try(async (client) => {
      try {
        return await client.zcard(redisKey)
      } catch (error) {
        // the key has another type, so no portal stored it
        if (!String(error).includes('WRONGTYPE')) throw error
        await client.del(redisKey)
        return 0
      }
    })
    if (size !== undefined && size !== entries.size) await synchronize()
  }

  function answerHello(message: string): void {
    const [, at] = message.split(' ')
    if (now() - lastHello < HELLO_INTERVAL_MS || Math.abs(now() - Number(at)) > HELLO_MAX_AGE_MS || !isSigned(message))
      return
    lastHello = now()
    void synchronize()
  }

  function synchronize(): Promise<void> {
    synchronizing ??= readAndPublish().finally(() => {
      synchronizing = undefined
    })
    return synchronizing
  }

  async function readAndPublish(): Promise<void> {
    for (const [key, { until }] of entries) if (until < now()) entries.delete(key)
    await redis?.try((client) => client.zremrangebyscore(redisKey, '-inf', now()))
    const shared = await readShared()
    if (!shared) return
    const { all, valid } = shared
    const own = new Set([...entries.values()].map(({ member }) => member))
    for (const member of own) if (!valid.has(member)) await publish(member)
    // forged, or superseded
    const obsolete = all.filter((member) => !own.has(member))
    for (let start = 0; start < obsolete.length; start += PAGE)
      await redis?.try((client) => client.zrem(redisKey, ...obsolete.slice(start, start + PAGE)))
  }

  /** In pages, so that a long list of forged entries does not block the process. */
  async function readShared(): Promise<{ all: string[]; valid: Set<string> } | undefined> {
    const all: string[] = []
    const valid = new Set<string>()
    for (let page = 0; page < MAX_PAGES; page++) {
      const from = String(page * PAGE)
      const members = await redis?.try((client) => client.zrange(redisKey, from, String(page * PAGE + PAGE - 1)))
      if (!members) return undefined
      all.push(...members)
      for (const member of members) if (adopt(member)) valid.add(member)
      if (members.length < PAGE) break
    }
    return { all, valid }
  }

  function keysOf(...parts: string[]): string[] {
    const name = JSON.stringify(parts)
    if (!redis) return [name]
    const cached = cachedKeys.get(name)
    if (cached) return cached
    const keys = redis.crypto.hashes('revoked', ...parts)
    cachedKeys.set(name, keys)
    return keys
  }

  /** Signed with the secret of that index, so that every replica that finds the key can verify it. */
  function signed(index: number, ...parts: (string | number)[]): string {
    const text = parts.join(' ')
    return redis ? `${text} ${redis.crypto.hashes('revocation', text)[index]}` : text
  }

  function isSigned(message: string): boolean {
    const [, text = '', signature = ''] = /^(\S{1,64}(?: \d{1,16}){1,2}) (\S{1,64})$/.exec(message) ?? []
    return redis?.crypto.hashes('revocation', text).includes(signature) === true
  }
}

function untilOf(member: string): number {
  return Number(member.split(' ')[2])
}
