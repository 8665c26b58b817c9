import type { Account, User } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Caller, Identity } from '../../web/caller.js'

/** A person or service as 3scale has it. */
export interface Found {
  account: Account
  user: User
}

/** Rejects where the account or the user may not be used, with the reason as the code. */
export function checkStanding({ account, user }: Found): void {
  if (user.state === 'suspended') throw problem('account_suspended')
  check(['account_state'], { account })
}

/** What a session or an API call knows of its sender. */
export function callerFor(identity: Identity, { account, user }: Found): Caller {
  return {
    kind: identity.kind,
    issuer: identity.issuer,
    subject: identity.subject,
    sid: identity.sid,
    username: user.username,
    accountId: account.id,
    userId: user.id,
    role: user.role,
    orgName: account.orgName,
    name: identity.name,
    // it is the Reply-To of e-mails: an address that is not theirs would speak for somebody else
    email: identity.emailVerified ? identity.email : undefined,
    groups: identity.groups,
    ...(identity.groupsOmitted ? { groupsOmitted: true } : {}),
  }
}
