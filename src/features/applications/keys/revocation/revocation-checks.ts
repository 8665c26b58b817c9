import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { isProblem, problem } from '../../../../errors.js'
import { detachDeadline } from '../../../../infra/call-context.js'
import type { Log } from '../../../../infra/redis.js'
import type { Caller } from '../../../../web/auth/caller.js'
import type { ApplicationCatalogue } from '../../applications.js'
import type { Application, RevocationCheck } from '../../schemas.js'
import { revocationCheckNote } from './messages.js'
import type { RevocationCheckRunner, RevocationVerdict } from './revocation-check.js'
import {
  cacheKeyOf,
  createRevokedKey,
  type KeyRevocation,
  type RevokedKey,
  revokedValueOf,
  toIso,
} from './revoked-key.js'

/** A cache that is filled by `put` only. */
interface Store<T> {
  /** reads what another process stored */
  sync(key: string): Promise<void>
  peek(key: string): { value: T; ageSeconds: number } | undefined
  put(key: string, value: T): Promise<void>
}

export interface RevocationChecksDeps {
  runner: RevocationCheckRunner
  models: Pick<ApplicationCatalogue, 'describe'>
  /** by account, application and key ID; must be encrypted in Redis, because a pending check contains the key */
  store: Store<RevokedKey | null>
  /** IDs of the keys that were revoked in an application, the last one first */
  recent: Store<string[]>
  /** the keys that 3scale currently lists for an application */
  currentValues(account: number, application: number): Promise<string[]>
  /** runs work under a named lock, which replicas share through Redis */
  withLock<T>(name: string, work: () => Promise<T>): Promise<T>
  /** called with each completed check; must not throw */
  completed(revoked: RevokedKey): void
  /** how long 3scale's backend caches the status of an application key */
  appKeySeconds: number
  log: Pick<Log, 'warn'>
  now?: () => number
  /** runs work after a delay without keeping the process alive */
  later?: (ms: number, work: () => void) => void
  /** pending checks of this process; further keys are not checked */
  maxPending?: number
}

/** How long checks are stored. */
export const REVOCATION_CHECK_SECONDS = 86_400
/** The process that revoked a key checks it. Another process takes over an overdue check. */
const OVERDUE_MS = 10_000
const RETRY_MS = 5000
const MAX_UNANSWERED = 3
const CONCURRENT_CHECKS = 4
const MAX_RECENT = 20

export type RevocationChecks = ReturnType<typeof createRevocationChecks>

/**
 * Checks of revoked keys. No caller waits for the gateway: a check runs in the background when the key should be rejected.
 * The process that revoked the key runs it. With Redis, so does any process in which an overdue check is read.
 */
export function createRevocationChecks(deps: RevocationChecksDeps) {
  const { runner, models, store, recent, currentValues, withLock, completed, appKeySeconds, log } = deps
  const { now = Date.now, later = laterUnref, maxPending = 1000 } = deps
  const pending = new Set<string>()
  const limit = pLimit(CONCURRENT_CHECKS)

  return {
    /** Records a key that was deleted in 3scale and schedules its check. No call to 3scale or to the gateway. */
    async schedule(caller: Caller, revocation: KeyRevocation): Promise<RevocationCheck> {
      const at = now()
      const revoked = createRevokedKey(caller, revocation, { at, appKeySeconds })
      const reason = revocation.entry ? (pending.size < maxPending ? null : 'too_many_checks') : 'model_not_available'
      if (reason) return (await complete(revoked, { refused: null, reason, request: null })).check
      startLater(cacheKeyOf(revoked), Date.parse(revoked.check.check_at) - at)
      await store.put(cacheKeyOf(revoked), revoked)
      await addToRecent(revoked)
      return revoked.check
    },

    /** The current state, from memory or Redis. Rejects with not_found. Starts an overdue check without waiting for it. */
    async read(caller: Caller, application: number, keyId: string): Promise<RevokedKey> {
      const key = `${caller.accountId}/${application}/${keyId}`
      const revoked = await find(key)
      if (!revoked) throw problem('not_found')
      const isOverdue = now() - Date.parse(revoked.check.check_at) > OVERDUE_MS
      const canStart = !pending.has(key) && pending.size < maxPending
      if (revoked.check.status === 'pending' && isOverdue && canStart) startLater(key, 0)
      return revoked
    },

    /** Checks of an application, the last one first. */
    async listRecent(caller: Caller, application: number): Promise<RevocationCheck[]> {
      const prefix = `${caller.accountId}/${application}`
      await recent.sync(prefix)
      const all = await Promise.all((recent.peek(prefix)?.value ?? []).map((keyId) => find(`${prefix}/${keyId}`)))
      return all.flatMap((revoked) => (revoked ? [revoked.check] : []))
    },
  }

  function startLater(key: string, ms: number): void {
    pending.add(key)
    // the deadline of the request does not apply to the check
    later(ms, () => void detachDeadline(() => start(key)))
  }

  /** A failed check is repeated when it is read. */
  async function start(key: string): Promise<void> {
    try {
      const mustRepeat = await limit(() => withLock(`revocation-check:${key}`, () => run(key)))
      if (mustRepeat) return startLater(key, RETRY_MS)
    } catch (error) {
      log.warn({ reason: String(error) }, 'a revoked key could not be checked')
    }
    pending.delete(key)
  }

  /** Returns true if neither key received a response and the check should be repeated. */
  async function run(key: string): Promise<boolean> {
    const revoked = await find(key)
    if (revoked?.check.status !== 'pending' || !revoked.application) return false
    const { application, account, product, unanswered } = revoked
    const entry = await models.describe(product)
    if (!entry) {
      await complete(revoked, { refused: null, reason: 'model_not_available', request: null })
      return false
    }
    let current = revoked
    // counted before it is sent, so that the process that continues after a crash does not exceed the total
    const countRequest = async () => {
      current = await save(current, { requests: current.check.requests + 1 })
    }
    const { isUnanswered, ...verdict } = await runner.run(entry, application, current.check.requests, countRequest)
    if (isUnanswered && unanswered + 1 < MAX_UNANSWERED) {
      await save({ ...current, unanswered: unanswered + 1 }, { check_at: toIso(now() + RETRY_MS) })
      return true
    }
    const isInUse = verdict.refused === false && (await isCurrent(account, application))
    await complete(current, isInUse ? { ...verdict, refused: null, reason: 'key_in_use' } : verdict)
    return false
  }

  /** The same value can have been set again, here or in 3scale's admin portal. It is then correctly accepted. */
  async function isCurrent(account: number, application: Application): Promise<boolean> {
    try {
      return (await currentValues(account, application.id)).some((value) => value === revokedValueOf(application))
    } catch (error) {
      if (isProblem(error)) return false
      throw error
    }
  }

  async function complete(revoked: RevokedKey, verdict: Omit<RevocationVerdict, 'isUnanswered'>): Promise<RevokedKey> {
    const checked_at = verdict.request ? toIso(now()) : null
    const saved = await save({ ...revoked, application: undefined }, { ...verdict, status: 'completed', checked_at })
    await addToRecent(saved)
    completed(saved)
    return saved
  }

  async function save(revoked: RevokedKey, change: Partial<RevocationCheck>): Promise<RevokedKey> {
    const check = { ...revoked.check, ...change }
    const saved = { ...revoked, check: { ...check, note: revocationCheckNote(check, revoked.mode, appKeySeconds) } }
    await store.put(cacheKeyOf(saved), saved)
    return saved
  }

  /** After concurrent revocations on two replicas one can be missing in the list. It can still be read by its key ID. */
  async function addToRecent({ account, check }: RevokedKey): Promise<void> {
    const key = `${account}/${check.application_id}`
    await recent.sync(key)
    const others = (recent.peek(key)?.value ?? []).filter((keyId) => keyId !== check.key_id)
    await recent.put(key, [check.key_id, ...others].slice(0, MAX_RECENT))
  }

  async function find(key: string): Promise<RevokedKey | undefined> {
    await store.sync(key)
    const copy = store.peek(key)
    const revoked = copy && copy.ageSeconds < REVOCATION_CHECK_SECONDS ? copy.value : null
    return revoked && cacheKeyOf(revoked) === key ? revoked : undefined
  }
}

function laterUnref(ms: number, work: () => void): void {
  void sleep(ms, undefined, { ref: false }).then(work)
}
