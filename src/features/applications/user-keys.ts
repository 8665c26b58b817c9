import type { Application, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'

/**
 * Writes the `user_key` of an application. Sent again where 3scale stored the key and failed all the same, as it does while its
 * back-end is stopped, or where the same is written twice at once: for the gateway to know the key, a write must succeed.
 */
export async function putUserKey(
  threescale: Pick<Threescale, 'readApplication' | 'updateApplication'>,
  accountId: number,
  id: number,
  userKey: string,
): Promise<Application> {
  try {
    return await threescale.updateApplication(accountId, id, { userKey })
  } catch (error) {
    const failed = isProblem(error, 'threescale_unavailable')
    if (!failed || (await threescale.readApplication(accountId, id)).userKey !== userKey) throw error
    return threescale.updateApplication(accountId, id, { userKey })
  }
}
