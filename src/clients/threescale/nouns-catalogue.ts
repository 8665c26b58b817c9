/** What a tenant offers: products, plans, deployed gateway settings, specs. */

export type CredentialMode = 'user_key' | 'app_id' | 'oidc'
export type CredentialLocation = 'query' | 'headers' | 'authorization'

export interface Product {
  id: number
  systemName: string
  name: string
  /** as the operator wrote it: may be Markdown and may be hostile */
  description: string
  buyersManageApps: boolean
  buyersManageKeys: boolean
  keyRegenerateEnabled: boolean
  customKeysEnabled: boolean
  canSelectPlan: boolean
  planChangePermission: 'request' | 'direct' | 'credit_card' | 'request_credit_card' | 'none'
  referrerFiltersRequired: boolean
  updatedAt: string
}

export interface Plan {
  id: number
  productId: number
  systemName: string
  name: string
  state: 'hidden' | 'published'
  isDefault: boolean
  custom: boolean
  approvalRequired: boolean
  costPerMonth: number
  setupFee: number
  trialPeriodDays: number
  updatedAt: string
}

export interface CredentialScheme {
  mode: CredentialMode
  location: CredentialLocation
  /** parameter or header names, as configured for the product */
  names: { userKey: string; appId: string; appKey: string }
}

export interface MappingRule {
  method: string
  pattern: string
  metricId: number
  /** system name; metrics of a backend carry a suffix, `hits.12` */
  metric: string
  delta: number
  last: boolean
}

/** A path below the public address that the gateway routes to one backend, which does not get to see it. */
export interface BackendPath {
  /** `/` for all that no other backend takes, else `/llama` */
  path: string
  /** true: its private address ends in a version (`http://vllm:8000/v1`), so the public path has none of its own */
  versioned: boolean
}

/** How the gateway answers a request that it refuses itself, as the product is configured. */
export interface GatewayRefusal {
  status: number
  text: string
}
export type GatewayRefusals = Record<'authFailed' | 'authMissing' | 'noMatch' | 'limitsExceeded', GatewayRefusal>

/** What the gateway runs in production: the latest promoted proxy configuration, without its secrets. */
export interface GatewayConfig {
  productId: number
  version: number
  /** the last change before the promotion, whose own time 3scale does not report; empty where unknown */
  changedAt: string
  /** public base URL, no trailing slash, with its port as 3scale writes it */
  endpoint: string
  credentials: CredentialScheme
  rules: MappingRule[]
  /** where its backends hang; one at `/` where the configuration says nothing else */
  backends: BackendPath[]
  /** OpenID Connect products: the issuer, credentials removed */
  issuer: string | undefined
  refusals: GatewayRefusals
  /** names of the policies in the chain, in order */
  policies: string[]
  /** the policy that counts tokens, where the chain has it */
  tokenPolicy: TokenPolicy | undefined
  /** the model server's own address: internal, so it is neither shown nor kept outside this process */
  privateAddress: string | undefined
}

export interface Limit {
  metricId: number
  period: 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year' | 'eternity'
  value: number
}

export interface PricingRule {
  metricId: number
  costPerUnit: number
  /** units of a month that cost this much; undefined: without end */
  from: number
  to: number | undefined
}

/** What decides how many tokens the policy `llm-metrics` counts (models-aas, llm_metrics_policy). */
export interface TokenPolicy {
  /** it only counts where it stands before the policy `apicast` */
  beforeApicast: boolean
  countsStreams: boolean
  /** the metrics that it adds to, as its rules name them */
  metrics: string[]
}

export interface Metric {
  id: number
  systemName: string
  name: string
  unit: string
  parentId: number | undefined
  createdAt: string
}

export interface ApiDoc {
  id: number
  systemName: string
  name: string
  productId: number | undefined
  published: boolean
  /** JSON text as uploaded */
  body: string
}
