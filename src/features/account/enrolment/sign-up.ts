import type { Account, FieldDefinition, TenantSettings, Threescale } from '../../../clients/threescale/types.js'
import { portalDefaults } from '../../../config/defaults.js'
import { isProblem, type PortalError, problem } from '../../../errors.js'
import type { Cache } from '../../../infra/cache.js'
import type { Identity } from '../../../web/auth/caller.js'
import type { AccountUser } from '../account-status.js'
import { type DuplicateAccountsDeps, resolveDuplicateAccounts } from '../duplicate-accounts.js'
import { retryWhileDuplicated } from '../duplicate-users.js'
import { acceptanceErrors, acceptanceField, type SignUpTerms } from '../terms.js'
import { toCountryProblem, toEmailProblem } from '../threescale-refusals.js'
import { retryWithoutUnstorableClaims } from '../unstorable-claims.js'
import { organisationName } from '../usernames/usernames.js'
import type { CompletionAnswers, CompletionQuestions } from './completion.js'
import { answersForOffer } from './join-offer.js'
import { signUpErrors } from './messages.js'
import { assertMaySignUp, resolveFields, type SignUpPolicy, validateAnswers } from './sign-up-policy.js'

type SignUpRequests =
  | 'readSettings'
  | 'listFieldDefinitions'
  | 'readAlwaysApprove'
  | 'signUp'
  | 'findByUsername'
  | 'approveAccount'
  | 'activateUser'

export interface SignUpDeps extends DuplicateAccountsDeps {
  threescale: DuplicateAccountsDeps['threescale'] & Pick<Threescale, SignUpRequests>
  cache: Cache
  policy: SignUpPolicy
  terms: SignUpTerms | undefined
  repairs: Repairs
  now?: () => number
}

/** Repairs keys that 3scale stored without notifying its backend, so that the gateway does not accept them. */
export interface Repairs {
  all(accountId: number): Promise<void>
  /** Only where an earlier failure is recorded. */
  recorded(accountId: number): Promise<void>
}

interface Tenant {
  settings: TenantSettings
  fields: FieldDefinition[]
  alwaysApprove: boolean
}

/** Everything that is required before the first write. */
export interface SignUpData {
  email: string | undefined
  /** Of account and user, in the flat form of 3scale. */
  answers: Record<string, string>
  userAnswers: Record<string, string>
  /** Names of the answers that are claims of the sign-in. */
  claimNames: ReadonlySet<string>
  alwaysApprove: boolean
}

export type SignUpService = ReturnType<typeof createSignUp>

type NewAccount = Parameters<Threescale['signUp']>[0]

/** A call that failed sooner was interrupted, not slow, so there is time for a second one. */
const INTERRUPTED_MS = 1000

/** Creates accounts by three writes, each of which may be the last that succeeds; the next sign-in completes the rest. */
export function createSignUp(deps: SignUpDeps) {
  const { threescale, cache, policy, terms, repairs, duplicateRemoved, now = Date.now } = deps
  const tenant = cache.cached<Tenant>('tenant', { freshSeconds: 60, maxAgeSeconds: 60 }, readTenant)

  return {
    /**
     * Returns questions where answers are required, or where the answers were about an offer that no longer exists. Nothing is
     * written then.
     */
    async signUp(
      identity: Identity,
      username: string,
      completion?: CompletionAnswers,
    ): Promise<AccountUser | CompletionQuestions> {
      const answers = answersForOffer(undefined, completion)
      const data = await prepare(identity, answers, { always: answers !== completion })
      if (!('answers' in data)) return data
      return createAccount(data, { orgName: orgNameClaim(identity), username, email: data.email }, identity.subject)
    },

    prepare,
    createAccount,
    finish,

    /** The questions for a new user. `existingAccount`: only those about the person, because the account exists. */
    async questions(identity: Identity, { existingAccount = false } = {}): Promise<CompletionQuestions> {
      const { fields } = (await tenant.get()).value
      const { questions } = resolveFields(relevantFields(fields, existingAccount), identity, policy, terms?.field)
      return { fields: questions, terms }
    },
  }

  /**
   * Rejects where this identity may not have an account. Returns questions where answers are required; with `always`, also where
   * none is.
   */
  async function prepare(
    identity: Identity,
    completion: CompletionAnswers | undefined,
    { existingAccount = false, always = false } = {},
  ): Promise<SignUpData | CompletionQuestions> {
    // The settings are read for each sign-up, so that closing sign-up takes effect immediately.
    const { settings, fields, alwaysApprove } = await readTenant()
    const email = assertMaySignUp(identity, policy, existingAccount || settings.signupsEnabled)
    const definitions = relevantFields(fields, existingAccount)
    const { claimValues, questions, missing } = resolveFields(definitions, identity, policy, terms?.field)
    if (missing.length > 0) throw missingProfileFields(missing)
    const needsForm = always || questions.some((field) => field.required) || terms !== undefined
    if (needsForm && !completion) return { fields: questions, terms }
    const termsErrors = acceptanceErrors(terms, completion?.acceptTerms)
    const answers = validateAnswers(questions, completion?.values ?? {}, termsErrors, claimValues)
    const all = { ...claimValues, ...answers }
    const ofUser = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('user.')))
    const accepted = acceptanceField(terms)
    return {
      email,
      answers: { ...withoutTargets(all), ...accepted },
      userAnswers: { ...withoutTargets(ofUser), ...accepted },
      claimNames: new Set(Object.keys(withoutTargets(claimValues))),
      alwaysApprove,
    }
  }

  /** Where 3scale rejects or cannot store the organisation's name, the address is its name, or else `alternativeName`. */
  async function createAccount(
    { answers, claimNames, alwaysApprove, email }: SignUpData,
    account: { orgName: string | undefined; username: string; email: string | undefined },
    alternativeName?: string,
  ): Promise<AccountUser> {
    const texts = { ...answers, org_name: account.orgName ?? '' }
    const names = new Set([...claimNames, 'org_name'])
    const created = await retryWithoutUnstorableClaims(texts, names, ({ org_name, ...fields }) => {
      const orgName = organisationName(org_name, email, alternativeName, account.username)
      return signUpOnce({ ...account, orgName, fields })
    })
    return finish(created.accountUser, { approves: async () => alwaysApprove, isCertain: created.isCertain })
  }

  async function readTenant(): Promise<Tenant> {
    const [settings, fields, alwaysApprove] = await Promise.all([
      threescale.readSettings(),
      threescale.listFieldDefinitions(),
      threescale.readAlwaysApprove(),
    ])
    return { settings, fields, alwaysApprove }
  }

  /**
   * Where the response was lost or another replica was first, the username shows whether the account exists, so the call may be
   * repeated. `isCertain`: false where 3scale stored the account but reported a failure.
   */
  async function signUpOnce(
    account: NewAccount,
    mayRepeat = true,
  ): Promise<{ accountUser: AccountUser; isCertain: boolean }> {
    const startedAt = now()
    let created: Account
    try {
      created = await threescale.signUp(account)
    } catch (error) {
      const existing = isProblem(error, 'threescale_unavailable', 'invalid_fields', 'conflict')
        ? await threescale.findByUsername(account.username)
        : undefined
      if (existing) return { accountUser: existing, isCertain: false }
      const isInterrupted = isProblem(error, 'threescale_unavailable') && now() - startedAt < INTERRUPTED_MS
      if (isInterrupted && mayRepeat) return signUpOnce(account, false)
      throw toSignUpProblem(error, account)
    }
    const accountUser = await threescale.findByUsername(account.username)
    if (!accountUser) throw problem('threescale_unavailable')
    // 3scale accepts a username twice where two requests arrive at once, and then activates neither user.
    if (accountUser.account.id !== created.id) {
      await threescale.deleteAccount(created.id)
      duplicateRemoved('account')
    }
    return { accountUser, isCertain: true }
  }

  /**
   * Completes an interrupted sign-up, whose user is still pending. The account is approved first, where the tenant always
   * approves, and the user is activated last. So an active user's pending or rejected account is the operator's decision.
   */
  async function finish(
    accountUser: AccountUser,
    { approves = threescale.readAlwaysApprove, isCertain = false } = {},
  ): Promise<AccountUser> {
    const { account, user } = accountUser
    if (user.state !== 'pending' || account.state === 'rejected') return accountUser
    // A process that ends here leaves the user pending, so the next request completes the sign-up.
    if (!isCertain) await repairs.all(account.id)
    const finished = await activate(accountUser, approves)
    if (finished.user.state !== 'pending') return finished
    // 3scale activates no user whose username exists twice.
    const remaining = await resolveDuplicateAccounts({ threescale, duplicateRemoved }, accountUser)
    return remaining ? activate(remaining, approves) : finished
  }

  async function activate(accountUser: AccountUser, approves: () => Promise<boolean>): Promise<AccountUser> {
    const { account, user } = accountUser
    const isUnapproved = account.state === 'created' || account.state === 'pending'
    if (isUnapproved && (await approves())) await unlessInvalidTransition(threescale.approveAccount(account.id))
    await unlessInvalidTransition(retryWhileDuplicated(() => threescale.activateUser(account.id, user.id)))
    return (await threescale.findByUsername(user.username)) ?? accountUser
  }

  function orgNameClaim(identity: Identity): string | undefined {
    return [identity.claims[policy.org_name_claim ?? portalDefaults.organisationClaim] ?? []].flat()[0]
  }
}

function relevantFields(fields: FieldDefinition[], existingAccount: boolean): FieldDefinition[] {
  return existingAccount ? fields.filter(({ target }) => target === 'user') : fields
}

/** "Cannot transition": another request was first, and the caller reads its result. */
async function unlessInvalidTransition(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isProblem(error, 'invalid_fields')) throw error
  }
}

function missingProfileFields(labels: string[]): PortalError {
  return problem('sign_up_refused', { detail: signUpErrors.missingProfileFields(labels) })
}

function toSignUpProblem(error: unknown, { fields }: NewAccount): unknown {
  if (isProblem(error, 'not_found'))
    return problem('threescale_denied', { detail: signUpErrors.noDefaultPlan, cause: error })
  return toCountryProblem(toEmailProblem(error), fields.country)
}

/** 3scale reads account and user fields from one flat form. */
function withoutTargets(answers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answers).map(([key, value]) => [key.replace(/^(account|user)\./, ''), value]),
  )
}
