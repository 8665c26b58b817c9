import type { CredentialLocation, MappingRule, Metric, User } from '../types.js'

/** A product with its metrics, which only its XML contains. */
export interface InspectedProduct {
  id: number
  systemName: string
  /** 1, 2, oidc or oauth */
  authentication: string
  mandatoryAppKey: boolean
  referrerFiltersRequired: boolean
  /** metrics and methods; undefined if only the deployed configuration of the product was read */
  metrics: Metric[] | undefined
}

export interface OwnToken {
  name: string
  scopes: string[]
  mayWrite: boolean
  /** empty: never */
  expiresAt: string
}

/** An event that 3scale could not deliver. The address may contain a password, and the event has keys: neither is read. */
export interface WebhookFailure {
  at: string
  host: string
  path: string
  /** the status of the last response; undefined: there was none */
  status: number | undefined
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

export interface GatewayPolicy {
  name: string
  version: string
}

/** The settings of the policy `llm-metrics`, with its rules as configured. */
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
  policies: GatewayPolicy[]
  tokens: TokenRules | undefined
  issuer: string | undefined
  /** the address of 3scale's backend for the gateway, without credentials: internal, so only its host and port may be shown */
  listener: string | undefined
  parts: ConfigurationParts
}

export type ConfigurationPart =
  | 'authentication'
  | 'credentials'
  | 'public address'
  | 'mapping rules'
  | 'mapping rules of backends'
  | 'policies'
  | 'OpenID Connect settings'
  | 'gateway responses'
  | 'host header'

/** The settings of a product that can be compared with a deployment. A missing part is unknown. */
export interface ConfigurationParts {
  fingerprints: Partial<Record<ConfigurationPart, string>>
  /** fingerprint of the private address by the path that the backend is used at */
  backends: Map<string, string> | undefined
}

/** One page of a list, and how many rows all pages have. */
export interface InspectionPage<T> {
  rows: T[]
  total: number
}

export interface AccountUsers {
  id: number
  users: { id: number; username: string; email: string; state: User['state'] }[]
}

/** The credentials of an application, to be compared and never shown. */
export interface InspectedCredentials {
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
