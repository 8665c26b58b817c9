import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import type { ClaimAccounts } from './claim-accounts.js'
import { orStripped } from './claimed-text.js'
import { createUserOnce, unlessDoubled } from './doubled-users.js'
import { checkLinkable, findByEmail, link } from './link.js'
import type { Names } from './names.js'
import { agreed, type Consent, isAgreed, type Offer, offerOf } from './offers.js'
import type { Asks, Completion, Questions } from './questions.js'
import { refusedAddress } from './refused-text.js'
import type { SignUp } from './sign-up.js'
import { verifiedAddress } from './sign-up-rules.js'
import { checkStanding, type Found } from './standing.js'
import { acceptance, checkAccepted, mustAccept, type Terms } from './terms.js'

/** An invitation that was removed by whom it was for. */
export interface Declined {
  account: number
  member: number
}

export type Joined = Found | (Questions & { asks: Asks; offer: Offer })

export interface JoiningDeps {
  threescale: Threescale
  names: Names
  signUp: SignUp
  claims: ClaimAccounts
  /** people of the stock portal are found by their verified address */
  linkByEmail: boolean
  terms: Terms | undefined
  duplicateRemoved(kind: 'user'): void
}

/**
 * Three ways into an account that exists: an invitation, a claim of the sign-in, and a user of the stock portal. Each is taken only
 * by somebody who agreed to this very offer (`offers.ts`); before that nothing is written. Each can be cut off at any step
 * and goes on at the next sign-in.
 */
export function createJoining(deps: JoiningDeps) {
  const { threescale, names, signUp, claims, linkByEmail, terms, duplicateRemoved } = deps

  return {
    /** What a newcomer could join, and what they would be asked; no offer: they would have their own account. */
    async destination(identity: Identity): Promise<Questions & { offer: Offer | undefined }> {
      const { kind, email, emailVerified } = identity
      const other = kind === 'person' && email && emailVerified ? await findByEmail(threescale, email) : undefined
      const offer = other ? offerBy(other) : await claimed(identity)
      if (other && offer?.by === 'link') return { ...linkQuestions(other), offer }
      return { ...(await signUp.questions(identity, { joins: offer?.id !== undefined })), offer }
    },

    /** What this user, who has the identity's address, is to it; undefined: they cannot become one. */
    offerBy,

    /**
     * A user in 3scale with the verified address of this person, or the invitation of this service to the account that it names.
     * One of these `usernames` is the identity's own. Rejects with email_missing and email_not_verified.
     */
    async sameAddress(identity: Identity, usernames: string[], consent?: Consent): Promise<Found | undefined> {
      if (identity.kind === 'service')
        return consent && 'account' in consent ? serviceInvitation(identity, consent.account, usernames) : undefined
      return findByEmail(threescale, verifiedAddress(identity), usernames)
    },

    serviceInvitation,

    /** Reports it; one that is gone already is as good as removed. */
    async removeInvitation({ account, user }: Found, declined: (what: Declined) => void): Promise<void> {
      await threescale.deleteUser(account.id, user.id)
      declined({ account: account.id, member: user.id })
    },

    /**
     * The invited user becomes this identity's. The role is written first and the state last: until the name is this identity's,
     * the user is pending, which is what makes an invitation count, and whoever has the name is finished at the next
     * sign-in, in a role that is there already.
     */
    async invited(identity: Identity, invitation: Found, username: string, completion?: Completion): Promise<Joined> {
      const { account, user } = invitation
      const role = names.invitedRole(user)
      if (!role) throw problem('not_found')
      const offer = offerOf('invitation', invitation, { role })
      const ready = await signUp.prepare(identity, agreed(offer, completion), { joins: true, always: true })
      if (!('answers' in ready)) return { ...ready, asks: 'person', offer }
      // after the question: who is invited to an account that nobody may use must be able to decline
      checkStanding(invitation)
      const taken = await taking(async () => {
        if (user.role !== role) await threescale.setRole(account.id, user.id, role)
        return orStripped(ready.answers, ready.claimed, async (fields) => {
          const renamed = await threescale.updateUser(account.id, user.id, { username, fields })
          return { account, user: { ...renamed, role, fields: { ...renamed.fields, ...fields } } }
        })
      })
      if (taken.user.state === 'pending')
        await unlessDoubled(() => threescale.activateUser(taken.account.id, taken.user.id))
      return { account: taken.account, user: { ...taken.user, state: 'active' } }

      async function taking(write: () => Promise<Found>): Promise<Found> {
        try {
          return await write()
        } catch (error) {
          const done = isProblem(error, 'threescale_unavailable')
            ? await threescale.findByUsername(username)
            : undefined
          if (done) return done
          throw refusedAddress(error)
        }
      }
    },

    /** The user of the stock portal becomes this person's: renamed, with the accepted terms, in one write. */
    async linked(stock: Found, username: string, completion?: Completion): Promise<Joined> {
      if (!linkByEmail) throw problem('email_taken')
      checkLinkable(names, stock)
      const offer = offerOf('link', stock, { role: stock.user.role })
      const answers = agreed(offer, completion)
      if (!answers) {
        const questions = linkQuestions(stock)
        return { ...questions, asks: questions.terms ? 'terms' : 'consent', offer }
      }
      if (mustAccept(terms, stock)) checkAccepted(terms, answers.acceptTerms)
      return link(threescale, stock, username, acceptance(terms))
    },

    /** The first of a value makes its account, under a name that one account has, and is then in it as all others are. */
    async byClaim(identity: Identity, value: string, username: string, completion?: Completion): Promise<Joined> {
      const there = await claims.find(value)
      const offer = await claimOffer(identity, value, there, completion?.consent)
      const answers = agreed(offer, completion)
      const always = offer.needsConsent || answers !== completion
      const ready = await signUp.prepare(identity, answers, { joins: there !== undefined, always })
      if (!('answers' in ready)) return { ...ready, asks: there ? 'person' : 'all', offer }
      const wanted = { orgName: value, username: claims.anchor(value), email: undefined }
      if (!there) await claims.checkNotNamedBefore(value)
      const home = there ? await claims.renewed(await signUp.finish(there), value) : await signUp.make(ready, wanted)
      checkStanding(home)
      const { account } = home
      const user = await orStripped(ready.userAnswers, ready.claimed, (fields) =>
        enrolled(account.id, username, ready.email ?? '', fields),
      )
      return settled({ account, user }, offer.role)
    },

    /** Somebody whose joining was cut off, as an admin where the sign-in service says so. */
    async goOn(identity: Identity, known: Found): Promise<Found> {
      const value = claims.valueFor(identity)
      const there = value === undefined ? undefined : await claims.find(value)
      return there?.account.id === known.account.id ? settled(known, claims.roleOf(identity)) : known
    },
  }

  /**
   * The invitation of a service to this account, found by the address that both have in 3scale. It is looked up only where the
   * service names the account, so other accounts' invitations have no effect on it. Or the user with one of these `usernames` that
   * the invitation became, where another request of the service was first.
   */
  async function serviceInvitation(
    { subject }: Identity,
    accountId: number,
    usernames: string[] = [],
  ): Promise<Found | undefined> {
    for (const address of names.serviceAddressesOf(accountId, subject)) {
      const found = await threescale.findByEmail(address)
      const user = found?.users.find(({ email }) => email === address)
      if (!found || !user || found.account.id !== accountId) continue
      if (names.invitedRole(user) || usernames.includes(user.username)) return { account: found.account, user }
    }
    return undefined
  }

  function offerBy(other: Found): Offer | undefined {
    const { user } = other
    const role = names.invitedRole(user)
    if (role) return offerOf('invitation', other, { role })
    return linkByEmail && !names.isOurs(user.username) ? offerOf('link', other, { role: user.role }) : undefined
  }

  function linkQuestions(stock: Found): Questions {
    return { fields: [], terms: mustAccept(terms, stock) ? terms : undefined }
  }

  async function claimed(identity: Identity): Promise<Offer | undefined> {
    const value = claims.valueFor(identity)
    return value === undefined ? undefined : claimOffer(identity, value, await claims.find(value))
  }

  /**
   * An account without people is as good as none: whoever made it was cut off, or is making it at this moment. One call more to
   * 3scale where the account exists and was not agreed to.
   */
  async function claimOffer(
    identity: Identity,
    value: string,
    there: Found | undefined,
    consent?: Consent,
  ): Promise<Offer> {
    const facts = { role: claims.roleOf(identity), name: value }
    const offer = offerOf('claim', there, facts)
    if (there && isAgreed(offer, consent)) return offer
    const users = there ? await threescale.listUsers(there.account.id) : []
    const needsConsent = users.some(({ username }) => !names.isAnchor(username))
    return offerOf('claim', there, { ...facts, needsConsent })
  }

  /** "Taken": another replica was first, or the answer was lost; the name tells. */
  async function enrolled(accountId: number, username: string, email: string, fields: Record<string, string>) {
    try {
      return await createUserOnce({ threescale, duplicateRemoved }, accountId, { username, email, fields })
    } catch (error) {
      const done = isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')
        ? await threescale.findByUsername(username)
        : undefined
      if (done?.account.id === accountId) return done.user
      throw refusedAddress(error)
    }
  }

  /** The role before the state: who is active was made whole. */
  async function settled({ account, user }: Found, role: User['role']): Promise<Found> {
    if (user.state !== 'pending') return { account, user }
    if (role === 'admin' && user.role !== 'admin')
      await unlessDoubled(() => threescale.setRole(account.id, user.id, role))
    await unlessDoubled(() => threescale.activateUser(account.id, user.id))
    return (await threescale.findByUsername(user.username)) ?? { account, user }
  }
}
