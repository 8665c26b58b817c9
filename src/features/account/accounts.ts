import { setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '../../clients/cache.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Account, FieldDefinition, TenantSettings, Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import { isOurs, orgNameOf, usernameOf } from './names.js'
import { checkAnswers, checkMaySignUp, fieldsFor, type SignUpRules, type WantedField } from './sign-up-rules.js'

export interface Terms {
  version: string
  url: string
  title: string
  /** 3scale user field that records the accepted version */
  field: string
}

export interface AccountsDeps {
  threescale: Threescale
  cache: Cache
  redis?: RedisConnection | undefined
  issuerId: string
  linkByEmail: boolean
  rules: SignUpRules
  terms: Terms | undefined
}

/** Answers of the completion form; keys as `account.department`. */
export interface Completion {
  values: Record<string, string>
  acceptTerms: string | undefined
}

export type SignInOutcome =
  | { kind: 'in'; caller: Caller; signedUp: boolean; linkedFrom: string | undefined }
  | { kind: 'asked'; fields: WantedField[]; terms: Terms | undefined }

interface Found {
  account: Account
  user: User
}

export type Accounts = ReturnType<typeof createAccounts>

/** Who a signed-in identity is in 3scale: found by name, linked once by verified e-mail, or signed up. */
export function createAccounts({ threescale, cache, redis, issuerId, linkByEmail, rules, terms }: AccountsDeps) {
  const people = cache.cached<Found | null>('people', { fresh: 60, keep: 3600, secret: true }, async (username) => {
    return (await threescale.findByUsername(username)) ?? null
  })
  const tenant = cache.cached<{ settings: TenantSettings; fields: FieldDefinition[]; alwaysApprove: boolean }>(
    'tenant',
    { fresh: 60, keep: 3600 },
    async () => {
      const [settings, fields, alwaysApprove] = await Promise.all([
        threescale.readSettings(),
        threescale.listFieldDefinitions(),
        threescale.readAlwaysApprove(),
      ])
      return { settings, fields, alwaysApprove }
    },
  )
  const queue = new Map<string, Promise<unknown>>()

  return {
    /**
     * One call to 3scale for whoever is known. Without `completion` a new person may get `asked`; nothing is written then.
     * Rejects with the reason as a code: account_pending, email_taken, sign_up_closed, threescale_unavailable and so on.
     */
    async signIn(identity: Identity, completion?: Completion): Promise<SignInOutcome> {
      const username = usernameOf(identity.kind, issuerId, identity.subject)
      const known = await threescale.findByUsername(username)
      if (known) return enter(identity, await finishSignUp(known), completion, false, undefined)
      return alone(username, () => linkOrSignUp(identity, username, completion))
    },

    /** The account of a bearer token's identity; undefined when it has not signed up. */
    async callerOf(identity: Identity): Promise<Caller | undefined> {
      const { value } = await people.get(usernameOf(identity.kind, issuerId, identity.subject))
      if (!value) return undefined
      checkState(value)
      return callerFor(identity, value)
    },

    /** Stops people whose account or user was suspended meanwhile: state is read again when it is older than a minute. */
    async checkStillActive(caller: Caller): Promise<void> {
      try {
        const { value } = await people.get(caller.username)
        if (!value) throw problem('sign_in_required')
        checkState(value)
      } catch (error) {
        if (!isProblem(error, 'threescale_unavailable')) throw error
        // 3scale is down and no copy is kept: who signed in goes on
      }
    },

    async profile(caller: Caller): Promise<Found | undefined> {
      return (await people.get(caller.username)).value ?? undefined
    },

    /** What a caller without an account would be asked, for GET /api/v1/me. */
    async required(identity: Identity): Promise<{ fields: WantedField[]; terms: Terms | undefined }> {
      const { fields } = (await tenant.get()).value
      return { fields: fieldsFor(fields, identity, rules).asked, terms }
    },
  }

  async function linkOrSignUp(
    identity: Identity,
    username: string,
    completion: Completion | undefined,
  ): Promise<SignInOutcome> {
    // somebody else may have made it while this one waited for its turn
    const known = await threescale.findByUsername(username)
    if (known) return enter(identity, await finishSignUp(known), completion, false, undefined)
    if (!identity.email) throw problem('email_missing')
    if (!identity.emailVerified) throw problem('email_not_verified')
    const stock = identity.kind === 'person' ? await findByEmail(identity.email) : undefined
    if (stock) return link(identity, username, stock, completion)
    return signUp(identity, username, completion)
  }

  /** People of the stock portal keep their account: their user gets the name that proves the identity. */
  async function link(
    identity: Identity,
    username: string,
    stock: Found,
    completion: Completion | undefined,
  ): Promise<SignInOutcome> {
    if (isOurs(stock.user.username) || !linkByEmail) throw problem('email_taken')
    checkAccountState(stock.account)
    if (stock.user.state === 'suspended') throw problem('account_suspended')
    const user = await threescale.updateUser(stock.account.id, stock.user.id, { username })
    if (user.state === 'pending') await threescale.activateUser(stock.account.id, user.id)
    const found = { account: stock.account, user: { ...user, state: 'active' as const } }
    return enter(identity, found, completion, false, stock.user.username)
  }

  async function findByEmail(email: string): Promise<Found | undefined> {
    const exact = await threescale.findByEmail(email)
    if (exact || email === email.toLowerCase()) return exact
    return threescale.findByEmail(email.toLowerCase())
  }

  async function signUp(
    identity: Identity,
    username: string,
    completion: Completion | undefined,
  ): Promise<SignInOutcome> {
    const { settings, fields, alwaysApprove } = (await tenant.get()).value
    const email = checkMaySignUp(identity, rules, settings.signupsEnabled)
    const { known, asked } = fieldsFor(fields, identity, rules)
    const needsForm = asked.some((field) => field.required) || terms !== undefined
    if (needsForm && !completion) return { kind: 'asked', fields: asked, terms }
    const answers = { ...known, ...checkAnswers(asked, completion?.values ?? {}) }
    if (terms && completion?.acceptTerms !== terms.version) {
      throw problem('invalid_fields', { fields: { accept_terms: 'Accept the terms to go on.' } })
    }
    const flat = Object.fromEntries(
      Object.entries(answers).map(([key, value]) => [key.replace(/^(account|user)\./, ''), value]),
    )
    const claim = identity.claims[rules.org_name_claim ?? 'org_name']
    const orgName = orgNameOf([claim ?? []].flat()[0], email)
    const made = await create({
      orgName,
      username,
      email,
      fields: { ...flat, ...(terms ? { [terms.field]: terms.version } : {}) },
    })
    return enter(identity, await finishSignUp(made, alwaysApprove), undefined, true, undefined)
  }

  /** One POST; after a lost answer, or when another replica was first, the name tells whether it worked. */
  async function create(wanted: Parameters<Threescale['signUp']>[0]): Promise<Found> {
    try {
      await threescale.signUp(wanted)
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable', 'invalid_fields', 'conflict')) throw error
      const theirs = await threescale.findByUsername(wanted.username)
      if (theirs) return theirs
      if (isProblem(error, 'invalid_fields') && error.fields?.email?.includes('taken')) throw problem('email_taken')
      throw error
    }
    const found = await threescale.findByUsername(wanted.username)
    if (!found) throw problem('threescale_unavailable')
    return found
  }

  /**
   * A user still pending is a sign-up of ours that was cut off: approve first, where the tenant always approves, then
   * activate. So an active user's pending or rejected account is always the operator's own decision and stays.
   */
  async function finishSignUp(found: Found, approves?: boolean): Promise<Found> {
    if (found.user.state !== 'pending') return found
    const { account, user } = found
    const alwaysApprove = approves ?? (await tenant.get()).value.alwaysApprove
    if (alwaysApprove && (account.state === 'created' || account.state === 'pending'))
      await threescale.approveAccount(account.id)
    await threescale.activateUser(account.id, user.id)
    return (await threescale.findByUsername(user.username)) ?? found
  }

  async function enter(
    identity: Identity,
    found: Found,
    completion: Completion | undefined,
    signedUp: boolean,
    linkedFrom: string | undefined,
  ): Promise<SignInOutcome> {
    checkState(found)
    const current = await acceptTerms(found, completion)
    if (!current) return { kind: 'asked', fields: [], terms }
    await people.put(current.user.username, current)
    return { kind: 'in', caller: callerFor(identity, current), signedUp, linkedFrom }
  }

  /** Terms are asked for again when their version changes; undefined: ask. Kept in a field of the 3scale user. */
  async function acceptTerms(found: Found, completion: Completion | undefined): Promise<Found | undefined> {
    if (!terms || found.user.fields[terms.field] === terms.version) return found
    if (!completion) return undefined
    if (completion.acceptTerms !== terms.version) {
      throw problem('invalid_fields', { fields: { accept_terms: 'Accept the terms to go on.' } })
    }
    const user = await threescale.updateUser(found.account.id, found.user.id, {
      fields: { [terms.field]: terms.version },
    })
    return { ...found, user: { ...user, fields: { ...user.fields, [terms.field]: terms.version } } }
  }

  /** One sign-up of a name at a time, in this process and, with Redis, among replicas; 3scale itself refuses a taken name. */
  async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = queue.get(name) ?? Promise.resolve()
    const turn = before
      .catch(() => {})
      .then(async () => {
        const lock = `maas:lock:signup:${name}`
        for (let waited = 0; waited < 10_000; waited += 100) {
          const taken = await redis?.try(async (client) => [await client.set(lock, '1', 'PX', 15_000, 'NX')])
          if (taken === undefined || taken[0] === 'OK') break
          await sleep(100)
        }
        try {
          return await work()
        } finally {
          await redis?.try((client) => client.del(lock))
        }
      })
    queue.set(name, turn)
    try {
      return await turn
    } finally {
      if (queue.get(name) === turn) queue.delete(name)
    }
  }
}

function checkState({ account, user }: Found): void {
  if (user.state === 'suspended') throw problem('account_suspended')
  checkAccountState(account)
}

function checkAccountState(account: Account): void {
  if (account.state === 'approved') return
  if (account.state === 'rejected') throw problem('account_rejected')
  if (account.state === 'suspended' || account.state === 'scheduled_for_deletion') throw problem('account_suspended')
  throw problem('account_pending')
}

function callerFor(identity: Identity, { account, user }: Found): Caller {
  return {
    kind: identity.kind,
    issuer: identity.issuer,
    subject: identity.subject,
    sid: identity.sid,
    username: user.username,
    accountId: account.id,
    userId: user.id,
    role: user.role,
    orgName: account.orgName,
    name: identity.name,
    email: identity.email,
    groups: identity.groups,
  }
}
