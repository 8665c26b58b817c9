import type { Backend, Configuration, Feature, Plan, Service, ServicePlan, Stamped } from './product-records.js'

export type * from './product-records.js'

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

/** Where and about what the tenant sends webhooks. */
export interface Webhook {
  url?: string
  active: boolean
  /** also for changes of admins of the tenant, such as those of the API */
  provider_actions: boolean
  /** by setting, as `application_created_on` */
  events: Record<string, boolean>
}

/** State of the 3scale stand-in: plain records in memory, ids counted per table as porta's tables are shared. */
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
  webhook?: Webhook
  webhookFailures?: { id: string; time: string; error: string; url: string; event: string }[]
  /** The data of the backend, which can differ from the other members. */
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
