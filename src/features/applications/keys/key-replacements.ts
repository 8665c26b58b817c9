import type { Threescale } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { KeyReadiness } from './gateway-sync/key-readiness.js'
import type { KeyRepair } from './gateway-sync/key-repair.js'
import type { StoredKey } from './key-format.js'
import type { KeyTarget } from './key-lookups.js'
import type { KeyWrites } from './key-writes.js'
import { keyErrors } from './messages.js'

export interface KeyReplacementsDeps {
  threescale: Pick<Threescale, 'readApplication' | 'updateApplication'>
  readiness: Pick<KeyReadiness, 'markChanged'>
  repair: KeyRepair
  writes: KeyWrites
}

/** The current key and the key that it replaced. `isNew`: this request wrote it. */
export interface Replacement {
  key: StoredKey
  replaced?: StoredKey | undefined
  isNew: boolean
}

/** Writes of one key by one request. */
const MAX_WRITES = 2

/** Replaces the single credential of an application. A repeated request finds what its attempt wrote. */
export function createKeyReplacements({ threescale, readiness, repair, writes }: KeyReplacementsDeps) {
  const { waitForKeys, findByAttempt, findExisting, isRecorded } = writes
  const { newKeyValue, write, recordCreated, confirmExisting, remove, recordDeletion, recordFailedDeletion } = writes

  return {
    /**
     * The gateway rejects the previous key as soon as it accepts the new one. A repair by another replica can restore the previous key
     * for a moment (`key-rewrites.ts`).
     */
    async user_key(
      target: KeyTarget,
      before: StoredKey[],
      value: string | undefined,
      attempt: string,
    ): Promise<Replacement> {
      const { caller, record } = target
      const { accountId } = caller
      const { keys, existing } = await findExisting(target, before, value, attempt)
      const [previous] = keys
      if (existing) {
        await repair.ensure({ accountId, record: { ...record, userKey: existing.value }, entry: target.entry })
        return { key: existing, isNew: false }
      }
      if (previous) await recordDeletion(target, previous.value)
      const key = { value: value ?? newKeyValue(caller, attempt, previous?.value), createdAt: null }
      for (let writes = 1; ; writes++) {
        await replace(target, key.value, previous?.value)
        const findOwn = (all: StoredKey[]) => findByAttempt(target, all, value, attempt)
        const stored = await waitForKeys(target, (all) => findOwn(all) !== undefined)
        const own = findOwn(stored)
        if (own) {
          const isNew = !(await isRecorded(target, own, attempt))
          await recordCreated(target, own, attempt, previous)
          return { key: own, replaced: previous, isNew }
        }
        // a repair by another replica ended before it restored the new key
        if (stored[0]?.value !== previous?.value || writes === MAX_WRITES)
          throw problem('conflict', { detail: keyErrors.replacedConcurrently })
      }
    },

    /** 3scale stores one client secret: it is deleted before the new one is written. */
    async oidc(
      target: KeyTarget,
      before: StoredKey[],
      value: string | undefined,
      attempt: string,
    ): Promise<Replacement> {
      const { keys, existing } = await findExisting(target, before, value, attempt)
      if (existing) return confirmExisting(target, existing, attempt, keys)
      const [previous] = keys
      for (const key of keys) await remove(target, key.value)
      return { ...(await write(target, previous, value, attempt, [])), replaced: previous }
    },
  }

  async function replace(target: KeyTarget, userKey: string, previous: string | undefined): Promise<void> {
    const { caller, record, entry } = target
    const { accountId } = caller
    try {
      await repair.change(
        { accountId, record: { ...record, userKey }, entry },
        {
          send: () => threescale.updateApplication(accountId, record.id, { userKey }),
          stored: async () => {
            const stored = await threescale.readApplication(accountId, record.id)
            return stored.userKey === userKey ? stored : undefined
          },
          replaces: previous,
        },
      )
    } catch (error) {
      if (previous !== undefined && isProblem(error, 'invalid_fields', 'conflict'))
        await recordFailedDeletion(target, previous)
      throw asKeyError(error)
    }
    readiness.markChanged(record.id)
  }
}

/** 3scale names its own parameter. Within a product, each single key is unique. */
function asKeyError(error: unknown): unknown {
  const message = isProblem(error, 'invalid_fields') ? error.fields?.user_key : undefined
  if (message === undefined) return error
  return problem('invalid_fields', { fields: { value: keyErrors.taken(message) }, cause: error })
}
