import { createHash } from 'node:crypto'
import type { CredentialLocation, MappingRule } from './nouns.js'
import { array, flag, number, object, text, utc, type Wire } from './values.js'
import { productIdOf, toMappingRule, withoutCredentials } from './wire-catalogue.js'

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

export interface Backend {
  id: number
  name: string
  /** internal: it may be compared and is not shown */
  privateAddress: string
}

export interface Mounted {
  path: string
  backendId: number
}

export interface Policy {
  name: string
  version: string
}

/** What the policy `llm-metrics` is told: its rules as they stand. */
export interface TokenRules {
  countsStreams: boolean
  rules: { metric: string; increment: string }[]
}

/** A configuration of the gateway, without its secrets: the latest that was deployed to an environment. */
export interface Deployment {
  productId: number
  version: number
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
  /** fingerprints by part, to tell what differs between two of them */
  parts: Record<Part, string>
}

export type Part = 'mapping rules' | 'policies' | 'credentials' | 'public address' | 'backend address'

export function toOwnToken(wire: Wire): OwnToken {
  return {
    name: text(wire.name),
    scopes: Array.isArray(wire.scopes) ? wire.scopes.map(text) : [],
    mayWrite: wire.permission === 'rw',
    expiresAt: utc(wire.expires_at),
  }
}

/** As with application plans, the product's id is only in the links. */
export function toServicePlan(wire: Wire): ServicePlan {
  return {
    id: number(wire.id),
    productId: productIdOf(wire.links),
    name: text(wire.name),
    published: wire.state === 'published',
    isDefault: flag(wire.default, false),
    approvalRequired: flag(wire.approval_required, false),
  }
}

export function toBackend(wire: Wire): Backend {
  return { id: number(wire.id), name: text(wire.name), privateAddress: text(wire.private_endpoint) }
}

/** Read as `backend_id`, written as `backend_api_id` (porta, app/representers/backend_api_config_representer.rb). */
export function toMounted(wire: Wire): Mounted {
  return { path: text(wire.path) || '/', backendId: number(wire.backend_id) }
}

export function toDeployment(wire: Wire): Deployment {
  const content = object(wire.content)
  const proxy = object(content.proxy)
  const location = text(proxy.credentials_location)
  const chain = array(proxy.policy_chain)
  const rules = array(proxy.proxy_rules)
  return {
    productId: number(content.id),
    version: number(wire.version),
    endpoint: text(proxy.endpoint).replace(/\/+$/, ''),
    authentication: text(proxy.authentication_method) || text(content.backend_version),
    location: location === 'headers' || location === 'authorization' ? location : 'query',
    userKeyName: text(proxy.auth_user_key) || 'user_key',
    rules: rules.map(toMappingRule),
    policies: chain.map(({ name, version }) => ({ name: text(name), version: text(version) })),
    tokens: tokenRulesOf(chain),
    issuer: withoutCredentials(text(proxy.oidc_issuer_endpoint)),
    // rules of backends are set elsewhere
    parts: partsOf(
      proxy,
      chain,
      rules.filter(({ owner_type }) => owner_type !== 'BackendApi'),
    ),
  }
}

/** A product as it is set: only policies that are on get into a deployment (porta, app/models/proxy.rb). */
export function toSetUp(proxy: Wire, rules: Wire[]): Deployment['parts'] {
  const chain = array(proxy.policies_config).filter(({ enabled }) => flag(enabled, true))
  return partsOf(proxy, chain, rules)
}

function tokenRulesOf(chain: Wire[]): TokenRules | undefined {
  const policy = chain.find(({ name }) => name === 'llm-metrics')
  if (!policy) return undefined
  const configuration = object(policy.configuration)
  return {
    countsStreams: configuration.enable_sse_support === true,
    rules: array(configuration.rules).map(({ metric, increment }) => ({
      metric: text(metric),
      increment: text(increment),
    })),
  }
}

function partsOf(proxy: Wire, chain: Wire[], rules: Wire[]): Record<Part, string> {
  // the routing policy is made at deployment (porta, app/lib/backend_api_logic/routing_policy.rb)
  const policies = chain
    .filter(({ name }) => name !== 'routing')
    .map(({ name, version, configuration }) => [name, version, configuration])
  const { credentials_location, auth_user_key, auth_app_id, auth_app_key } = proxy
  return {
    'mapping rules': fingerprint(
      rules.map(({ http_method, pattern, metric_id, delta, last }) => [
        http_method,
        pattern,
        number(metric_id),
        number(delta),
        flag(last, false),
      ]),
    ),
    policies: fingerprint(policies),
    credentials: fingerprint([credentials_location, auth_user_key, auth_app_id, auth_app_key]),
    'public address': fingerprint([proxy.endpoint]),
    'backend address': fingerprint([proxy.api_backend ?? null]),
  }
}

/** Policies hold secrets: only that two are the same may be told. */
function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url')
}
