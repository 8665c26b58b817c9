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
  /** of 3scale; undefined before the person is known there */
  username?: string
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
  /** as it is stored: key, times and signature */
  member: string
}

export type Revocations = ReturnType<typeof createRevocations>

/** A sign-out may arrive before the sign-in that it ends has come through the completion form. */
const LATE_MS = 2 * 3600_000
const JTI_MS = 10 * 60_000
const COMPARE_MS = 2000
const HELLO = 'hello'
/** A greeting asks every replica to read the whole list: none is older than this, and one a second is answered. */
const HELLO_MS = 60_000
const HELLO_REST_MS = 1000
const PAGE = 1000
const MOST_PAGES = 200

/**
 * Sign-outs that sessions are checked against, and people whose role or membership the portal changed. Every replica holds the
 * whole list in memory and hears of new entries through Redis. A Redis that was empty or away gets back what is known, and a
 * replica that starts asks the others, so a flush revives nobody. Every entry and message is signed, so whoever can write to Redis
 * signs nobody out. No request waits for Redis, which sees keyed hashes only.
 */
export function createRevocations({ redis, prefix, keepSeconds, now = Date.now }: RevocationsOptions) {
  const entries = new Map<string, Entry>()
  const place = `${prefix}:revocations`
  let greeted = 0
  let exchanging: Promise<void> | undefined
  redis?.subscribe(place, (message) => {
    if (message.startsWith(HELLO)) answerHello(message)
    else adopt(message)
  })
  redis?.onReady(async () => {
    await exchange()
    await redis.try((client) => client.publish(place, signed(0, HELLO, now())))
  })
  const timer = setInterval(() => void compare(), COMPARE_MS)
  timer.unref()

  return {
    /** Ends one session of the provider here: also older copies of its cookie, but not a sign-in that comes after. */
    async endSession({ issuer, sid, began }: Revocable): Promise<void> {
      // clocks of replicas differ a little: what began "later" on another one is meant too
      await add(['sid', issuer, sid], Math.max(now(), began))
    },

    /** Every session of a person that began until now. */
    async endAll({ issuer, subject }: Pick<Revocable, 'issuer' | 'subject'>): Promise<void> {
      await add(['sub', issuer, subject], now())
    },

    /** Every session of a 3scale user, who was removed here. */
    async endUser(username: string): Promise<void> {
      await add(['user', username], now())
    },

    /** The portal changed a user in 3scale: what was read of them until now is outdated. */
    async noteChange(username: string): Promise<void> {
      await add(['change', username], now())
    },

    /** When the portal last changed or removed a user, as far as it matters for sessions; ms, -1: never. */
    changedAt: (username: string): number =>
      Math.max(...keysOf('change', username).map(at), ...keysOf('user', username).map(at)),

    /** The provider ended a session for good, or all of a person. The same logout token twice is one sign-out. */
    async endedByProvider(logout: { issuer: string; sid?: string; subject?: string; jti: string }): Promise<void> {
      const { issuer, sid, subject = '', jti } = logout
      if (keysOf('jti', issuer, jti).some((key) => entries.has(key))) return
      if (sid) await add(['sid', issuer, sid], Number.MAX_SAFE_INTEGER)
      else await add(['sub', issuer, subject], now())
      await add(['jti', issuer, jti], 0, JTI_MS)
    },

    isRevoked: (session: Revocable): boolean => watch(session)(),

    /** The same question, to be asked often of one session. */
    watch,

    /** Reads the shared list and adds what only this process knows. */
    exchange,
    close: () => clearInterval(timer),
  }

  function watch({ issuer, subject, sid, username, began, since }: Revocable): () => boolean {
    const own = keysOf('sid', issuer, sid)
    const all = [...keysOf('sub', issuer, subject), ...(username === undefined ? [] : keysOf('user', username))]
    return () => own.some((key) => at(key) >= began) || all.some((key) => at(key) >= since)
  }

  function at(key: string): number {
    return entries.get(key)?.at ?? -1
  }

  /** Takes effect here at once. With each secret: a replica that has only one of them must know, too. */
  async function add(parts: string[], at: number, keepMs = keepSeconds * 1000 + LATE_MS): Promise<void> {
    const members = keysOf(...parts).map((key, index) => {
      const latest = Math.max(at, entries.get(key)?.at ?? 0)
      const member = signed(index, key, latest, now() + keepMs)
      take(key, latest, now() + keepMs, member)
      return member
    })
    for (const member of members) await share(member)
  }

  async function share(member: string): Promise<void> {
    await redis?.try((client) => client.zadd(place, untilOf(member), member))
    await redis?.try((client) => client.publish(place, member))
  }

  /** False: signed by no portal with one of these secrets, or its time is up. */
  function adopt(member: string): boolean {
    const [key = '', at, until] = member.split(' ')
    if (entries.get(key)?.member === member) return true
    if (!isSigned(member) || Number(until) < now()) return false
    take(key, Number(at), Number(until), member)
    return true
  }

  function take(key: string, at: number, until: number, member: string): void {
    const known = entries.get(key)
    if (known && (known.at > at || (known.at === at && known.until >= until))) return
    entries.set(key, { at, until, member })
  }

  /** Cheap, so it can be often: only lists of different lengths are read whole. */
  async function compare(): Promise<void> {
    const size = await redis?.try(async (client) => {
      try {
        return await client.zcard(place)
      } catch (error) {
        // something else is stored there, so no portal stored it
        if (!String(error).includes('WRONGTYPE')) throw error
        await client.del(place)
        return 0
      }
    })
    if (size !== undefined && size !== entries.size) await exchange()
  }

  function answerHello(message: string): void {
    const [, at] = message.split(' ')
    if (now() - greeted < HELLO_REST_MS || Math.abs(now() - Number(at)) > HELLO_MS || !isSigned(message)) return
    greeted = now()
    void exchange()
  }

  function exchange(): Promise<void> {
    exchanging ??= readAndShare().finally(() => {
      exchanging = undefined
    })
    return exchanging
  }

  async function readAndShare(): Promise<void> {
    for (const [key, { until }] of entries) if (until < now()) entries.delete(key)
    await redis?.try((client) => client.zremrangebyscore(place, '-inf', now()))
    const shared = await readShared()
    if (!shared) return
    const { all, there } = shared
    const mine = new Set([...entries.values()].map(({ member }) => member))
    for (const member of mine) if (!there.has(member)) await share(member)
    // forged, or an older entry of the same session, which says less
    const useless = all.filter((member) => !mine.has(member))
    for (let start = 0; start < useless.length; start += PAGE)
      await redis?.try((client) => client.zrem(place, ...useless.slice(start, start + PAGE)))
  }

  /** A page at a time, so that a long list of forged entries does not block other requests. */
  async function readShared(): Promise<{ all: string[]; there: Set<string> } | undefined> {
    const all: string[] = []
    const there = new Set<string>()
    for (let page = 0; page < MOST_PAGES; page++) {
      const from = String(page * PAGE)
      const members = await redis?.try((client) => client.zrange(place, from, String(page * PAGE + PAGE - 1)))
      if (!members) return undefined
      all.push(...members)
      for (const member of members) if (adopt(member)) there.add(member)
      if (members.length < PAGE) break
    }
    return { all, there }
  }

  function keysOf(...parts: string[]): string[] {
    return redis ? redis.trust.hashes('revoked', ...parts) : [JSON.stringify(parts)]
  }

  /** With the secret at that place in the list: every replica that finds the key can check the signature. */
  function signed(index: number, ...parts: (string | number)[]): string {
    const text = parts.join(' ')
    return redis ? `${text} ${redis.trust.hashes('revocation', text)[index]}` : text
  }

  function isSigned(message: string): boolean {
    const [, text = '', signature = ''] = /^(\S{1,64}(?: \d{1,16}){1,2}) (\S{1,64})$/.exec(message) ?? []
    return redis?.trust.hashes('revocation', text).includes(signature) === true
  }
}

function untilOf(member: string): number {
  return Number(member.split(' ')[2])
}
