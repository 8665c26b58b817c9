import type { AccountUsers, InspectionPage } from '../../../../clients/threescale/inspection/types.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { userMessages } from './messages.js'

/** Which secret of the portal verifies a username; undefined if it does not have the portal's format. */
export type VerifyUsername = (user: {
  accountId: number
  username: string
  email: string | undefined
  state: AccountUsers['users'][number]['state']
}) => { secret: 'first' | 'older' | 'none' } | undefined

/** Users that a finding lists; all are counted. */
const MAX_LISTED = 10

/** Finds usernames in the portal's format that are not signed with its first secret. */
export function checkUsernames(
  finding: CreateFinding,
  accounts: InspectionPage<AccountUsers>['rows'],
  verifyUsername: VerifyUsername,
): Finding[] {
  const users = accounts.flatMap(({ id: accountId, users }) =>
    users.map(({ id, username, email, state }) => {
      const verified = verifyUsername({ accountId, username, email: email || undefined, state })
      return { id, accountId, secret: verified?.secret ?? 'first' }
    }),
  )
  return (['none', 'older'] as const).flatMap((secret) => {
    const matching = users.filter((user) => user.secret === secret)
    if (matching.length === 0) return []
    const listed = matching.slice(0, MAX_LISTED).map(({ id, accountId }) => userMessages.name(id, accountId))
    const what = userMessages.usernames(matching.length, secret, listed.join(', '), matching.length - listed.length)
    return [
      finding(secret === 'none' ? 'username_unverified' : 'username_older_secret', {
        what,
        id: matching[0]?.accountId ?? 0,
      }),
    ]
  })
}
