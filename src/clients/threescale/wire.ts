import { problem } from '../../errors.js'
import type {
  Account,
  AccountState,
  ApiDoc,
  Application,
  ApplicationKey,
  CredentialMode,
  FieldDefinition,
  GatewayConfig,
  Limit,
  Metric,
  Plan,
  PricingRule,
  Product,
  Subscription,
  TenantSettings,
  User,
} from './nouns.js'

/** A JSON object of 3scale's, or one from XML: every field may be missing and may have another type than promised. */
export type Wire = Record<string, unknown>

/** porta writes an empty list where there is nothing; no list at all is somebody else's answer, not an empty tenant. */
export function unwrap(list: unknown, root: string): Wire[] {
  if (Array.isArray(list)) return list.map((item) => object(object(item)[root]))
  throw problem('threescale_unavailable', { cause: new Error(`3scale answered without a list of ${root}`) })
}

export function toProduct(wire: Wire): Product {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.name),
    description: text(wire.description),
    buyersManageApps: flag(wire.buyers_manage_apps, true),
    buyersManageKeys: flag(wire.buyers_manage_keys, true),
    keyRegenerateEnabled: flag(wire.buyer_key_regenerate_enabled, true),
    customKeysEnabled: flag(wire.custom_keys_enabled, true),
    canSelectPlan: flag(wire.buyer_can_select_plan, false),
    planChangePermission: (text(wire.buyer_plan_change_permission) || 'request') as Product['planChangePermission'],
    mandatoryAppKey: flag(wire.mandatory_app_key, true),
    referrerFiltersRequired: flag(wire.referrer_filters_required, false),
    updatedAt: utc(wire.updated_at),
  }
}

/** The product's id is only in the plan's links (porta, app/representers/plan_representer.rb). */
export function toPlan(wire: Wire): Plan {
  return {
    id: number(wire.id),
    productId: productIdOf(wire.links),
    systemName: text(wire.system_name),
    name: text(wire.name),
    state: wire.state === 'published' ? 'published' : 'hidden',
    isDefault: flag(wire.default, false),
    custom: flag(wire.custom, false),
    approvalRequired: flag(wire.approval_required, false),
    costPerMonth: number(wire.cost_per_month),
    setupFee: number(wire.setup_fee),
    trialPeriodDays: number(wire.trial_period_days),
    updatedAt: utc(wire.updated_at),
  }
}

/** Old `oauth` is missing: today's gateways refuse every call of such a product. */
const modes: Record<string, CredentialMode> = { '1': 'user_key', '2': 'app_id', oidc: 'oidc' }

/** An allow-list: service token, shared secret and policy settings stop here. */
export function toGatewayConfig(wire: Wire): GatewayConfig | undefined {
  const content = object(wire.content)
  const proxy = object(content.proxy)
  const endpoint = text(proxy.endpoint).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) return undefined
  const mode = modes[text(proxy.authentication_method) || text(content.backend_version)]
  if (!mode) return undefined
  const location = text(proxy.credentials_location)
  return {
    productId: number(content.id),
    version: number(wire.version),
    endpoint,
    credentials: {
      mode,
      location: location === 'headers' || location === 'authorization' ? location : 'query',
      names: {
        userKey: text(proxy.auth_user_key) || 'user_key',
        appId: text(proxy.auth_app_id) || 'app_id',
        appKey: text(proxy.auth_app_key) || 'app_key',
      },
    },
    rules: array(proxy.proxy_rules).map((rule) => ({
      method: text(rule.http_method),
      pattern: text(rule.pattern),
      metricId: number(rule.metric_id),
      metric: text(rule.metric_system_name),
      delta: number(rule.delta),
      last: flag(rule.last, false),
    })),
    issuer: withoutCredentials(text(proxy.oidc_issuer_endpoint)),
    policies: array(proxy.policy_chain).map((policy) => text(policy.name)),
    privateAddress: text(proxy.api_backend) || undefined,
  }
}

export function toApiDoc(wire: Wire): ApiDoc {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.name),
    productId: wire.service_id === undefined || wire.service_id === null ? undefined : number(wire.service_id),
    published: flag(wire.published, false),
    body: text(wire.body),
  }
}

export function toLimit(wire: Wire): Limit {
  return {
    metricId: number(wire.metric_id),
    period: text(wire.period) as Limit['period'],
    value: number(wire.value),
  }
}

/** The cost is a decimal written as text; no `max` means without end. */
export function toPricingRule(wire: Wire): PricingRule {
  return {
    metricId: number(wire.metric_id),
    costPerUnit: number(wire.cost_per_unit),
    from: number(wire.min) || 1,
    to: wire.max === undefined || wire.max === null ? undefined : number(wire.max),
  }
}

export function toMetric(wire: Wire): Metric {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.friendly_name) || text(wire.system_name),
    unit: text(wire.unit),
    parentId: wire.parent_id === undefined || wire.parent_id === null ? undefined : number(wire.parent_id),
  }
}

const targets: Record<string, FieldDefinition['target']> = {
  Account: 'account',
  User: 'user',
  Cinstance: 'application',
}

export function toFieldDefinition(wire: Wire): FieldDefinition | undefined {
  const target = targets[text(wire.target)]
  if (!target) return undefined
  return {
    target,
    name: text(wire.name),
    label: text(wire.label) || text(wire.name),
    required: flag(wire.required, false),
    hidden: flag(wire.hidden, false),
    readOnly: flag(wire.read_only, false),
    choices: Array.isArray(wire.choices) ? wire.choices.map(text) : [],
  }
}

export function toSettings(wire: Wire): TenantSettings {
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

export function toAccount(wire: Wire): Account {
  return {
    id: number(wire.id),
    orgName: text(wire.org_name),
    state: text(wire.state) as AccountState,
    fields: { ...textFields(wire, accountColumns), ...textFields(object(wire.extra_fields), new Set()) },
  }
}

const userColumns = new Set(
  `id created_at updated_at state role username email account_id links extra_fields cas_identifier open_id`.split(
    /\s+/,
  ),
)

export function toUser(wire: Wire, accountId: number): User {
  return {
    id: number(wire.id),
    accountId,
    username: text(wire.username),
    email: text(wire.email) || undefined,
    role: wire.role === 'admin' ? 'admin' : 'member',
    state: text(wire.state) as User['state'],
    fields: { ...textFields(wire, userColumns), ...textFields(object(wire.extra_fields), new Set()) },
  }
}

const applicationColumns = new Set(
  `id state enabled created_at updated_at service_id service_name plan_id plan_name account_id org_name first_traffic_at
  first_daily_traffic_at user_key provider_verification_key application_id redirect_url client_id client_secret
  oidc_configuration links name description`.split(/\s+/),
)

export function toApplication(wire: Wire): Application {
  return {
    id: number(wire.id),
    accountId: number(wire.account_id),
    productId: number(wire.service_id),
    planId: number(wire.plan_id),
    planName: text(wire.plan_name),
    name: text(wire.name),
    description: text(wire.description),
    state: text(wire.state) as Application['state'],
    createdAt: utc(wire.created_at),
    userKey: text(wire.user_key) || undefined,
    appId: text(wire.application_id) || text(wire.client_id) || undefined,
    clientSecret: 'client_secret' in wire ? text(wire.client_secret) : undefined,
    fields: textFields(wire, applicationColumns),
  }
}

export function toKey(wire: Wire): ApplicationKey {
  return { value: text(wire.value), createdAt: utc(wire.created_at) }
}

export function toSubscription(wire: Wire): Subscription {
  return { id: number(wire.id), productId: number(wire.service_id), state: text(wire.state) }
}

export function object(value: unknown): Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : {}
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** true and false, also as words: XML has only those. Anything else is what porta's column begins with. */
function flag(value: unknown, otherwise: boolean): boolean {
  if (value === true || value === 'true' || value === 1 || value === '1') return true
  if (value === false || value === 'false' || value === 0 || value === '0') return false
  return otherwise
}

function array(value: unknown): Wire[] {
  return Array.isArray(value) ? value.map(object) : []
}

function number(value: unknown): number {
  const result = Number(value ?? 0)
  return Number.isFinite(result) ? result : 0
}

/** 3scale writes times in the tenant's zone. */
function utc(value: unknown): string {
  const time = new Date(text(value))
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().replace('.000Z', 'Z')
}

/** Several values of one field become one text; what is neither text nor number is nobody's field. */
function textFields(wire: Wire, leaveOut: Set<string>): Record<string, string> {
  const entries = Object.entries(wire).map(([name, value]) => [name, [value].flat()] as const)
  const fields = entries.filter(
    ([name, values]) =>
      !leaveOut.has(name) &&
      values.length > 0 &&
      values.every((value) => typeof value === 'string' || typeof value === 'number'),
  )
  return Object.fromEntries(fields.map(([name, values]) => [name, values.map(text).join(', ')]))
}

function productIdOf(links: unknown): number {
  const href = array(links)
    .map((link) => text(link.href))
    .find((candidate) => /\/services\/\d+/.test(candidate))
  return number(/\/services\/(\d+)/.exec(href ?? '')?.[1])
}

/** 3scale keeps the client id and secret of its own client in this address. */
function withoutCredentials(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
