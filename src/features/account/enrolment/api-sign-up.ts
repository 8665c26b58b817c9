import { isProblem, problem } from '../../../errors.js'
import type { AuditName } from '../../../web/audit/audit-event.js'
import type { Caller, Identity } from '../../../web/auth/caller.js'
import { type AccountUser, toCaller } from '../account-status.js'
import type { SignUp } from '../schemas.js'
import { assertTermsAccepted, requiresAcceptance, type SignUpTerms } from '../terms.js'
import type { Accounts } from './accounts.js'
import type { ClaimAccounts } from './claim-accounts.js'
import type { CompletionQuestions } from './completion.js'
import type { DeclinedInvitation } from './join-account.js'
import { joinRequiredProblem } from './join-offer.js'
import { apiSignUpErrors } from './messages.js'
import type { SignedInOutcome } from './sign-in-outcome.js'

export interface ApiSignUpDeps {
  accounts: Accounts
  terms: SignUpTerms | undefined
  claims: Pick<ClaimAccounts, 'valueFor'>
}

export type ApiSignUp = ReturnType<typeof createApiSignUp>

export interface ApiSignUpRequest {
  identity: Identity
  body: SignUp
  hasIdempotencyKey: boolean
  /** Called when an invitation was removed, whatever the outcome of the request. */
  onDeclined(declined: DeclinedInvitation): void
}

interface ApiSignUpResult {
  caller: Caller
  event: AuditName
  /** True where this call signed the caller up. */
  isNew: boolean
  /** True where this call changed anything. */
  isChanged: boolean
}

/**
 * POST /me. A registered caller gets their account, or an error where the answers differ from the record in 3scale; so a repeat
 * is safe without other state. Rejects with join_required where `join` does not name the account of the offer.
 */
export function createApiSignUp({ accounts, terms, claims }: ApiSignUpDeps) {
  return async function signUp({
    identity,
    body: { fields = {}, accept_terms: acceptTerms, join, decline = false },
    hasIdempotencyKey,
    onDeclined,
  }: ApiSignUpRequest): Promise<ApiSignUpResult> {
    let isWithdrawn = false
    const onWithdrawn: typeof onDeclined = (declined) => {
      isWithdrawn = true
      onDeclined(declined)
    }
    const existing = await accounts.current(identity)
    // A pending user is an interrupted sign-up, which the sign-in below completes.
    const isInterrupted = existing?.user.state === 'pending'
    if (existing && (join !== undefined || decline)) assertSameAccount(existing, join, decline)
    if (existing && !isInterrupted) {
      if (!matchesRecord(identity, existing, fields)) throw otherAnswersProblem(hasIdempotencyKey)
      await accounts.repairKnownFailures(existing.account.id)
      if (decline && join !== undefined) await accounts.withdraw(identity, join, onWithdrawn)
      if (terms && acceptTerms !== undefined) assertTermsAccepted(terms, acceptTerms)
      if (acceptTerms === undefined || !requiresAcceptance(terms, existing))
        return { caller: toCaller(identity, existing), event: 'sign_up', isNew: false, isChanged: isWithdrawn }
      const { caller } = await signedInOutcome(accounts.signIn(identity, { values: {}, acceptTerms }))
      return { caller, event: 'terms.accept', isNew: false, isChanged: true }
    }
    // Another replica may create the account meanwhile, so a field that is no longer required is not an error.
    const { fields: questions } = await accounts.questions(identity)
    assertKnownFields(fields, questions)
    const values = Object.fromEntries(questions.map(({ target, name }) => [`${target}.${name}`, fields[name] ?? '']))
    const consent = join === undefined ? undefined : { account: join }
    const { caller, signedUp, joined, linkedUsername } = await signedInOutcome(
      decline
        ? accounts.decline(identity, { consent, answers: { values, acceptTerms }, onDeclined: onWithdrawn })
        : accounts.signIn(identity, { values, acceptTerms, consent }),
      questions,
    )
    const isDone = signedUp || joined || linkedUsername !== undefined
    // Otherwise the sign-up was completed a moment ago, by another replica, or before it was interrupted.
    const recorded = isDone ? undefined : await accounts.profile(caller)
    if (recorded && !matchesRecord(identity, recorded, fields)) throw otherAnswersProblem(hasIdempotencyKey)
    return {
      caller,
      event: joined ? 'member.join' : linkedUsername ? 'link' : 'sign_up',
      isNew: isDone || isInterrupted,
      isChanged: isDone || isInterrupted || isWithdrawn,
    }
  }

  /** In a shared account, only the answers about the person count. */
  function matchesRecord(identity: Identity, { account, user }: AccountUser, fields: Record<string, string>): boolean {
    const isShared = user.role === 'member' || claims.valueFor(identity) !== undefined
    const recorded = { ...account.fields, ...user.fields }
    return Object.entries(fields).every(
      ([name, value]) => isSameValue(name, value.trim(), recorded[name] ?? '') || (isShared && name in account.fields),
    )
  }
}

function assertKnownFields(fields: Record<string, string>, questions: CompletionQuestions['fields']): void {
  const unknown = Object.keys(fields).filter((name) => !questions.some((field) => field.name === name))
  if (unknown.length === 0) return
  const errors = unknown.map((name) => [`fields.${name}`, apiSignUpErrors.unknownField])
  throw problem('invalid_fields', { fields: Object.fromEntries(errors) as Record<string, string> })
}

/** Rejects with the problem that states what the call must send instead. */
async function signedInOutcome(
  signIn: ReturnType<Accounts['signIn']>,
  questions: CompletionQuestions['fields'] = [],
): Promise<SignedInOutcome> {
  try {
    const outcome = await signIn
    if (outcome.kind === 'signed_in') return outcome
    if (outcome.offer?.needsConsent) throw joinRequiredProblem(outcome.offer)
  } catch (error) {
    // Many providers omit the address from access tokens, even where the profile has one.
    if (isProblem(error, 'email_missing'))
      throw problem('email_missing', { detail: apiSignUpErrors.tokenWithoutEmail, cause: error })
    if (!isProblem(error, 'invalid_fields')) throw error
    const fields = Object.entries(error.fields ?? {}).map(([name, text]) => {
      const field = questions.find((each) => name === each.name || name === `${each.target}.${each.name}`)
      return [field ? `fields.${field.name}` : name, text]
    })
    throw problem('invalid_fields', { fields: Object.fromEntries(fields) as Record<string, string> })
  }
  // The same for accounts that exist and for those that do not.
  throw problem('invalid_fields', { fields: { join: apiSignUpErrors.notInvited } })
}

/** Rejects `join` and `decline` that contradict the account of the caller. */
function assertSameAccount({ account }: AccountUser, join: number | undefined, decline: boolean): void {
  const isOwn = join === account.id
  if (isOwn !== decline || join === undefined) return
  const { declineOwnAccount, otherAccount } = apiSignUpErrors
  throw problem('conflict', { detail: isOwn ? declineOwnAccount(account.id) : otherAccount(account.id) })
}

/** 3scale returns a rate as the number of its column: 19 as "19.0". */
function isSameValue(name: string, value: string, recorded: string): boolean {
  return value === recorded || (name === 'vat_rate' && recorded !== '' && Number(value) === Number(recorded))
}

function otherAnswersProblem(hasIdempotencyKey: boolean) {
  return problem(hasIdempotencyKey ? 'idempotency_key_reused' : 'conflict', { detail: apiSignUpErrors.otherAnswers })
}
