import type { Threescale } from '../../clients/threescale/types.js'
import { isProblem } from '../../errors.js'
import type { Cache } from '../../infra/cache.js'
import { withDeadline } from '../../infra/deadline.js'
import type { Revocations } from '../../web/auth/revocations.js'
import type { AccountUser } from './account-status.js'

interface CachedAccountUser {
  /** Null: no user has that name. */
  accountUser: AccountUser | null
  /** When the portal began to read it, in ms. */
  readAt: number
}

/** When a user or an account was changed, in ms. */
export type RecordedChanges = Pick<Revocations, 'changedAt' | 'accountChangedAt'>

const FRESH_SECONDS = 60
/** An absent user is cached for less time, because the person may be signing up on another replica. */
const ABSENT_SECONDS = 5
/** A page requests more from 3scale than this, so it waits no longer for the status of its user. */
const DEADLINE_MS = 500
/** Largest difference between the clocks of two replicas; an entry of another replica must be newer than a change by this. */
const CLOCK_SKEW_MS = 2000

/**
 * Users of 3scale by username, cached for a minute, and longer only while 3scale does not respond. An entry that was read before
 * the portal changed the user, or 3scale reported a change of the account, is never used, whichever replica stored it.
 */
export function createAccountUserCache(
  threescale: Pick<Threescale, 'findByUsername'>,
  cache: Cache,
  changes: RecordedChanges,
) {
  const readHere = new WeakSet<CachedAccountUser>()
  const users = cache.cached<CachedAccountUser>('people', { freshSeconds: FRESH_SECONDS, maxAgeSeconds: 3600 }, load)

  return {
    /** Returns a fresh entry; else what 3scale returns within the deadline; else a stale entry; else what 3scale returns at last. */
    async find(username: string): Promise<AccountUser | undefined> {
      const inTime = await withinDeadline(() => current(username), username)
      return (inTime === undefined ? await current(username) : inTime) ?? undefined
    },

    /** The same, but `unknown` where 3scale is slow or down and nothing is cached. */
    async findWithinDeadline(username: string): Promise<AccountUser | 'unknown' | undefined> {
      const inTime = await withinDeadline(() => unlessUnavailable(current(username)), username)
      return inTime === undefined ? 'unknown' : (inTime ?? undefined)
    },

    /** Reads 3scale, so that a deleted user is noticed. Returns the cached entry only where 3scale does not respond. */
    async reload(username: string): Promise<AccountUser | undefined> {
      return (await read(username)) ?? undefined
    },

    /** The same, but returns the cached entry also where 3scale is slow. */
    async reloadWithinDeadline(username: string): Promise<AccountUser | undefined> {
      const reading = read(username)
      reading.catch(() => {})
      const inTime = await withDeadline(reading, DEADLINE_MS)
      const accountUser = inTime === undefined ? validEntry(username)?.accountUser : inTime
      return accountUser ?? (await reading) ?? undefined
    },

    /** The usernames in the order in which to look them up: first those that had a user when they were last read. */
    cachedFirst(usernames: string[]): string[] {
      if (usernames.length === 1) return usernames
      const cached = usernames.filter((username) => users.peek(username)?.value.accountUser)
      return cached.length === 0 ? usernames : [...new Set([...cached, ...usernames])]
    },

    /** The user as 3scale confirmed it within the last minute, for a caller that does not wait. */
    confirmed(username: string): AccountUser | undefined {
      return fresh(username) ?? undefined
    },

    async lastKnown(username: string): Promise<AccountUser | undefined> {
      const { value } = await users.get(username)
      return (isValid(username, value) ? value.accountUser : await read(username)) ?? undefined
    },

    /** Stores what was just read or written. A change of the last minute may be newer, so the user is then read again. */
    async store(accountUser: AccountUser): Promise<void> {
      const { username } = accountUser.user
      const now = Date.now()
      if (changedAt(username, accountUser) > now - FRESH_SECONDS * 1000) await users.remove(username)
      else await users.put(username, { accountUser, readAt: now })
    },

    /** After a change of the user: every replica reads it again at the next request. */
    forget: users.remove,
  }

  /** 3scale may compare usernames more loosely than the portal; another spelling is another user. */
  async function load(username: string): Promise<CachedAccountUser> {
    const readAt = Date.now()
    const accountUser = await threescale.findByUsername(username)
    const entry = { accountUser: accountUser?.user.username === username ? accountUser : null, readAt }
    readHere.add(entry)
    return entry
  }

  /** A read of another replica, or one that had already begun, may be older than the change that requires this one. */
  async function read(username: string): Promise<AccountUser | null> {
    const { value } = await users.reload(username)
    if (isValid(username, value)) return value.accountUser
    const entry = await load(username)
    await users.put(username, entry)
    return entry.accountUser
  }

  function isValid(username: string, entry: CachedAccountUser): boolean {
    const isSameUser = entry.accountUser === null || entry.accountUser.user.username === username
    return (
      isSameUser && entry.readAt > changedAt(username, entry.accountUser) + (readHere.has(entry) ? 0 : CLOCK_SKEW_MS)
    )
  }

  function changedAt(username: string, accountUser: AccountUser | null): number {
    return Math.max(changes.changedAt(username), accountUser ? changes.accountChangedAt(accountUser.account.id) : -1)
  }

  function validEntry(username: string): (CachedAccountUser & { ageSeconds: number }) | undefined {
    const entry = users.peek(username)
    return entry && isValid(username, entry.value) ? { ...entry.value, ageSeconds: entry.ageSeconds } : undefined
  }

  function fresh(username: string): AccountUser | null | undefined {
    const entry = users.peek(username)
    if (!entry || entry.ageSeconds > FRESH_SECONDS || !isValid(username, entry.value)) return undefined
    return entry.value.accountUser
  }

  /** Reads a stale entry again, and returns it where 3scale does not respond. */
  async function current(username: string): Promise<AccountUser | null> {
    const { value, ageSeconds } = await users.get(username)
    const isStale = ageSeconds > (value.accountUser ? FRESH_SECONDS : ABSENT_SECONDS)
    return isStale || !isValid(username, value) ? read(username) : value.accountUser
  }

  /** Undefined after the deadline where nothing is cached; the read continues in the background. */
  async function withinDeadline(readUser: () => Promise<AccountUser | null | undefined>, username: string) {
    const confirmed = fresh(username)
    if (confirmed) return confirmed
    const reading = readUser()
    reading.catch(() => {})
    const inTime = await withDeadline(reading, DEADLINE_MS)
    return inTime === undefined ? validEntry(username)?.accountUser : inTime
  }
}

async function unlessUnavailable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
    return undefined
  }
}
