import type { Threescale } from '../../clients/threescale/nouns.js'
import { COLUMN_CHARACTERS, textFault } from '../../clients/threescale/text.js'
import { isProblem, problem } from '../../errors.js'
import type { Names } from './names.js'
import { refusedAddress } from './refused-text.js'
import { checkStanding, type Found } from './standing.js'

/**
 * The user in 3scale with this address, as the sign-in service writes it or in lower case: 3scale compares addresses by
 * case, and finds none in another spelling than it is asked for. Where more than one has it, whose account it is
 * cannot be known: rejects with email_conflict, which names them to the operator; one of these `usernames` is the caller's own.
 * Rejects with sign_up_refused where 3scale cannot have it.
 */
export async function findByEmail(
  threescale: Pick<Threescale, 'findByEmail'>,
  email: string,
  usernames: string[] = [],
): Promise<Found | undefined> {
  const fault = textFault(email, { max: COLUMN_CHARACTERS })
  if (fault) throw refusedAddress(problem('invalid_fields', { fields: { email: fault } }))
  const spellings = [...new Set([email, email.toLowerCase()])]
  const all: Found[] = []
  for (const spelling of spellings) {
    const found = await threescale.findByEmail(spelling)
    if (!found) continue
    const same = found.users.filter((user) => user.email === spelling)
    all.push(...same.map((user) => ({ account: found.account, user })))
  }
  const own = all.find(({ user }) => usernames.includes(user.username))
  if (own || all.length < 2) return own ?? all[0]
  const candidates = all.map(({ account, user }) => `${account.id}/${user.id}`).join(', ')
  const cause = new Error(`one address, several users in 3scale, as account/user: ${candidates}`)
  throw problem('email_conflict', { candidates, cause })
}

/** Rejects where this person of the stock portal, as is whoever has a name that no secret verifies, cannot be linked. */
export function checkLinkable({ isOurs }: Pick<Names, 'isOurs'>, stock: Found): void {
  if (isOurs(stock.user.username)) throw problem('email_taken')
  if (!isUnanswered(stock)) checkStanding(stock)
}

/**
 * People of the stock portal keep their account: their user gets the name that proves the identity, so no second subject
 * with the address can follow. The name is the last write, with the accepted terms, so a link is made whole or not at all.
 */
export async function link(
  threescale: Threescale,
  stock: Found,
  username: string,
  fields: Record<string, string>,
): Promise<Found> {
  const { account, user } = await activated(threescale, stock)
  checkStanding({ account, user })
  try {
    const renamed = await threescale.updateUser(account.id, user.id, { username, fields })
    return { account, user: { ...renamed, state: 'active', fields: { ...renamed.fields, ...fields } } }
  } catch (error) {
    const done = isProblem(error, 'threescale_unavailable') ? await threescale.findByUsername(username) : undefined
    if (done) return done
    throw storedAddress(error)
  }
}

/** 3scale checks the address again whenever a user is changed, and one of the stock portal may be older than the check. */
function storedAddress(error: unknown): unknown {
  const email = isProblem(error, 'invalid_fields') ? error.fields?.email : undefined
  if (email === undefined) return error
  const detail = `3scale does not accept the e-mail address that it has for you. ${email} Ask the contact of this portal to correct it there.`
  return problem('sign_up_refused', { detail, cause: error })
}

/** A stock sign-up whose mail was never answered: the verified address is what that mail would have shown. */
function isUnanswered({ account, user }: Found): boolean {
  return user.state === 'pending' && account.state === 'created'
}

async function activated(threescale: Threescale, stock: Found): Promise<Found> {
  if (stock.user.state !== 'pending') return stock
  await threescale.activateUser(stock.account.id, stock.user.id)
  return (await threescale.findByUsername(stock.user.username)) ?? stock
}
