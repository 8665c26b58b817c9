import { setTimeout as sleep } from 'node:timers/promises'

import type { Threescale, User } from '../../clients/threescale/types.js'
import { isProblem, problem } from '../../errors.js'

/** How long another replica may take to remove its record of a username that 3scale accepted twice. */
const WAITS_MS = [100, 200, 400]

export interface CreateUserOnceDeps {
  threescale: Pick<Threescale, 'createUser' | 'listUsers' | 'deleteUser' | 'findByEmail'>
  /** Called for each user that was removed. */
  duplicateRemoved(kind: 'user'): void
}

/**
 * Creates a user. 3scale checks a username and an address before it writes them, so it may accept two concurrent requests, and then
 * rejects changes of either user. Every replica therefore keeps the oldest one, in this account and elsewhere, and removes its
 * own. `isOurs`: this call created the user. Costs two reads. Rejects like `createUser`, also where the oldest is another user.
 */
export async function createUserOnce(
  { threescale, duplicateRemoved }: CreateUserOnceDeps,
  accountId: number,
  newUser: Parameters<Threescale['createUser']>[1],
): Promise<{ user: User; isOurs: boolean }> {
  const created = await threescale.createUser(accountId, newUser)
  const [own, elsewhere] = await Promise.all([threescale.listUsers(accountId), threescale.findByEmail(newUser.email)])
  const duplicates = [...own, ...(elsewhere ? [elsewhere.user] : [])].filter(
    ({ username, email }) => username === newUser.username || email === newUser.email,
  )
  const oldest = duplicates.reduce((one, other) => (other.id < one.id ? other : one), created)
  if (oldest.id === created.id) return { user: created, isOurs: true }
  await threescale.deleteUser(accountId, created.id)
  duplicateRemoved('user')
  if (oldest.username !== newUser.username || oldest.accountId !== accountId)
    throw problem('invalid_fields', { fields: { email: 'has already been taken' } })
  return { user: oldest, isOurs: false }
}

/** Retries a change of a user while another replica may still be removing its record of the same username. */
export async function retryWhileDuplicated<T>(change: () => Promise<T>, waits = WAITS_MS): Promise<T> {
  try {
    return await change()
  } catch (error) {
    const [wait, ...more] = waits
    if (wait === undefined || !isProblem(error, 'invalid_fields')) throw error
    await sleep(wait)
    return retryWhileDuplicated(change, more)
  }
}
