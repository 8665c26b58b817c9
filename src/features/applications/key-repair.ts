import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { KeyReadiness } from './key-readiness.js'
import { createKeyRewrites, isAppId, type KeyRewritesDeps, type Repairable } from './key-rewrites.js'

/**
 * What is known of an application at the gateway: in step with 3scale, behind it since a write failed half-way, or being changed,
 * which is what remains of a process that ended before it knew.
 */
export interface GatewayRecord {
  state: 'in_step' | 'behind' | 'changing'
  /** values of `user_key` that 3scale has replaced and its back-end may still accept; secret */
  replaced?: string[]
}

interface Change<T> {
  send(): Promise<T>
  /** the outcome, where 3scale has it; undefined where it has not */
  stored(): Promise<T | undefined>
  /** the keys that are written by it */
  keys?: string[]
  /** the value of `user_key` that is replaced by it */
  replaces?: string | undefined
}

export interface KeyRepairDeps extends KeyRewritesDeps {
  /** by application id; shared by replicas where there is a Redis */
  records: {
    get(key: string): Promise<{ value: GatewayRecord | null }>
    put(key: string, value: GatewayRecord): Promise<void>
  }
  keys: Pick<KeyReadiness, 'changed'>
}

const IN_STEP: GatewayRecord = { state: 'in_step' }

export type KeyRepair = ReturnType<typeof createKeyRepair>

/**
 * Brings the gateway in step with what 3scale has stored. 3scale stores a row before it tells its back-end, never repeats that
 * write, and answers 500 where it failed: the key is then listed and refused for ever. Writing the application again tells the
 * back-end of it and of its `user_key`; application keys have to be removed and added again, one by one, and never so that an
 * application is without keys, as it then accepts any (measured with 3scale 2.16.4).
 */
export function createKeyRepair(deps: KeyRepairDeps) {
  const { records, keys: readiness } = deps
  const { touch, bring } = createKeyRewrites(deps)

  return {
    /** Every write of this application succeeded. */
    async confirm({ id }: Record3scale): Promise<void> {
      if ((await recordOf(id))?.state !== 'in_step') await note(id, IN_STEP)
    },

    /** Whether a write of this application is known to have failed half-way; no call to 3scale. */
    async isNeeded(id: number): Promise<boolean> {
      return (await recordOf(id))?.state === 'behind'
    },

    /**
     * Before a repeated request is answered with success: what is known to be in step costs nothing, anything else is written
     * again, but for keys that the gateway accepts. True where keys were written. Rejects with key_not_usable where that cannot
     * be done now. `isReported`: the gateway refuses a key, so a record that says otherwise is not relied on: another program
     * may have written to 3scale.
     */
    async ensure(application: Repairable, { isReported = false } = {}): Promise<boolean> {
      const known = await recordOf(application.record.id)
      const isWell = known?.state === 'in_step'
      if (isWell && !isReported) return false
      const how = { ask: known?.state !== 'behind', isWell, replaced: known?.replaced }
      return recorded(application, how.replaced, () => bring(application, how))
    },

    /** Whether applications of this account are known to be behind since its sign-up. */
    async isAccountNoted(accountId: number): Promise<boolean> {
      return (await records.get(accountKey(accountId))).value?.state === 'behind'
    },

    async noteAccount(accountId: number, isDone: boolean): Promise<void> {
      const noted = (await records.get(accountKey(accountId))).value
      if (!isDone || noted !== null) await records.put(accountKey(accountId), isDone ? IN_STEP : { state: 'behind' })
    },

    /** After the write of all of it failed and is stored all the same. Rejects with key_not_usable. */
    async repair(application: Repairable): Promise<void> {
      await recorded(application, undefined, () => bring(application, { ask: false }))
    },

    /**
     * Sends a write of an application. A process that ends meanwhile leaves a record of it, so that a repeat looks. Where 3scale
     * fails and the write is stored all the same, the gateway is made to follow. `isRewritten`: keys were written once more, and
     * one of them may have another value now. Rejects as `send`, where nothing is stored, and with key_not_usable.
     */
    async change<T>(application: Repairable, { send, stored, keys = [], replaces }: Change<T>) {
      const { id } = application.record
      const known = await recordOf(id)
      const replaced = [...(known?.replaced ?? []), ...(replaces === undefined ? [] : [replaces])]
      await note(id, { state: 'changing', replaced })
      const outcome = await sent(send, stored)
      if ('error' in outcome) {
        if (known) await note(id, known)
        throw outcome.error
      }
      const { result, isSent } = outcome
      const isRewritten = isSent
        ? await followUp(application, known)
        : await catchUp(application, known, keys, replaced)
      return { result, isRewritten }
    },
  }

  /**
   * `isSent`: 3scale answered that the write is done; else it failed, and has stored it all the same. `error`: nothing is stored.
   * Rejects where that cannot be known.
   */
  async function sent<T>(send: () => Promise<T>, stored: () => Promise<T | undefined>) {
    try {
      return { result: await send(), isSent: true }
    } catch (error) {
      const result = isProblem(error, 'threescale_unavailable') ? await stored() : undefined
      return result === undefined ? { error } : { result, isSent: false }
    }
  }

  async function recordOf(id: number): Promise<GatewayRecord | null> {
    return (await records.get(String(id))).value
  }

  function note(id: number, record: GatewayRecord): Promise<void> {
    return records.put(String(id), record)
  }

  /** A write may have told the back-end of an application that it had never heard of, without its keys. */
  async function followUp(application: Repairable, known: GatewayRecord | null): Promise<boolean> {
    const { replaced } = known ?? {}
    const isBehind = isAppId(application) ? known?.state !== 'in_step' : replaced !== undefined && replaced.length > 0
    if (isBehind) {
      const how = { ask: known?.state !== 'behind', isWell: true, replaced }
      return recorded(application, replaced, () => bring(application, how))
    }
    await note(application.record.id, IN_STEP)
    return false
  }

  async function catchUp(
    application: Repairable,
    known: GatewayRecord | null,
    keys: string[],
    replaced: string[],
  ): Promise<boolean> {
    return recorded(application, replaced, async () => {
      if (known?.state === 'behind') return bring(application, { ask: false, replaced })
      await touch(application, replaced)
      if (keys.length > 0) await bring(application, { ask: false, only: keys })
      return known?.state === 'in_step' || !isAppId(application) || bring(application, { ask: true })
    })
  }

  async function recorded(
    { record: { id } }: Repairable,
    replaced: string[] | undefined,
    work: () => Promise<boolean>,
  ): Promise<boolean> {
    let isWritten: boolean
    try {
      isWritten = await work()
    } catch (error) {
      await note(id, { state: 'behind', ...(replaced ? { replaced } : {}) })
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
      throw problem('key_not_usable', { application: id, cause: error })
    }
    if (isWritten) readiness.changed(id)
    await note(id, IN_STEP)
    return isWritten
  }
}

function accountKey(accountId: number): string {
  return `account ${accountId}`
}
