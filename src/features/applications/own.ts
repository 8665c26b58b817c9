import type { Application as Record3scale, Threescale } from '../../clients/threescale/nouns.js'
import type { Caller } from '../../web/caller.js'
import type { Catalogue, FoundModel } from './applications.js'
import { guessMode, modeOf } from './present.js'

export interface OwnApplication {
  record: Record3scale
  /** Undefined if its product was removed or is no longer deployed. */
  found: FoundModel | undefined
}

/**
 * Reads one application of the caller's account for display: one call to 3scale, for the list of the account, which is rendered
 * only after a change. The shape of a row depends on how its product authenticates, which the ETag of the list does not cover.
 * If the deployed product authenticates in another way, the record itself is read. Rejects with not_found.
 */
export function createOwnApplication({
  threescale,
  models,
}: {
  threescale: Pick<Threescale, 'listedApplication' | 'readApplication'>
  models: Pick<Catalogue, 'describe'>
}) {
  return async ({ accountId }: Caller, id: number): Promise<OwnApplication> => {
    const record = await threescale.listedApplication(accountId, id)
    const found = await models.describe(record.productId)
    if (modeOf(record, found) === guessMode(record)) return { record, found }
    return { record: await threescale.readApplication(accountId, id), found }
  }
}
