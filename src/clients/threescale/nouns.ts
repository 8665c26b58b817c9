/** 3scale's nouns as the portal uses them. Field names of the wire stop at wire.ts; times are RFC 3339 UTC strings. */

import type { ApiDoc, GatewayConfig, Limit, Metric, Plan, PricingRule, Product } from './nouns-catalogue.js'

export type * from './nouns-catalogue.js'

export type AccountState = 'created' | 'pending' | 'approved' | 'rejected' | 'suspended' | 'scheduled_for_deletion'

export interface UsageQuery {
  /** system name; metrics of a backend with their suffix */
  metric: string
  granularity: 'hour' | 'day' | 'month' | 'eternity'
  /** RFC 3339, the begin of the first and the last second of the last value; neither for `eternity` */
  since?: string
  until?: string
}

/** One value an hour, day or month of UTC, the first one at `since`; none where this 3scale has no numbers for `eternity`. */
export interface UsageValues {
  since: string
  values: number[]
}

export interface Account {
  id: number
  orgName: string
  state: AccountState
  creditCardStored: boolean
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
  createdAt: string
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
  /** the first call of the last day with calls, as 3scale noticed it some time later; '' for none yet */
  lastTrafficAt: string
}

export interface ApplicationKey {
  value: string
  createdAt: string
}

/** A host that calls may come from, as `*.example.org`. */
export interface ReferrerFilter {
  id: number
  value: string
}

export interface FieldDefinition {
  target: 'account' | 'user' | 'application'
  name: string
  label: string
  /** true: an attribute of the record itself, such as an application's name; false: an extra field of the tenant's own */
  builtIn: boolean
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
  /** the app_id string; sent in every mode; a later request with the same one in this product is refused as taken */
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
export interface AccountApi {
  listProducts(): Promise<Product[]>
  /**
   * One call whatever the number of products; hidden and custom plans included. With `products`, as listed just before, the
   * request is conditional; without them 3scale renders the list.
   */
  listPlans(products?: Product[]): Promise<Plan[]>
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
  /** everybody of that user name, which 3scale gives twice where two sign-ups arrive at once; reads every account */
  findAllByUsername(username: string): Promise<{ account: Account; user: User }[]>
  /** every user of the tenant, read page by page as they are taken */
  everybody(): AsyncIterable<{ account: Account; user: User }>
  findByEmail(email: string): Promise<{ account: Account; user: User; users: User[] } | undefined>
  /** never repeated by the client itself */
  signUp(wanted: {
    orgName: string
    username: string
    email?: string | undefined
    fields: Record<string, string>
  }): Promise<Account>
  listUsers(accountId: number): Promise<User[]>
  /** pending and a member, whatever is sent; no mail. The name and the address are nobody else's in the tenant */
  createUser(
    accountId: number,
    wanted: { username: string; email: string; fields: Record<string, string> },
  ): Promise<User>
  /** setting the role that the user already has is not an error; of the only admin it is `conflict` */
  setRole(accountId: number, userId: number, role: User['role']): Promise<User>
  /** who is gone already is no error; the last admin is `conflict` */
  deleteUser(accountId: number, userId: number): Promise<void>
  activateUser(accountId: number, userId: number): Promise<void>
  updateUser(
    accountId: number,
    userId: number,
    change: { username?: string; email?: string; fields?: Record<string, string> },
  ): Promise<User>
  readAccount(accountId: number): Promise<Account>
  updateAccount(accountId: number, fields: Record<string, string>): Promise<Account>
  approveAccount(accountId: number): Promise<void>
  /** with its users and applications; an account that is already gone is not an error */
  deleteAccount(accountId: number): Promise<void>
  listSubscriptions(accountId: number): Promise<Subscription[]>
  listApplications(accountId: number): Promise<Application[]>
  /** The record itself, which 3scale renders each time. For checks before a write. */
  readApplication(accountId: number, id: number): Promise<Application>
  /**
   * The application's row in the list of its account, which 3scale renders only after a change. For display. Its plan name and
   * client secret may be stale. `not_found` for an application of another account.
   */
  listedApplication(accountId: number, id: number): Promise<Application>
  findApplicationByAppId(accountId: number, appId: string): Promise<Application | undefined>
  createApplication(accountId: number, wanted: NewApplication): Promise<Application>
  updateApplication(
    accountId: number,
    id: number,
    change: { name?: string; description?: string; userKey?: string; fields?: Record<string, string> },
  ): Promise<Application>
  deleteApplication(accountId: number, id: number): Promise<void>
  /** the same plan again is no error */
  changePlan(accountId: number, id: number, planId: number): Promise<void>
  listKeys(accountId: number, id: number): Promise<ApplicationKey[]>
  addKey(accountId: number, id: number, value: string): Promise<void>
  deleteKey(accountId: number, id: number, value: string): Promise<void>
  listReferrerFilters(accountId: number, id: number): Promise<ReferrerFilter[]>
  addReferrerFilter(accountId: number, id: number, value: string): Promise<void>
  deleteReferrerFilter(accountId: number, id: number, filterId: number): Promise<void>
  /** one metric of one application, in UTC; not_found where 3scale does not know the metric for it, or the application is another account's */
  readUsage(accountId: number, applicationId: number, query: UsageQuery): Promise<UsageValues>
  /** the tenant's time zone (tz database name), which 3scale tells only with its statistics */
  readTenantZone(applicationId: number): Promise<string>
  /** cheapest authenticated probe, for health */
  ping(): Promise<void>
  close(): Promise<void>
}

/** What the portal uses: the same calls, and what is known of the tenant's database (stored-text.ts). */
export interface Threescale extends AccountApi {
  /**
   * Rejects with invalid_fields, a sentence for each, where the tenant's database is known not to hold a character of these
   * texts, which are named by 3scale's parameters. No call to 3scale.
   */
  checkTexts(texts: Record<string, string | undefined>): Promise<void>
}
