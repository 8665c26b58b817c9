import { setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '../../clients/cache.js'
import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import type { Found } from './standing.js'

interface Copy {
  /** null: nobody of that name */
  found: Found | null
  /** when the portal began to read it; ms */
  asOf: number
}

const FRESH_SECONDS = 60
/** "Nobody of that name" is believed that long: somebody may be signing up on another replica. */
const NOBODY_SECONDS = 5
/** A page asks 3scale for more than this; it waits no longer to hear whether somebody was suspended meanwhile. */
const PATIENCE_MS = 500
/** The clocks of two replicas may differ that much; a copy of another one has to be so much newer than a change. */
const CLOCKS_MS = 2000

/**
 * Who somebody is in 3scale, by user name: kept for a minute, and longer only while 3scale does not answer. A copy that was read
 * before the portal itself changed the user (`changedAt`, ms) is never used, whoever stored it.
 */
export function createPeople(
  threescale: Pick<Threescale, 'findByUsername'>,
  cache: Cache,
  changedAt: (username: string) => number,
) {
  const readHere = new WeakSet<Copy>()
  const people = cache.cached<Copy>('people', { fresh: FRESH_SECONDS, keep: 3600 }, load)

  return {
    /** Undefined: nobody. A young copy, else what comes in time, else an old copy, else what comes at last. */
    async find(username: string): Promise<Found | undefined> {
      const kept = await soon(() => current(username), username)
      return (kept === undefined ? await current(username) : kept) ?? undefined
    },

    /** The same, but `unknown` where 3scale is slow or down and there is no copy. */
    async findSoon(username: string): Promise<Found | 'unknown' | undefined> {
      const found = await soon(() => unlessDown(current(username)), username)
      return found === undefined ? 'unknown' : (found ?? undefined)
    },

    /** Read now, so that a user who was deleted in 3scale is noticed; the copy only where 3scale does not answer. */
    async reload(username: string): Promise<Found | undefined> {
      return (await read(username)) ?? undefined
    },

    /** The same, but the copy also where 3scale is slow. */
    async reloadSoon(username: string): Promise<Found | undefined> {
      const reading = read(username)
      reading.catch(() => {})
      const inTime = await Promise.race([reading, sleep(PATIENCE_MS, undefined, { ref: false })])
      const found = inTime === undefined ? known(username)?.found : inTime
      return found ?? (await reading) ?? undefined
    },

    /** These names in the order in which to look: first those that somebody had when they were asked for last. */
    likely(usernames: string[]): string[] {
      const known = usernames.filter((username) => people.peek(username)?.value.found)
      return known.length === 0 ? usernames : [...new Set([...known, ...usernames])]
    },

    /** As they were known last. */
    async recall(username: string): Promise<Found | undefined> {
      const { value } = await people.get(username)
      return (isValid(username, value) ? value.found : await read(username)) ?? undefined
    },

    /** What was just read or written; a change of the last minute may be newer than that, and then it is read again. */
    async keep(found: Found): Promise<void> {
      const { username } = found.user
      const now = Date.now()
      if (changedAt(username) > now - FRESH_SECONDS * 1000) await people.forget(username)
      else await people.put(username, { found, asOf: now })
    },

    /** Read again at the next request, here and on every replica: somebody's role or place was changed. */
    forget: people.forget,
  }

  /** 3scale may compare names more loosely than the portal does; who is called otherwise is somebody else. */
  async function load(username: string): Promise<Copy> {
    const asOf = Date.now()
    const found = await threescale.findByUsername(username)
    const copy = { found: found?.user.username === username ? found : null, asOf }
    readHere.add(copy)
    return copy
  }

  /** Another replica's load, or one that had begun already, may be older than the change that asks for this. */
  async function read(username: string): Promise<Found | null> {
    const { value } = await people.reload(username)
    if (isValid(username, value)) return value.found
    const copy = await load(username)
    await people.put(username, copy)
    return copy.found
  }

  function isValid(username: string, copy: Copy): boolean {
    const isOwn = copy.found === null || copy.found.user.username === username
    return isOwn && copy.asOf > changedAt(username) + (readHere.has(copy) ? 0 : CLOCKS_MS)
  }

  /** The copy in memory, where it may be used. */
  function known(username: string): (Copy & { ageSeconds: number }) | undefined {
    const copy = people.peek(username)
    return copy && isValid(username, copy.value) ? { ...copy.value, ageSeconds: copy.ageSeconds } : undefined
  }

  /** A copy that is too old is read again, and used after all where 3scale does not answer. */
  async function current(username: string): Promise<Found | null> {
    const { value, ageSeconds } = await people.get(username)
    const tooOld = ageSeconds > (value.found ? FRESH_SECONDS : NOBODY_SECONDS)
    return tooOld || !isValid(username, value) ? read(username) : value.found
  }

  /** A young copy, else what comes in time, else the old copy, else undefined; the reading goes on behind. */
  async function soon(read: () => Promise<Found | null | undefined>, username: string) {
    const young = known(username)
    if (young?.found && young.ageSeconds <= FRESH_SECONDS) return young.found
    const reading = read()
    reading.catch(() => {})
    const found = await Promise.race([reading, sleep(PATIENCE_MS, undefined, { ref: false })])
    return found === undefined ? known(username)?.found : found
  }
}

async function unlessDown<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
    return undefined
  }
}
