import type { Cache } from '../../clients/cache.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import { createAlone } from './alone.js'
import { findByEmail, link } from './link.js'
import { usernameOf } from './names.js'
import { type Completion, createSignUp, type Questions } from './sign-up.js'
import type { SignUpRules } from './sign-up-rules.js'
import { callerFor, checkStanding, type Found } from './standing.js'
import { checkAccepted, mustAccept, recordAccepted, type Terms } from './terms.js'

export interface AccountsDeps {
  threescale: Threescale
  cache: Cache
  redis?: RedisConnection | undefined
  issuerId: string
  linkByEmail: boolean
  rules: SignUpRules
  terms: Terms | undefined
}

export type SignInOutcome =
  | { kind: 'in'; caller: Caller; signedUp: boolean; linkedFrom: string | undefined }
  | ({ kind: 'asked'; linkedFrom?: string | undefined } & Questions)

/** How somebody came to be found in this sign-in. */
type Arrival = Partial<Pick<Extract<SignInOutcome, { kind: 'in' }>, 'signedUp' | 'linkedFrom'>>

export type Accounts = ReturnType<typeof createAccounts>

/** Who a signed-in identity is in 3scale: found by name, linked once by verified e-mail, or signed up. */
export function createAccounts({ threescale, cache, redis, issuerId, linkByEmail, rules, terms }: AccountsDeps) {
  const people = cache.cached<Found | null>('people', { fresh: 60, keep: 3600, secret: true }, async (username) => {
    return (await threescale.findByUsername(username)) ?? null
  })
  const { signUp, finish, questions } = createSignUp({ threescale, cache, rules, terms })
  const alone = createAlone(redis)
  const nameOf = ({ kind, subject }: Identity) => usernameOf(kind, issuerId, subject)

  return {
    /**
     * One call to 3scale for whoever is known. Without `completion` a new person may get `asked`; nothing is written then.
     * Rejects with the reason as a code: account_pending, email_taken, sign_up_closed, threescale_unavailable and so on.
     */
    async signIn(identity: Identity, completion?: Completion): Promise<SignInOutcome> {
      const known = await threescale.findByUsername(nameOf(identity))
      if (known) return enter(identity, await finish(known), completion)
      return alone(nameOf(identity), () => linkOrSignUp(identity, completion))
    },

    /** The account of a bearer token's identity; undefined when it has not signed up. */
    async callerOf(identity: Identity): Promise<Caller | undefined> {
      const { value } = await people.get(nameOf(identity))
      if (!value) return undefined
      checkStanding(value)
      return callerFor(identity, value)
    },

    /** Stops people whose account or user was suspended meanwhile: state is read again when it is older than a minute. */
    async checkStillActive(caller: Caller): Promise<void> {
      try {
        const { value } = await people.get(caller.username)
        if (!value) throw problem('sign_in_required')
        checkStanding(value)
      } catch (error) {
        if (!isProblem(error, 'threescale_unavailable')) throw error
        // 3scale is down and no copy is kept: who signed in goes on
      }
    },

    async profile(caller: Caller): Promise<Found | undefined> {
      return (await people.get(caller.username)).value ?? undefined
    },

    /** What a caller without an account would be asked, for GET /api/v1/me. */
    required: questions,
  }

  async function linkOrSignUp(identity: Identity, completion: Completion | undefined): Promise<SignInOutcome> {
    const username = nameOf(identity)
    // somebody else may have made it while this one waited for its turn
    const known = await threescale.findByUsername(username)
    if (known) return enter(identity, await finish(known), completion)
    if (!identity.email) throw problem('email_missing')
    if (!identity.emailVerified) throw problem('email_not_verified')
    const stock = identity.kind === 'person' ? await findByEmail(threescale, identity.email) : undefined
    if (stock) {
      if (!linkByEmail) throw problem('email_taken')
      const linked = await link(threescale, stock, username)
      return enter(identity, linked, completion, { linkedFrom: stock.user.username })
    }
    const made = await signUp(identity, username, completion)
    return 'user' in made ? enter(identity, made, undefined, { signedUp: true }) : { kind: 'asked', ...made }
  }

  /** Terms are asked for again when their version changes. */
  async function enter(
    identity: Identity,
    found: Found,
    completion: Completion | undefined,
    { signedUp = false, linkedFrom }: Arrival = {},
  ): Promise<SignInOutcome> {
    checkStanding(found)
    let current = found
    if (mustAccept(terms, found)) {
      if (!completion) return { kind: 'asked', fields: [], terms, linkedFrom }
      checkAccepted(terms, completion.acceptTerms)
      current = await recordAccepted(threescale, terms, found)
    }
    await people.put(current.user.username, current)
    return { kind: 'in', caller: callerFor(identity, current), signedUp, linkedFrom }
  }
}
