/** Records of products and their components. */
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

/** The current gateway settings. `columns` have the names of porta's table. */
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

/** A backend: a private endpoint with its own mapping rules and metrics. */
export interface Backend extends Stamped {
  id: number
  name: string
  system_name: string
  description?: string
  private_endpoint: string
  metrics: Metric[]
  rules: MappingRule[]
}

/** A configuration, as stored by a deployment or a promotion. */
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
  /** of a plan that is customised for one application: the original plan */
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
