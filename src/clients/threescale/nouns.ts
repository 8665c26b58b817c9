/** 3scale's nouns as the portal uses them. Field names of the wire stop at wire.ts; times are RFC 3339 UTC strings. */

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
  mandatoryAppKey: boolean
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

/** What the gateway runs in production: the latest promoted proxy configuration, without its secrets. */
export interface GatewayConfig {
  productId: number
  version: number
  /** public base URL, no trailing slash, with its port as 3scale writes it */
  endpoint: string
  credentials: CredentialScheme
  rules: MappingRule[]
  /** OpenID Connect products: the issuer, credentials removed */
  issuer: string | undefined
  /** names of the policies in the chain, in order */
  policies: string[]
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

export interface Metric {
  id: number
  systemName: string
  name: string
  unit: string
  parentId: number | undefined
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

export type AccountState = 'created' | 'pending' | 'approved' | 'rejected' | 'suspended' | 'scheduled_for_deletion'

export interface Account {
  id: number
  orgName: string
  state: AccountState
  /** defined and extra fields, flat */
  fields: Record<string, string>
}

export interface User {
  id: number
  accountId: number
  username: string
  email: string | undefined
  role: 'admin' | 'member'
  state: 'pending' | 'active' | 'suspended' | 'email_unverified'
  fields: Record<string, string>
}

export interface Application {
  id: number
  accountId: number
  productId: number
  planId: number
  planName: string
  name: string
  description: string
  state: 'pending' | 'live' | 'suspended' | 'deprecated'
  createdAt: string
  /** mode user_key only */
  userKey: string | undefined
  /** modes app_id and oidc (there it is the client id) */
  appId: string | undefined
  /** mode oidc only */
  clientSecret: string | undefined
  fields: Record<string, string>
}

export interface ApplicationKey {
  value: string
  createdAt: string
}

export interface FieldDefinition {
  target: 'account' | 'user' | 'application'
  name: string
  label: string
  required: boolean
  hidden: boolean
  readOnly: boolean
  choices: string[]
}

export interface TenantSettings {
  signupsEnabled: boolean
  accountApprovalRequired: boolean
  servicePlansVisible: boolean
  userAccountAreaEnabled: boolean
}

export interface Subscription {
  id: number
  productId: number
  state: string
}

export interface NewApplication {
  planId: number
  name: string
  description: string
  /** the app_id string; unique within the product, sent in every mode so that a repeat is refused as taken */
  applicationId: string
  /** mode user_key */
  userKey?: string
  /** modes app_id and oidc */
  applicationKey?: string
  fields: Record<string, string>
}

/**
 * Every call rejects with PortalError: `threescale_unavailable` (network, time-out, 429, 5xx, a web page, half an answer),
 * `threescale_denied` (the token is not taken), `threescale_scope` (it may not do this), `not_found` (404), `invalid_fields`
 * (422, with fields), `conflict` (409, a refused delete). Its cause is a sentence for the operator. Ids come from the
 * caller's own account only.
 */
export interface Threescale {
  listProducts(): Promise<Product[]>
  /** one call whatever the number of products; hidden and custom plans included */
  listPlans(): Promise<Plan[]>
  listGatewayConfigs(): Promise<GatewayConfig[]>
  listApiDocs(): Promise<ApiDoc[]>
  readApiDoc(id: number): Promise<ApiDoc>
  listFieldDefinitions(): Promise<FieldDefinition[]>
  /** `patient`: beside bulk calls that keep 3scale busy, waits as long as those */
  readSettings(how?: { patient?: boolean }): Promise<TenantSettings>
  /** true where a published developer SSO integration says "always approve accounts" */
  readAlwaysApprove(): Promise<boolean>
  listLimits(planId: number): Promise<Limit[]>
  /** what a plan asks per unit of a metric */
  listPricingRules(planId: number): Promise<PricingRule[]>
  listMetrics(productId: number): Promise<Metric[]>
  /** accounts/find.xml?username=, which embeds the users; undefined when there is none */
  findByUsername(username: string): Promise<{ account: Account; user: User } | undefined>
  findByEmail(email: string): Promise<{ account: Account; user: User; users: User[] } | undefined>
  /** never repeated by the client itself */
  signUp(wanted: { orgName: string; username: string; email: string; fields: Record<string, string> }): Promise<Account>
  listUsers(accountId: number): Promise<User[]>
  activateUser(accountId: number, userId: number): Promise<void>
  updateUser(
    accountId: number,
    userId: number,
    change: { username?: string; email?: string; fields?: Record<string, string> },
  ): Promise<User>
  readAccount(accountId: number): Promise<Account>
  updateAccount(accountId: number, fields: Record<string, string>): Promise<Account>
  approveAccount(accountId: number): Promise<void>
  listSubscriptions(accountId: number): Promise<Subscription[]>
  listApplications(accountId: number): Promise<Application[]>
  readApplication(accountId: number, id: number): Promise<Application>
  findApplicationByAppId(accountId: number, appId: string): Promise<Application | undefined>
  createApplication(accountId: number, wanted: NewApplication): Promise<Application>
  updateApplication(
    accountId: number,
    id: number,
    change: { name?: string; description?: string; userKey?: string; fields?: Record<string, string> },
  ): Promise<Application>
  deleteApplication(accountId: number, id: number): Promise<void>
  listKeys(accountId: number, id: number): Promise<ApplicationKey[]>
  addKey(accountId: number, id: number, value: string): Promise<void>
  deleteKey(accountId: number, id: number, value: string): Promise<void>
  /** cheapest authenticated probe, for health */
  ping(): Promise<void>
  close(): Promise<void>
}
