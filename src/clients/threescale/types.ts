/** 3scale's records as the portal uses them. Only the mappers know its field names. Times are RFC 3339 strings in UTC. */

import type { ApiDoc, GatewayConfig, Limit, Metric, Plan, PricingRule, Product } from './catalogue-types.js'

export type * from './catalogue-types.js'

export type AccountState = 'created' | 'pending' | 'approved' | 'rejected' | 'suspended' | 'scheduled_for_deletion'

export interface UsageQuery {
  /** system name; metrics of a backend with their suffix */
  metric: string
  granularity: 'hour' | 'day' | 'month' | 'eternity'
  /** RFC 3339: the start of the first value and the last second of the last one; neither for `eternity` */
  since?: string
  until?: string
}

/** One value per hour, day or month of UTC, starting at `since`; none if this 3scale does not support `eternity`. */
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

export interface ThreescaleApplication {
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
  /** modes app_id and oidc (the client id) */
  appId: string | undefined
  /** mode oidc only */
  clientSecret: string | undefined
  fields: Record<string, string>
  /** the first call of the last day with calls, which 3scale updates with a delay; empty without calls */
  lastTrafficAt: string
}

export interface ApplicationKey {
  value: string
  createdAt: string
}

/** A host that may send calls, such as `*.example.org`. */
export interface ReferrerFilter {
  id: number
  value: string
}

export interface FieldDefinition {
  target: 'account' | 'user' | 'application'
  name: string
  label: string
  /** true: an attribute of the record itself, such as an application's name; false: an extra field of the tenant */
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

export interface ApplicationDraft {
  planId: number
  name: string
  description: string
  /** the app_id string; sent in every mode; 3scale rejects a later request with the same one in this product */
  applicationId: string
  /** mode user_key */
  userKey?: string
  /** modes app_id and oidc */
  applicationKey?: string
  fields: Record<string, string>
}

/**
 * Each call rejects with PortalError: `threescale_unavailable` (network, time-out, 429, 5xx, a web page, an incomplete response),
 * `threescale_denied` (the token is not accepted), `threescale_scope` (the token lacks a scope), `not_found` (404), `invalid_fields`
 * (422, with fields), `conflict` (409, a rejected delete). The cause is a message for the operator. Ids must be those of the caller's
 * own account.
 */
export interface AccountApi {
  listProducts(): Promise<Product[]>
  /**
   * One call for any number of products, including hidden and custom plans. With `products`, as just listed, the request is
   * conditional; without them 3scale renders the list.
   */
  listPlans(products?: Product[]): Promise<Plan[]>
  listGatewayConfigs(): Promise<GatewayConfig[]>
  listApiDocs(): Promise<ApiDoc[]>
  readApiDoc(id: number): Promise<ApiDoc>
  listFieldDefinitions(): Promise<FieldDefinition[]>
  /** `isBackground`: waits as long as bulk calls, which may keep 3scale busy */
  readSettings(options?: { isBackground?: boolean }): Promise<TenantSettings>
  /** true if a published developer SSO integration has "always approve accounts" */
  readAlwaysApprove(): Promise<boolean>
  listLimits(planId: number): Promise<Limit[]>
  listPricingRules(planId: number): Promise<PricingRule[]>
  listMetrics(productId: number): Promise<Metric[]>
  /** accounts/find.xml?username=, which embeds the users; undefined if there is none */
  findByUsername(username: string): Promise<{ account: Account; user: User } | undefined>
  /** all users of this name, of which two concurrent sign-ups create two; reads every account */
  findAllByUsername(username: string): Promise<{ account: Account; user: User }[]>
  /** all users of the tenant; reads a page at a time */
  listAllUsers(): AsyncIterable<{ account: Account; user: User }>
  findByEmail(email: string): Promise<{ account: Account; user: User; users: User[] } | undefined>
  /** never retried by the client */
  signUp(account: {
    orgName: string
    username: string
    email?: string | undefined
    fields: Record<string, string>
  }): Promise<Account>
  listUsers(accountId: number): Promise<User[]>
  /** always pending and a member, without an e-mail; user name and e-mail address must be unique in the tenant */
  createUser(
    accountId: number,
    user: { username: string; email: string; fields: Record<string, string> },
  ): Promise<User>
  /** the present role is no error; `conflict` for the only admin */
  setRole(accountId: number, userId: number, role: User['role']): Promise<User>
  /** a user that does not exist is no error; `conflict` for the last admin */
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
  /** with its users and applications; an account that does not exist is no error */
  deleteAccount(accountId: number): Promise<void>
  listSubscriptions(accountId: number): Promise<Subscription[]>
  listApplications(accountId: number): Promise<ThreescaleApplication[]>
  /** true: the list takes long; `unknown`: it did, but 3scale may have been slow; no call */
  hasManyApplications(accountId: number): boolean | 'unknown'
  /** the newest applications of an account that has many of them, oldest first; `total` counts all */
  listNewestApplications(
    accountId: number,
    count: number,
  ): Promise<{ applications: ThreescaleApplication[]; total: number }>
  /** the record, which 3scale renders each time; for checks before a write */
  readApplication(accountId: number, id: number): Promise<ThreescaleApplication>
  /**
   * The application in the list of its account, which 3scale renders only after a change. For display: its plan name and client secret
   * may be stale. `not_found` for an application of another account.
   */
  readListedApplication(accountId: number, id: number): Promise<ThreescaleApplication>
  findApplicationByAppId(accountId: number, appId: string): Promise<ThreescaleApplication | undefined>
  createApplication(accountId: number, application: ApplicationDraft): Promise<ThreescaleApplication>
  updateApplication(
    accountId: number,
    id: number,
    change: { name?: string; description?: string; userKey?: string; fields?: Record<string, string> },
  ): Promise<ThreescaleApplication>
  deleteApplication(accountId: number, id: number): Promise<void>
  /** the present plan is no error */
  changePlan(accountId: number, id: number, planId: number): Promise<void>
  listKeys(accountId: number, id: number): Promise<ApplicationKey[]>
  addKey(accountId: number, id: number, value: string): Promise<void>
  deleteKey(accountId: number, id: number, value: string): Promise<void>
  listReferrerFilters(accountId: number, id: number): Promise<ReferrerFilter[]>
  addReferrerFilter(accountId: number, id: number, value: string): Promise<void>
  deleteReferrerFilter(accountId: number, id: number, filterId: number): Promise<void>
  /** a metric of an application, in UTC; not_found for an unknown metric or an application of another account */
  readUsage(accountId: number, applicationId: number, query: UsageQuery): Promise<UsageValues>
  /** the tenant's time zone (tz database name), which only statistics contain */
  readTenantZone(applicationId: number): Promise<string>
  /** the cheapest authenticated call, for health checks */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The client of the portal: the same calls, and checks by what is known of the tenant's database (stored-text.ts). */
export interface Threescale extends AccountApi {
  /**
   * Rejects with invalid_fields if the tenant's database is known not to store a character of these texts, which have the names of
   * 3scale's parameters. No call to 3scale.
   */
  checkTexts(texts: Record<string, string | undefined>): Promise<void>
}
