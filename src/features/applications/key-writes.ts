import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { FoundModel } from './applications.js'
import type { KeyReadiness } from './key-readiness.js'
import type { KeyRepair } from './key-repair.js'
import { type HeldKey, isKeyOfAttempt, makeKey, secretOf } from './keys.js'
import { removeOnce } from './remove-once.js'
import type { Application } from './schemas.js'

export interface KeyWritesDeps {
  threescale: Pick<Threescale, 'listKeys' | 'addKey' | 'deleteKey'>
  keys: Pick<KeyReadiness, 'changed' | 'seen'>
  repair: KeyRepair
  secret: Buffer
  now: () => Date
}

/** The application whose keys are changed, as 3scale had it when the change began. */
export interface Target {
  caller: Caller
  record: Record3scale
  found: FoundModel | undefined
  mode: Application['credentials']['mode']
}

/** The key of an attempt, and all keys that the application has then. */
export interface KeyOf {
  key: HeldKey
  keys: HeldKey[]
}

/**
 * Writes the keys of an application one by one. After a write that failed 3scale is asked what it stored, and the gateway follows
 * before a key is called there. `scope` names the attempt: what it wrote is found again by its tag.
 */
export function createKeyWrites({ threescale, keys: readiness, repair, secret, now }: KeyWritesDeps) {
  return { held, earlier, fresh, make, write, ready, remove, keepOne }

  async function held({ caller, record, mode }: Target): Promise<HeldKey[]> {
    if (mode === 'user_key') return record.userKey ? [{ value: record.userKey, createdAt: null }] : []
    return threescale.listKeys(caller.accountId, record.id)
  }

  /** The key of that attempt: found, or written. */
  async function make(target: Target, before: HeldKey[], value: string | undefined, scope: string): Promise<KeyOf> {
    const done = earlier(target, before, value, scope)
    if (done) return ready(target, done, scope, before)
    check(['key_limit'], { keys: before.length, mode: target.mode })
    return write(target, before[0], value, scope, before)
  }

  /** `kept`: the keys that stay beside the new one. */
  async function write(
    target: Target,
    oldest: HeldKey | undefined,
    value: string | undefined,
    scope: string,
    kept: HeldKey[],
  ): Promise<KeyOf> {
    const { caller, record, found } = target
    const { accountId } = caller
    const key = { value: value ?? fresh(caller, scope, oldest?.value), createdAt: now().toISOString() }
    try {
      const { isRewritten } = await repair.change(
        { accountId, record, found },
        {
          send: () => threescale.addKey(accountId, record.id, key.value).then(() => true),
          stored: async () => (await held(target)).some((one) => one.value === key.value) || undefined,
          keys: [key.value],
        },
      )
      readiness.changed(record.id)
      return isRewritten ? again(target, key, scope) : { key, keys: [...kept, key] }
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict')) throw error
      // "taken" or "Limit reached": the same attempt arrived twice at once, and the other one was first
      const keys = await held(target)
      const theirs = earlier(target, keys, value, scope)
      if (theirs) {
        readiness.seen(record.id, theirs.createdAt)
        return { key: theirs, keys }
      }
      check(['key_limit'], { keys: keys.length, mode: target.mode })
      throw similarKey(error, keys, key.value) ?? error
    }
  }

  /** The key that an earlier request of the attempt wrote, once the gateway has it. */
  async function ready(target: Target, key: HeldKey, scope: string, keys: HeldKey[]): Promise<KeyOf> {
    const { caller, record, found } = target
    readiness.seen(record.id, key.createdAt)
    const isWritten = await repair.ensure({ accountId: caller.accountId, record, found })
    return isWritten ? again(target, key, scope) : { key, keys }
  }

  /** A repair may have put another key in the place of the attempt's. */
  async function again(target: Target, key: HeldKey, scope: string): Promise<KeyOf> {
    const keys = await held(target)
    return { key: earlier(target, keys, undefined, scope) ?? key, keys }
  }

  async function remove(target: Target, value: string): Promise<void> {
    const { caller, record } = target
    await removeOnce(
      () => threescale.deleteKey(caller.accountId, record.id, value),
      async () => !(await held(target)).some((one) => one.value === value),
    )
  }

  /** Another replica may have removed the other key meanwhile, and an application without keys accepts any. */
  async function keepOne(target: Target, removed: string): Promise<void> {
    if ((await held(target)).length > 0) return
    const { caller, record, mode } = target
    await threescale.addKey(caller.accountId, record.id, removed)
    readiness.changed(record.id)
    check(['last_key'], { keys: 1, mode })
  }

  /** What an earlier try of the same attempt left; a chosen value that is there already needs no second one. */
  function earlier({ caller }: Target, keys: HeldKey[], value: string | undefined, scope: string): HeldKey | undefined {
    const tagged = keys.find((key) => isKeyOfAttempt(key.value, { account: caller.accountId, attempt: scope }))
    if (tagged && value !== undefined && value !== tagged.value) throw problem('attempt_reused')
    return tagged ?? keys.find((key) => key.value === value)
  }

  function fresh({ accountId }: Caller, scope: string, before: string | undefined): string {
    return makeKey({ account: accountId, attempt: scope }, now(), secretOf(secret, `${accountId}\n${scope}`, before))
  }
}

/** 3scale compares the keys of one application without their case (porta, app/models/application_key.rb). */
function similarKey(error: unknown, keys: HeldKey[], value: string) {
  const similar = keys.some((key) => key.value !== value && key.value.toLowerCase() === value.toLowerCase())
  const sentence = 'A key of this application differs from this value in upper and lower case only. Use another value.'
  return similar ? problem('invalid_fields', { fields: { value: sentence }, cause: error }) : undefined
}
