/** State of the 3scale stand-in: plain records in memory, ids counted per table as porta's tables are shared. */
export interface Stamped {
  created_at: number
  updated_at: number
}

export interface Service extends Stamped {
  id: number
  system_name: string
  name: string
  description?: string
  state: 'incomplete' | 'deleted'
  backend_version: '1' | '2' | 'oidc'
  deployment_option: string
  intentions_required: boolean
  flags: Flags
  proxy: GatewaySettings
  /** backends of the product, by the path that they are mounted at */
  usages: { id: number; backend_id: number; path: string }[]
  rules: MappingRule[]
  metrics: Metric[]
  default_plan_id?: number
  default_service_plan_id?: number
  service_token: string
}

export interface Flags {
  buyers_manage_apps: boolean
  buyers_manage_keys: boolean
  referrer_filters_required: boolean
  custom_keys_enabled: boolean
  buyer_key_regenerate_enabled: boolean
  mandatory_app_key: boolean
  buyer_can_select_plan: boolean
  buyer_plan_change_permission: string
}

/** Gateway settings as they are edited; `columns` are named as porta's table has them. */
export interface GatewaySettings extends Stamped {
  id: number
  columns: Record<string, string | number | null>
  policies: Policy[]
  oidc: OidcFlow
  /** counts the updates */
  lock_version: number
}

export interface Policy {
  name: string
  version: string
  configuration: Record<string, unknown>
  enabled: boolean
}

export interface OidcFlow {
  standard_flow_enabled: boolean
  implicit_flow_enabled: boolean
  service_accounts_enabled: boolean
  direct_access_grants_enabled: boolean
}

export interface MappingRule extends Stamped {
  id: number
  http_method: string
  pattern: string
  metric_id: number
  delta: number
  position: number
  last: boolean
}

/** A row with a `parent_id` is a method. */
export interface Metric extends Stamped {
  id: number
  system_name: string
  friendly_name: string
  description?: string
  unit: string
  parent_id?: number
}

/** A backend: a private endpoint with mapping rules and metrics of its own. */
export interface Backend extends Stamped {
  id: number
  name: string
  system_name: string
  description?: string
  private_endpoint: string
  metrics: Metric[]
  rules: MappingRule[]
}

/** A configuration as it was frozen by a deployment or a promotion. */
export interface Configuration {
  id: number
  service_id: number
  version: number
  environment: 'sandbox' | 'production'
  hosts: string[]
  content: Record<string, unknown>
}

export interface Feature extends Stamped {
  id: number
  service_id: number
  name: string
  system_name: string
  scope: 'application_plan' | 'service_plan'
  visible: boolean
  description?: string
}

export interface Plan extends Stamped {
  id: number
  service_id: number
  system_name: string
  name: string
  state: 'hidden' | 'published'
  approval_required: boolean
  cost_per_month: number
  setup_fee: number
  trial_period_days: number
  custom: boolean
  /** of a plan made for one application: the plan it was made from */
  original_id?: number
  limits: Limit[]
  pricing_rules: PricingRule[]
  feature_ids: number[]
}

export interface Limit extends Stamped {
  id: number
  metric_id: number
  period: string
  value: number
}

export interface PricingRule extends Stamped {
  id: number
  metric_id: number
  cost_per_unit: string
  min: number
  max?: number
}

export interface ServicePlan extends Stamped {
  id: number
  service_id: number
  name: string
  state: 'hidden' | 'published'
  approval_required: boolean
}

export interface Account extends Stamped {
  id: number
  org_name: string
  state: string
  /** optional built-in fields and extra fields */
  fields: Record<string, string>
}

export interface User extends Stamped {
  id: number
  account_id: number
  username: string
  email?: string
  role: 'admin' | 'member'
  state: 'pending' | 'active' | 'suspended'
  /** signed up by the API: the form of its address is not checked */
  minimal: boolean
  fields: Record<string, string>
}

export interface Application extends Stamped {
  id: number
  account_id: number
  service_id: number
  plan_id: number
  name?: string
  description?: string
  state: 'pending' | 'live' | 'suspended' | 'deprecated'
  user_key: string
  application_id: string
  provider_verification_key: string
  redirect_url?: string
  keys: { id: number; value: string; created_at: number }[]
  referrer_filters: { id: number; value: string; created_at: number }[]
  fields: Record<string, string>
  first_traffic_at?: number
  /** first call of the last day with traffic */
  first_daily_traffic_at?: number
}

export interface Subscription extends Stamped {
  id: number
  account_id: number
  service_id: number
  /** a service plan */
  plan_id: number
  state: 'live' | 'pending'
  accepted_at?: number
}

export interface FieldDefinition extends Stamped {
  id: number
  target: 'Account' | 'User' | 'Cinstance'
  name: string
  label: string
  required: boolean
  hidden: boolean
  read_only: boolean
  choices: string[]
  position: number
}

export interface ApiDoc extends Stamped {
  id: number
  system_name: string
  name: string
  description?: string
  service_id?: number
  published: boolean
  skip_swagger_validations: boolean
  body: string
}

export interface State {
  lastId: Record<string, number>
  /** the tenant's time zone, in which it writes times */
  zone: string
  services: Service[]
  backends: Backend[]
  configurations: Configuration[]
  plans: Plan[]
  servicePlans: ServicePlan[]
  accountPlans: (ServicePlan & { default: boolean })[]
  features: Feature[]
  accounts: Account[]
  users: User[]
  applications: Application[]
  subscriptions: Subscription[]
  messages: { id: number; account_id: number; subject: string; body: string }[]
  docs: ApiDoc[]
  fields: FieldDefinition[]
  settings: Record<string, boolean | string>
  provider: Record<string, unknown>
  authenticationProviders: Record<string, unknown>[]
  /** what the back-end knows, which may be less or other than the rest of this */
  backend: BackendState
}

export interface BackendState {
  /** by `service id|application id` */
  applications: Record<string, { id: number; state: string; plan_id: number; keys: string[] }>
  /** `service id|user_key` -> application id */
  userKeys: Record<string, string>
  /** `application|metric` -> start of the minute or hour (ms) -> amount */
  minutes: Record<string, Record<string, number>>
  hours: Record<string, Record<string, number>>
}

export function nextId(state: State, table: string): number {
  const id = (state.lastId[table] ?? 0) + 1
  state.lastId[table] = id
  return id
}
