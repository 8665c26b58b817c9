import { asciiLower } from '../../../clients/mail/email-address.js'
import type { User } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { Cache } from '../../../infra/cache.js'
import type { WithLock } from '../../../infra/lock.js'
import type { Caller, Identity } from '../../../web/auth/caller.js'
import type { Revocations } from '../../../web/auth/revocations.js'
import { type AccountUser, assertActive, toCaller } from '../account-status.js'
import { createAccountUserCache } from '../account-user-cache.js'
import {
  acceptanceField,
  assertTermsAccepted,
  recordAcceptance,
  requiresAcceptance,
  type SignUpTerms,
} from '../terms.js'
import { findFirstByUsername, renameToCurrent } from '../usernames/username-lookup.js'
import type { Usernames } from '../usernames/usernames.js'
import type { ClaimAccounts } from './claim-accounts.js'
import type { CompletionAnswers } from './completion.js'
import { createJoinAccount, type JoinAccountDeps, type JoinResult } from './join-account.js'
import { matchesConsent } from './join-offer.js'
import { signUpErrors } from './messages.js'
import type { DeclineRequest, SignedInOutcome, SignInOutcome } from './sign-in-outcome.js'
import { createSignUp, type SignUpDeps } from './sign-up.js'
import type { SignUpPolicy } from './sign-up-policy.js'

export interface AccountsDeps {
  threescale: SignUpDeps['threescale'] & JoinAccountDeps['threescale']
  cache: Cache
  withLock: WithLock
  usernames: Usernames
  changes: Pick<Revocations, 'endUser' | 'recordChange' | 'changedAt' | 'recordAccountChange' | 'accountChangedAt'>
  linkByEmail: boolean
  policy: SignUpPolicy
  terms: SignUpTerms | undefined
  claims: ClaimAccounts
  repairs: SignUpDeps['repairs']
  duplicateRemoved(kind: 'account' | 'user'): void
}

export type Accounts = ReturnType<typeof createAccounts>

/** The 3scale users of signed-in identities: found by username, linked once by verified e-mail address, or signed up. */
export function createAccounts({
  threescale,
  cache,
  withLock,
  usernames,
  changes,
  linkByEmail,
  policy,
  terms,
  claims,
  repairs,
  duplicateRemoved,
}: AccountsDeps) {
  const users = createAccountUserCache(threescale, cache, changes)
  const signUp = createSignUp({ threescale, cache, policy, terms, repairs, duplicateRemoved })
  const joining = createJoinAccount({ threescale, usernames, signUp, claims, linkByEmail, terms, duplicateRemoved })
  /** The usernames of an identity under every secret; the first one is given to new users. */
  const usernamesOf = ({ kind, subject }: Identity) => usernames.usernamesFor(kind, subject)
  const usernameOf = (identity: Identity) => usernamesOf(identity)[0] ?? ''

  return {
    /**
     * Costs one call to 3scale for a user with the username under the first secret. Without `completion`, a new user may get
     * questions; nothing is written then. Rejects with account_pending, email_taken, sign_up_closed, threescale_unavailable
     * and others.
     */
    async signIn(identity: Identity, completion?: CompletionAnswers): Promise<SignInOutcome> {
      const existing = await findFirstByUsername(threescale.findByUsername, usernamesOf(identity))
      if (existing) return signInExisting(identity, existing, completion)
      return withIdentityLock(identity, () => joinOrSignUp(identity, completion))
    },

    /**
     * Removes the invitation, then continues like `signIn`. Rejects with link_declined where the offer is to link the user that
     * has the address, which cannot be removed.
     */
    async decline(identity: Identity, { consent, answers, onDeclined }: DeclineRequest): Promise<SignInOutcome> {
      const existing = await findFirstByUsername(threescale.findByUsername, usernamesOf(identity))
      if (existing) return signInExisting(identity, existing, answers)
      return withIdentityLock(identity, async () => {
        const match = await joining.findMatch(identity, usernamesOf(identity), consent)
        const offer = match && joining.offerOf(match)
        // The user declined another offer than the current one.
        if (offer && consent && !matchesConsent(offer, consent)) return joinOrSignUp(identity, undefined)
        if (offer?.basis === 'link') throw problem('link_declined')
        if (match && offer) {
          // Rejects where the user could not sign up afterwards.
          await signUp.prepare(identity, answers, { existingAccount: claims.valueFor(identity) !== undefined })
          await joining.removeInvitation(match, onDeclined)
        }
        return joinOrSignUp(identity, answers)
      })
    },

    /** Removes the invitation of a service that belongs to another account. A person cannot have such an invitation. */
    async withdraw(identity: Identity, accountId: number, onDeclined: DeclineRequest['onDeclined']): Promise<void> {
      const invitation =
        identity.kind === 'service' ? await joining.findServiceInvitation(identity, accountId) : undefined
      if (invitation) await joining.removeInvitation(invitation, onDeclined)
    },

    /** For a bearer token. Undefined where its identity has not completed its sign-up. No promise if 3scale need not be asked. */
    callerForToken(identity: Identity): Caller | Promise<Caller | undefined> {
      const confirmed = confirmedUser(usernamesOf(identity))
      return confirmed ? toCaller(identity, confirmed) : askForToken(identity)
    },

    /**
     * Reads the user of an identity from 3scale. A pending user is an interrupted sign-up. `mayBeCached`: returns the cached user
     * where 3scale is slow.
     */
    async current(identity: Identity, { mayBeCached = false } = {}): Promise<AccountUser | undefined> {
      const read = mayBeCached ? users.reloadWithinDeadline : users.reload
      const accountUser = await findFirstByUsername(read, users.cachedFirst(usernamesOf(identity)))
      if (accountUser && accountUser.user.state !== 'pending') assertActive(accountUser)
      return accountUser
    },

    /** To be called before a repeated sign-up is reported as successful. */
    repairKnownFailures: repairs.recorded,

    /**
     * Refreshes the caller of a session from 3scale once a minute; undefined where the user no longer exists. Rejects with
     * account_suspended and the like. While 3scale is slow or down, the session remains valid. No promise if 3scale need not be asked.
     */
    refreshCaller(caller: Caller): Caller | Promise<Caller | undefined> {
      const confirmed = confirmedUser(usernames.usernamesFor(caller.kind, caller.subject))
      return confirmed ? withAccountUser(caller, confirmed) : askForCaller(caller)
    },

    async profile(caller: Caller): Promise<AccountUser | undefined> {
      return users.lastKnown(caller.username)
    },

    /** For a caller without an account: the questions of a sign-up, and the account that they can join. */
    joinDestination: joining.destination,

    questions: signUp.questions,

    /** After a change of the role: it takes effect at the next request on every replica. */
    async invalidateUser({ username }: Pick<User, 'username'>): Promise<void> {
      await changes.recordChange(username)
      await users.forget(username)
    },

    /** After 3scale reported a change: the account and its users are read again at the next request, on every replica. */
    invalidateAccount: changes.recordAccountChange,

    /** After the removal of a user: ends the sessions on every replica. */
    async endUserSessions({ username }: Pick<User, 'username'>): Promise<void> {
      await changes.endUser(username)
      await users.forget(username)
    },
  }

  /** An active user that 3scale has confirmed within the last minute. */
  function confirmedUser(candidates: string[]): AccountUser | undefined {
    const [username = ''] = users.cachedFirst(candidates)
    const accountUser = users.confirmed(username)
    return accountUser?.user.state === 'active' && accountUser.account.state === 'approved' ? accountUser : undefined
  }

  async function askForToken(identity: Identity): Promise<Caller | undefined> {
    const accountUser = await findFirstByUsername(users.find, users.cachedFirst(usernamesOf(identity)))
    if (!accountUser || accountUser.user.state === 'pending') return undefined
    assertActive(accountUser)
    return toCaller(identity, accountUser)
  }

  async function askForCaller(caller: Caller): Promise<Caller | undefined> {
    // Another sign-in may have renamed the user, and a username that no secret verifies is another user's.
    for (const username of users.cachedFirst(usernames.usernamesFor(caller.kind, caller.subject))) {
      const accountUser = await users.findWithinDeadline(username)
      // After a change of the role, the caller is no admin until 3scale confirms it.
      const isChanged = changes.changedAt(username) >= 0 || changes.accountChangedAt(caller.accountId) >= 0
      if (accountUser === 'unknown') return isChanged ? { ...caller, role: 'member' } : caller
      if (!accountUser || accountUser.user.username !== username) continue
      assertActive(accountUser)
      return withAccountUser(caller, accountUser)
    }
    return undefined
  }

  /** Serializes sign-ups of one identity, and of identities with the same address. */
  async function withIdentityLock<T>(identity: Identity, work: () => Promise<T>): Promise<T> {
    const address = asciiLower(identity.email ?? '')
    return withLock(usernameOf(identity), () => withLock(`address:${address}`, () => conflictIfGone(work)))
  }

  async function joinOrSignUp(identity: Identity, completion: CompletionAnswers | undefined): Promise<SignInOutcome> {
    const username = usernameOf(identity)
    const match = await joining.findMatch(identity, usernamesOf(identity), completion?.consent)
    if (match) {
      // Another request created the user while this one waited for the lock.
      if (usernamesOf(identity).includes(match.user.username)) return signInExisting(identity, match, completion)
      if (usernames.invitedRole(match.user)) {
        const result = await joining.acceptInvitation(identity, match, username, completion)
        return completeJoin(identity, result, { joined: true })
      }
      const result = await joining.linkLegacyUser(match, username, completion)
      return completeJoin(identity, result, { linkedUsername: match.user.username })
    }
    const value = claims.valueFor(identity)
    if (value !== undefined) {
      const result = await joining.joinByClaim(identity, value, username, completion)
      return completeJoin(identity, result, { joined: true })
    }
    const result = await signUp.signUp(identity, username, completion)
    if (!('user' in result)) return { kind: 'questions', step: 'all', ...result }
    return completeSignIn(identity, result, { signedUp: true })
  }

  async function completeJoin(
    identity: Identity,
    result: JoinResult,
    details: Partial<SignedInOutcome>,
  ): Promise<SignInOutcome> {
    if (!('user' in result)) return { kind: 'questions', ...result }
    return completeSignIn(identity, result, details)
  }

  /** Completes an interrupted sign-up, and requests acceptance of the terms where their version has changed. */
  async function signInExisting(
    identity: Identity,
    existing: AccountUser,
    completion: CompletionAnswers | undefined,
  ): Promise<SignInOutcome> {
    const resumed = existing.user.state === 'pending' ? await joining.resume(identity, existing) : existing
    const finished = await signUp.finish(resumed)
    assertActive(finished)
    const accountUser = await renameToCurrent(threescale, finished, usernameOf(identity))
    await repairs.recorded(accountUser.account.id)
    if (!requiresAcceptance(terms, accountUser)) return completeSignIn(identity, accountUser)
    if (!completion) return { kind: 'questions', step: 'terms', fields: [], terms }
    assertTermsAccepted(terms, completion.acceptTerms)
    return completeSignIn(identity, await recordAcceptance(threescale, accountUser, acceptanceField(terms)))
  }

  async function completeSignIn(
    identity: Identity,
    accountUser: AccountUser,
    details: Partial<SignedInOutcome> = {},
  ): Promise<SignedInOutcome> {
    assertActive(accountUser)
    await users.store(accountUser)
    await claims.recordValue(identity, accountUser.user.username)
    const caller = toCaller(identity, accountUser)
    return { kind: 'signed_in', caller, signedUp: false, linkedUsername: undefined, joined: false, ...details }
  }
}

function withAccountUser(caller: Caller, { account, user }: AccountUser): Caller {
  const { username, id: userId, role } = user
  return { ...caller, username, accountId: account.id, userId, role, orgName: account.orgName }
}

/** An invitation may be withdrawn, and an account deleted, between the read and the write. */
async function conflictIfGone<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isProblem(error, 'not_found')) throw error
    throw problem('conflict', { detail: signUpErrors.accountChanged, cause: error })
  }
}
