import { setTimeout as sleep } from 'node:timers/promises'

import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'

/** How long another replica may take to remove its own record of a user name that 3scale accepted twice. */
const WAITS_MS = [100, 200, 400]

/**
 * Creates a user. 3scale checks a name and an address before it writes them, so two requests at once may both be accepted,
 * and then changes neither user any more: the oldest stays, which every replica chooses alike. One read more. Rejects as
 * `createUser`, also where the oldest is another user who has the address.
 */
export async function createUserOnce(
  threescale: Pick<Threescale, 'createUser' | 'listUsers' | 'deleteUser'>,
  accountId: number,
  wanted: Parameters<Threescale['createUser']>[1],
): Promise<User> {
  const created = await threescale.createUser(accountId, wanted)
  const same = (await threescale.listUsers(accountId)).filter(
    ({ username, email }) => username === wanted.username || email === wanted.email,
  )
  const oldest = same.reduce((one, other) => (other.id < one.id ? other : one), created)
  if (oldest.id === created.id) return created
  await threescale.deleteUser(accountId, created.id)
  if (oldest.username !== wanted.username)
    throw problem('invalid_fields', { fields: { email: 'has already been taken' } })
  return oldest
}

/** A change of a user, tried again for as long as another replica may still be removing its own record of the same name. */
export async function unlessDoubled<T>(change: () => Promise<T>, waits = WAITS_MS): Promise<T> {
  try {
    return await change()
  } catch (error) {
    const [wait, ...more] = waits
    if (wait === undefined || !isProblem(error, 'invalid_fields')) throw error
    await sleep(wait)
    return unlessDoubled(change, more)
  }
}
