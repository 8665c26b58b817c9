import { isProblem, problem } from '../../errors.js'
import type { AuditName } from '../../web/audit-event.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Accounts, SignedIn } from './accounts.js'
import type { ClaimAccounts } from './claim-accounts.js'
import type { SignUp } from './schemas.js'
import type { Completion, Questions } from './sign-up.js'
import { callerFor, type Found } from './standing.js'
import { checkAccepted, mustAccept, type Terms } from './terms.js'

export interface ApiSignUpDeps {
  accounts: Accounts
  terms: Terms | undefined
  claims: ClaimAccounts
}

export type ApiSignUp = ReturnType<typeof createApiSignUp>

/**
 * POST /me: the sign-up of the pages, answered in one go. Who is here already gets what they have, and an error where they
 * answer otherwise: what is on record in 3scale is the memory, so a repeat needs no other. `keyed`: under an Idempotency-Key.
 * `isNew`: it was done by this call.
 */
export function createApiSignUp({ accounts, terms, claims }: ApiSignUpDeps) {
  return async function signUp(
    identity: Identity,
    { fields = {}, accept_terms: acceptTerms }: SignUp,
    keyed: boolean,
  ): Promise<{ caller: Caller; event: AuditName; isNew: boolean }> {
    const found = await accounts.current(identity)
    // a user still pending is a sign-up that was cut off: the sign-in below finishes it
    const isCutOff = found?.user.state === 'pending'
    if (found && !isCutOff) {
      if (!isOnRecord(identity, found, fields)) throw otherwise(keyed)
      await accounts.repairNoted(found.account.id)
      if (terms && acceptTerms !== undefined) checkAccepted(terms, acceptTerms)
      if (acceptTerms === undefined || !mustAccept(terms, found))
        return { caller: callerFor(identity, found), event: 'sign_up', isNew: false }
      const { caller: same } = await admitted(identity, { values: {}, acceptTerms })
      return { caller: same, event: 'terms.accept', isNew: false }
    }
    const [{ into }, { fields: asked }] = await Promise.all([
      accounts.required(identity),
      // who is the first of an account at one replica may be the second at another: what is not needed is no error
      accounts.questions(identity),
    ])
    const unknown = Object.keys(fields).filter((name) => !asked.some((field) => field.name === name))
    if (unknown.length > 0)
      throw problem('invalid_fields', {
        fields: Object.fromEntries(unknown.map((name) => [`fields.${name}`, 'There is no such field.'])),
      })
    const values = Object.fromEntries(asked.map(({ target, name }) => [`${target}.${name}`, fields[name] ?? '']))
    const outcome = await admitted(identity, { values, acceptTerms }, asked)
    const { signedUp, joined, linkedFrom } = outcome
    const isDone = signedUp || joined || linkedFrom !== undefined
    // signed up a moment ago, at another replica, or before it was cut off
    const theirs = isDone ? undefined : await accounts.profile(outcome.caller)
    if (theirs && !isOnRecord(identity, theirs, fields)) throw otherwise(keyed)
    return {
      caller: outcome.caller,
      event: into ? 'member.join' : linkedFrom ? 'link' : 'sign_up',
      isNew: isDone || isCutOff,
    }
  }

  /** Of an account that others made, the answers about themselves count alone. */
  function isOnRecord(identity: Identity, { account, user }: Found, fields: Record<string, string>): boolean {
    const shared = user.role === 'member' || claims.valueFor(identity) !== undefined
    const known = { ...account.fields, ...user.fields }
    return Object.entries(fields).every(
      ([name, value]) => isSame(name, value.trim(), known[name] ?? '') || (shared && name in account.fields),
    )
  }

  async function admitted(
    identity: Identity,
    completion: Completion,
    asked: Questions['fields'] = [],
  ): Promise<SignedIn> {
    try {
      const outcome = await accounts.signIn(identity, completion)
      if (outcome.kind === 'in') return outcome
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      const named = Object.entries(error.fields ?? {}).map(([name, text]) => {
        const field = asked.find((each) => name === each.name || name === `${each.target}.${each.name}`)
        return [field ? `fields.${field.name}` : name, text]
      })
      throw problem('invalid_fields', { fields: Object.fromEntries(named) as Record<string, string> })
    }
    throw problem('internal')
  }
}

/** 3scale returns a rate as the number that its column holds: 19 as "19.0". */
function isSame(name: string, given: string, known: string): boolean {
  return given === known || (name === 'vat_rate' && known !== '' && Number(given) === Number(known))
}

function otherwise(keyed: boolean) {
  const detail = 'You have signed up already, with other answers.'
  return keyed ? problem('attempt_reused', { detail }) : problem('conflict', { detail })
}
