/** State of the 3scale stand-in: plain records in memory, ids counted per table as porta's tables are shared. */
export interface Service {
  id: number
  system_name: string
  name: string
  description: string
  state: string
  backend_version: '1' | '2' | 'oidc'
  location: 'query' | 'headers' | 'authorization'
  names: { user_key: string; app_id: string; app_key: string }
  endpoint: string
  api_backend: string
  promoted: boolean
  flags: {
    buyers_manage_apps: boolean
    buyers_manage_keys: boolean
    referrer_filters_required: boolean
    custom_keys_enabled: boolean
    buyer_key_regenerate_enabled: boolean
    mandatory_app_key: boolean
    buyer_can_select_plan: boolean
    buyer_plan_change_permission: string
  }
  rules: { id: number; http_method: string; pattern: string; metric: string; delta?: number; last?: boolean }[]
  /** policies of the gateway, in order; without them CORS, the token counter and APIcast */
  policies?: { name: string; version: string; configuration: Record<string, unknown> }[]
  /** columns of the gateway settings that differ from porta's defaults; null takes one out */
  proxy?: Record<string, unknown>
  /** where the product's backends are and how they are mounted; without it one at `/`, which is `api_backend` */
  backends?: { path: string; private_endpoint: string }[]
  /** what was frozen at the last deployment to staging, and at the last promotion, where that is not what is set now */
  frozen?: { sandbox?: Partial<Service>; production?: Partial<Service> }
  metrics: Metric[]
  default_plan_id?: number
  default_service_plan_id?: number
  created_at: number
  updated_at: number
}

/** A row with a `parent_id` is a method. */
export interface Metric {
  id: number
  system_name: string
  friendly_name: string
  description?: string
  unit: string
  parent_id?: number
}

export interface Feature {
  id: number
  service_id: number
  name: string
  system_name: string
  scope: 'application_plan' | 'service_plan'
  visible: boolean
  description?: string
}

export interface Plan {
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
  limits: { id: number; metric_id: number; period: string; value: number }[]
  pricing_rules: { id: number; metric_id: number; cost_per_unit: string; min: number; max?: number }[]
  feature_ids: number[]
  created_at: number
  updated_at: number
}

export interface ServicePlan {
  id: number
  service_id: number
  name: string
  state: 'hidden' | 'published'
  approval_required: boolean
  created_at: number
  updated_at: number
}

export interface Account {
  id: number
  org_name: string
  state: string
  fields: Record<string, string>
  created_at: number
  updated_at: number
}

export interface User {
  id: number
  account_id: number
  username: string
  email?: string
  role: 'admin' | 'member'
  state: 'pending' | 'active' | 'suspended'
  fields: Record<string, string>
  created_at: number
  updated_at: number
}

export interface Application {
  id: number
  account_id: number
  service_id: number
  plan_id: number
  name?: string
  description?: string
  state: 'pending' | 'live' | 'suspended' | 'deprecated'
  user_key: string
  application_id: string
  redirect_url?: string
  keys: { value: string; created_at: number }[]
  referrer_filters: { id: number; value: string }[]
  fields: Record<string, string>
  first_traffic_at?: number
  /** first call of the last day with traffic */
  first_daily_traffic_at?: number
  created_at: number
  updated_at: number
}

export interface Subscription {
  id: number
  account_id: number
  service_id: number
  /** a service plan */
  plan_id: number
  state: 'live' | 'pending'
  created_at: number
  updated_at: number
}

export interface FieldDefinition {
  id: number
  target: 'Account' | 'User' | 'Cinstance'
  name: string
  label: string
  required: boolean
  hidden: boolean
  read_only: boolean
  choices: string[]
}

export interface ApiDoc {
  id: number
  system_name: string
  name: string
  service_id?: number
  published: boolean
  body: string
}

export interface State {
  lastId: Record<string, number>
  services: Service[]
  plans: Plan[]
  servicePlans: ServicePlan[]
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
  authenticationProvider: Record<string, unknown>
  /** `application|metric` -> start of the minute or hour (ms) -> amount */
  minutes: Record<string, Record<string, number>>
  hours: Record<string, Record<string, number>>
}

export function nextId(state: State, table: string): number {
  const id = (state.lastId[table] ?? 0) + 1
  state.lastId[table] = id
  return id
}
