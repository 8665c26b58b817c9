import type { RecentReads } from '../../../clients/threescale/memory/recent-reads.js'
import type { Threescale } from '../../../clients/threescale/types.js'
import { problem } from '../../../errors.js'
import type { DerivedKey } from '../../../infra/crypto/secrets.js'
import type { WithLock } from '../../../infra/lock.js'
import { enforce } from '../../../policies.js'
import type { Precondition } from '../../../web/api/preconditions.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { ApplicationCatalogue } from '../applications.js'
import { applicationEtag, changeLockName } from '../entity-tag.js'
import { createApplicationLoader } from '../load-application.js'
import { type ProductPolicy, requiredPolicies, rotationPolicies } from '../permissions.js'
import type { Application, Key, RevocationCheck, Rotation } from '../schemas.js'
import { modeOf, toApplication } from '../to-application.js'
import { createCurrentKeys } from './current-keys.js'
import type { KeyReadiness } from './gateway-sync/key-readiness.js'
import type { KeyRepair } from './gateway-sync/key-repair.js'
import { keyIdOf, type StoredKey, toKey } from './key-format.js'
import type { KeyTarget } from './key-lookups.js'
import { createKeyReplacements } from './key-replacements.js'
import { checkKeyValue } from './key-validation.js'
import { createKeyWrites, type KeyWritesDeps } from './key-writes.js'
import type { RevocationChecks } from './revocation/revocation-checks.js'

export interface KeyManagementDeps {
  threescale: Pick<
    Threescale,
    'readListedApplication' | 'readApplication' | 'updateApplication' | 'listKeys' | 'addKey' | 'deleteKey'
  >
  /** for display */
  recent: Pick<RecentReads, 'readListedApplication' | 'listKeys'>
  models: Pick<ApplicationCatalogue, 'describe'>
  readiness: Pick<KeyReadiness, 'markChanged' | 'markSeen' | 'waitUntilUsable'>
  repair: KeyRepair
  results: KeyWritesDeps['results']
  revocationChecks: Pick<RevocationChecks, 'schedule'>
  withLock: WithLock
  secret: DerivedKey
  now: () => Date
}

/** `value`: a custom key; if it is omitted, the portal generates one. */
export interface KeyRequest {
  value?: string | undefined
  attempt: string
  /** precondition for the application */
  expects?: Precondition
}

/** `isNew`: created by this request, not by an earlier one of the same attempt. */
export interface RotatedKey {
  rotation: Rotation
  isNew: boolean
}

export type KeyManagement = ReturnType<typeof createKeyManagement>

/**
 * Lists, adds, rotates and revokes the keys of an application, per credential mode. Each write first looks for the tag of its
 * attempt, so that a request can be repeated after a lost response, a terminated portal or the loss of Redis. A key is deleted
 * only after the new one exists, except for OpenID Connect, where 3scale stores one secret. A lock serializes the changes of
 * one application.
 */
export function createKeyManagement(deps: KeyManagementDeps) {
  const { threescale, recent, models, readiness, repair, withLock, revocationChecks } = deps
  const writes = createKeyWrites(deps)
  const { readKeys, createOrFind, remove, restoreLastKey } = writes
  const replace = createKeyReplacements({ ...deps, writes })
  const loadApplication = createApplicationLoader({ threescale, models })
  const loadRecent = createApplicationLoader({ threescale: { ...threescale, ...recent }, models })
  const readRecentKeys = createCurrentKeys(recent)
  return {
    list,

    /** Like `list`, for one key. Rejects with not_found. */
    async read(caller: Caller, id: number, keyId: string, options: { reveal?: boolean } = {}): Promise<Key> {
      const key = (await list(caller, id, options)).find(({ key_id }) => key_id === keyId)
      if (!key) throw problem('not_found')
      return key
    },

    /**
     * Three reads, one write. Rejects with conflict (a single key, or the maximum number), policy_violation, invalid_fields,
     * precondition_failed, idempotency_key_reused, result_deleted.
     */
    add(caller: Caller, id: number, { value, attempt, expects }: KeyRequest): Promise<{ key: Key; isNew: boolean }> {
      return change(caller, id, async (target) => {
        enforce(['credential_mode'], { mode: target.mode })
        await checkChange(target, requiredPolicies.keys, { value, expects })
        const { key, isNew } = await createOrFind(
          target,
          await readKeys(target),
          value,
          scopedAttempt('add', id, attempt),
        )
        await readiness.waitUntilUsable(id)
        return { key: toKey(id, key, true), isNew }
      })
    },

    /**
     * Three reads, one write. An unknown key is not_found, the last key of an application with an application id is
     * policy_violation. The returned revocation check is pending: the gateway is checked later.
     */
    revoke(
      caller: Caller,
      id: number,
      keyId: string,
      expects?: Precondition,
    ): Promise<{ application: Application; check: RevocationCheck }> {
      return change(caller, id, async (target) => {
        const { mode, record, entry } = target
        enforce(['credential_mode'], { mode })
        await checkChange(target, requiredPolicies.keys, {})
        const keys = await readKeys(target)
        const previous = keys.find(({ value }) => keyIdOf(id, value) === keyId)
        if (!previous) throw problem('not_found')
        enforce(['last_key'], { keys: keys.length, mode })
        await checkPrecondition(target, expects)
        await remove(target, previous.value)
        readiness.markChanged(record.id)
        if (mode === 'app_id') await restoreLastKey(target, previous.value)
        return { application: toApplication(record, entry), check: await scheduleCheck(target, previous.value, false) }
      })
    },

    /**
     * Creates a new key: in addition to the previous one (app_id), as its immediate replacement (user_key), or after its deletion
     * (OpenID Connect; a repeated request completes an interrupted rotation).
     */
    rotate(caller: Caller, id: number, request: KeyRequest): Promise<RotatedKey> {
      return change(caller, id, async (target) => {
        const { mode } = target
        const { value, attempt } = request
        await checkChange(target, rotationPolicies[mode], request)
        const before = await readKeys(target)
        const scoped = scopedAttempt('rotate', id, attempt)
        if (mode !== 'app_id') {
          const { key, replaced, isNew } = await replace[mode](target, before, value, scoped)
          return { rotation: await toRotation(target, key, { replaced }), isNew }
        }
        const { key, keys, isNew } = await createOrFind(target, before, value, scoped)
        const others = keys.filter((one) => one.value !== key.value)
        return { rotation: await toRotation(target, key, { others }), isNew }
      })
    },
  }

  /** At most one call to 3scale, and a second one if the keys are a list of their own. Values only with `reveal`. */
  async function list(caller: Caller, id: number, { reveal = false } = {}): Promise<Key[]> {
    const { record, entry } = await (reveal ? loadApplication : loadRecent)(caller, id)
    const target = { caller, record, entry, mode: modeOf(record, entry) }
    const keys = reveal ? await readKeys(target) : await readRecentKeys(caller, record, entry)
    return keys.map((key) => toKey(id, key, reveal))
  }

  async function change<T>(caller: Caller, id: number, work: (target: KeyTarget) => Promise<T>): Promise<T> {
    return withLock(changeLockName(caller.accountId, id), async () => work(await loadTarget(caller, id)))
  }

  async function loadTarget(caller: Caller, id: number): Promise<KeyTarget> {
    const record = await threescale.readApplication(caller.accountId, id)
    const entry = await models.describe(record.productId)
    return { caller, record, entry, mode: modeOf(record, entry) }
  }

  async function checkChange(
    target: KeyTarget,
    policies: readonly ProductPolicy[],
    { value, expects }: { value?: string | undefined; expects?: Precondition | undefined },
  ): Promise<void> {
    const { entry } = target
    if (entry) {
      const { product, model } = entry
      enforce([...policies, 'custom_keys_enabled'], { product, value })
      if (value !== undefined) checkKeyValue(value, model.credentials)
    }
    await checkPrecondition(target, expects)
  }

  async function checkPrecondition({ record, entry }: KeyTarget, expects: Precondition | undefined): Promise<void> {
    expects?.(applicationEtag(toApplication(record, entry, { repairRequired: await repair.isRequired(record.id) })))
  }

  async function toRotation(
    target: KeyTarget,
    key: StoredKey,
    { replaced, others = [] }: { replaced?: StoredKey | undefined; others?: StoredKey[] },
  ): Promise<Rotation> {
    const { record, entry, mode } = target
    await readiness.waitUntilUsable(record.id)
    const application = toApplication(mode === 'user_key' ? { ...record, userKey: key.value } : record, entry, {
      reveal: true,
      appKeys: [...others, key].map(({ value }) => value),
      clientSecret: key.value,
    })
    const isReplaced = replaced !== undefined && replaced.value !== key.value
    return {
      ...application,
      key: toKey(record.id, key, true),
      active_key_ids: others.map(({ value }) => keyIdOf(record.id, value)),
      revocation_check: isReplaced ? await scheduleCheck(target, replaced.value, true) : null,
    }
  }

  function scheduleCheck({ caller, record, entry }: KeyTarget, value: string, replaced: boolean) {
    return revocationChecks.schedule(caller, { record, entry, value, replaced })
  }
}

/** An attempt is valid for one operation on one application; for another one it is another attempt. */
function scopedAttempt(operation: 'add' | 'rotate', id: number, attempt: string): string {
  return `${operation}\n${id}\n${attempt}`
}
