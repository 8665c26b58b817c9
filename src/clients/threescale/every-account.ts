import type { Calls } from './calls.js'
import type { Account, User } from './nouns.js'
import { toAccount, toUser } from './wire.js'
import { listOf } from './xml.js'

const PER_PAGE = 500

/** Every user of every account of the tenant: many long reads, for what cannot be asked for by name. */
export async function everybody({ xmlPage }: Pick<Calls, 'xmlPage'>): Promise<{ account: Account; user: User }[]> {
  const all: { account: Account; user: User }[] = []
  let read = 0
  for (let page = 1; ; page++) {
    const { rows, total } = await xmlPage('/admin/api/accounts', 'accounts', 'account', { page, perPage: PER_PAGE })
    read += rows.length
    for (const node of rows) {
      const account = toAccount(node)
      all.push(...listOf(node.users, 'user').map((wire) => ({ account, user: toUser(wire, account.id) })))
    }
    if (rows.length === 0 || read >= total) return all
  }
}
