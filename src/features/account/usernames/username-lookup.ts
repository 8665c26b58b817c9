import type { Threescale } from '../../../clients/threescale/types.js'
import { isProblem } from '../../../errors.js'
import type { AccountUser } from '../account-status.js'

/**
 * Finds the user with the first of these usernames that exists. Costs one call for a user with the first username, and one more for
 * each other secret for new users and for those that are not renamed yet.
 */
export async function findFirstByUsername(
  find: (username: string) => Promise<AccountUser | undefined>,
  usernames: string[],
): Promise<AccountUser | undefined> {
  for (const username of usernames) {
    const accountUser = await find(username)
    if (accountUser) return accountUser
  }
  return undefined
}

/**
 * Renames a user that was found under an older secret. A failure does not matter to the caller: both usernames find the user, and the
 * next sign-in tries again.
 */
export async function renameToCurrent(
  threescale: Pick<Threescale, 'updateUser' | 'findByUsername'>,
  accountUser: AccountUser,
  username: string,
): Promise<AccountUser> {
  const { account, user } = accountUser
  if (user.username === username) return accountUser
  try {
    return { account, user: { ...user, ...(await threescale.updateUser(account.id, user.id, { username })) } }
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'invalid_fields', 'conflict')) throw error
    // 3scale may have stored the username although its response was lost.
    const stored = await threescale.findByUsername(username).catch(() => undefined)
    return stored?.user.id === user.id ? stored : accountUser
  }
}
