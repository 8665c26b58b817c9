import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { Catalogue, FoundModel } from './applications.js'
import { guards, type ProductRule, rotationGuards } from './guards.js'
import type { KeyReadiness } from './key-readiness.js'
import { checkKeyValue } from './key-values.js'
import { describeKey, type HeldKey, isKeyOfAttempt, keyIdOf, makeKey, secretOf } from './keys.js'
import { createOwnApplication } from './own.js'
import { modeOf, present } from './present.js'
import type { Application, Key, Receipt, Rotation } from './schemas.js'
import { putUserKey } from './user-keys.js'

export interface CredentialsDeps {
  threescale: Pick<
    Threescale,
    'listedApplication' | 'readApplication' | 'updateApplication' | 'listKeys' | 'addKey' | 'deleteKey'
  >
  models: Pick<Catalogue, 'describe'>
  keys: Pick<KeyReadiness, 'changed'>
  /** tells whether a key that was taken out of use is still let through; `keyed`: other keys are left. Never rejects. */
  prove(found: FoundModel, application: Application, old: string, keyed: boolean): Promise<Receipt>
  secret: Buffer
  now: () => Date
}

export type CredentialVerbs = ReturnType<typeof createCredentials>

interface Target {
  caller: Caller
  record: Record3scale
  found: FoundModel | undefined
  mode: Application['credentials']['mode']
}

/**
 * The keys of an application, per credential mode. Whatever is made is looked for first, by the tag of its attempt, so any
 * call can be sent again after a lost answer, a killed portal or an empty Redis; nothing is taken away before the new key
 * is there, but for OpenID Connect, where 3scale keeps one secret.
 */
export function createCredentials({ threescale, models, keys: readiness, prove, secret, now }: CredentialsDeps) {
  const ownApplication = createOwnApplication({ threescale, models })
  return {
    /** One call to 3scale; two where the keys are a list of their own. Values with `reveal` only. */
    async list(caller: Caller, id: number, { reveal = false } = {}): Promise<Key[]> {
      const { record, found } = await ownApplication(caller, id)
      const target = { caller, record, found, mode: modeOf(record, found) }
      return (await held(target)).map((key) => describeKey(id, key, reveal))
    },

    /** Two looks, one write. Rejects with conflict (one key, or as many as can be), rule, invalid_fields, attempt_reused. */
    async add(caller: Caller, id: number, value: string | undefined, attempt: string): Promise<Key> {
      const target = await aim(caller, id)
      check(['credential_mode'], { mode: target.mode })
      mayChange(target, guards.keys, value)
      return describeKey(id, await make(target, await held(target), value, scoped('add', id, attempt)), true)
    },

    /** Two looks, one write, then calls to the gateway. An unknown key is not_found. */
    async retire(
      caller: Caller,
      id: number,
      keyId: string,
    ): Promise<{ application: Application; receipt: Receipt | null }> {
      const target = await aim(caller, id)
      const { mode, record, found } = target
      check(['credential_mode'], { mode })
      mayChange(target, guards.keys, undefined)
      const keys = await held(target)
      const old = keys.find(({ value }) => keyIdOf(id, value) === keyId)
      if (!old) throw problem('not_found')
      if (found) check(['mandatory_app_key'], { keys: keys.length, mode, product: found.product })
      await threescale.deleteKey(caller.accountId, record.id, old.value)
      readiness.changed(record.id)
      return { application: present(record, found), receipt: await receipt(target, old.value, keys.length > 1) }
    },

    /**
     * A new key: beside the old one (app_id), in its place at once (user_key), or after the old one is gone (OpenID
     * Connect: a gap, which the repeat of a call that was cut off mends).
     */
    async rotate(caller: Caller, id: number, value: string | undefined, attempt: string): Promise<Rotation> {
      const target = await aim(caller, id)
      const { mode } = target
      mayChange(target, rotationGuards[mode], value)
      const before = await held(target)
      const scope = scoped('rotate', id, attempt)
      if (mode === 'user_key') return replaceUserKey(target, before, value, scope)
      if (mode === 'oidc') return replaceSecret(target, before, value, scope)
      const key = await make(target, before, value, scope)
      const kept = before.filter((one) => one.value !== key.value)
      return rotation(target, key, [...kept, key], { still: kept })
    },
  }

  async function replaceUserKey(target: Target, [old]: HeldKey[], value: string | undefined, scope: string) {
    const { caller, record } = target
    const done = old && earlier(target, [old], value, scope)
    if (done) return rotation(target, done, [done], {})
    const key = { value: value ?? fresh(caller, scope, old?.value), createdAt: null }
    try {
      await putUserKey(threescale, caller.accountId, record.id, key.value)
      readiness.changed(record.id)
    } catch (error) {
      throw takenKey(error)
    }
    return rotation(target, key, [key], { replaced: old })
  }

  async function replaceSecret(target: Target, before: HeldKey[], value: string | undefined, scope: string) {
    const { caller, record } = target
    const done = earlier(target, before, value, scope)
    if (done) return rotation(target, done, [done], {})
    const [old] = before
    for (const { value: gone } of before) await threescale.deleteKey(caller.accountId, record.id, gone)
    readiness.changed(record.id)
    const key = await write(target, old, value, scope)
    return rotation(target, key, [key], { replaced: old })
  }

  /** The key of that attempt: found, or made. */
  async function make(target: Target, before: HeldKey[], value: string | undefined, scope: string): Promise<HeldKey> {
    const done = earlier(target, before, value, scope)
    if (done) return done
    check(['key_limit'], { keys: before.length, mode: target.mode })
    return write(target, before[0], value, scope)
  }

  async function write(target: Target, oldest: HeldKey | undefined, value: string | undefined, scope: string) {
    const { caller, record } = target
    const key = { value: value ?? fresh(caller, scope, oldest?.value), createdAt: now().toISOString() }
    try {
      await threescale.addKey(caller.accountId, record.id, key.value)
      readiness.changed(record.id)
      return key
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      // "taken" or "Limit reached": the same attempt arrived twice at once, and the other one was first
      const keys = await held(target)
      const theirs = earlier(target, keys, value, scope)
      if (theirs) return theirs
      check(['key_limit'], { keys: keys.length, mode: target.mode })
      throw similarKey(error, keys, key.value) ?? error
    }
  }

  /** What an earlier try of the same attempt left; a chosen value that is there already needs no second one. */
  function earlier({ caller }: Target, keys: HeldKey[], value: string | undefined, scope: string): HeldKey | undefined {
    const tagged = keys.find((key) => isKeyOfAttempt(key.value, { account: caller.accountId, attempt: scope }))
    if (tagged && value !== undefined && value !== tagged.value) throw problem('attempt_reused')
    return tagged ?? keys.find((key) => key.value === value)
  }

  async function aim(caller: Caller, id: number): Promise<Target> {
    const record = await threescale.readApplication(caller.accountId, id)
    const found = await models.describe(record.productId)
    return { caller, record, found, mode: modeOf(record, found) }
  }

  async function held({ caller, record, mode }: Target): Promise<HeldKey[]> {
    if (mode === 'user_key') return record.userKey ? [{ value: record.userKey, createdAt: null }] : []
    return threescale.listKeys(caller.accountId, record.id)
  }

  function mayChange({ found }: Target, names: readonly ProductRule[], value: string | undefined): void {
    if (!found) return
    const { product, model } = found
    check([...names, 'custom_keys_enabled'], { product, value })
    if (value !== undefined) checkKeyValue(value, model.credentials)
  }

  async function rotation(
    target: Target,
    key: HeldKey,
    keys: HeldKey[],
    { replaced, still = [] }: { replaced?: HeldKey | undefined; still?: HeldKey[] },
  ): Promise<Rotation> {
    const { record, found, mode } = target
    const values = keys.map(({ value }) => value)
    const application = present(mode === 'user_key' ? { ...record, userKey: key.value } : record, found, {
      reveal: true,
      appKeys: values,
      clientSecret: key.value,
    })
    return {
      ...application,
      key: describeKey(record.id, key, true),
      still_valid: still.map(({ value }) => keyIdOf(record.id, value)),
      receipt: replaced && replaced.value !== key.value ? await receipt(target, replaced.value, true) : null,
    }
  }

  async function receipt({ record, found, mode }: Target, old: string, keyed: boolean): Promise<Receipt | null> {
    if (!found) return null
    const application = present(record, found, { reveal: true, appKeys: [old], clientSecret: old })
    return prove(found, application, old, keyed || mode !== 'app_id')
  }

  function fresh({ accountId }: Caller, scope: string, before: string | undefined): string {
    return makeKey({ account: accountId, attempt: scope }, now(), secretOf(secret, `${accountId}\n${scope}`, before))
  }
}

/** 3scale speaks of its own parameter; a product has each single key once. */
function takenKey(error: unknown): unknown {
  const sentence = isProblem(error, 'invalid_fields') ? error.fields?.user_key : undefined
  if (sentence === undefined) return error
  return problem('invalid_fields', { fields: { value: `${sentence} Use another value.` }, cause: error })
}

/** 3scale compares the keys of one application without their case (porta, app/models/application_key.rb). */
function similarKey(error: unknown, keys: HeldKey[], value: string) {
  const similar = keys.some((key) => key.value !== value && key.value.toLowerCase() === value.toLowerCase())
  const sentence = 'A key of this application differs from this value in upper and lower case only. Use another value.'
  return similar ? problem('invalid_fields', { fields: { value: sentence }, cause: error }) : undefined
}

/** One attempt may be used for one deed on one application; elsewhere it is another one. */
function scoped(deed: 'add' | 'rotate', id: number, attempt: string): string {
  return `${deed}\n${id}\n${attempt}`
}
