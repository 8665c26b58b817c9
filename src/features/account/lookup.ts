import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import type { Found } from './standing.js'

/**
 * A user by the first of these names that one has: names under every secret, the first one first. One call for whoever has the
 * first name; one more for each other secret for newcomers and for those who are not renamed yet.
 */
export async function findFirst(
  find: (username: string) => Promise<Found | undefined>,
  usernames: string[],
): Promise<Found | undefined> {
  for (const username of usernames) {
    const found = await find(username)
    if (found) return found
  }
  return undefined
}

/**
 * Gives a user that was found under an older secret the name under the first one, once. Whether it worked does not matter to
 * the caller: 3scale may not answer, or another request may be renaming the same user. Both names find them, and the next
 * sign-in tries again.
 */
export async function renamed(
  threescale: Pick<Threescale, 'updateUser' | 'findByUsername'>,
  found: Found,
  username: string,
): Promise<Found> {
  const { account, user } = found
  if (user.username === username) return found
  try {
    return { account, user: { ...user, ...(await threescale.updateUser(account.id, user.id, { username })) } }
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'invalid_fields', 'conflict')) throw error
    // the answer may have been lost after the write
    const there = await threescale.findByUsername(username).catch(() => undefined)
    return there?.user.id === user.id ? there : found
  }
}
