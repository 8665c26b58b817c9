import type { ThreescaleApplication } from '../../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../../errors.js'
import type { KeyReadiness } from './key-readiness.js'
import { createKeyRewrites, type KeyRewritesDeps, type RepairTarget, usesApplicationKeys } from './key-rewrites.js'

/**
 * What is recorded about an application at the gateway: in sync with 3scale, behind it since a write failed half-way, or
 * changing, which is also what a process that terminated during a write leaves behind.
 */
export interface GatewayRecord {
  state: 'in_sync' | 'behind' | 'changing'
  /** values of `user_key` that 3scale replaced and its backend may still accept; secret */
  replaced?: string[]
}

interface Change<T> {
  send(): Promise<T>
  /** the result if 3scale stored it, else undefined */
  stored(): Promise<T | undefined>
  /** the keys that it writes */
  keys?: string[]
  /** the value of `user_key` that it replaces */
  replaces?: string | undefined
}

export interface KeyRepairDeps extends KeyRewritesDeps {
  /** by application id; shared by replicas through Redis */
  records: {
    get(key: string): Promise<{ value: GatewayRecord | null }>
    put(key: string, value: GatewayRecord): Promise<void>
  }
  readiness: Pick<KeyReadiness, 'markChanged'>
}

const IN_SYNC: GatewayRecord = { state: 'in_sync' }

export type KeyRepair = ReturnType<typeof createKeyRepair>

/**
 * Synchronizes the gateway with what 3scale stores. 3scale stores a row before it notifies its backend, never repeats a
 * failed notification, and responds with 500: the key is then listed and always rejected. Writing the application again
 * notifies the backend of it and of its `user_key`. Application keys must be deleted and added again one by one, and never
 * so that an application is without keys, because it then accepts any (measured with 3scale 2.16.4).
 */
export function createKeyRepair(deps: KeyRepairDeps) {
  const { records, readiness } = deps
  const { rewriteApplication, synchronize } = createKeyRewrites(deps)

  return {
    /** Records that every write of this application succeeded. */
    async confirm({ id }: ThreescaleApplication): Promise<void> {
      if ((await recordOf(id))?.state !== 'in_sync') await put(id, IN_SYNC)
    },

    /** Whether a write of this application is recorded as failed half-way; no call to 3scale. */
    async isRequired(id: number): Promise<boolean> {
      return (await recordOf(id))?.state === 'behind'
    },

    /**
     * Must precede the successful response to a repeated request. Costs nothing if the application is recorded as in sync;
     * otherwise everything is written again, except keys that the gateway accepts. Returns true if keys were written. Rejects
     * with key_not_usable if that is currently not possible. `isReported`: the gateway rejects a key, so the record is not
     * relied on, because another program may have written to 3scale. `onlyRecorded`: does nothing without a record.
     */
    async ensure(target: RepairTarget, { isReported = false, onlyRecorded = false } = {}): Promise<boolean> {
      const record = await recordOf(target.record.id)
      if (onlyRecorded && !record) return false
      const isInSync = record?.state === 'in_sync'
      if (isInSync && !isReported) return false
      const options = { probeFirst: record?.state !== 'behind', isInSync, replaced: record?.replaced }
      return recorded(target, options.replaced, () => synchronize(target, options))
    },

    /** Whether applications of this account are recorded as behind since its sign-up. */
    async isAccountRepairRequired(accountId: number): Promise<boolean> {
      return (await records.get(accountKey(accountId))).value?.state === 'behind'
    },

    async recordAccount(accountId: number, isComplete: boolean): Promise<void> {
      const existing = (await records.get(accountKey(accountId))).value
      if (!isComplete || existing !== null)
        await records.put(accountKey(accountId), isComplete ? IN_SYNC : { state: 'behind' })
    },

    /** Must follow a complete write that failed and was stored. Rejects with key_not_usable. */
    async repair(target: RepairTarget): Promise<void> {
      await recorded(target, undefined, () => synchronize(target, { probeFirst: false }))
    },

    /**
     * Sends a write of an application. A process that terminates in between leaves a record, so that a repeat checks the
     * gateway. If 3scale fails and stores the write, the gateway is synchronized. `isRewritten`: keys were written again, and
     * one of them may have another value. Rejects like `send` if nothing is stored, and with key_not_usable.
     */
    async change<T>(target: RepairTarget, { send, stored, keys = [], replaces }: Change<T>) {
      const { id } = target.record
      const before = await recordOf(id)
      const replaced = [...(before?.replaced ?? []), ...(replaces === undefined ? [] : [replaces])]
      await put(id, { state: 'changing', replaced })
      const outcome = await sendOrFind(send, stored)
      if ('error' in outcome) {
        if (before) await put(id, before)
        throw outcome.error
      }
      const { result, hasSucceeded } = outcome
      const isRewritten = hasSucceeded
        ? await afterSuccess(target, before)
        : await afterFailure(target, before, keys, replaced)
      return { result, isRewritten }
    },
  }

  /**
   * `hasSucceeded`: 3scale confirmed the write; otherwise it failed after it stored the write. `error`: nothing is stored.
   * Rejects if that cannot be determined.
   */
  async function sendOrFind<T>(send: () => Promise<T>, stored: () => Promise<T | undefined>) {
    try {
      return { result: await send(), hasSucceeded: true }
    } catch (error) {
      const result = isProblem(error, 'threescale_unavailable') ? await stored() : undefined
      return result === undefined ? { error } : { result, hasSucceeded: false }
    }
  }

  async function recordOf(id: number): Promise<GatewayRecord | null> {
    return (await records.get(String(id))).value
  }

  function put(id: number, record: GatewayRecord): Promise<void> {
    return records.put(String(id), record)
  }

  /** The write may have notified the backend of an application that it did not know, without its keys. */
  async function afterSuccess(target: RepairTarget, before: GatewayRecord | null): Promise<boolean> {
    const { replaced } = before ?? {}
    const isBehind = usesApplicationKeys(target)
      ? before?.state !== 'in_sync'
      : replaced !== undefined && replaced.length > 0
    if (isBehind) {
      const options = { probeFirst: before?.state !== 'behind', isInSync: true, replaced }
      return recorded(target, replaced, () => synchronize(target, options))
    }
    await put(target.record.id, IN_SYNC)
    return false
  }

  async function afterFailure(
    target: RepairTarget,
    before: GatewayRecord | null,
    keys: string[],
    replaced: string[],
  ): Promise<boolean> {
    return recorded(target, replaced, async () => {
      if (before?.state === 'behind') return synchronize(target, { probeFirst: false, replaced })
      await rewriteApplication(target, replaced)
      if (keys.length > 0) await synchronize(target, { probeFirst: false, only: keys })
      return before?.state === 'in_sync' || !usesApplicationKeys(target) || synchronize(target, { probeFirst: true })
    })
  }

  async function recorded(
    { record: { id } }: RepairTarget,
    replaced: string[] | undefined,
    work: () => Promise<boolean>,
  ): Promise<boolean> {
    let isWritten: boolean
    try {
      isWritten = await work()
    } catch (error) {
      await put(id, { state: 'behind', ...(replaced ? { replaced } : {}) })
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
      throw problem('key_not_usable', { application: id, cause: error })
    }
    if (isWritten) readiness.markChanged(id)
    await put(id, IN_SYNC)
    return isWritten
  }
}

function accountKey(accountId: number): string {
  return `account ${accountId}`
}
