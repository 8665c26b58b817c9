import type { AccountUsers, Page } from '../../../clients/threescale/inspection/nouns.js'
import type { Find, Finding } from '../findings.js'

/** Which secret of the portal verifies the name of a user; undefined for a name that does not look like the portal's. */
export type MadeBy = (user: {
  accountId: number
  username: string
  email: string | undefined
  state: AccountUsers['users'][number]['state']
}) => { secret: 'first' | 'older' | 'none' } | undefined

/** Users that are named in a report; all are counted. */
const NAMED = 10

/** Users whose names look like the portal's and are not under its first secret, by their ids. */
export function userNames(find: Find, accounts: Page<AccountUsers>['rows'], madeBy: MadeBy): Finding[] {
  const users = accounts.flatMap(({ id: accountId, users }) =>
    users.map(({ id, username, email, state }) => {
      const made = madeBy({ accountId, username, email: email || undefined, state })
      return { id, accountId, secret: made?.secret ?? 'first' }
    }),
  )
  return (['none', 'older'] as const).flatMap((secret) => {
    const found = users.filter((user) => user.secret === secret)
    if (found.length === 0) return []
    const listed = found.slice(0, NAMED).map(({ id, accountId }) => `${id} (account ${accountId})`)
    const more = found.length > NAMED ? `, and ${found.length - NAMED} more` : ''
    const count = found.length === 1 ? '1 user' : `${found.length} users`
    const which = secret === 'none' ? 'that no secret verifies' : 'under an older secret'
    const what = `${count} with a name ${which}: ${listed.join(', ')}${more}.`
    return [find(secret === 'none' ? 'name_unverified' : 'name_older_secret', { what, id: found[0]?.accountId ?? 0 })]
  })
}
