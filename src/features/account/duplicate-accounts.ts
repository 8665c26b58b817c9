import type { Threescale, ThreescaleApplication } from '../../clients/threescale/types.js'
import { problem } from '../../errors.js'
import type { AccountUser } from './account-status.js'

export interface DuplicateAccountsDeps {
  threescale: Pick<Threescale, 'findAllByUsername' | 'listUsers' | 'listApplications' | 'deleteAccount'>
  /** Called for each account that was removed. */
  duplicateRemoved(kind: 'account'): void
}

/** 3scale creates the applications of the tenant's default plans within this time of the account. */
const SIGN_UP_MS = 60_000

/**
 * 3scale accepts several accounts with one username where sign-ups arrive at once, and activates none of their users. This keeps
 * the only account in use, else an approved one, else the oldest, and removes the others, which no one has used. `initial` has
 * the state of its account before the portal approved it. Returns undefined where there are no duplicates. Rejects with
 * duplicate_accounts where more than one is in use. Reads every account of the tenant.
 */
export async function resolveDuplicateAccounts(
  { threescale, duplicateRemoved }: DuplicateAccountsDeps,
  initial: AccountUser,
): Promise<AccountUser | undefined> {
  const duplicates = await threescale.findAllByUsername(initial.user.username)
  if (duplicates.length < 2) return undefined
  const used = new Set<AccountUser>()
  for (const duplicate of duplicates) if (await isInUse(duplicate)) used.add(duplicate)
  if (used.size > 1) throw duplicateAccountsProblem(duplicates)
  const [remaining] = [...duplicates].sort((a, b) => rank(a) - rank(b) || a.account.id - b.account.id)
  for (const { account } of duplicates) {
    if (account.id === remaining?.account.id) continue
    await threescale.deleteAccount(account.id)
    duplicateRemoved('account')
  }
  return remaining

  function rank(duplicate: AccountUser): number {
    const { id, state } = duplicate.account
    if (used.has(duplicate)) return 0
    return (id === initial.account.id ? initial.account.state : state) === 'approved' ? 1 : 2
  }

  async function isInUse({ account, user }: AccountUser): Promise<boolean> {
    const [users, applications] = await Promise.all([
      threescale.listUsers(account.id),
      threescale.listApplications(account.id),
    ])
    return users.length > 1 || applications.some((application) => !isOfSignUp(application, user.createdAt))
  }
}

function isOfSignUp({ createdAt, lastTrafficAt }: ThreescaleApplication, signedUpAt: string): boolean {
  return lastTrafficAt === '' && Date.parse(createdAt) - Date.parse(signedUpAt) < SIGN_UP_MS
}

function duplicateAccountsProblem(duplicates: AccountUser[]) {
  const candidates = duplicates.map(({ account, user }) => `${account.id}/${user.id}`).join(', ')
  const cause = new Error(`one username, several accounts in use, as account/user: ${candidates}`)
  return problem('duplicate_accounts', { candidates, cause })
}
