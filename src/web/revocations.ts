import { createHash } from 'node:crypto'
import type { RedisConnection } from '../clients/redis.js'

export interface RevocationsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** how long a session can live, in seconds: an entry is kept as long */
  keepSeconds: number
  now?: () => number
}

/** A session as far as sign-outs go; times in ms. */
export interface Revocable {
  issuer: string
  subject: string
  sid: string
  /** when it began */
  began: number
  /** when the sign-in that led to it began */
  since: number
}

interface Entry {
  /** what began until then is over */
  at: number
  /** when it may be forgotten */
  until: number
}

export type Revocations = ReturnType<typeof createRevocations>

/** A sign-out may arrive before the sign-in that it ends has come through the completion form. */
const LATE_MS = 2 * 3600_000
const JTI_MS = 10 * 60_000
const COMPARE_MS = 2000
const HELLO = 'hello'

/**
 * Sign-outs that sessions are checked against. Every replica holds the whole list in memory and hears of new entries
 * through Redis. A Redis that was empty or away gets back what is known, and a replica that starts asks the others, so a
 * flush revives nobody. No request waits for Redis, which sees hashes only.
 */
export function createRevocations({ redis, prefix, keepSeconds, now = Date.now }: RevocationsOptions) {
  const entries = new Map<string, Entry>()
  const place = `${prefix}:revoked`
  redis?.subscribe(place, (message) => {
    if (message === HELLO) void exchange()
    else adopt(message)
  })
  redis?.onReady(async () => {
    await exchange()
    await redis.try((client) => client.publish(place, HELLO))
  })
  const timer = setInterval(() => void compare(), COMPARE_MS)
  timer.unref()

  return {
    /** Ends one session of the provider here: also older copies of its cookie, but not a sign-in that comes after. */
    async endSession({ issuer, sid, began }: Revocable): Promise<void> {
      // clocks of replicas differ a little: what began "later" on another one is meant too
      await add(sidKey(issuer, sid), Math.max(now(), began))
    },

    /** Every session of a person that began until now. */
    async endAll({ issuer, subject }: Pick<Revocable, 'issuer' | 'subject'>): Promise<void> {
      await add(subjectKey(issuer, subject), now())
    },

    /** The provider ended a session for good, or all of a person. The same logout token twice is one sign-out. */
    async endedByProvider(logout: { issuer: string; sid?: string; subject?: string; jti: string }): Promise<void> {
      const { issuer, sid, subject = '', jti } = logout
      const seen = keyOf('jti', issuer, jti)
      if (entries.has(seen)) return
      if (sid) await add(sidKey(issuer, sid), Number.MAX_SAFE_INTEGER)
      else await add(subjectKey(issuer, subject), now())
      await add(seen, 0, JTI_MS)
    },

    isRevoked: (session: Revocable): boolean => watch(session)(),

    /** The same question, to be asked often of one session. */
    watch,

    /** Reads the shared list and adds what only this process knows. */
    exchange,
    close: () => clearInterval(timer),
  }

  function watch({ issuer, subject, sid, began, since }: Revocable): () => boolean {
    const keys = [sidKey(issuer, sid), subjectKey(issuer, subject)] as const
    return () => at(keys[0]) >= began || at(keys[1]) >= since
  }

  function at(key: string): number {
    return entries.get(key)?.at ?? -1
  }

  /** Takes effect here at once. */
  async function add(key: string, at: number, keepMs = keepSeconds * 1000 + LATE_MS): Promise<void> {
    const member = memberOf(key, { at: Math.max(at, entries.get(key)?.at ?? 0), until: now() + keepMs })
    adopt(member)
    await share(member)
  }

  async function share(member: string): Promise<void> {
    await redis?.try((client) => client.zadd(place, untilOf(member), member))
    await redis?.try((client) => client.publish(place, member))
  }

  function adopt(member: string): void {
    const [key = '', at, until] = member.split(' ')
    const known = entries.get(key)
    const entry = { at: Math.max(Number(at), known?.at ?? 0), until: Math.max(Number(until), known?.until ?? 0) }
    if (!Number.isFinite(entry.at) || !Number.isFinite(entry.until)) return
    entries.set(key, entry)
  }

  /** Cheap, so it can be often: only lists of different lengths are read whole. */
  async function compare(): Promise<void> {
    const size = await redis?.try((client) => client.zcard(place))
    if (size !== undefined && size !== entries.size) await exchange()
  }

  async function exchange(): Promise<void> {
    for (const [key, { until }] of entries) if (until < now()) entries.delete(key)
    const shared = await redis?.try(async (client) => {
      await client.zremrangebyscore(place, '-inf', now())
      return client.zrangebyscore(place, '-inf', '+inf')
    })
    if (!shared) return
    shared.forEach(adopt)
    const there = new Set(shared)
    const mine = [...entries].map(([key, entry]) => memberOf(key, entry))
    for (const member of mine.filter((member) => !there.has(member))) await share(member)
    // an older entry of the same session says less
    const outdated = shared.filter((member) => !mine.includes(member))
    if (outdated.length > 0) await redis?.try((client) => client.zrem(place, ...outdated))
  }
}

function memberOf(key: string, { at, until }: Entry): string {
  return `${key} ${at} ${until}`
}

function untilOf(member: string): number {
  return Number(member.split(' ')[2])
}

function sidKey(issuer: string, sid: string): string {
  return keyOf('sid', issuer, sid)
}

function subjectKey(issuer: string, subject: string): string {
  return keyOf('sub', issuer, subject)
}

function keyOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 27)
}
