import { setTimeout as sleep } from 'node:timers/promises'
import { unhurried } from '../../clients/deadline.js'
import { createGate } from '../../clients/gate.js'
import type { Log } from '../../clients/redis.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import type { Catalogue } from './applications.js'
import { receiptNote } from './receipt-words.js'
import { iso, placeOf, type Removal, type Removed, removalOf, removedKeyOf } from './removals.js'
import type { RevocationCheck, Verdict } from './revocation-check.js'
import type { Application, Receipt } from './schemas.js'

/** A cache that nothing is loaded into. */
interface Store<T> {
  /** takes over what another process stored */
  look(key: string): Promise<void>
  peek(key: string): { value: T; ageSeconds: number } | undefined
  put(key: string, value: T): Promise<void>
}

export interface ReceiptsDeps {
  check: RevocationCheck
  models: Pick<Catalogue, 'describe'>
  /** by account, application and key; must be sealed in Redis, because a pending removal carries its key */
  store: Store<Removal | null>
  /** ids of the keys that were removed from an application, the last one first */
  recent: Store<string[]>
  /** the keys that 3scale lists for an application now */
  heldValues(account: number, application: number): Promise<string[]>
  /** runs one piece of work of a name at a time, among replicas where there is a Redis */
  oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T>
  /** is called with each completed receipt; must not throw */
  completed(removal: Removal): void
  /** how long 3scale's back-end caches the status of an application key */
  appKeySeconds: number
  log: Pick<Log, 'warn'>
  now?: () => number
  /** runs `work` after `ms`, without keeping the process alive */
  later?: (ms: number, work: () => void) => void
  /** pending checks of this process; a key beyond them is not checked */
  mostPending?: number
}

/** Receipts are kept for a day. */
export const RECEIPT_SECONDS = 86_400
/** The process that removed a key checks it; only after this time another one takes the check over. */
const OVERDUE_MS = 10_000
const RETRY_MS = 5000
const MOST_UNREACHED = 3
const AT_ONCE = 4
const LISTED = 20

export type Receipts = ReturnType<typeof createReceipts>

/**
 * Receipts of removed keys. No caller waits for the gateway: a check follows in the background, once the key should be refused.
 * The process that removed the key makes it or, with Redis, any other one in which the receipt is read when it is overdue.
 */
export function createReceipts(deps: ReceiptsDeps) {
  const { check, models, store, recent, heldValues, oneAtATime, completed, appKeySeconds, log } = deps
  const { now = Date.now, later = laterUnref, mostPending = 1000 } = deps
  const pending = new Set<string>()
  const gate = createGate(AT_ONCE)

  return {
    /** Records a key that 3scale has removed, and schedules its check. No call to 3scale or to the gateway. */
    async removed(caller: Caller, what: Removed): Promise<Receipt> {
      const at = now()
      const removal = removalOf(caller, what, { at, appKeySeconds })
      const reason = what.found ? (pending.size < mostPending ? null : 'too_many_checks') : 'model_not_available'
      if (reason) return (await finish(removal, { refused: null, reason, request: null })).receipt
      schedule(placeOf(removal), Date.parse(removal.receipt.check_at) - at)
      await store.put(placeOf(removal), removal)
      await list(removal)
      return removal.receipt
    },

    /** As it is now, from memory or Redis. Rejects with not_found. An overdue check is started; nobody waits for it. */
    async read(caller: Caller, application: number, keyId: string): Promise<Removal> {
      const place = `${caller.accountId}/${application}/${keyId}`
      const removal = await find(place)
      if (!removal) throw problem('not_found')
      const overdue = now() - Date.parse(removal.receipt.check_at) > OVERDUE_MS
      const free = !pending.has(place) && pending.size < mostPending
      if (removal.receipt.status === 'pending' && overdue && free) schedule(place, 0)
      return removal
    },

    /** Receipts of an application, the last one first. */
    async listRecent(caller: Caller, application: number): Promise<Receipt[]> {
      const base = `${caller.accountId}/${application}`
      await recent.look(base)
      const found = await Promise.all((recent.peek(base)?.value ?? []).map((keyId) => find(`${base}/${keyId}`)))
      return found.flatMap((removal) => (removal ? [removal.receipt] : []))
    },
  }

  function schedule(place: string, ms: number): void {
    pending.add(place)
    // the caller that started it has a deadline, which the check has not
    later(ms, () => void unhurried(() => turn(place)))
  }

  /** What fails here is tried again when the receipt is read. */
  async function turn(place: string): Promise<void> {
    try {
      const again = await gate(() => oneAtATime(`receipt:${place}`, () => examine(place)))
      if (again) return schedule(place, RETRY_MS)
    } catch (error) {
      log.warn({ reason: String(error) }, 'a removed key could not be checked')
    }
    pending.delete(place)
  }

  /** True: neither the removed nor an unknown key received a response, and another check is worth it. */
  async function examine(place: string): Promise<boolean> {
    const removal = await find(place)
    if (removal?.receipt.status !== 'pending' || !removal.application) return false
    const { application, account, product, unreached } = removal
    const found = await models.describe(product)
    if (!found) {
      await finish(removal, { refused: null, reason: 'model_not_available', request: null })
      return false
    }
    let current = removal
    // counted before it is sent: whoever goes on after a crash must not exceed the total
    const spend = async () => {
      current = await keep(current, { requests: current.receipt.requests + 1 })
    }
    const { unreached: silent, ...verdict } = await check.run(found, application, current.receipt.requests, spend)
    if (silent && unreached + 1 < MOST_UNREACHED) {
      await keep({ ...current, unreached: unreached + 1 }, { check_at: iso(now() + RETRY_MS) })
      return true
    }
    const inUse = verdict.refused === false && (await isHeld(account, application))
    await finish(current, inUse ? { ...verdict, refused: null, reason: 'key_in_use' } : verdict)
    return false
  }

  /** The same value may have been set again, here or in 3scale's admin portal; it is then rightly accepted. */
  async function isHeld(account: number, application: Application): Promise<boolean> {
    try {
      return (await heldValues(account, application.id)).some((value) => value === removedKeyOf(application))
    } catch (error) {
      if (isProblem(error)) return false
      throw error
    }
  }

  async function finish(removal: Removal, verdict: Omit<Verdict, 'unreached'>): Promise<Removal> {
    const checked_at = verdict.request ? iso(now()) : null
    const done = await keep({ ...removal, application: undefined }, { ...verdict, status: 'completed', checked_at })
    await list(done)
    completed(done)
    return done
  }

  async function keep(removal: Removal, change: Partial<Receipt>): Promise<Removal> {
    const receipt = { ...removal.receipt, ...change }
    const kept = { ...removal, receipt: { ...receipt, note: receiptNote(receipt, removal.mode, appKeySeconds) } }
    await store.put(placeOf(kept), kept)
    return kept
  }

  /** Of two removals at once in two replicas one may be missing in the list; its receipt is found by its key all the same. */
  async function list({ account, receipt }: Removal): Promise<void> {
    const base = `${account}/${receipt.application_id}`
    await recent.look(base)
    const others = (recent.peek(base)?.value ?? []).filter((keyId) => keyId !== receipt.key_id)
    await recent.put(base, [receipt.key_id, ...others].slice(0, LISTED))
  }

  async function find(place: string): Promise<Removal | undefined> {
    await store.look(place)
    const copy = store.peek(place)
    const removal = copy && copy.ageSeconds < RECEIPT_SECONDS ? copy.value : null
    return removal && placeOf(removal) === place ? removal : undefined
  }
}

function laterUnref(ms: number, work: () => void): void {
  void sleep(ms, undefined, { ref: false }).then(work)
}
