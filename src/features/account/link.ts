import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { isOurs } from './names.js'
import { checkStanding, type Found } from './standing.js'

/**
 * Somebody in 3scale with this address, as the sign-in service writes it or in lower case. Rejects with email_taken where
 * more than one has it: nobody can tell then whose account it is (3scale compares addresses by case and may hold twins).
 */
export async function findByEmail(threescale: Threescale, email: string): Promise<Found | undefined> {
  const spellings = [...new Set([email, email.toLowerCase()])]
  const all: Found[] = []
  for (const spelling of spellings) {
    const found = await threescale.findByEmail(spelling)
    if (!found) continue
    const same = found.users.filter((user) => user.email === spelling)
    all.push(...same.map((user) => ({ account: found.account, user })))
  }
  if (all.length > 1) throw problem('email_taken')
  return all[0]
}

/** Rejects where this person of the stock portal cannot be linked; writes nothing. */
export function checkLinkable(stock: Found): void {
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
    throw error
  }
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
