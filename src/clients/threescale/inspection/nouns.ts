import type { CredentialLocation, MappingRule, Metric, User } from '../nouns.js'

/** A product with what only its XML has: its metrics. */
export interface InspectedProduct {
  id: number
  systemName: string
  /** 1, 2, oidc or oauth */
  authentication: string
  mandatoryAppKey: boolean
  referrerFiltersRequired: boolean
  /** metrics and methods; undefined where the product is known from its deployed configuration alone */
  metrics: Metric[] | undefined
}

export interface OwnToken {
  name: string
  scopes: string[]
  mayWrite: boolean
  /** empty: never */
  expiresAt: string
}

export interface ServicePlan {
  id: number
  productId: number
  name: string
  published: boolean
  isDefault: boolean
  approvalRequired: boolean
}

export interface AccountPlan {
  id: number
  name: string
  isDefault: boolean
}

export interface Backend {
  id: number
  name: string
  /** internal: it may be compared and is not shown */
  privateAddress: string
}

export interface BackendUsage {
  path: string
  backendId: number
}

export interface BackendRules {
  backendId: number
  rules: Record<string, unknown>[]
}

export interface Policy {
  name: string
  version: string
}

/** The settings of the policy `llm-metrics`: its rules as they stand. */
export interface TokenRules {
  countsStreams: boolean
  rules: { metric: string; increment: string }[]
}

/** A configuration of the gateway, without its secrets: the latest that was deployed to an environment. */
export interface Deployment {
  productId: number
  version: number
  /** the product as it was at the deployment */
  product: InspectedProduct
  /** public base URL as it stands; may be anything */
  endpoint: string
  /** 1, 2, oidc, or what today's gateways do not know */
  authentication: string
  location: CredentialLocation
  userKeyName: string
  rules: MappingRule[]
  policies: Policy[]
  tokens: TokenRules | undefined
  issuer: string | undefined
  /** where the gateway asks 3scale's back-end, without credentials: internal, of which host and port alone may be shown */
  listener: string | undefined
  parts: Parts
}

export type Part =
  | 'authentication'
  | 'credentials'
  | 'public address'
  | 'mapping rules'
  | 'mapping rules of backends'
  | 'policies'
  | 'OpenID Connect settings'
  | 'gateway responses'
  | 'host header'

/** What of a product's settings can be compared with a deployment; a part that is missing is not known. */
export interface Parts {
  fingerprints: Partial<Record<Part, string>>
  /** fingerprint of the private address by the path that the backend is used at */
  backends: Map<string, string> | undefined
}

/** One page of a list, and how many rows all pages have. */
export interface Page<T> {
  rows: T[]
  total: number
}

export interface AccountUsers {
  id: number
  users: { id: number; username: string; email: string; state: User['state'] }[]
}

/** The credentials of an application, to be compared and never shown. */
export interface ApplicationCredentials {
  id: number
  accountId: number
  productId: number
  /** products with API keys */
  userKey: string | undefined
  /** the other products */
  appId: string | undefined
  /** number of its keys; undefined for products with API keys */
  keys: number | undefined
}
