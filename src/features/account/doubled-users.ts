import { setTimeout as sleep } from 'node:timers/promises'

import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'

/** How long another replica may take to remove its own record of a user name that 3scale accepted twice. */
const WAITS_MS = [100, 200, 400]

export interface UserOnceDeps {
  threescale: Pick<Threescale, 'createUser' | 'listUsers' | 'deleteUser' | 'findByEmail'>
  /** told of each user that was removed */
  duplicateRemoved(kind: 'user'): void
}

/**
 * Creates a user. 3scale checks a name and an address before it writes them, so two requests at once may both be accepted,
 * and then changes neither user any more: the oldest stays, in this account and among all, which every replica chooses alike.
 * Two reads more. Rejects as `createUser`, also where the oldest is another user who has the address.
 */
export async function createUserOnce(
  { threescale, duplicateRemoved }: UserOnceDeps,
  accountId: number,
  wanted: Parameters<Threescale['createUser']>[1],
): Promise<User> {
  const created = await threescale.createUser(accountId, wanted)
  const [own, elsewhere] = await Promise.all([threescale.listUsers(accountId), threescale.findByEmail(wanted.email)])
  const same = [...own, ...(elsewhere ? [elsewhere.user] : [])].filter(
    ({ username, email }) => username === wanted.username || email === wanted.email,
  )
  const oldest = same.reduce((one, other) => (other.id < one.id ? other : one), created)
  if (oldest.id === created.id) return created
  await threescale.deleteUser(accountId, created.id)
  duplicateRemoved('user')
  if (oldest.username !== wanted.username || oldest.accountId !== accountId)
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
