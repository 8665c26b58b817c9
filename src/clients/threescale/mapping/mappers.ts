import { isAlwaysDefined, isBuiltIn } from '../tenant-rules/built-in-fields.js'
import type {
  Account,
  AccountState,
  ApplicationKey,
  FieldDefinition,
  ReferrerFilter,
  Subscription,
  TenantSettings,
  ThreescaleApplication,
  UsageValues,
  User,
} from '../types.js'
import { flag, number, object, text, textFields, utc, type WireObject } from './wire-values.js'

export function toUsageValues(wire: WireObject): UsageValues {
  const values = Array.isArray(wire.values) ? wire.values : []
  return { since: utc(object(wire.period).since), values: values.map(number) }
}

const targets: Record<string, FieldDefinition['target']> = {
  Account: 'account',
  User: 'user',
  Cinstance: 'application',
}

export function toFieldDefinition(wire: WireObject): FieldDefinition | undefined {
  const target = targets[text(wire.target)]
  if (!target) return undefined
  const name = text(wire.name)
  const always = isAlwaysDefined(target, name)
  return {
    target,
    name,
    label: text(wire.label) || name,
    builtIn: isBuiltIn(target, name),
    required: always || flag(wire.required, false),
    hidden: !always && flag(wire.hidden, false),
    readOnly: !always && flag(wire.read_only, false),
    choices: Array.isArray(wire.choices) ? wire.choices.map(text) : [],
  }
}

export function toSettings(wire: WireObject): TenantSettings {
  return {
    signupsEnabled: flag(wire.signups_enabled, false),
    accountApprovalRequired: flag(wire.account_approval_required, false),
    servicePlansVisible: flag(wire.service_plans_ui_visible, false),
    userAccountAreaEnabled: flag(wire.useraccountarea_enabled, true),
  }
}

const accountColumns = new Set(
  `id created_at updated_at state org_name users plans links annotations extra_fields monthly_billing_enabled
  monthly_charging_enabled credit_card_stored credit_card_partial_number credit_card_expires_on deletion_date`.split(
    /\s+/,
  ),
)

export function toAccount(wire: WireObject): Account {
  return {
    id: number(wire.id),
    orgName: text(wire.org_name),
    state: text(wire.state) as AccountState,
    creditCardStored: flag(wire.credit_card_stored, false),
    fields: { ...textFields(wire, accountColumns), ...textFields(object(wire.extra_fields), new Set()) },
  }
}

const userColumns = new Set(
  `id created_at updated_at state role username email account_id links extra_fields cas_identifier open_id`.split(
    /\s+/,
  ),
)

export function toUser(wire: WireObject, accountId: number): User {
  return {
    id: number(wire.id),
    accountId,
    username: text(wire.username),
    email: text(wire.email) || undefined,
    role: wire.role === 'admin' ? 'admin' : 'member',
    state: text(wire.state) as User['state'],
    createdAt: utc(wire.created_at),
    fields: { ...textFields(wire, userColumns), ...textFields(object(wire.extra_fields), new Set()) },
  }
}

const applicationColumns = new Set(
  `id state enabled created_at updated_at service_id service_name plan_id plan_name account_id org_name first_traffic_at
  first_daily_traffic_at user_key provider_verification_key application_id redirect_url client_id client_secret
  oidc_configuration links name description`.split(/\s+/),
)

export function toApplication(wire: WireObject): ThreescaleApplication {
  return {
    id: number(wire.id),
    accountId: number(wire.account_id),
    productId: number(wire.service_id),
    planId: number(wire.plan_id),
    planName: text(wire.plan_name),
    name: text(wire.name),
    description: text(wire.description),
    state: text(wire.state) as ThreescaleApplication['state'],
    createdAt: utc(wire.created_at),
    userKey: text(wire.user_key) || undefined,
    appId: text(wire.application_id) || text(wire.client_id) || undefined,
    clientSecret: 'client_secret' in wire ? text(wire.client_secret) : undefined,
    fields: textFields(wire, applicationColumns),
    lastTrafficAt: utc(wire.first_daily_traffic_at),
  }
}

export function toKey(wire: WireObject): ApplicationKey {
  return { value: text(wire.value), createdAt: utc(wire.created_at) }
}

export function toReferrerFilter(wire: WireObject): ReferrerFilter {
  return { id: number(wire.id), value: text(wire.value) }
}

export function toSubscription(wire: WireObject): Subscription {
  return { id: number(wire.id), productId: number(wire.service_id), state: text(wire.state) }
}
