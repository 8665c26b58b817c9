/** Products, plans, deployed gateway configurations and specifications of a tenant. */

export type CredentialMode = 'user_key' | 'app_id' | 'oidc'
export type CredentialLocation = 'query' | 'headers' | 'authorization'

export interface Product {
  id: number
  systemName: string
  name: string
  /** text of the operator: may be Markdown and may be malicious */
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

/** A path below the public address that the gateway routes to one backend, without passing the path on. */
export interface BackendPath {
  /** `/` for all other paths, else such as `/llama` */
  path: string
  /** true: its private address ends in a version (`http://vllm:8000/v1`), so the public path has none of its own */
  versioned: boolean
}

/** The configured response of the gateway to a request that it refuses. */
export interface GatewayRefusal {
  status: number
  text: string
}
export type GatewayRefusals = Record<'authFailed' | 'authMissing' | 'noMatch' | 'limitsExceeded', GatewayRefusal>

/** The configuration in production: the latest promoted one, without its secrets. */
export interface GatewayConfig {
  productId: number
  version: number
  /** time of the last change before the promotion, because 3scale does not report when it was promoted; empty if unknown */
  changedAt: string
  /** public base URL, no trailing slash, with its port as 3scale writes it */
  endpoint: string
  credentials: CredentialScheme
  rules: MappingRule[]
  /** the paths of its backends; default: one at `/` */
  backends: BackendPath[]
  /** OpenID Connect products: the issuer, credentials removed */
  issuer: string | undefined
  refusals: GatewayRefusals
  /** names of the policies in the chain, in order */
  policies: string[]
  /** the policy that counts tokens, if the chain has it */
  tokenPolicy: TokenPolicy | undefined
  /** the address of the model server: internal, so it is neither shown nor stored outside this process */
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
  /** the units of a month at this price; undefined: no upper bound */
  from: number
  to: number | undefined
}

/** The settings that decide which tokens the policy `llm-metrics` counts (models-aas, llm_metrics_policy). */
export interface TokenPolicy {
  /** it counts only if it precedes the policy `apicast` */
  beforeApicast: boolean
  countsStreams: boolean
  /** the metrics in its rules */
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
