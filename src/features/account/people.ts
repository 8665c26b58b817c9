import { setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '../../clients/cache.js'
import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import type { Found } from './standing.js'

const FRESH_SECONDS = 60
/** "Nobody of that name" is believed that long: somebody may be signing up on another replica. */
const NOBODY_SECONDS = 5
/** A page asks 3scale for more than this; it waits no longer to hear whether somebody was suspended meanwhile. */
const PATIENCE_MS = 500

/** Who somebody is in 3scale, by user name: kept for a minute, and longer only while 3scale does not answer. */
export function createPeople(threescale: Pick<Threescale, 'findByUsername'>, cache: Cache) {
  const people = cache.cached<Found | null>(
    'people',
    { fresh: FRESH_SECONDS, keep: 3600, secret: true },
    async (username) => {
      return (await threescale.findByUsername(username)) ?? null
    },
  )

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
      return (await people.reload(username)).value ?? undefined
    },

    /** The same, but the copy also where 3scale is slow. */
    async reloadSoon(username: string): Promise<Found | undefined> {
      const reading = people.reload(username)
      reading.catch(() => {})
      const copy = await Promise.race([reading, sleep(PATIENCE_MS, undefined, { ref: false })])
      return (copy ?? people.peek(username) ?? (await reading)).value ?? undefined
    },

    /** These names in the order in which to look: first those that somebody had when they were asked for last. */
    likely(usernames: string[]): string[] {
      const known = usernames.filter((username) => people.peek(username)?.value)
      return known.length === 0 ? usernames : [...new Set([...known, ...usernames])]
    },

    /** As they were known last. */
    async recall(username: string): Promise<Found | undefined> {
      return (await people.get(username)).value ?? undefined
    },

    keep: (found: Found) => people.put(found.user.username, found),

    /** Read again at the next request, here and on every replica: somebody's role or place was changed. */
    forget: people.forget,
  }

  /** A copy that is too old is read again, and used after all where 3scale does not answer. */
  async function current(username: string): Promise<Found | null> {
    const kept = await people.get(username)
    const tooOld = kept.ageSeconds > (kept.value ? FRESH_SECONDS : NOBODY_SECONDS)
    return tooOld ? (await people.reload(username)).value : kept.value
  }

  /** A young copy, else what comes in time, else the old copy, else undefined; the reading goes on behind. */
  async function soon(read: () => Promise<Found | null | undefined>, username: string) {
    const young = people.peek(username)
    if (young?.value && young.ageSeconds <= FRESH_SECONDS) return young.value
    const reading = read()
    reading.catch(() => {})
    const found = await Promise.race([reading, sleep(PATIENCE_MS, undefined, { ref: false })])
    return found === undefined ? people.peek(username)?.value : found
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
