import type { Cache } from '../../clients/cache.js'
import type { FieldDefinition, TenantSettings, Threescale } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import { orgNameOf } from './names.js'
import { checkAnswers, checkMaySignUp, fieldsFor, type SignUpRules, type WantedField } from './sign-up-rules.js'
import type { Found } from './standing.js'
import { checkAccepted, type Terms } from './terms.js'

/** Answers of the completion form; keys as `account.department`. */
export interface Completion {
  values: Record<string, string>
  acceptTerms: string | undefined
}

/** What a person has to answer before going on. */
export interface Questions {
  fields: WantedField[]
  terms: Terms | undefined
}

export interface SignUpDeps {
  threescale: Threescale
  cache: Cache
  rules: SignUpRules
  terms: Terms | undefined
}

interface Tenant {
  settings: TenantSettings
  fields: FieldDefinition[]
  alwaysApprove: boolean
}

/** Makes accounts: who may have one, what is asked first, and the three writes, each of which may be the last that works. */
export function createSignUp({ threescale, cache, rules, terms }: SignUpDeps) {
  const tenant = cache.cached<Tenant>('tenant', { fresh: 60, keep: 3600 }, async () => {
    const [settings, fields, alwaysApprove] = await Promise.all([
      threescale.readSettings(),
      threescale.listFieldDefinitions(),
      threescale.readAlwaysApprove(),
    ])
    return { settings, fields, alwaysApprove }
  })

  return {
    /** Questions instead of an account where something has to be answered first; nothing is written then. */
    async signUp(identity: Identity, username: string, completion?: Completion): Promise<Found | Questions> {
      const { settings, fields } = (await tenant.get()).value
      const email = checkMaySignUp(identity, rules, settings.signupsEnabled)
      const { known, asked } = fieldsFor(fields, identity, rules)
      const needsForm = asked.some((field) => field.required) || terms !== undefined
      if (needsForm && !completion) return { fields: asked, terms }
      const answers = { ...known, ...checkAnswers(asked, completion?.values ?? {}) }
      if (terms) checkAccepted(terms, completion?.acceptTerms)
      const made = await create({
        orgName: orgNameOf(orgNameClaim(identity), email),
        username,
        email,
        fields: { ...withoutTargets(answers), ...(terms ? { [terms.field]: terms.version } : {}) },
      })
      return finish(made)
    },

    finish,

    /** What a new person would be asked. */
    async questions(identity: Identity): Promise<Questions> {
      const { fields } = (await tenant.get()).value
      return { fields: fieldsFor(fields, identity, rules).asked, terms }
    },
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
  async function finish(found: Found): Promise<Found> {
    if (found.user.state !== 'pending') return found
    const { account, user } = found
    const { alwaysApprove } = (await tenant.get()).value
    if (alwaysApprove && (account.state === 'created' || account.state === 'pending'))
      await threescale.approveAccount(account.id)
    await threescale.activateUser(account.id, user.id)
    return (await threescale.findByUsername(user.username)) ?? found
  }

  function orgNameClaim(identity: Identity): string | undefined {
    return [identity.claims[rules.org_name_claim ?? 'org_name'] ?? []].flat()[0]
  }
}

/** 3scale takes account and user fields flat in one form. */
function withoutTargets(answers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answers).map(([key, value]) => [key.replace(/^(account|user)\./, ''), value]),
  )
}
