import type { Cache } from '../../clients/cache.js'
import type { Account, FieldDefinition, TenantSettings, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, type PortalError, problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import { orStripped } from './claimed-text.js'
import { keepOneAccount } from './doubled-accounts.js'
import { unlessDoubled } from './doubled-users.js'
import { orgNameOf } from './names.js'
import { agreed } from './offers.js'
import type { Completion, Questions } from './questions.js'
import { refusedAddress, refusedCountry } from './refused-text.js'
import { checkAnswers, checkMaySignUp, fieldsFor, type SignUpRules } from './sign-up-rules.js'
import type { Found } from './standing.js'
import { acceptance, refusedTerms, type Terms } from './terms.js'

export interface SignUpDeps {
  threescale: Threescale
  cache: Cache
  rules: SignUpRules
  terms: Terms | undefined
  repairs: Repairs
  /** told of each account that 3scale accepted twice and was removed */
  duplicateRemoved(kind: 'account'): void
  now?: () => number
}

/** Makes the gateway accept the keys of an account's applications, which 3scale may have stored without telling its back-end. */
export interface Repairs {
  all(accountId: number): Promise<void>
  /** where it is known that it could not be done before */
  noted(accountId: number): Promise<void>
}

interface Created {
  found: Found
  /** false: the write failed or its answer was lost, and the account is there all the same */
  isClean: boolean
}

interface Tenant {
  settings: TenantSettings
  fields: FieldDefinition[]
  alwaysApprove: boolean
}

/** Everything that has to be known before the first write. */
export interface Ready {
  email: string | undefined
  /** of account and user, as 3scale takes them: flat */
  answers: Record<string, string>
  userAnswers: Record<string, string>
  /** names of the answers that are claims of the sign-in */
  claimed: ReadonlySet<string>
  alwaysApprove: boolean
}

export type SignUp = ReturnType<typeof createSignUp>

type NewAccount = Parameters<Threescale['signUp']>[0]

/** A call that failed sooner than that was cut, not slow: there is time to try once more. */
const QUICK_MS = 1000

/** Makes accounts: who may have one, what is asked first, and the three writes, each of which may be the last that works. */
export function createSignUp(deps: SignUpDeps) {
  const { threescale, cache, rules, terms, repairs, duplicateRemoved, now = Date.now } = deps
  const tenant = cache.cached<Tenant>('tenant', { fresh: 60, keep: 60 }, readTenant)

  return {
    /**
     * Questions instead of an account where something has to be answered first, or the answers were given to an offer to join
     * another account that is no longer there; nothing is written then.
     */
    async signUp(identity: Identity, username: string, completion?: Completion): Promise<Found | Questions> {
      const answers = agreed(undefined, completion)
      const ready = await prepare(identity, answers, { always: answers !== completion })
      if (!('answers' in ready)) return ready
      return make(ready, { orgName: orgNameClaim(identity), username, email: ready.email }, identity.subject)
    },

    prepare,
    make,
    finish,

    /** What a new person would be asked; `joins`: into an account that is there, so only about themselves. */
    async questions(identity: Identity, { joins = false } = {}): Promise<Questions> {
      const { fields } = (await tenant.get()).value
      return { fields: fieldsFor(askedOf(fields, joins), identity, rules, terms?.field).asked, terms }
    },
  }

  /**
   * Rejects where this identity may not have an account here, and gives questions where something has to be answered first
   * (`always`: where nothing has to be, too).
   */
  async function prepare(
    identity: Identity,
    completion: Completion | undefined,
    { joins = false, always = false } = {},
  ): Promise<Ready | Questions> {
    // read now, not kept: when an operator closes sign-up, it is closed
    const { settings, fields, alwaysApprove } = await readTenant()
    const email = checkMaySignUp(identity, rules, joins || settings.signupsEnabled)
    const { known, asked, missing } = fieldsFor(askedOf(fields, joins), identity, rules, terms?.field)
    if (missing.length > 0) throw lacking(missing)
    const needsForm = always || asked.some((field) => field.required) || terms !== undefined
    if (needsForm && !completion) return { fields: asked, terms }
    const answers = checkAnswers(asked, completion?.values ?? {}, refusedTerms(terms, completion?.acceptTerms), known)
    const all = { ...known, ...answers }
    const own = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('user.')))
    const accepted = acceptance(terms)
    return {
      email,
      answers: { ...withoutTargets(all), ...accepted },
      userAnswers: { ...withoutTargets(own), ...accepted },
      claimed: new Set(Object.keys(withoutTargets(known))),
      alwaysApprove,
    }
  }

  /** An organisation whose name 3scale does not take, or cannot store, is named by the address, else by `other`. */
  async function make(
    { answers, claimed, alwaysApprove, email }: Ready,
    wanted: { orgName: string | undefined; username: string; email: string | undefined },
    other?: string,
  ): Promise<Found> {
    const texts = { ...answers, org_name: wanted.orgName ?? '' }
    const created = await orStripped(texts, new Set([...claimed, 'org_name']), ({ org_name, ...fields }) =>
      create({ ...wanted, orgName: orgNameOf(org_name, email, other, wanted.username), fields }),
    )
    return finish(created.found, { approves: async () => alwaysApprove, isClean: created.isClean })
  }

  async function readTenant(): Promise<Tenant> {
    const [settings, fields, alwaysApprove] = await Promise.all([
      threescale.readSettings(),
      threescale.listFieldDefinitions(),
      threescale.readAlwaysApprove(),
    ])
    return { settings, fields, alwaysApprove }
  }

  /** After a lost answer, or when another replica was first, the name tells whether it worked; so it may be sent twice. */
  async function create(wanted: NewAccount, again = true): Promise<Created> {
    const started = now()
    let created: Account
    try {
      created = await threescale.signUp(wanted)
    } catch (error) {
      const theirs = isProblem(error, 'threescale_unavailable', 'invalid_fields', 'conflict')
        ? await threescale.findByUsername(wanted.username)
        : undefined
      if (theirs) return { found: theirs, isClean: false }
      const cut = isProblem(error, 'threescale_unavailable') && now() - started < QUICK_MS
      if (cut && again) return create(wanted, false)
      throw refused(error, wanted)
    }
    const found = await threescale.findByUsername(wanted.username)
    if (!found) throw problem('threescale_unavailable')
    // 3scale accepts one user name twice where both requests arrive at once, and then activates neither
    if (found.account.id !== created.id) {
      await threescale.deleteAccount(created.id)
      duplicateRemoved('account')
    }
    return { found, isClean: true }
  }

  /**
   * A user still pending is a sign-up of ours that was cut off: approve first, where the tenant always approves, then
   * activate. So an active user's pending or rejected account is always the operator's own decision and stays.
   */
  async function finish(
    found: Found,
    { approves = threescale.readAlwaysApprove, isClean = false } = {},
  ): Promise<Found> {
    const { account, user } = found
    if (user.state !== 'pending' || account.state === 'rejected') return found
    // while the user is pending, a process that ends here leaves a sign-up that is finished by the next request
    if (!isClean) await repairs.all(account.id)
    const finished = await activated(found, approves)
    if (finished.user.state !== 'pending') return finished
    // 3scale activates nobody whose user name is there twice
    const kept = await keepOneAccount({ threescale, duplicateRemoved }, found)
    return kept ? activated(kept, approves) : finished
  }

  async function activated(found: Found, approves: () => Promise<boolean>): Promise<Found> {
    const { account, user } = found
    const waits = account.state === 'created' || account.state === 'pending'
    if (waits && (await approves())) await unlessDone(threescale.approveAccount(account.id))
    await unlessDone(unlessDoubled(() => threescale.activateUser(account.id, user.id)))
    return (await threescale.findByUsername(user.username)) ?? found
  }

  function orgNameClaim(identity: Identity): string | undefined {
    return [identity.claims[rules.org_name_claim ?? 'org_name'] ?? []].flat()[0]
  }
}

function askedOf(fields: FieldDefinition[], joins: boolean): FieldDefinition[] {
  return joins ? fields.filter(({ target }) => target === 'user') : fields
}

/** "Cannot transition": somebody else was here in between; what they left is read again. */
async function unlessDone(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isProblem(error, 'invalid_fields')) throw error
  }
}

function lacking(labels: string[]): PortalError {
  const detail = `Your sign-in profile lacks what this portal needs: ${labels.join(', ')}. Ask its contact for access.`
  return problem('sign_up_refused', { detail })
}

function refused(error: unknown, { fields }: NewAccount): unknown {
  if (isProblem(error, 'not_found')) {
    const detail = 'Nobody can sign up: the 3scale tenant has no default account plan. Its operator must choose one.'
    return problem('threescale_denied', { detail, cause: error })
  }
  return refusedCountry(refusedAddress(error), fields.country)
}

/** 3scale takes account and user fields flat in one form. */
function withoutTargets(answers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answers).map(([key, value]) => [key.replace(/^(account|user)\./, ''), value]),
  )
}
