import type { Threescale } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import { isOurs } from './names.js'
import { checkStanding, type Found } from './standing.js'

/** Somebody of the stock portal with this address: tried as the sign-in service writes it, then in lower case. */
export async function findByEmail(threescale: Threescale, email: string): Promise<Found | undefined> {
  const exact = await threescale.findByEmail(email)
  if (exact || email === email.toLowerCase()) return exact
  return threescale.findByEmail(email.toLowerCase())
}

/**
 * People of the stock portal keep their account: their user gets the name that proves the identity, so no second subject
 * with the address can follow. Rejects with email_taken for whoever has such a name already.
 */
export async function link(threescale: Threescale, stock: Found, username: string): Promise<Found> {
  if (isOurs(stock.user.username)) throw problem('email_taken')
  checkStanding(stock)
  const { account } = stock
  const user = await threescale.updateUser(account.id, stock.user.id, { username })
  if (user.state === 'pending') await threescale.activateUser(account.id, user.id)
  return { account, user: { ...user, state: 'active' } }
}
