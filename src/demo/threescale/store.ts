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
  rules: { id: number; http_method: string; pattern: string; metric: string }[]
  metrics: { id: number; system_name: string; friendly_name: string; unit: string; parent_id?: number }[]
  default_plan_id?: number
  created_at: number
  updated_at: number
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
  limits: { id: number; metric_id: number; period: string; value: number }[]
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
  state: 'pending' | 'live' | 'suspended'
  user_key: string
  application_id: string
  redirect_url?: string
  keys: { value: string; created_at: number }[]
  referrer_filters: { id: number; value: string }[]
  fields: Record<string, string>
  first_traffic_at?: number
  created_at: number
  updated_at: number
}

export interface Subscription {
  id: number
  account_id: number
  service_id: number
  state: 'live' | 'pending'
  created_at: number
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
  accounts: Account[]
  users: User[]
  applications: Application[]
  subscriptions: Subscription[]
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

/** The tenant's zone; times are written in it, without a fraction. */
export const ZONE = 'Europe/Madrid'

const zoned = new Intl.DateTimeFormat('sv-SE', {
  timeZone: ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
})

export function time(at: number): string {
  const parts = Object.fromEntries(zoned.formatToParts(at).map(({ type, value }) => [type, value]))
  const offset = (parts.timeZoneName ?? '').replace('GMT', '') || 'Z'
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`
}
