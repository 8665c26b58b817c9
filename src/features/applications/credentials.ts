import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { Catalogue, OneAtATime } from './applications.js'
import { guards, type ProductRule, rotationGuards } from './guards.js'
import type { KeyReadiness } from './key-readiness.js'
import type { KeyRepair } from './key-repair.js'
import { checkKeyValue } from './key-values.js'
import { createKeyWrites, type Target } from './key-writes.js'
import { describeKey, type HeldKey, keyIdOf } from './keys.js'
import { createOwnApplication } from './own.js'
import { modeOf, present } from './present.js'
import type { Receipts } from './receipts.js'
import type { Application, Key, Receipt, Rotation } from './schemas.js'

export interface CredentialsDeps {
  threescale: Pick<
    Threescale,
    'listedApplication' | 'readApplication' | 'updateApplication' | 'listKeys' | 'addKey' | 'deleteKey'
  >
  models: Pick<Catalogue, 'describe'>
  keys: Pick<KeyReadiness, 'changed' | 'seen' | 'usable'>
  repair: KeyRepair
  receipts: Pick<Receipts, 'removed'>
  oneAtATime: OneAtATime
  secret: Buffer
  now: () => Date
}

export type CredentialVerbs = ReturnType<typeof createCredentials>

/**
 * The keys of an application, per credential mode. Whatever is made is looked for first, by the tag of its attempt, so any
 * request can be sent again after a lost answer, a killed portal or an empty Redis; and nothing is taken away before the new
 * key is there, but for OpenID Connect, where 3scale keeps one secret. Changes of one application are made one at a time.
 */
export function createCredentials(deps: CredentialsDeps) {
  const { threescale, models, keys: readiness, repair, oneAtATime, receipts } = deps
  const { held, earlier, fresh, make, write, ready, remove, keepOne } = createKeyWrites(deps)
  const ownApplication = createOwnApplication({ threescale, models })
  return {
    /** One call to 3scale; two where the keys are a list of their own. Values with `reveal` only. */
    async list(caller: Caller, id: number, { reveal = false } = {}): Promise<Key[]> {
      const { record, found } = await ownApplication(caller, id)
      const target = { caller, record, found, mode: modeOf(record, found) }
      return (await held(target)).map((key) => describeKey(id, key, reveal))
    },

    /** Two looks, one write. Rejects with conflict (one key, or as many as can be), rule, invalid_fields, attempt_reused. */
    add(caller: Caller, id: number, value: string | undefined, attempt: string): Promise<Key> {
      return changing(caller, id, async (target) => {
        check(['credential_mode'], { mode: target.mode })
        mayChange(target, guards.keys, value)
        const { key } = await make(target, await held(target), value, scoped('add', id, attempt))
        await readiness.usable(id)
        return describeKey(id, key, true)
      })
    },

    /**
     * Three reads, one write. An unknown key is not_found, the last one of an application with an id a rule. The receipt is
     * pending: the gateway is checked later.
     */
    retire(caller: Caller, id: number, keyId: string): Promise<{ application: Application; receipt: Receipt }> {
      return changing(caller, id, async (target) => {
        const { mode, record, found } = target
        check(['credential_mode'], { mode })
        mayChange(target, guards.keys, undefined)
        const keys = await held(target)
        const old = keys.find(({ value }) => keyIdOf(id, value) === keyId)
        if (!old) throw problem('not_found')
        check(['last_key'], { keys: keys.length, mode })
        await remove(target, old.value)
        readiness.changed(record.id)
        if (mode === 'app_id') await keepOne(target, old.value)
        return { application: present(record, found), receipt: await receipt(target, old.value, false) }
      })
    },

    /**
     * A new key: beside the old one (app_id), in its place at once (user_key), or after the old one is gone (OpenID
     * Connect: a gap, which the repeat of a call that was cut off closes).
     */
    rotate(caller: Caller, id: number, value: string | undefined, attempt: string): Promise<Rotation> {
      return changing(caller, id, async (target) => {
        const { mode } = target
        mayChange(target, rotationGuards[mode], value)
        const before = await held(target)
        const scope = scoped('rotate', id, attempt)
        if (mode === 'user_key') return replaceUserKey(target, before, value, scope)
        if (mode === 'oidc') return replaceSecret(target, before, value, scope)
        const { key, keys } = await make(target, before, value, scope)
        const kept = keys.filter((one) => one.value !== key.value)
        return rotation(target, key, [...kept, key], { still: kept })
      })
    },
  }

  async function changing<T>(caller: Caller, id: number, work: (target: Target) => Promise<T>): Promise<T> {
    return oneAtATime(`keys:${caller.accountId}/${id}`, async () => work(await aim(caller, id)))
  }

  async function replaceUserKey(target: Target, [old]: HeldKey[], value: string | undefined, scope: string) {
    const { caller, record } = target
    const { accountId } = caller
    const done = old && earlier(target, [old], value, scope)
    if (done) {
      await repair.ensure({ accountId, record, found: target.found })
      return rotation(target, done, [done], {})
    }
    const key = { value: value ?? fresh(caller, scope, old?.value), createdAt: null }
    const read = () => threescale.readApplication(accountId, record.id)
    try {
      await repair.change(
        { accountId, record: { ...record, userKey: key.value }, found: target.found },
        {
          send: () => threescale.updateApplication(accountId, record.id, { userKey: key.value }),
          stored: async () => {
            const stored = await read()
            return stored.userKey === key.value ? stored : undefined
          },
          replaces: old?.value,
        },
      )
    } catch (error) {
      throw takenKey(error)
    }
    readiness.changed(record.id)
    const stored = await read()
    if (stored.userKey !== key.value) throw problem('conflict', { detail: replacedMeanwhile })
    return rotation(target, key, [key], { replaced: old })
  }

  async function replaceSecret(target: Target, before: HeldKey[], value: string | undefined, scope: string) {
    const done = earlier(target, before, value, scope)
    if (done) {
      const { key } = await ready(target, done, scope, before)
      return rotation(target, key, [key], {})
    }
    const [old] = before
    for (const { value: gone } of before) await remove(target, gone)
    const { key } = await write(target, old, value, scope, [])
    return rotation(target, key, [key], { replaced: old })
  }

  async function aim(caller: Caller, id: number): Promise<Target> {
    const record = await threescale.readApplication(caller.accountId, id)
    const found = await models.describe(record.productId)
    return { caller, record, found, mode: modeOf(record, found) }
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
    await readiness.usable(record.id)
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

  function receipt({ caller, record, found }: Target, value: string, replaced: boolean): Promise<Receipt> {
    return receipts.removed(caller, { record, found, value, replaced })
  }
}

const replacedMeanwhile =
  'Another request replaced the key of this application at the same time. Read the application to see the key that is valid now.'
/** 3scale speaks of its own parameter; a product has each single key once. */
function takenKey(error: unknown): unknown {
  const sentence = isProblem(error, 'invalid_fields') ? error.fields?.user_key : undefined
  if (sentence === undefined) return error
  return problem('invalid_fields', { fields: { value: `${sentence} Use another value.` }, cause: error })
}

/** One attempt may be used for one deed on one application; elsewhere it is another one. */
function scoped(deed: 'add' | 'rotate', id: number, attempt: string): string {
  return `${deed}\n${id}\n${attempt}`
}
