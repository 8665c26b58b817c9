import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { KeyReadiness } from './key-readiness.js'
import { createKeyRewrites, isAppId, type KeyRewritesDeps, type Repairable } from './key-rewrites.js'

/**
 * What is known of an application at the gateway: in step with 3scale, behind it since a write failed half-way, or being changed,
 * which is what remains of a process that ended before it knew.
 */
export type GatewayRecord = 'in_step' | 'behind' | 'changing'

interface Change<T> {
  send(): Promise<T>
  /** the outcome, where 3scale has it; undefined where it has not */
  stored(): Promise<T | undefined>
  /** the keys that are written by it */
  keys?: string[]
}

export interface KeyRepairDeps extends KeyRewritesDeps {
  /** by application id; shared by replicas where there is a Redis */
  records: {
    get(key: string): Promise<{ value: GatewayRecord | null }>
    put(key: string, value: GatewayRecord): Promise<void>
  }
  keys: Pick<KeyReadiness, 'changed'>
}

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
      if ((await recordOf(id)) !== 'in_step') await note(id, 'in_step')
    },

    /** Whether a write of this application is known to have failed half-way; no call to 3scale. */
    async isNeeded(id: number): Promise<boolean> {
      return (await recordOf(id)) === 'behind'
    },

    /**
     * Before a repeated request hears that something is there: what is known to be in step costs nothing, anything else is written
     * again, but for keys that the gateway accepts. True where keys were written. Rejects with key_not_usable where that cannot
     * be done now. `isReported`: the gateway refuses a key, so a record that says otherwise is not relied on: another program
     * may have written to 3scale.
     */
    async ensure(application: Repairable, { isReported = false } = {}): Promise<boolean> {
      const known = await recordOf(application.record.id)
      const isWell = known === 'in_step'
      if (isWell && !isReported) return false
      return recorded(application, () => bring(application, { ask: known !== 'behind', isWell }))
    },

    /** Whether applications of this account are known to be behind since its sign-up. */
    async isAccountNoted(accountId: number): Promise<boolean> {
      return (await records.get(accountKey(accountId))).value === 'behind'
    },

    async noteAccount(accountId: number, isDone: boolean): Promise<void> {
      const noted = (await records.get(accountKey(accountId))).value
      if (!isDone || noted !== null) await records.put(accountKey(accountId), isDone ? 'in_step' : 'behind')
    },

    /** After the write of all of it failed and is stored all the same. Rejects with key_not_usable. */
    async repair(application: Repairable): Promise<void> {
      await recorded(application, () => bring(application, { ask: false }))
    },

    /**
     * Sends a write of an application. A process that ends meanwhile leaves a record of it, so that a repeat looks. Where 3scale
     * fails and the write is stored all the same, the gateway is made to follow. `isRewritten`: keys were written once more, and
     * one of them may have another value now. Rejects as `send`, where nothing is stored, and with key_not_usable.
     */
    async change<T>(application: Repairable, { send, stored, keys = [] }: Change<T>) {
      const { id } = application.record
      const known = await recordOf(id)
      await note(id, 'changing')
      try {
        const result = await send()
        return { result, isRewritten: await followUp(application, known) }
      } catch (error) {
        if (!isProblem(error, 'threescale_unavailable')) {
          await note(id, known ?? 'changing')
          throw error
        }
        const result = await stored()
        if (result === undefined) {
          await note(id, known ?? 'changing')
          throw error
        }
        return { result, isRewritten: await recorded(application, () => catchUp(application, known, keys)) }
      }
    },
  }

  async function recordOf(id: number): Promise<GatewayRecord | null> {
    return (await records.get(String(id))).value
  }

  function note(id: number, record: GatewayRecord): Promise<void> {
    return records.put(String(id), record)
  }

  /** A write may have told the back-end of an application that it had never heard of, without its keys. */
  async function followUp(application: Repairable, known: GatewayRecord | null): Promise<boolean> {
    if (known === 'in_step' || !isAppId(application)) {
      await note(application.record.id, 'in_step')
      return false
    }
    return recorded(application, () => bring(application, { ask: known !== 'behind', isWell: true }))
  }

  async function catchUp(application: Repairable, known: GatewayRecord | null, keys: string[]): Promise<boolean> {
    if (known === 'behind') return bring(application, { ask: false })
    await touch(application)
    if (keys.length > 0) await bring(application, { ask: false, only: keys })
    return known === 'in_step' || !isAppId(application) || bring(application, { ask: true })
  }

  async function recorded({ record: { id } }: Repairable, work: () => Promise<boolean>): Promise<boolean> {
    let isWritten: boolean
    try {
      isWritten = await work()
    } catch (error) {
      await note(id, 'behind')
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
      throw problem('key_not_usable', { application: id, cause: error })
    }
    if (isWritten) readiness.changed(id)
    await note(id, 'in_step')
    return isWritten
  }
}

function accountKey(accountId: number): string {
  return `account ${accountId}`
}
