import { setTimeout as sleep } from 'node:timers/promises'
import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { keyLimit } from '../../rules.js'
import type { FoundModel } from './applications.js'
import type { GatewayCheck, Verdict } from './gateway-check.js'
import { type HeldKey, newAttempt, renewedKey } from './keys.js'
import { modeOf, present } from './present.js'

export interface KeyRewritesDeps {
  threescale: Pick<Threescale, 'readApplication' | 'updateApplication' | 'listKeys' | 'addKey' | 'deleteKey'>
  check: GatewayCheck
  secret: Buffer
  now?: () => number
  wait?: (ms: number) => Promise<unknown>
}

export interface Repairable {
  accountId: number
  record: Record3scale
  found: FoundModel | undefined
}

export interface Wanted {
  /** the gateway is asked first */
  ask: boolean
  /** nothing failed, so a key is left as it is where the gateway cannot be asked */
  isWell?: boolean
  /** these keys alone */
  only?: string[]
  /** values of `user_key` that the back-end may still accept, though 3scale has replaced them */
  replaced?: string[] | undefined
}

/** 3scale tells its back-end of a change within this time; times in its answers are whole seconds. */
const SETTLED_MS = 2000
const DEADLOCK_MS = 200

/**
 * Writes an application once more, so that 3scale tells its back-end of it. An application without keys accepts any key, so none is
 * ever left without: the back-end receives the application first, and a key immediately after it.
 */
export function createKeyRewrites({ threescale, check, secret, now = Date.now, wait = sleep }: KeyRewritesDeps) {
  return { touch, bring }

  /** True where something was written. */
  async function bring(application: Repairable, { ask, isWell = false, only, replaced }: Wanted): Promise<boolean> {
    const { accountId, record } = application
    if (!isAppId(application)) {
      await touch(application, replaced)
      return true
    }
    const keys = await threescale.listKeys(accountId, record.id)
    const all = keys.filter(({ value }) => only === undefined || only.includes(value))
    const verdicts = await verdictsOf(application, all, ask)
    // of an application that is not live nothing can be asked
    const verdictOf = (value: string) => verdicts.get(value) ?? (ask && isWell ? 'unknown' : 'not_asked')
    const fine = isWell ? ['accepted', 'unknown'] : ['accepted']
    const doubted = all.filter(({ value }) => !fine.includes(verdictOf(value)))
    if (doubted.length === 0) return (await withoutSpares(application, keys, verdictOf)).length < keys.length
    if (only === undefined) await touch(application)
    let held = await withoutSpares(application, keys, verdictOf)
    for (const { value } of doubted) {
      const isRefused = verdictOf(value) === 'refused'
      held = isRefused ? await replace(application, held, value) : await again(application, held, value)
    }
    return true
  }

  /**
   * Any change writes the application to the back-end, with its state, its plan and its `user_key`; so its name is written as it
   * is. A `user_key` whose replacement the back-end missed is put back first: only a change from it makes the back-end forget it.
   */
  async function touch({ accountId, record: { id } }: Repairable, replaced: string[] = []): Promise<void> {
    const { name, userKey } = await threescale.readApplication(accountId, id)
    const old = replaced.filter((value) => value !== userKey)
    if (userKey === undefined || old.length === 0)
      return twice(() => threescale.updateApplication(accountId, id, { name }))
    try {
      for (const value of old) await unlessTaken(() => threescale.updateApplication(accountId, id, { userKey: value }))
    } finally {
      await twice(() => threescale.updateApplication(accountId, id, { userKey }))
    }
  }

  /** Where two replicas write the same at once, MySQL ends one of them in a deadlock. */
  async function twice(send: () => Promise<unknown>): Promise<void> {
    try {
      await send()
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable')) throw error
      await wait(DEADLOCK_MS)
      await send()
    }
  }

  async function unlessTaken(send: () => Promise<unknown>): Promise<void> {
    try {
      await twice(send)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
    }
  }

  /**
   * What the gateway says of each key. It is asked only of a live application of which nothing is known: the back-end remembers
   * its answer for a minute, and a key that was never written would be refused that long after it is repaired.
   */
  async function verdictsOf({ record, found }: Repairable, keys: HeldKey[], ask: boolean) {
    const verdicts = new Map<string, Verdict>()
    if (!ask || !found || record.state !== 'live') return verdicts
    const young = [record, ...keys].some(({ createdAt }) => now() - Date.parse(createdAt ?? '') < SETTLED_MS)
    if (young) await wait(SETTLED_MS / 2)
    for (const { value } of keys)
      verdicts.set(value, await check(found, present(record, found, { reveal: true, appKeys: [value] })))
    return verdicts
  }

  /** A key that was asked for and refused stays refused for a minute, so one that the portal made gives way to another. */
  async function replace(application: Repairable, held: string[], value: string): Promise<string[]> {
    const { accountId, record } = application
    const other = renewedKey(secret, value)
    if (other === undefined) return again(application, held, value)
    const remove = () => threescale.deleteKey(accountId, record.id, value)
    const isFull = held.length >= keyLimit('app_id')
    if (isFull) await remove()
    if (!held.includes(other)) await add(application, other)
    if (!isFull) await remove()
    return [...held.filter((one) => one !== value && one !== other), other]
  }

  /** A repair that was cut off leaves a spare beside the key that works. */
  async function withoutSpares(
    { accountId, record }: Repairable,
    keys: HeldKey[],
    verdictOf: (value: string) => string,
  ) {
    const held = keys.map(({ value }) => value)
    const spares = held
      .filter((value) => verdictOf(value) === 'accepted')
      .map((value) => renewedKey(secret, value))
      .filter((spare) => spare !== undefined && held.includes(spare))
    for (const spare of spares) await threescale.deleteKey(accountId, record.id, spare ?? '')
    return held.filter((value) => !spares.includes(value))
  }

  /** The same key once more. Where it is the only one, another takes its place meanwhile. */
  async function again(application: Repairable, held: string[], value: string): Promise<string[]> {
    const { accountId, record } = application
    const spare = held.length === 1 ? (renewedKey(secret, value) ?? newAttempt()) : undefined
    if (spare !== undefined) await add(application, spare)
    await threescale.deleteKey(accountId, record.id, value)
    await add(application, value)
    if (spare !== undefined) await threescale.deleteKey(accountId, record.id, spare)
    return held
  }

  /** "Taken": another replica repairs the same application. */
  async function add({ accountId, record }: Repairable, value: string): Promise<void> {
    try {
      await threescale.addKey(accountId, record.id, value)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      const keys = await threescale.listKeys(accountId, record.id)
      if (!keys.some((key) => key.value === value)) throw error
    }
  }
}

/** Whether it has keys of their own beside its id. */
export function isAppId({ record, found }: Repairable): boolean {
  return modeOf(record, found) === 'app_id'
}
