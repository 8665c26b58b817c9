import { setTimeout as sleep } from 'node:timers/promises'
import type { Threescale, ThreescaleApplication } from '../../../../clients/threescale/types.js'
import { isProblem } from '../../../../errors.js'
import { newAttempt } from '../../../../idempotency/idempotency-key.js'
import type { DerivedKey } from '../../../../infra/crypto/secrets.js'
import { keyLimit } from '../../../../policies.js'
import type { CatalogueModel } from '../../applications.js'
import { modeOf, toApplication } from '../../to-application.js'
import { deriveReplacementKey, type StoredKey } from '../key-format.js'
import type { GatewayCheck, GatewayVerdict } from './gateway-check.js'

export interface KeyRewritesDeps {
  threescale: Pick<Threescale, 'readApplication' | 'updateApplication' | 'listKeys' | 'addKey' | 'deleteKey'>
  check: GatewayCheck
  secret: DerivedKey
  now?: () => number
  wait?: (ms: number) => Promise<unknown>
}

export interface RepairTarget {
  accountId: number
  record: ThreescaleApplication
  entry: CatalogueModel | undefined
}

export interface SyncOptions {
  /** checks at the gateway which keys it accepts */
  probeFirst: boolean
  /** nothing failed, so a key is unchanged if the gateway cannot be checked */
  isInSync?: boolean
  /** only these keys */
  only?: string[]
  /** values of `user_key` that 3scale replaced and its backend may still accept */
  replaced?: string[] | undefined
}

type KeyVerdict = GatewayVerdict | 'unchecked'

/** 3scale notifies its backend of a change within this time. Times in its responses are whole seconds. */
const SETTLED_MS = 2000
const DEADLOCK_MS = 200

/**
 * Writes an application again, so that 3scale notifies its backend. An application without keys accepts any key. Therefore
 * the backend receives the application first and a key immediately afterwards, and the last key is never missing.
 */
export function createKeyRewrites({ threescale, check, secret, now = Date.now, wait = sleep }: KeyRewritesDeps) {
  return { rewriteApplication, synchronize }

  /** Returns true if something was written. */
  async function synchronize(
    target: RepairTarget,
    { probeFirst, isInSync = false, only, replaced }: SyncOptions,
  ): Promise<boolean> {
    const { accountId, record } = target
    if (!usesApplicationKeys(target)) {
      await rewriteApplication(target, replaced)
      return true
    }
    const keys = await threescale.listKeys(accountId, record.id)
    const selected = keys.filter(({ value }) => only === undefined || only.includes(value))
    const verdicts = await verdictsOf(target, selected, probeFirst)
    // the gateway rejects every key of an application that is not live
    const verdictOf = (value: string): KeyVerdict =>
      verdicts.get(value) ?? (probeFirst && isInSync ? 'unknown' : 'unchecked')
    const usable: KeyVerdict[] = isInSync ? ['accepted', 'unknown'] : ['accepted']
    const doubtful = selected.filter(({ value }) => !usable.includes(verdictOf(value)))
    if (doubtful.length === 0) return (await removeSpares(target, keys, verdictOf)).length < keys.length
    if (only === undefined) await rewriteApplication(target)
    let values = await removeSpares(target, keys, verdictOf)
    for (const { value } of doubtful) {
      const isRejected = verdictOf(value) === 'refused'
      values = isRejected ? await replace(target, values, value) : await rewriteKey(target, values, value)
    }
    return true
  }

  /**
   * Any change writes the application to the backend, with its state, its plan and its `user_key`, so its unchanged name is
   * written. A `user_key` whose replacement the backend missed is restored first: the backend forgets it only by a change
   * from it.
   */
  async function rewriteApplication(
    { accountId, record: { id } }: RepairTarget,
    replaced: string[] = [],
  ): Promise<void> {
    const { name, userKey } = await threescale.readApplication(accountId, id)
    const outdated = replaced.filter((value) => value !== userKey)
    if (userKey === undefined || outdated.length === 0)
      return retryAfterDeadlock(() => threescale.updateApplication(accountId, id, { name }))
    try {
      for (const value of outdated)
        await unlessTaken(() => threescale.updateApplication(accountId, id, { userKey: value }))
    } finally {
      await retryAfterDeadlock(() => threescale.updateApplication(accountId, id, { userKey }))
    }
  }

  /** If two replicas write the same row concurrently, MySQL ends one of them with a deadlock. */
  async function retryAfterDeadlock(send: () => Promise<unknown>): Promise<void> {
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
      await retryAfterDeadlock(send)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
    }
  }

  /**
   * Checks each key at the gateway, but only for a live application without a record: the backend caches its result for a
   * minute, and a key that it never received would be rejected for that time after the repair.
   */
  async function verdictsOf({ record, entry }: RepairTarget, keys: StoredKey[], probeFirst: boolean) {
    const verdicts = new Map<string, GatewayVerdict>()
    if (!probeFirst || !entry || record.state !== 'live') return verdicts
    const isRecent = [record, ...keys].some(({ createdAt }) => now() - Date.parse(createdAt ?? '') < SETTLED_MS)
    if (isRecent) await wait(SETTLED_MS / 2)
    for (const { value } of keys)
      verdicts.set(value, await check(entry, toApplication(record, entry, { reveal: true, appKeys: [value] })))
    return verdicts
  }

  /** A rejected key remains rejected for a minute, so a key of the portal is replaced by another one. */
  async function replace(target: RepairTarget, values: string[], value: string): Promise<string[]> {
    const { accountId, record } = target
    const replacement = deriveReplacementKey(secret, value)
    if (replacement === undefined) return rewriteKey(target, values, value)
    const remove = () => threescale.deleteKey(accountId, record.id, value)
    const isFull = values.length >= keyLimit('app_id')
    if (isFull) await remove()
    if (!values.includes(replacement)) await add(target, replacement)
    if (!isFull) await remove()
    return [...values.filter((one) => one !== value && one !== replacement), replacement]
  }

  /** An interrupted repair leaves a spare key in addition to the key that works. */
  async function removeSpares(
    { accountId, record }: RepairTarget,
    keys: StoredKey[],
    verdictOf: (value: string) => KeyVerdict,
  ): Promise<string[]> {
    const values = keys.map(({ value }) => value)
    const spares = values
      .filter((value) => verdictOf(value) === 'accepted')
      .map((value) => deriveReplacementKey(secret, value))
      .filter((spare) => spare !== undefined && values.includes(spare))
    for (const spare of spares) await threescale.deleteKey(accountId, record.id, spare ?? '')
    return values.filter((value) => !spares.includes(value))
  }

  /** Deletes the key and adds it again. A spare key protects the application if it is the only one. */
  async function rewriteKey(target: RepairTarget, values: string[], value: string): Promise<string[]> {
    const { accountId, record } = target
    const spare = values.length === 1 ? (deriveReplacementKey(secret, value) ?? newAttempt()) : undefined
    if (spare !== undefined) await add(target, spare)
    await threescale.deleteKey(accountId, record.id, value)
    await add(target, value)
    if (spare !== undefined) await threescale.deleteKey(accountId, record.id, spare)
    return values
  }

  /** "Taken": another replica repairs the same application. */
  async function add({ accountId, record }: RepairTarget, value: string): Promise<void> {
    try {
      await threescale.addKey(accountId, record.id, value)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      const keys = await threescale.listKeys(accountId, record.id)
      if (!keys.some((key) => key.value === value)) throw error
    }
  }
}

/** Whether the application has keys in addition to its application id. */
export function usesApplicationKeys({ record, entry }: RepairTarget): boolean {
  return modeOf(record, entry) === 'app_id'
}
