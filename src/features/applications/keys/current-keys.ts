import type { Threescale, ThreescaleApplication } from '../../../clients/threescale/types.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { CatalogueModel } from '../applications.js'
import { modeOf, type SecretsToShow } from '../to-application.js'
import type { StoredKey } from './key-format.js'

export type CurrentKeysReader = ReturnType<typeof createCurrentKeys>

/**
 * Reads the keys of an application: no call for a user_key, otherwise one call to 3scale. The client secret of OpenID Connect
 * is such a key. Its copy in the application can be stale, because porta saves a key without its application.
 */
export function createCurrentKeys(threescale: Pick<Threescale, 'listKeys'>) {
  return async (
    caller: Caller,
    record: ThreescaleApplication,
    entry: CatalogueModel | undefined,
  ): Promise<StoredKey[]> => {
    if (modeOf(record, entry) !== 'user_key') return threescale.listKeys(caller.accountId, record.id)
    return record.userKey ? [{ value: record.userKey, createdAt: null }] : []
  }
}

export function revealKeys(keys: StoredKey[]): SecretsToShow {
  const values = keys.map(({ value }) => value)
  return { reveal: true, appKeys: values, clientSecret: values[0] ?? '' }
}
