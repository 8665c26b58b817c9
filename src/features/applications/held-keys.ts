import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import type { Caller } from '../../web/caller.js'
import type { FoundModel } from './applications.js'
import type { HeldKey } from './keys.js'
import { modeOf, type Shown } from './present.js'

export type HeldKeys = ReturnType<typeof createHeldKeys>

/** Reads the keys of an application: one call to 3scale where they are a list of their own, none otherwise. */
export function createHeldKeys(threescale: Pick<Threescale, 'listKeys'>) {
  return async (caller: Caller, record: Record3scale, found: FoundModel | undefined): Promise<HeldKey[]> => {
    const mode = modeOf(record, found)
    if (mode === 'app_id') return threescale.listKeys(caller.accountId, record.id)
    const value = mode === 'user_key' ? record.userKey : record.clientSecret
    return value ? [{ value, createdAt: null }] : []
  }
}

export function revealed(keys: HeldKey[]): Shown {
  return { reveal: true, appKeys: keys.map(({ value }) => value) }
}
