import { isProblem, problem } from '../../errors.js'
import type { AuditName } from '../../web/audit-event.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Accounts } from './accounts.js'
import type { ClaimAccounts } from './claim-accounts.js'
import type { Declined } from './joining.js'
import { joinRequired } from './offers.js'
import type { SignedIn } from './outcomes.js'
import type { Questions } from './questions.js'
import type { SignUp } from './schemas.js'
import { callerFor, type Found } from './standing.js'
import { checkAccepted, mustAccept, type Terms } from './terms.js'

export interface ApiSignUpDeps {
  accounts: Accounts
  terms: Terms | undefined
  claims: ClaimAccounts
}

export type ApiSignUp = ReturnType<typeof createApiSignUp>

export interface ApiSignUpRequest {
  identity: Identity
  body: SignUp
  /** sent under an Idempotency-Key */
  keyed: boolean
  /** called when an invitation was removed, whatever follows */
  declined(what: Declined): void
}

/** Many providers put no address into access tokens, whatever the profile of the person says. */
const NO_ADDRESS =
  'The access token has no e-mail address. Sign in on the pages of the portal once, or have the sign-in service add the address to access tokens.'

/**
 * POST /me: the sign-up of the pages, answered in one go. Who is here already gets what they have, and an error where they
 * answer otherwise: what is on record in 3scale is the memory, so a repeat needs no other. An existing account is joined only
 * where `join` names it: rejects with join_required otherwise. `isNew`: it was done by this call.
 */
export function createApiSignUp({ accounts, terms, claims }: ApiSignUpDeps) {
  return async function signUp({
    identity,
    body: { fields = {}, accept_terms: acceptTerms, join, decline = false },
    keyed,
    declined,
  }: ApiSignUpRequest): Promise<{ caller: Caller; event: AuditName; isNew: boolean }> {
    const found = await accounts.current(identity)
    // a user still pending is a sign-up that was cut off: the sign-in below finishes it
    const isCutOff = found?.user.state === 'pending'
    if (found && (join !== undefined || decline)) checkWhere(found, join, decline)
    if (found && !isCutOff) {
      if (!isOnRecord(identity, found, fields)) throw otherwise(keyed)
      await accounts.repairNoted(found.account.id)
      if (decline && join !== undefined) await accounts.withdraw(identity, join, declined)
      if (terms && acceptTerms !== undefined) checkAccepted(terms, acceptTerms)
      if (acceptTerms === undefined || !mustAccept(terms, found))
        return { caller: callerFor(identity, found), event: 'sign_up', isNew: false }
      const { caller: same } = await admitted(accounts.signIn(identity, { values: {}, acceptTerms }))
      return { caller: same, event: 'terms.accept', isNew: false }
    }
    // who is the first of an account at one replica may be the second at another: what is not needed is no error
    const { fields: asked } = await accounts.questions(identity)
    const unknown = Object.keys(fields).filter((name) => !asked.some((field) => field.name === name))
    if (unknown.length > 0)
      throw problem('invalid_fields', {
        fields: Object.fromEntries(unknown.map((name) => [`fields.${name}`, 'There is no such field.'])),
      })
    const values = Object.fromEntries(asked.map(({ target, name }) => [`${target}.${name}`, fields[name] ?? '']))
    const consent = join === undefined ? undefined : { account: join }
    const outcome = await admitted(
      decline
        ? accounts.decline(identity, { consent, answers: { values, acceptTerms }, declined })
        : accounts.signIn(identity, { values, acceptTerms, consent }),
      asked,
    )
    const { signedUp, joined, linkedFrom } = outcome
    const isDone = signedUp || joined || linkedFrom !== undefined
    // signed up a moment ago, at another replica, or before it was cut off
    const theirs = isDone ? undefined : await accounts.profile(outcome.caller)
    if (theirs && !isOnRecord(identity, theirs, fields)) throw otherwise(keyed)
    return {
      caller: outcome.caller,
      event: joined ? 'member.join' : linkedFrom ? 'link' : 'sign_up',
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
}

/** The outcome of somebody who is in; rejects with what an API call has to send otherwise. */
async function admitted(signIn: ReturnType<Accounts['signIn']>, asked: Questions['fields'] = []): Promise<SignedIn> {
  try {
    const outcome = await signIn
    if (outcome.kind === 'in') return outcome
    if (outcome.offer?.needsConsent) throw joinRequired(outcome.offer)
  } catch (error) {
    if (isProblem(error, 'email_missing')) throw problem('email_missing', { detail: NO_ADDRESS, cause: error })
    if (!isProblem(error, 'invalid_fields')) throw error
    const named = Object.entries(error.fields ?? {}).map(([name, text]) => {
      const field = asked.find((each) => name === each.name || name === `${each.target}.${each.name}`)
      return [field ? `fields.${field.name}` : name, text]
    })
    throw problem('invalid_fields', { fields: Object.fromEntries(named) as Record<string, string> })
  }
  // the same for accounts that exist and for those that do not
  throw problem('invalid_fields', {
    fields: { join: 'This account does not invite you. Leave it out, or ask its admins.' },
  })
}

/** Rejects where somebody who has an account asks to be in another one. */
function checkWhere({ account }: Found, join: number | undefined, decline: boolean): void {
  const isHere = join === account.id
  if (isHere !== decline || join === undefined) return
  const detail = isHere
    ? `You belong to account ${account.id} already, so its invitation cannot be declined. Leave the account instead.`
    : `You belong to account ${account.id} already, and an identity belongs to one account. Leave it first to join another one.`
  throw problem('conflict', { detail })
}

/** 3scale returns a rate as the number that its column holds: 19 as "19.0". */
function isSame(name: string, given: string, known: string): boolean {
  return given === known || (name === 'vat_rate' && known !== '' && Number(given) === Number(known))
}

function otherwise(keyed: boolean) {
  const detail = 'You have signed up already, with other answers.'
  return keyed ? problem('attempt_reused', { detail }) : problem('conflict', { detail })
}
