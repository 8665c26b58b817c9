import { setTimeout as sleep } from 'node:timers/promises'
import type { Threescale, ThreescaleApplication } from '../../../clients/threescale/types.js'
import { problem } from '../../../errors.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { CatalogueModel } from '../applications.js'
import type { DeletedResults } from '../lifecycle/deleted-results.js'
import type { Application } from '../schemas.js'
import { isKeyOfAttempt, keyIdOf, type StoredKey } from './key-format.js'
import { keyErrors } from './messages.js'

export interface KeyLookupsDeps {
  threescale: Pick<Threescale, 'readApplication' | 'listKeys'>
  results: Pick<DeletedResults, 'findKey' | 'checkKey'>
}

/** The application whose keys are changed, as 3scale returned it when the change began. */
export interface KeyTarget {
  caller: Caller
  record: ThreescaleApplication
  entry: CatalogueModel | undefined
  mode: Application['credentials']['mode']
}

/** The keys before a write. `existing`: the key of the attempt, which needs no write. */
export interface KeysBeforeWrite {
  keys: StoredKey[]
  existing: StoredKey | undefined
}

/** A repair by another replica restores a key after about two calls. */
const MAX_READS = 8
const REREAD_MS = 200

/** Finds what earlier requests of an attempt wrote, by its tag, and what other requests deleted since. */
export function createKeyLookups({ threescale, results }: KeyLookupsDeps) {
  return { readKeys, waitForKeys, findByAttempt, findExisting, isRecorded }

  async function readKeys({ caller, record, mode }: KeyTarget): Promise<StoredKey[]> {
    if (mode === 'user_key') return record.userKey ? [{ value: record.userKey, createdAt: null }] : []
    return threescale.listKeys(caller.accountId, record.id)
  }

  /**
   * Finds the key that an earlier request of the attempt wrote. A key that was created and not deleted is read repeatedly,
   * because another replica may be repairing it. Rejects with result_deleted if it was deleted or replaced. Rejects with
   * conflict if that is unknown and it does not appear: writing it again could restore a key that was deleted elsewhere.
   */
  async function findExisting(
    target: KeyTarget,
    before: StoredKey[],
    value: string | undefined,
    attempt: string,
  ): Promise<KeysBeforeWrite> {
    const { caller, record } = target
    const scope = { account: caller.accountId, attempt }
    for (let keys = before, reads = 1; ; reads++, keys = await rereadKeys(target)) {
      const existing = findByAttempt(target, keys, value, attempt)
      if (existing) return { keys, existing }
      await results.checkKey(scope)
      const created = await results.findKey(scope, record.id)
      if (created === undefined) return { keys, existing }
      if (reads < MAX_READS) await sleep(REREAD_MS)
      // a repair ended before it replaced the previous key with the key of the attempt
      else if (keys.some((key) => keyIdOf(record.id, key.value) === created.replaced)) return { keys, existing }
      else throw problem('conflict', { detail: keyErrors.notListed })
    }
  }

  async function rereadKeys(target: KeyTarget): Promise<StoredKey[]> {
    if (target.mode !== 'user_key') return readKeys(target)
    const { caller, record } = target
    return readKeys({ ...target, record: await threescale.readApplication(caller.accountId, record.id) })
  }

  /** Reads the keys after a write, which the repair of another replica can undo for a moment. */
  async function waitForKeys(target: KeyTarget, isComplete: (keys: StoredKey[]) => boolean): Promise<StoredKey[]> {
    for (let reads = 1; ; reads++) {
      const keys = await rereadKeys(target)
      if (isComplete(keys) || reads === MAX_READS) return keys
      await sleep(REREAD_MS)
    }
  }

  /** Whether an earlier request of the attempt created this key, although it was not found before the write. */
  async function isRecorded({ caller, record }: KeyTarget, { value }: StoredKey, attempt: string): Promise<boolean> {
    const scope = { account: caller.accountId, attempt }
    return (await results.findKey(scope, record.id))?.keyId === keyIdOf(record.id, value)
  }

  /** The key that an earlier request of the attempt wrote. A custom value that exists is not written again. */
  function findByAttempt(
    { caller }: KeyTarget,
    keys: StoredKey[],
    value: string | undefined,
    attempt: string,
  ): StoredKey | undefined {
    const tagged = keys.find((key) => isKeyOfAttempt(key.value, { account: caller.accountId, attempt }))
    if (tagged && value !== undefined && value !== tagged.value) throw problem('idempotency_key_reused')
    return tagged ?? keys.find((key) => key.value === value)
  }
}
