import { asciiLower } from '../../../clients/mail/email-address.js'
import { COLUMN_CHARACTERS, textError } from '../../../clients/threescale/tenant-rules/text-limits.js'
import type { Threescale } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import { type AccountUser, assertActive } from '../account-status.js'
import { threescaleRefusals } from '../messages.js'
import { toEmailProblem } from '../threescale-refusals.js'
import type { Usernames } from '../usernames/usernames.js'

/**
 * Finds a user by the address as the identity provider spells it, and in lower case: 3scale compares addresses case-sensitively.
 * Rejects with email_conflict where several users have the address, unless one of them has one of `ownUsernames`; and with
 * sign_up_refused where 3scale cannot store the address.
 */
export async function findUserByEmail(
  threescale: Pick<Threescale, 'findByEmail'>,
  email: string,
  ownUsernames: string[] = [],
): Promise<AccountUser | undefined> {
  const error = textError(email, { max: COLUMN_CHARACTERS })
  if (error) throw toEmailProblem(problem('invalid_fields', { fields: { email: error } }))
  const matches: AccountUser[] = []
  for (const spelling of new Set([email, asciiLower(email)])) {
    const result = await threescale.findByEmail(spelling)
    if (!result) continue
    const users = result.users.filter((user) => user.email === spelling)
    matches.push(...users.map((user) => ({ account: result.account, user })))
  }
  const own = matches.find(({ user }) => ownUsernames.includes(user.username))
  if (own || matches.length < 2) return own ?? matches[0]
  const candidates = matches.map(({ account, user }) => `${account.id}/${user.id}`).join(', ')
  const cause = new Error(`several users in 3scale have the address, as account/user: ${candidates}`)
  throw problem('email_conflict', { candidates, cause })
}

/** Rejects where this user of 3scale's developer portal cannot be linked. A username that no secret verifies is such a user's. */
export function assertLinkable({ isPortalUsername }: Pick<Usernames, 'isPortalUsername'>, legacy: AccountUser): void {
  if (isPortalUsername(legacy.user.username)) throw problem('email_taken')
  if (!isUnconfirmedSignUp(legacy)) assertActive(legacy)
}

/**
 * Users of 3scale's developer portal keep their account: the user gets the username of the identity, so no other identity with the
 * address can be linked. One write stores the username and the accepted terms, so a link is complete or absent.
 */
export async function linkUser(
  threescale: Pick<Threescale, 'activateUser' | 'findByUsername' | 'updateUser'>,
  legacy: AccountUser,
  username: string,
  fields: Record<string, string>,
): Promise<AccountUser> {
  const { account, user } = await activate(threescale, legacy)
  assertActive({ account, user })
  try {
    const renamed = await threescale.updateUser(account.id, user.id, { username, fields })
    return { account, user: { ...renamed, state: 'active', fields: { ...renamed.fields, ...fields } } }
  } catch (error) {
    const stored = isProblem(error, 'threescale_unavailable') ? await threescale.findByUsername(username) : undefined
    if (stored) return stored
    throw toStoredEmailProblem(error)
  }
}

/** 3scale validates the address at each change of a user, and a user may be older than the validation. */
function toStoredEmailProblem(error: unknown): unknown {
  const email = isProblem(error, 'invalid_fields') ? error.fields?.email : undefined
  if (email === undefined) return error
  return problem('sign_up_refused', { detail: threescaleRefusals.storedEmail(email), cause: error })
}

/** A sign-up whose confirmation e-mail was never answered: the verified address confirms the same. */
function isUnconfirmedSignUp({ account, user }: AccountUser): boolean {
  return user.state === 'pending' && account.state === 'created'
}

async function activate(
  threescale: Pick<Threescale, 'activateUser' | 'findByUsername'>,
  legacy: AccountUser,
): Promise<AccountUser> {
  if (legacy.user.state !== 'pending') return legacy
  await threescale.activateUser(legacy.account.id, legacy.user.id)
  return (await threescale.findByUsername(legacy.user.username)) ?? legacy
}
