import type { Threescale, User } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { Identity } from '../../../web/auth/caller.js'
import { type AccountUser, assertActive } from '../account-status.js'
import { type CreateUserOnceDeps, createUserOnce, retryWhileDuplicated } from '../duplicate-users.js'
import { acceptanceField, assertTermsAccepted, requiresAcceptance, type SignUpTerms } from '../terms.js'
import { toEmailProblem } from '../threescale-refusals.js'
import { retryWithoutUnstorableClaims } from '../unstorable-claims.js'
import type { Usernames } from '../usernames/usernames.js'
import type { ClaimAccounts } from './claim-accounts.js'
import type { CompletionAnswers, CompletionQuestions, CompletionStep } from './completion.js'
import { answersForOffer, createOffer, type JoinConsent, type JoinOffer, matchesConsent } from './join-offer.js'
import { assertLinkable, findUserByEmail, linkUser } from './link-legacy-account.js'
import type { SignUpService } from './sign-up.js'
import { assertVerifiedEmail } from './sign-up-policy.js'

/** An invitation that its invitee removed. */
export interface DeclinedInvitation {
  account: number
  member: number
}

export type JoinResult = AccountUser | (CompletionQuestions & { step: CompletionStep; offer: JoinOffer })

export interface JoinAccountDeps {
  threescale: CreateUserOnceDeps['threescale'] &
    Pick<Threescale, 'findByUsername' | 'updateUser' | 'setRole' | 'activateUser'>
  usernames: Usernames
  signUp: SignUpService
  claims: ClaimAccounts
  /** Users of 3scale's developer portal are found by their verified address. */
  linkByEmail: boolean
  terms: SignUpTerms | undefined
  duplicateRemoved: CreateUserOnceDeps['duplicateRemoved']
}

/**
 * Three ways into an existing account: an invitation, a claim of the sign-in, and a user of 3scale's developer portal. Each requires
 * consent to this very offer; nothing is written before. Each can be interrupted at any step, and the next sign-in resumes it.
 */
export function createJoinAccount(deps: JoinAccountDeps) {
  const { threescale, usernames, signUp, claims, linkByEmail, terms, duplicateRemoved } = deps

  return {
    /** The questions for a new user, and the account that they can join; no offer: they create their own account. */
    async destination(identity: Identity): Promise<CompletionQuestions & { offer: JoinOffer | undefined }> {
      const { kind, email, emailVerified } = identity
      const match = kind === 'person' && email && emailVerified ? await findUserByEmail(threescale, email) : undefined
      const offer = match ? offerOf(match) : await offerByClaim(identity)
      if (match && offer?.basis === 'link') return { ...linkQuestions(match), offer }
      return { ...(await signUp.questions(identity, { existingAccount: offer?.id !== undefined })), offer }
    },

    offerOf,

    /**
     * Finds the user with the verified address of this person, or the invitation of this service to the account that it names.
     * `ownUsernames` are the identity's. Rejects with email_missing and email_not_verified.
     */
    async findMatch(
      identity: Identity,
      ownUsernames: string[],
      consent?: JoinConsent,
    ): Promise<AccountUser | undefined> {
      if (identity.kind === 'service')
        return consent && 'account' in consent
          ? findServiceInvitation(identity, consent.account, ownUsernames)
          : undefined
      return findUserByEmail(threescale, assertVerifiedEmail(identity), ownUsernames)
    },

    findServiceInvitation,

    async removeInvitation(
      { account, user }: AccountUser,
      onDeclined: (declined: DeclinedInvitation) => void,
    ): Promise<void> {
      await threescale.deleteUser(account.id, user.id)
      onDeclined({ account: account.id, member: user.id })
    },

    /**
     * The invited user becomes this identity's. The role is written first and the state last: the user stays pending until it has
     * the identity's username, which keeps the invitation valid, and the next sign-in completes a user that has it.
     */
    async acceptInvitation(
      identity: Identity,
      invitation: AccountUser,
      username: string,
      completion?: CompletionAnswers,
    ): Promise<JoinResult> {
      const { account, user } = invitation
      const role = usernames.invitedRole(user)
      if (!role) throw problem('not_found')
      const offer = createOffer('invitation', invitation, { role })
      const answers = answersForOffer(offer, completion)
      const data = await signUp.prepare(identity, answers, { existingAccount: true, always: true })
      if (!('answers' in data)) return { ...data, step: 'person', offer }
      // Checked after the questions, so that an invitation to an inactive account can be declined.
      assertActive(invitation)
      const renamed = await renameInvited(async () => {
        if (user.role !== role) await threescale.setRole(account.id, user.id, role)
        return retryWithoutUnstorableClaims(data.answers, data.claimNames, async (fields) => {
          const updated = await threescale.updateUser(account.id, user.id, { username, fields })
          return { account, user: { ...updated, role, fields: { ...updated.fields, ...fields } } }
        })
      })
      if (renamed.user.state === 'pending')
        await retryWhileDuplicated(() => threescale.activateUser(renamed.account.id, renamed.user.id))
      return { account: renamed.account, user: { ...renamed.user, state: 'active' } }

      async function renameInvited(write: () => Promise<AccountUser>): Promise<AccountUser> {
        try {
          return await write()
        } catch (error) {
          const stored = isProblem(error, 'threescale_unavailable')
            ? await threescale.findByUsername(username)
            : undefined
          if (stored) return stored
          throw toEmailProblem(error)
        }
      }
    },

    /** Links the user of 3scale's developer portal to this person. */
    async linkLegacyUser(legacy: AccountUser, username: string, completion?: CompletionAnswers): Promise<JoinResult> {
      if (!linkByEmail) throw problem('email_taken')
      assertLinkable(usernames, legacy)
      const offer = createOffer('link', legacy, { role: legacy.user.role })
      const answers = answersForOffer(offer, completion)
      if (!answers) {
        const questions = linkQuestions(legacy)
        return { ...questions, step: questions.terms ? 'terms' : 'consent', offer }
      }
      if (requiresAcceptance(terms, legacy)) assertTermsAccepted(terms, answers.acceptTerms)
      return linkUser(threescale, legacy, username, acceptanceField(terms))
    },

    /** The first person of a value creates its account, whose username only one account has, and then becomes a member like all others. */
    async joinByClaim(
      identity: Identity,
      value: string,
      username: string,
      completion?: CompletionAnswers,
    ): Promise<JoinResult> {
      const existing = await claims.find(value)
      const offer = await createClaimOffer(identity, value, existing, completion?.consent)
      const answers = answersForOffer(offer, completion)
      const always = offer.needsConsent || answers !== completion
      const data = await signUp.prepare(identity, answers, { existingAccount: existing !== undefined, always })
      if (!('answers' in data)) return { ...data, step: existing ? 'person' : 'all', offer }
      if (!existing) await claims.assertNoLegacyAccount(value)
      const shared = existing
        ? await claims.renameHolder(await signUp.finish(existing), value)
        : await signUp.createAccount(data, {
            orgName: value,
            username: claims.holderUsername(value),
            email: undefined,
          })
      assertActive(shared)
      const { account } = shared
      const user = await retryWithoutUnstorableClaims(data.userAnswers, data.claimNames, (fields) =>
        createMember(account.id, username, data.email ?? '', fields),
      )
      return activateMember({ account, user }, offer.role)
    },

    /** Completes an interrupted join, in the role that the claims of the sign-in give. */
    async resume(identity: Identity, accountUser: AccountUser): Promise<AccountUser> {
      const value = claims.valueFor(identity)
      const shared = value === undefined ? undefined : await claims.find(value)
      return shared?.account.id === accountUser.account.id
        ? activateMember(accountUser, claims.roleOf(identity))
        : accountUser
    },
  }

  /**
   * Finds the invitation of a service to this account by the address that both have in 3scale, or the user with one of these
   * `ownUsernames` that another request of the service created from it. The service names the account, so invitations of other
   * accounts do not affect it.
   */
  async function findServiceInvitation(
    { subject }: Identity,
    accountId: number,
    ownUsernames: string[] = [],
  ): Promise<AccountUser | undefined> {
    for (const address of usernames.serviceAddresses(accountId, subject)) {
      const result = await threescale.findByEmail(address)
      const user = result?.users.find(({ email }) => email === address)
      if (!result || !user || result.account.id !== accountId) continue
      if (usernames.invitedRole(user) || ownUsernames.includes(user.username)) return { account: result.account, user }
    }
    return undefined
  }

  /** Undefined where the identity cannot become this user. */
  function offerOf(match: AccountUser): JoinOffer | undefined {
    const { user } = match
    const role = usernames.invitedRole(user)
    if (role) return createOffer('invitation', match, { role })
    return linkByEmail && !usernames.isPortalUsername(user.username)
      ? createOffer('link', match, { role: user.role })
      : undefined
  }

  function linkQuestions(legacy: AccountUser): CompletionQuestions {
    return { fields: [], terms: requiresAcceptance(terms, legacy) ? terms : undefined }
  }

  async function offerByClaim(identity: Identity): Promise<JoinOffer | undefined> {
    const value = claims.valueFor(identity)
    return value === undefined ? undefined : createClaimOffer(identity, value, await claims.find(value))
  }

  /**
   * An account without members needs no consent: its creation was interrupted or is in progress. Costs one call to 3scale where
   * the account exists and the consent does not match.
   */
  async function createClaimOffer(
    identity: Identity,
    value: string,
    existing: AccountUser | undefined,
    consent?: JoinConsent,
  ): Promise<JoinOffer> {
    const details = { role: claims.roleOf(identity), name: value }
    const offer = createOffer('claim', existing, details)
    if (existing && matchesConsent(offer, consent)) return offer
    const users = existing ? await threescale.listUsers(existing.account.id) : []
    const needsConsent = users.some(({ username }) => !usernames.isClaimAccountUsername(username))
    return createOffer('claim', existing, { ...details, needsConsent })
  }

  /** Where another replica was first or the response was lost, the username shows whether the user exists. */
  async function createMember(accountId: number, username: string, email: string, fields: Record<string, string>) {
    try {
      return (await createUserOnce({ threescale, duplicateRemoved }, accountId, { username, email, fields })).user
    } catch (error) {
      const stored = isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')
        ? await threescale.findByUsername(username)
        : undefined
      if (stored?.account.id === accountId) return stored.user
      throw toEmailProblem(error)
    }
  }

  /** The role is written before the state, so an active user is complete. */
  async function activateMember({ account, user }: AccountUser, role: User['role']): Promise<AccountUser> {
    if (user.state !== 'pending') return { account, user }
    if (role === 'admin' && user.role !== 'admin')
      await retryWhileDuplicated(() => threescale.setRole(account.id, user.id, role))
    await retryWhileDuplicated(() => threescale.activateUser(account.id, user.id))
    return (await threescale.findByUsername(user.username)) ?? { account, user }
  }
}
