import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import type { Caller } from '../../web/caller.js'
import type { FoundModel } from './applications.js'
import type { HeldKey } from './keys.js'
import { modeOf, type Shown } from './present.js'

export type HeldKeys = ReturnType<typeof createHeldKeys>

/**
 * Reads the keys of an application: none for a user_key, otherwise one call to 3scale. The client secret of OpenID Connect is
 * such a key; its copy in the row of the application may be stale, because porta saves a key without its application.
 */
export function createHeldKeys(threescale: Pick<Threescale, 'listKeys'>) {
  return async (caller: Caller, record: Record3scale, found: FoundModel | undefined): Promise<HeldKey[]> => {
    if (modeOf(record, found) !== 'user_key') return threescale.listKeys(caller.accountId, record.id)
    return record.userKey ? [{ value: record.userKey, createdAt: null }] : []
  }
}

export function revealed(keys: HeldKey[]): Shown {
  const values = keys.map(({ value }) => value)
  return { reveal: true, appKeys: values, clientSecret: values[0] ?? '' }
}
