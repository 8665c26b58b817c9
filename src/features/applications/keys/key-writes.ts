import type { Threescale } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { DerivedKey } from '../../../infra/crypto/secrets.js'
import { enforce } from '../../../policies.js'
import type { Caller } from '../../../web/auth/caller.js'
import { deleteConfirmed } from '../lifecycle/confirmed-deletion.js'
import type { DeletedResults } from '../lifecycle/deleted-results.js'
import type { KeyReadiness } from './gateway-sync/key-readiness.js'
import type { KeyRepair } from './gateway-sync/key-repair.js'
import { deriveSecret, generateKey, keyIdOf, type StoredKey } from './key-format.js'
import { createKeyLookups, type KeyTarget } from './key-lookups.js'
import { keyErrors } from './messages.js'

export interface KeyWritesDeps {
  threescale: Pick<Threescale, 'readApplication' | 'listKeys' | 'addKey' | 'deleteKey'>
  readiness: Pick<KeyReadiness, 'markChanged' | 'markSeen'>
  repair: KeyRepair
  results: Pick<DeletedResults, 'keyCreated' | 'findKey' | 'keyDeleted' | 'keyDeletionFailed' | 'checkKey'>
  secret: DerivedKey
  now: () => Date
}

/** The key of an attempt, and all keys of the application afterwards. `isNew`: this request wrote it. */
export interface WrittenKey {
  key: StoredKey
  keys: StoredKey[]
  isNew: boolean
}

export type KeyWrites = ReturnType<typeof createKeyWrites>

/**
 * Writes the keys of an application. After a failed write, reads from 3scale what it stored, and repairs the gateway before
 * the key is used. The attempt of each write is found again by its tag.
 */
export function createKeyWrites({ threescale, readiness, repair, results, secret, now }: KeyWritesDeps) {
  const lookups = createKeyLookups({ threescale, results })
  const { readKeys, findByAttempt, findExisting, isRecorded } = lookups
  return {
    ...lookups,
    newKeyValue,
    createOrFind,
    write,
    recordCreated,
    confirmExisting,
    remove,
    recordDeletion,
    recordFailedDeletion,
    restoreLastKey,
  }

  /** Finds the key of the attempt, or writes it. */
  async function createOrFind(
    target: KeyTarget,
    before: StoredKey[],
    value: string | undefined,
    attempt: string,
  ): Promise<WrittenKey> {
    const { keys, existing } = await findExisting(target, before, value, attempt)
    if (existing) return confirmExisting(target, existing, attempt, keys)
    enforce(['key_limit'], { keys: keys.length, mode: target.mode })
    return write(target, keys[0], value, attempt, keys)
  }

  /** `others`: the keys that remain valid in addition to the new one. */
  async function write(
    target: KeyTarget,
    oldest: StoredKey | undefined,
    value: string | undefined,
    attempt: string,
    others: StoredKey[],
  ): Promise<WrittenKey> {
    const { caller, record, entry } = target
    const { accountId } = caller
    const key = { value: value ?? newKeyValue(caller, attempt, oldest?.value), createdAt: null }
    try {
      const { isRewritten } = await repair.change(
        { accountId, record, entry },
        {
          send: () => threescale.addKey(accountId, record.id, key.value).then(() => true),
          stored: async () => (await readKeys(target)).some((one) => one.value === key.value) || undefined,
          keys: [key.value],
        },
      )
      readiness.markChanged(record.id)
      const written = isRewritten ? await reread(target, key, attempt) : await readBack(target, key, others)
      const isNew = !(await isRecorded(target, written.key, attempt))
      await recordCreated(target, written.key, attempt)
      return { ...written, isNew }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      // "taken" or "Limit reached": a concurrent request of the same attempt was first
      const keys = await readKeys(target)
      const concurrent = findByAttempt(target, keys, value, attempt)
      if (concurrent) {
        readiness.markSeen(record.id, concurrent.createdAt)
        return { key: concurrent, keys, isNew: false }
      }
      enforce(['key_limit'], { keys: keys.length, mode: target.mode })
      throw similarKeyError(error, keys, key.value) ?? error
    }
  }

  /** Returns the key that an earlier request of the attempt wrote, once the gateway accepts it. */
  async function confirmExisting(
    target: KeyTarget,
    key: StoredKey,
    attempt: string,
    keys: StoredKey[],
  ): Promise<WrittenKey> {
    const { caller, record, entry } = target
    readiness.markSeen(record.id, key.createdAt)
    const isRewritten = await repair.ensure({ accountId: caller.accountId, record, entry })
    const current = isRewritten ? await reread(target, key, attempt) : { key, keys }
    return { ...current, isNew: false }
  }

  /** A write does not return the time that 3scale stores. Reading it takes no longer than the delay for the gateway. */
  async function readBack(target: KeyTarget, key: StoredKey, others: StoredKey[]): Promise<Omit<WrittenKey, 'isNew'>> {
    try {
      const keys = await readKeys(target)
      const stored = keys.find(({ value }) => value === key.value)
      if (stored) return { key: stored, keys }
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy')) throw error
    }
    return { key, keys: [...others, key] }
  }

  async function recordCreated(
    { caller, record }: KeyTarget,
    key: StoredKey,
    attempt: string,
    replaced?: StoredKey,
  ): Promise<void> {
    await results.keyCreated({ account: caller.accountId, attempt }, record.id, {
      keyId: keyIdOf(record.id, key.value),
      replaced: replaced && keyIdOf(record.id, replaced.value),
    })
  }

  /** A repair can replace the key of the attempt. */
  async function reread(target: KeyTarget, key: StoredKey, attempt: string): Promise<Omit<WrittenKey, 'isNew'>> {
    const keys = await readKeys(target)
    return { key: findByAttempt(target, keys, undefined, attempt) ?? key, keys }
  }

  async function remove(target: KeyTarget, value: string): Promise<void> {
    const { caller, record } = target
    await recordDeletion(target, value)
    await deleteConfirmed(
      () => threescale.deleteKey(caller.accountId, record.id, value),
      async () => !(await readKeys(target)).some((one) => one.value === value),
    )
  }

  /** Must precede the deletion or replacement, so that a late repeat of the attempt does not create the key again. */
  async function recordDeletion({ caller, record }: KeyTarget, value: string): Promise<void> {
    await results.keyDeleted(caller.accountId, record.id, { value, keyId: keyIdOf(record.id, value) })
  }

  /** After 3scale rejected the recorded deletion. */
  async function recordFailedDeletion({ caller, record }: KeyTarget, value: string): Promise<void> {
    await results.keyDeletionFailed(caller.accountId, record.id, { value, keyId: keyIdOf(record.id, value) })
  }

  /** Another replica can delete the other key concurrently, and an application without keys accepts any key. */
  async function restoreLastKey(target: KeyTarget, removed: string): Promise<void> {
    if ((await readKeys(target)).length > 0) return
    const { caller, record, mode } = target
    await threescale.addKey(caller.accountId, record.id, removed)
    readiness.markChanged(record.id)
    enforce(['last_key'], { keys: 1, mode })
  }

  function newKeyValue({ accountId }: Caller, attempt: string, previous: string | undefined): string {
    const scope = { account: accountId, attempt }
    return generateKey(scope, now(), deriveSecret(secret, `${accountId}\n${attempt}`, previous))
  }
}

/** 3scale compares the keys of one application without case (porta, app/models/application_key.rb). */
function similarKeyError(error: unknown, keys: StoredKey[], value: string) {
  const isSimilar = keys.some((key) => key.value !== value && key.value.toLowerCase() === value.toLowerCase())
  return isSimilar ? problem('invalid_fields', { fields: { value: keyErrors.similarKey }, cause: error }) : undefined
}
