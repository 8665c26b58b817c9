import type { Cache } from '../../clients/cache.js'
import { asciiLower } from '../../clients/email-address.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Revocations } from '../../web/revocations.js'
import { createAlone } from './alone.js'
import type { ClaimAccounts } from './claim-accounts.js'
import { createJoining, type Joined } from './joining.js'
import { findFirst, renamed } from './lookup.js'
import type { Names } from './names.js'
import { isAgreed } from './offers.js'
import type { Declining, SignedIn, SignInOutcome } from './outcomes.js'
import { createPeople } from './people.js'
import type { Completion } from './questions.js'
import { createSignUp, type SignUpDeps } from './sign-up.js'
import type { SignUpRules } from './sign-up-rules.js'
import { callerFor, checkStanding, type Found } from './standing.js'
import { acceptance, checkAccepted, mustAccept, recordAcceptance, type Terms } from './terms.js'

export interface AccountsDeps {
  threescale: Threescale
  cache: Cache
  redis?: RedisConnection | undefined
  names: Names
  changes: Pick<Revocations, 'endUser' | 'noteChange' | 'changedAt'>
  linkByEmail: boolean
  rules: SignUpRules
  terms: Terms | undefined
  claims: ClaimAccounts
  repairs: SignUpDeps['repairs']
  duplicateRemoved(kind: 'account' | 'user'): void
}

export type Accounts = ReturnType<typeof createAccounts>

/** Who a signed-in identity is in 3scale: found by name, linked once by verified e-mail, or signed up. */
export function createAccounts({
  threescale,
  cache,
  redis,
  names,
  changes,
  linkByEmail,
  rules,
  terms,
  claims,
  repairs,
  duplicateRemoved,
}: AccountsDeps) {
  const people = createPeople(threescale, cache, changes.changedAt)
  const signUps = createSignUp({ threescale, cache, rules, terms, repairs, duplicateRemoved })
  const { signUp, finish, questions } = signUps
  const joining = createJoining({ threescale, names, signUp: signUps, claims, linkByEmail, terms, duplicateRemoved })
  const alone = createAlone(redis)
  const made = new WeakMap<Identity, string[]>()
  /** under every secret; the first one is the name that an identity gets */
  const namesOf = (identity: Identity) => {
    const all = made.get(identity) ?? names.usernamesOf(identity.kind, identity.subject)
    made.set(identity, all)
    return all
  }
  const nameOf = (identity: Identity) => namesOf(identity)[0] ?? ''

  return {
    /**
     * One call to 3scale for whoever is known by the name under the first secret. Without `completion` a new person may get
     * `asked`; nothing is written then. Rejects with the reason as a code: account_pending, email_taken, sign_up_closed,
     * threescale_unavailable and so on.
     */
    async signIn(identity: Identity, completion?: Completion): Promise<SignInOutcome> {
      const known = await findFirst(threescale.findByUsername, namesOf(identity))
      if (known) return enter(identity, known, completion)
      return oneByOne(identity, () => joinOrSignUp(identity, completion))
    },

    /**
     * Removes the invitation, then goes on as `signIn` does: with the answers, or asking. Rejects with link_declined where the other
     * account is one that has the address, which cannot be removed.
     */
    async decline(identity: Identity, { consent, answers, declined }: Declining): Promise<SignInOutcome> {
      const known = await findFirst(threescale.findByUsername, namesOf(identity))
      if (known) return enter(identity, known, answers)
      return oneByOne(identity, async () => {
        const other = await joining.sameAddress(identity, namesOf(identity), consent)
        const offer = other && joining.offerBy(other)
        // another one than was shown
        if (offer && consent && !isAgreed(offer, consent)) return joinOrSignUp(identity, undefined)
        if (offer?.by === 'link') throw problem('link_declined')
        if (other && offer) {
          // only where there is another way in
          await signUps.prepare(identity, answers, { joins: claims.valueFor(identity) !== undefined })
          await joining.removeInvitation(other, declined)
        }
        return joinOrSignUp(identity, answers)
      })
    },

    /** Removes the invitation of a service that has an account elsewhere; of people there can be none. */
    async withdraw(identity: Identity, accountId: number, declined: Declining['declined']): Promise<void> {
      const other = identity.kind === 'service' ? await joining.serviceInvitation(identity, accountId) : undefined
      if (other) await joining.removeInvitation(other, declined)
    },

    /** The account of a bearer token's identity; undefined when it has not signed up, or not to the end. */
    async callerOf(identity: Identity): Promise<Caller | undefined> {
      const found = await findFirst(people.find, people.likely(namesOf(identity)))
      if (!found || found.user.state === 'pending') return undefined
      checkStanding(found)
      return callerFor(identity, found)
    },

    /**
     * What 3scale has of an identity now, one call for whoever has the name under the first secret; undefined: nobody, or
     * nobody any more. A pending user is a sign-up that was cut off. `soon`: a copy where 3scale is slow.
     */
    async current(identity: Identity, { soon = false } = {}): Promise<Found | undefined> {
      const found = await findFirst(soon ? people.reloadSoon : people.reload, people.likely(namesOf(identity)))
      if (found && found.user.state !== 'pending') checkStanding(found)
      return found
    },

    /** Before a repeated sign-up is answered with success. */
    repairNoted: repairs.noted,

    /**
     * The caller of a session as 3scale has them, read again where that is older than a minute; undefined when they are
     * gone. Rejects with account_suspended and the like. While 3scale is slow or down, who signed in goes on.
     */
    async renewed(caller: Caller): Promise<Caller | undefined> {
      // another sign-in may have renamed them, and a name that no secret makes any more is not theirs
      for (const username of people.likely(names.usernamesOf(caller.kind, caller.subject))) {
        const found = await people.findSoon(username)
        // a former admin is no admin while 3scale does not say what they are now
        if (found === 'unknown') return changes.changedAt(username) < 0 ? caller : { ...caller, role: 'member' }
        if (!found || found.user.username !== username) continue
        checkStanding(found)
        const { account, user } = found
        const { role } = user
        return { ...caller, username, accountId: account.id, userId: user.id, role, orgName: account.orgName }
      }
      return undefined
    },

    async profile(caller: Caller): Promise<Found | undefined> {
      return people.recall(caller.username)
    },

    /** What a caller without an account would be asked, and which account they could join. */
    required: joining.destination,

    /** The form's questions; no call to 3scale while the definitions of its fields are known. */
    questions,

    /** After a change of somebody's role: it counts at the next request, here and on every replica. */
    async changed({ username }: User): Promise<void> {
      await changes.noteChange(username)
      await people.forget(username)
    },

    /** After the removal of a user: their sessions are over, here and on every replica, and nothing read before counts. */
    async removed({ username }: User): Promise<void> {
      await changes.endUser(username)
      await people.forget(username)
    },
  }

  /** By name and by address: the same person twice, and two people with one address, each wait for the other. */
  async function oneByOne<T>(identity: Identity, work: () => Promise<T>): Promise<T> {
    const address = asciiLower(identity.email ?? '')
    return alone(nameOf(identity), () => alone(`address:${address}`, () => unlessGone(work)))
  }

  async function joinOrSignUp(identity: Identity, completion: Completion | undefined): Promise<SignInOutcome> {
    const username = nameOf(identity)
    const other = await joining.sameAddress(identity, namesOf(identity), completion?.consent)
    // made by another request while this one waited for its turn
    if (other && namesOf(identity).includes(other.user.username)) return enter(identity, other, completion)
    if (other && names.invitedRole(other.user))
      return admitJoined(identity, await joining.invited(identity, other, username, completion), { joined: true })
    const linkedFrom = other?.user.username
    if (other) return admitJoined(identity, await joining.linked(other, username, completion), { linkedFrom })
    const value = claims.valueFor(identity)
    if (value !== undefined)
      return admitJoined(identity, await joining.byClaim(identity, value, username, completion), { joined: true })
    const made = await signUp(identity, username, completion)
    if (!('user' in made)) return { kind: 'asked', asks: 'all', ...made }
    return admit(identity, made, { signedUp: true })
  }

  async function admitJoined(identity: Identity, outcome: Joined, how: Partial<SignedIn>): Promise<SignInOutcome> {
    if (!('user' in outcome)) return { kind: 'asked', ...outcome }
    return admit(identity, outcome, how)
  }

  /** Somebody known: what was left half done is finished, and terms are asked for again when their version changes. */
  async function enter(identity: Identity, known: Found, completion: Completion | undefined): Promise<SignInOutcome> {
    const finished = await finish(known.user.state === 'pending' ? await joining.goOn(identity, known) : known)
    checkStanding(finished)
    const found = await renamed(threescale, finished, nameOf(identity))
    await repairs.noted(found.account.id)
    if (!mustAccept(terms, found)) return admit(identity, found)
    if (!completion) return { kind: 'asked', asks: 'terms', fields: [], terms }
    checkAccepted(terms, completion.acceptTerms)
    return admit(identity, await recordAcceptance(threescale, found, acceptance(terms)))
  }

  async function admit(identity: Identity, found: Found, how: Partial<SignedIn> = {}): Promise<SignedIn> {
    checkStanding(found)
    await people.keep(found)
    await claims.note(identity, found.user.username)
    const caller = callerFor(identity, found)
    return { kind: 'in', caller, signedUp: false, linkedFrom: undefined, joined: false, ...how }
  }
}

/** An invitation may be withdrawn, and an account deleted, between the read and the write. */
async function unlessGone<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isProblem(error, 'not_found')) throw error
    const detail = 'The account that you were about to join has changed in the meantime. Try again.'
    throw problem('conflict', { detail, cause: error })
  }
}
