import type { Account, User } from '../../clients/threescale/types.js'
import { problem } from '../../errors.js'
import { enforce } from '../../policies.js'
import type { Caller, Identity } from '../../web/auth/caller.js'

/** A person or service in 3scale, with the account. */
export interface AccountUser {
  account: Account
  user: User
}

/** Rejects where the account or the user is not active; the code is the reason. */
export function assertActive({ account, user }: AccountUser): void {
  if (user.state === 'suspended') throw problem('account_suspended')
  enforce(['account_state'], { account })
}

export function toCaller(identity: Identity, { account, user }: AccountUser): Caller {
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
    // It is the Reply-To of e-mails, so an unverified address could impersonate its owner.
    email: identity.emailVerified ? identity.email : undefined,
    groups: identity.groups,
    ...(identity.groupsOmitted ? { groupsOmitted: true } : {}),
  }
}
