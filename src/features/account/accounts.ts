import type { Cache } from '../../clients/cache.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Revocations } from '../../web/revocations.js'
import { createAlone } from './alone.js'
import type { ClaimAccounts } from './claim-accounts.js'
import { createJoining, type Joined, type Joins } from './joining.js'
import { checkLinkable, findByEmail, link } from './link.js'
import { invitedRole, usernameOf } from './names.js'
import { createPeople } from './people.js'
import { type Completion, createSignUp, type Questions, type SignUpDeps } from './sign-up.js'
import type { SignUpRules } from './sign-up-rules.js'
import { callerFor, checkStanding, type Found } from './standing.js'
import { acceptance, checkAccepted, mustAccept, recordAcceptance, type Terms } from './terms.js'

export interface AccountsDeps {
  threescale: Threescale
  cache: Cache
  redis?: RedisConnection | undefined
  changes: Pick<Revocations, 'endUser' | 'noteChange' | 'changedAt'>
  issuerId: string
  linkByEmail: boolean
  rules: SignUpRules
  terms: Terms | undefined
  claims: ClaimAccounts
  repairs: SignUpDeps['repairs']
  duplicateRemoved(kind: 'account' | 'user'): void
}

export type SignInOutcome = (SignedIn | Asked) & {
  /** the invitation that was turned down */
  declined?: { account: number; member: number }
}

export interface SignedIn {
  kind: 'in'
  caller: Caller
  signedUp: boolean
  /** the user name of the stock portal that was given up for this sign-in */
  linkedFrom: string | undefined
  /** into an account of others, by invitation or by what the sign-in service says */
  joined: boolean
}

export interface Asked extends Questions {
  kind: 'asked'
  /** the person of the stock portal that will be linked */
  joins: string | undefined
  /** the account of others that is joined */
  into?: Joins | undefined
}

export type Accounts = ReturnType<typeof createAccounts>

/** Who a signed-in identity is in 3scale: found by name, linked once by verified e-mail, or signed up. */
export function createAccounts({
  threescale,
  cache,
  redis,
  changes,
  issuerId,
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
  const joining = createJoining({ threescale, signUp: signUps, claims, duplicateRemoved })
  const alone = createAlone(redis)
  const names = new WeakMap<Identity, string>()
  const nameOf = (identity: Identity) => {
    const name = names.get(identity) ?? usernameOf(identity.kind, issuerId, identity.subject)
    names.set(identity, name)
    return name
  }

  return {
    /**
     * One call to 3scale for whoever is known. Without `completion` a new person may get `asked`; nothing is written then.
     * Rejects with the reason as a code: account_pending, email_taken, sign_up_closed, threescale_unavailable and so on.
     */
    async signIn(identity: Identity, completion?: Completion): Promise<SignInOutcome> {
      const known = await threescale.findByUsername(nameOf(identity))
      if (known) return enter(identity, known, completion)
      // by name and by address: the same person twice, and two people with one address, each wait for the other
      const address = identity.email?.toLowerCase() ?? ''
      return alone(nameOf(identity), () => alone(`address:${address}`, () => linkOrSignUp(identity, completion)))
    },

    /** The account of a bearer token's identity; undefined when it has not signed up, or not to the end. */
    async callerOf(identity: Identity): Promise<Caller | undefined> {
      const found = await people.find(nameOf(identity))
      if (!found || found.user.state === 'pending') return undefined
      checkStanding(found)
      return callerFor(identity, found)
    },

    /**
     * What 3scale has of an identity now, one call; undefined: nobody, or nobody any more. A pending user is a sign-up that
     * was cut off. `soon`: a copy where 3scale is slow.
     */
    async current(identity: Identity, { soon = false } = {}): Promise<Found | undefined> {
      const found = await (soon ? people.reloadSoon : people.reload)(nameOf(identity))
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
      const found = await people.findSoon(caller.username)
      if (!found) return undefined
      // a former admin is no admin while 3scale does not say what they are now
      if (found === 'unknown') return changes.changedAt(caller.username) < 0 ? caller : { ...caller, role: 'member' }
      if (found.user.username !== caller.username) return undefined
      checkStanding(found)
      const { account, user } = found
      return { ...caller, accountId: account.id, userId: user.id, role: user.role, orgName: account.orgName }
    },

    async profile(caller: Caller): Promise<Found | undefined> {
      return people.recall(caller.username)
    },

    /** What a caller without an account would be asked, and whose account they would join. */
    async required(identity: Identity): Promise<Questions & { into: Joins | undefined }> {
      const into = await joining.destination(identity)
      return { ...(await questions(identity, { joins: into?.isNew === false })), into }
    },

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

  async function linkOrSignUp(identity: Identity, completion: Completion | undefined): Promise<SignInOutcome> {
    const username = nameOf(identity)
    const other = await sameAddress(identity)
    // made by another request while this one waited for its turn
    if (other?.user.username === username) return enter(identity, other, completion)
    if (other && invitedRole(other.user.username)) {
      if (completion?.declines) return decline(identity, other)
      return admitJoined(identity, await joining.invited(identity, other, username, completion))
    }
    if (other) return join(identity, other, completion)
    const value = claims.valueFor(identity)
    if (value !== undefined) return admitJoined(identity, await joining.byClaim(identity, value, username, completion))
    const made = await signUp(identity, username, completion)
    if (!('user' in made)) return { kind: 'asked', joins: undefined, ...made }
    return admit(identity, made, { signedUp: true })
  }

  /** A person of 3scale with the verified address of this one; a service has none. */
  async function sameAddress(identity: Identity): Promise<Found | undefined> {
    const { kind, email, emailVerified } = identity
    if (kind === 'service') return undefined
    if (!email) throw problem('email_missing')
    if (!emailVerified) throw problem('email_not_verified')
    return findByEmail(threescale, email, nameOf(identity))
  }

  /** The invitation goes only where there is another way in. */
  async function decline(identity: Identity, { account, user }: Found): Promise<SignInOutcome> {
    await signUps.prepare(identity, undefined)
    await threescale.deleteUser(account.id, user.id)
    return { ...(await linkOrSignUp(identity, undefined)), declined: { account: account.id, member: user.id } }
  }

  async function admitJoined(identity: Identity, outcome: Joined): Promise<SignInOutcome> {
    if (!('user' in outcome)) return { kind: 'asked', joins: undefined, ...outcome }
    return admit(identity, outcome, { joined: true })
  }

  async function join(identity: Identity, stock: Found, completion: Completion | undefined): Promise<SignInOutcome> {
    if (!linkByEmail) throw problem('email_taken')
    checkLinkable(stock)
    const linkedFrom = stock.user.username
    if (mustAccept(terms, stock)) {
      if (!completion) return { kind: 'asked', fields: [], terms, joins: linkedFrom }
      checkAccepted(terms, completion.acceptTerms)
    }
    const linked = await link(threescale, stock, nameOf(identity), acceptance(terms))
    return admit(identity, linked, { linkedFrom })
  }

  /** Somebody known: what was left half done is finished, and terms are asked for again when their version changes. */
  async function enter(identity: Identity, known: Found, completion: Completion | undefined): Promise<SignInOutcome> {
    const found = await finish(known.user.state === 'pending' ? await joining.goOn(identity, known) : known)
    checkStanding(found)
    await repairs.noted(found.account.id)
    if (!mustAccept(terms, found)) return admit(identity, found)
    if (!completion) return { kind: 'asked', fields: [], terms, joins: undefined }
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
