import type { Account, Application, CredentialMode, Plan, Product, Subscription } from './clients/threescale/nouns.js'
import { type ErrorCode, type PortalError, problem } from './errors.js'

/** What 3scale's API does not show (its switches); PORTAL_CONFIG says it. */
export interface Allowances {
  multipleApplications: boolean
  multipleServices: boolean
  multipleUsers: boolean
}

/** What rules are asked about; each names the facts that it needs. */
interface AllFacts {
  account: Account
  signupsEnabled: boolean
  /** developers may change their own account and its people */
  areaEnabled: boolean
  /** of who wants to manage people */
  role: 'admin' | 'member'
  /** admins of the account beside the one who is to go or to be a member */
  otherAdmins: number
  allowances: Allowances
  product: Product
  /** the plan that is wanted, and the one that 3scale would give by itself */
  plan: Plan
  standard: Plan
  subscription: Subscription | undefined
  /** what the account has already */
  applications: Application[]
  application: Application
  way: PlanChangeWay
  /** whom to ask, for people */
  contact: string
  /** field -> sentence */
  errors: Record<string, string>
  mode: CredentialMode
  /** how many the application has */
  keys: number
  /** a key that somebody chose */
  value: string | undefined
}
type Of<Name extends keyof AllFacts> = Pick<AllFacts, Name>

interface Rule<Facts> {
  /** for people: what is not possible or what to know, and who can change it */
  says(facts: Facts): string
  applies(facts: Facts): boolean
  /** code of the refusal; undefined: the rule only tells */
  code: ((facts: Facts) => ErrorCode) | undefined
}

const accountStates: Partial<Record<Account['state'], [ErrorCode, string]>> = {
  rejected: ['account_rejected', 'Your account was not approved.'],
  suspended: ['account_suspended', 'Your account is suspended.'],
  scheduled_for_deletion: ['account_suspended', 'Your account is to be deleted.'],
}

/**
 * Every rule of the stock developer portal that 3scale's own API does not keep, by its public name. Pages hide or explain
 * by it, the API answers a problem that names it, docs/rules.md lists it (porta: config/abilities/buyer_any.rb,
 * lib/developer_portal, app/lib/logic).
 */
const rules = {
  account_state: refusing<'account'>(
    ({ account }) => account.state !== 'approved',
    ({ account }) => accountStates[account.state]?.[1] ?? 'Your account is waiting for approval.',
    ({ account }) => accountStates[account.state]?.[0] ?? 'account_pending',
  ),
  signups_enabled: refusing<'signupsEnabled'>(
    ({ signupsEnabled }) => !signupsEnabled,
    () => 'Sign-up is closed. Ask the contact of this portal for access.',
    'sign_up_closed',
  ),
  buyers_manage_apps: refusing<'product'>(
    ({ product }) => !product.buyersManageApps,
    ({ product }) => `Applications of ${product.name} are made and changed by its operator only.`,
  ),
  service_subscription: refusing<'subscription'>(
    ({ subscription }) => subscription !== undefined && subscription.state !== 'live',
    () => 'Your account waits for the operator to let it use this model. Nothing is to be done until then.',
  ),
  one_application_per_plan: refusing<'applications' | 'plan' | 'allowances'>(
    ({ applications, plan, allowances }) =>
      !allowances.multipleApplications && applications.some(({ planId }) => planId === plan.id),
    ({ plan }) => `Your account has an application on the plan ${plan.name} already, and may have one. Use that one.`,
  ),
  multiple_applications: refusing<'applications' | 'allowances'>(
    ({ applications, allowances }) => !allowances.multipleApplications && applications.length > 0,
    () => 'Your account has an application already, and may have one. Delete it first, or ask the operator for more.',
  ),
  multiple_services: refusing<'applications' | 'product' | 'allowances'>(
    ({ applications, product, allowances }) =>
      !allowances.multipleServices && applications.some(({ productId }) => productId !== product.id),
    () => 'Your account uses another model already, and may use one. The operator can allow more.',
  ),
  buyer_can_select_plan: refusing<'product' | 'plan' | 'standard'>(
    ({ product, plan, standard }) => plan.id !== standard.id && !product.canSelectPlan,
    ({ product, standard }) =>
      `The plan of ${product.name} is set by its operator: leave it out, or use "${standard.systemName}".`,
  ),
  plan_approval: telling<'plan'>(
    ({ plan }) => plan.approvalRequired,
    ({ plan }) =>
      `The operator approves each new application on the plan ${plan.name}. The key works once it is approved.`,
  ),
  application_live: refusing<'application'>(
    ({ application }) => application.state !== 'live',
    () => 'Only a live application can change its plan. Its operator can approve or resume it.',
  ),
  buyer_plan_change_permission: refusing<'way' | 'product' | 'contact'>(
    ({ way }) => way.startsWith('no'),
    ({ way, product, contact }) => {
      if (way === 'no_card') return `This plan costs money, and your account has no card stored. Ask ${contact}.`
      if (way === 'no_contact') return `Another plan is for the operator to decide. Ask ${contact} for it.`
      return `The plan of ${product.name} is changed by its operator only.`
    },
  ),
  fields_definitions: refusing<'errors'>(
    ({ errors }) => Object.keys(errors).length > 0,
    () => 'Some fields need another value.',
    'invalid_fields',
  ),
  credential_mode: refusing<'mode'>(
    ({ mode }) => mode === 'user_key',
    () =>
      'This application has one key, which cannot be added to or removed. Rotate it: the new key replaces it at once.',
    'conflict',
  ),
  buyers_manage_keys: refusing<'product'>(
    ({ product }) => !product.buyersManageKeys,
    ({ product }) => `Keys of ${product.name} are made and removed by its operator only.`,
  ),
  buyer_key_regenerate_enabled: refusing<'product'>(
    ({ product }) => !product.keyRegenerateEnabled,
    ({ product }) => `The key of ${product.name} is replaced by its operator only.`,
  ),
  custom_keys_enabled: refusing<'product' | 'value'>(
    ({ product, value }) => value !== undefined && !product.customKeysEnabled,
    ({ product }) => `Keys of ${product.name} are made by the portal only: leave the value out.`,
  ),
  key_limit: refusing<'keys' | 'mode'>(
    ({ keys, mode }) => keys >= keyLimit(mode),
    ({ mode }) =>
      mode === 'oidc'
        ? 'This application has its one secret already. Rotate it to replace it.'
        : `This application has ${keyLimit(mode)} keys, and no more can be kept. Retire one first.`,
    'conflict',
  ),
  // whatever `mandatory_app_key` of the product says: 3scale's back-end accepts any key of an application without keys
  last_key: refusing<'keys' | 'mode'>(
    ({ keys, mode }) => mode === 'app_id' && keys <= 1,
    () =>
      'This is the only key. Without a key, the gateway would accept the application id with any key. Add another key first, then remove this one.',
  ),
  admins_manage_members: refusing<'role'>(
    ({ role }) => role !== 'admin',
    () => 'People are invited, changed and removed by the admins of your account. Ask one of them.',
  ),
  multiple_users: refusing<'allowances'>(
    ({ allowances }) => !allowances.multipleUsers,
    () => 'An account has one person here. The operator of this portal can allow more.',
  ),
  useraccountarea_enabled: refusing<'areaEnabled'>(
    ({ areaEnabled }) => !areaEnabled,
    () => 'Accounts and their people are changed by the operator of this portal only.',
  ),
  last_admin: refusing<'otherAdmins'>(
    ({ otherAdmins }) => otherAdmins < 1,
    () => 'The last admin stays: an account needs one. Make somebody else an admin first.',
  ),
  referrer_filters_required: telling<'product'>(
    ({ product }) => product.referrerFiltersRequired,
    () => 'The gateway takes calls of this application only from addresses that the operator has listed for it.',
  ),
}

export type RuleName = keyof typeof rules
type Facts<Name extends RuleName> = All<
  Name extends RuleName ? Parameters<(typeof rules)[Name]['says' | 'applies']>[0] : never
>
type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Both) => void
  ? Both
  : never

export const ruleNames = Object.keys(rules) as RuleName[]

/** How a plan is changed: at once, by asking the operator, or not at all and why. */
export type PlanChangeWay = 'direct' | 'request' | 'no' | 'no_card' | 'no_contact'

/** Application keys that 3scale keeps at most (porta, app/models/application_key.rb). */
export function keyLimit(mode: CredentialMode): number {
  return mode === 'app_id' ? 5 : 1
}

/** Throws for the first of these rules that forbids it. */
export function check<Name extends RuleName>(names: readonly Name[], facts: Facts<Name>): void {
  const refused = refusal(names, facts)
  if (refused) throw refused
}

/** The refusal that `check` would throw; pages explain with it what they hide. */
export function refusal<Name extends RuleName>(names: readonly Name[], facts: Facts<Name>): PortalError | undefined {
  for (const name of names) {
    const { code, applies, says } = rules[name] as Rule<Facts<Name>>
    if (!code || !applies(facts)) continue
    const { errors: fields } = facts as Partial<AllFacts>
    return problem(code(facts), { rule: name, detail: says(facts), ...(fields ? { fields } : {}) })
  }
  return undefined
}

/** The sentence of a rule where it applies, refusing or not. */
export function words<Name extends RuleName>(name: Name, facts: Facts<Name>): string {
  const { applies, says } = rules[name] as Rule<Facts<Name>>
  return applies(facts) ? says(facts) : ''
}

function refusing<Name extends keyof AllFacts>(
  applies: (facts: Of<Name>) => boolean,
  says: (facts: Of<Name>) => string,
  code: ErrorCode | ((facts: Of<Name>) => ErrorCode) = 'rule',
): Rule<Of<Name>> {
  return { applies, says, code: typeof code === 'string' ? () => code : code }
}

function telling<Name extends keyof AllFacts>(
  applies: (facts: Of<Name>) => boolean,
  says: (facts: Of<Name>) => string,
): Rule<Of<Name>> {
  return { applies, says, code: undefined }
}
