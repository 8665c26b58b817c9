import type { Application, Threescale } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import type { Found } from './standing.js'

export interface DoubledAccountsDeps {
  threescale: Pick<Threescale, 'findAllByUsername' | 'listUsers' | 'listApplications' | 'deleteAccount'>
  /** told of each account that was removed */
  duplicateRemoved(kind: 'account'): void
}

/** The applications that 3scale creates with an account, for plans that the tenant gives to everybody, are there within this time. */
const SIGN_UP_MS = 60_000

/**
 * Keeps one of several accounts with the same user name, which 3scale accepts where two sign-ups arrive at once, and of which it
 * activates none: the only one that is in use, else an approved one, else the oldest. The others are removed; nobody has used
 * them. `found` tells the state of its account before the portal approved it. Undefined where there are not several. Rejects
 * with account_doubled where more than one is in use. Reads every account.
 */
export async function keepOneAccount(
  { threescale, duplicateRemoved }: DoubledAccountsDeps,
  found: Found,
): Promise<Found | undefined> {
  const { account: before } = found
  const all = await threescale.findAllByUsername(found.user.username)
  if (all.length < 2) return undefined
  const inUse = new Set<Found>()
  for (const one of all) if (await isInUse(one)) inUse.add(one)
  if (inUse.size > 1) throw doubled(all)
  const [kept] = [...all].sort((one, other) => rank(one) - rank(other) || one.account.id - other.account.id)
  for (const { account } of all) {
    if (account.id === kept?.account.id) continue
    await threescale.deleteAccount(account.id)
    duplicateRemoved('account')
  }
  return kept

  function rank(one: Found): number {
    const { id, state } = one.account
    return inUse.has(one) ? 0 : (id === before.id ? before.state : state) === 'approved' ? 1 : 2
  }

  async function isInUse({ account, user }: Found): Promise<boolean> {
    const [users, applications] = await Promise.all([
      threescale.listUsers(account.id),
      threescale.listApplications(account.id),
    ])
    return users.length > 1 || applications.some((application) => !isOfSignUp(application, user.createdAt))
  }
}

function isOfSignUp({ createdAt, lastTrafficAt }: Application, signedUpAt: string): boolean {
  return lastTrafficAt === '' && Date.parse(createdAt) - Date.parse(signedUpAt) < SIGN_UP_MS
}

function doubled(all: Found[]) {
  const candidates = all.map(({ account, user }) => `${account.id}/${user.id}`).join(', ')
  const cause = new Error(`one user name, several accounts in use, as account/user: ${candidates}`)
  return problem('account_doubled', { candidates, cause })
}
