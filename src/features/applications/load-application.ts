import type { Threescale, ThreescaleApplication } from '../../clients/threescale/types.js'
import type { Caller } from '../../web/auth/caller.js'
import type { ApplicationCatalogue, CatalogueModel } from './applications.js'
import { inferMode, modeOf } from './to-application.js'

export interface LoadedApplication {
  record: ThreescaleApplication
  /** undefined if its product was removed or is no longer deployed */
  entry: CatalogueModel | undefined
}

/**
 * Reads one application of the caller's account for display, with one call to 3scale for the list of the account, which it
 * renders only after a change. The form of a row depends on how its product authenticates, which the ETag of the list does
 * not cover. If the deployed product authenticates in another way, the record itself is read. Rejects with not_found.
 */
export function createApplicationLoader({
  threescale,
  models,
}: {
  threescale: Pick<Threescale, 'readListedApplication' | 'readApplication'>
  models: Pick<ApplicationCatalogue, 'describe'>
}) {
  return async ({ accountId }: Caller, id: number): Promise<LoadedApplication> => {
    const record = await threescale.readListedApplication(accountId, id)
    const entry = await models.describe(record.productId)
    if (modeOf(record, entry) === inferMode(record)) return { record, entry }
    return { record: await threescale.readApplication(accountId, id), entry }
  }
}
