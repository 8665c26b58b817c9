import { toAccount, toUser } from './mapping/mappers.js'
import { listOf } from './mapping/xml.js'
import type { ThreescaleRequests } from './requests/requests.js'
import type { Account, User } from './types.js'

const PER_PAGE = 500

/** One page of the accounts of the tenant, from 1, with their users; `total` counts accounts. */
export async function readAccountsPage(
  { xmlPage }: Pick<ThreescaleRequests, 'xmlPage'>,
  page: number,
): Promise<{ accounts: { account: Account; users: User[] }[]; total: number }> {
  const { rows, total } = await xmlPage('/admin/api/accounts', 'accounts', 'account', { page, perPage: PER_PAGE })
  const accounts = rows.map((node) => {
    const account = toAccount(node)
    return { account, users: listOf(node.users, 'user').map((wire) => toUser(wire, account.id)) }
  })
  return { accounts, total }
}

/** Every user of every account of the tenant, page by page: many long reads, for what cannot be asked for by name. */
export async function* allUsers(
  readPage: (page: number) => ReturnType<typeof readAccountsPage>,
): AsyncGenerator<{ account: Account; user: User }> {
  let read = 0
  for (let page = 1; ; page++) {
    const { accounts, total } = await readPage(page)
    read += accounts.length
    for (const { account, users } of accounts) for (const user of users) yield { account, user }
    if (accounts.length === 0 || read >= total) return
  }
}
