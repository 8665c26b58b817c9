import type {
  Account,
  CredentialMode,
  Plan,
  Product,
  Subscription,
  ThreescaleApplication,
} from './clients/threescale/types.js'
import { type ErrorCode, type PortalError, problem } from './errors.js'

/** Switches that 3scale's API does not expose, so PORTAL_CONFIG sets them. */
export interface Allowances {
  multipleApplications: boolean
  multipleServices: boolean
  multipleUsers: boolean
}

/** The facts that policies depend on; each policy declares those that it requires. */
interface AllFacts {
  account: Account
  signupsEnabled: boolean
  /** Developers may change their own account and its users. */
  areaEnabled: boolean
  /** Of the caller. */
  role: 'admin' | 'member'
  /** Admins of the account, without the user to be removed or changed. */
  otherAdmins: number
  allowances: Allowances
  product: Product
  /** The requested plan, and the one that 3scale would choose. */
  plan: Plan
  standard: Plan
  subscription: Subscription | undefined
  /** Existing applications of the account. */
  applications: ThreescaleApplication[]
  application: ThreescaleApplication
  way: PlanChangeWay
  /** How users reach the operator, for messages. */
  contact: string
  /** Messages by field name. */
  errors: Record<string, string>
  mode: CredentialMode
  /** The number of keys of the application. */
  keys: number
  /** A key value chosen by the caller. */
  value: string | undefined
}
type Of<Name extends keyof AllFacts> = Pick<AllFacts, Name>

interface Policy<Facts> {
  /** What is not allowed, or what to expect, and how to change it. */
  message(facts: Facts): string
  applies(facts: Facts): boolean
  /** The code of the error; undefined if the policy only informs. */
  code: ((facts: Facts) => ErrorCode) | undefined
}

const accountStates: Partial<Record<Account['state'], [ErrorCode, string]>> = {
  rejected: ['account_rejected', 'Your account was not approved.'],
  suspended: ['account_suspended', 'Your account is suspended.'],
  scheduled_for_deletion: ['account_suspended', 'Your account is scheduled for deletion.'],
}

/**
 * Policies of 3scale's built-in developer portal that 3scale's API does not enforce, by their public names. Pages explain or
 * omit actions accordingly, the API returns a problem with the name, and docs/policies.md lists them (porta:
 * config/abilities/buyer_any.rb, lib/developer_portal, app/lib/logic).
 */
const policies = {
  account_state: forbid<'account'>(
    ({ account }) => account.state !== 'approved',
    ({ account }) => accountStates[account.state]?.[1] ?? 'Your account is waiting for approval.',
    ({ account }) => accountStates[account.state]?.[0] ?? 'account_pending',
  ),
  signups_enabled: forbid<'signupsEnabled'>(
    ({ signupsEnabled }) => !signupsEnabled,
    () => 'Sign-up is closed. Ask the contact of this portal for access.',
    'sign_up_closed',
  ),
  buyers_manage_apps: forbid<'product'>(
    ({ product }) => !product.buyersManageApps,
    ({ product }) => `Only the operator can create and change applications of ${product.name}.`,
  ),
  service_subscription: forbid<'subscription'>(
    ({ subscription }) => subscription !== undefined && subscription.state !== 'live',
    () => 'The operator must approve your account’s access to this model. No action is required from you.',
  ),
  one_application_per_plan: forbid<'applications' | 'plan' | 'allowances'>(
    ({ applications, plan, allowances }) =>
      !allowances.multipleApplications && applications.some(({ planId }) => planId === plan.id),
    ({ plan }) =>
      `Your account already has an application on the plan ${plan.name}. Only one is allowed, so use the existing one.`,
  ),
  multiple_applications: forbid<'applications' | 'allowances'>(
    ({ applications, allowances }) => !allowances.multipleApplications && applications.length > 0,
    () => 'Your account can have only one application. Delete the existing one, or ask the operator to allow more.',
  ),
  multiple_services: forbid<'applications' | 'product' | 'allowances'>(
    ({ applications, product, allowances }) =>
      !allowances.multipleServices && applications.some(({ productId }) => productId !== product.id),
    () => 'Your account can use only one model and already uses another. Ask the operator to allow more.',
  ),
  buyer_can_select_plan: forbid<'product' | 'plan' | 'standard'>(
    ({ product, plan, standard }) => plan.id !== standard.id && !product.canSelectPlan,
    ({ product, standard }) =>
      `The operator sets the plan of ${product.name}. Omit the plan, or use "${standard.systemName}".`,
  ),
  plan_approval: inform<'plan'>(
    ({ plan }) => plan.approvalRequired,
    ({ plan }) => `The operator must approve new applications on the plan ${plan.name}. The key works after approval.`,
  ),
  application_live: forbid<'application'>(
    ({ application }) => application.state !== 'live',
    () => 'Only a live application can change its plan. Ask the operator to approve or resume it.',
  ),
  buyer_plan_change_permission: forbid<'way' | 'product' | 'contact'>(
    ({ way }) => way.startsWith('no'),
    ({ way, product, contact }) => {
      if (way === 'no_card') return `This is a paid plan, and your account has no payment card. Ask ${contact}.`
      if (way === 'no_contact') return `The operator must change the plan. Ask ${contact}.`
      return `Only the operator can change the plan of ${product.name}.`
    },
  ),
  fields_definitions: forbid<'errors'>(
    ({ errors }) => Object.keys(errors).length > 0,
    () => 'Some fields are not valid. Correct them and try again.',
    'invalid_fields',
  ),
  credential_mode: forbid<'mode'>(
    ({ mode }) => mode === 'user_key',
    () => 'This application has a single key. Rotate it to replace it: keys cannot be added or removed.',
    'conflict',
  ),
  buyers_manage_keys: forbid<'product'>(
    ({ product }) => !product.buyersManageKeys,
    ({ product }) => `Only the operator can create and delete keys of ${product.name}.`,
  ),
  buyer_key_regenerate_enabled: forbid<'product'>(
    ({ product }) => !product.keyRegenerateEnabled,
    ({ product }) => `Only the operator can rotate the key of ${product.name}.`,
  ),
  custom_keys_enabled: forbid<'product' | 'value'>(
    ({ product, value }) => value !== undefined && !product.customKeysEnabled,
    ({ product }) => `${product.name} does not accept custom keys. Omit the value to generate a key.`,
  ),
  key_limit: forbid<'keys' | 'mode'>(
    ({ keys, mode }) => keys >= keyLimit(mode),
    ({ mode }) =>
      mode === 'oidc'
        ? 'This application already has its client secret. Rotate it to replace it.'
        : `This application has reached the limit of ${keyLimit(mode)} keys. Revoke a key first.`,
    'conflict',
  ),
  // Regardless of the product's `mandatory_app_key`: 3scale's backend accepts any key for an application without keys.
  last_key: forbid<'keys' | 'mode'>(
    ({ keys, mode }) => mode === 'app_id' && keys <= 1,
    () =>
      'This is the only key. Without a key, the gateway would accept any key for this application. Add another key first.',
  ),
  admins_manage_members: forbid<'role'>(
    ({ role }) => role !== 'admin',
    () => 'Only admins of your account can manage its members. Ask one of them.',
  ),
  multiple_users: forbid<'allowances'>(
    ({ allowances }) => !allowances.multipleUsers,
    () => 'An account can have only one user. Ask the operator to allow more.',
  ),
  useraccountarea_enabled: forbid<'areaEnabled'>(
    ({ areaEnabled }) => !areaEnabled,
    () => 'Only the operator can change accounts and their members.',
  ),
  last_admin: forbid<'otherAdmins'>(
    ({ otherAdmins }) => otherAdmins < 1,
    () => 'An account needs at least one admin. Assign the admin role to another member first.',
  ),
  referrer_filters_required: inform<'product'>(
    ({ product }) => product.referrerFiltersRequired,
    () => 'The gateway accepts calls of this application only from addresses that the operator has listed.',
  ),
}

export type PolicyName = keyof typeof policies
type Facts<Name extends PolicyName> = All<
  Name extends PolicyName ? Parameters<(typeof policies)[Name]['message' | 'applies']>[0] : never
>
type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Both) => void
  ? Both
  : never

export const policyNames = Object.keys(policies) as PolicyName[]

/** How a plan can change: directly, by a request to the operator, or not at all and why. */
export type PlanChangeWay = 'direct' | 'request' | 'no' | 'no_card' | 'no_contact'

/** Keys of an application with an application ID, as 3scale limits them (porta, app/models/application_key.rb). */
export const MAX_APPLICATION_KEYS = 5

/** Notifications to the operator about plan changes, for all applications of an account within a day. */
export const PLAN_CHANGE_REQUESTS_PER_DAY = 20

export function keyLimit(mode: CredentialMode): number {
  return mode === 'app_id' ? MAX_APPLICATION_KEYS : 1
}

/** Throws the error of the first violated policy. */
export function enforce<Name extends PolicyName>(names: readonly Name[], facts: Facts<Name>): void {
  const violation = findViolation(names, facts)
  if (violation) throw violation
}

/** The error that `enforce` would throw; pages use it to explain what is not available. */
export function findViolation<Name extends PolicyName>(
  names: readonly Name[],
  facts: Facts<Name>,
): PortalError | undefined {
  for (const name of names) {
    const { code, applies, message } = policies[name] as Policy<Facts<Name>>
    if (!code || !applies(facts)) continue
    const { errors: fields } = facts as Partial<AllFacts>
    return problem(code(facts), { policy: name, detail: message(facts), ...(fields ? { fields } : {}) })
  }
  return undefined
}

/** The message of a policy if it applies, else an empty string. */
export function policyMessage<Name extends PolicyName>(name: Name, facts: Facts<Name>): string {
  const { applies, message } = policies[name] as Policy<Facts<Name>>
  return applies(facts) ? message(facts) : ''
}

function forbid<Name extends keyof AllFacts>(
  applies: (facts: Of<Name>) => boolean,
  message: (facts: Of<Name>) => string,
  code: ErrorCode | ((facts: Of<Name>) => ErrorCode) = 'policy_violation',
): Policy<Of<Name>> {
  return { applies, message, code: typeof code === 'string' ? () => code : code }
}

function inform<Name extends keyof AllFacts>(
  applies: (facts: Of<Name>) => boolean,
  message: (facts: Of<Name>) => string,
): Policy<Of<Name>> {
  return { applies, message, code: undefined }
}
