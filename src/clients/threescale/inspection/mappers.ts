import { productIdOf, toMappingRule, toMetric, withoutCredentials } from '../mapping/catalogue-mappers.js'
import { array, flag, number, object, text, utc, type WireObject } from '../mapping/wire-values.js'
import { listOf } from '../mapping/xml.js'
import type { User } from '../types.js'
import { deployedParts } from './configuration-parts.js'
import type {
  AccountPlan,
  AccountUsers,
  Backend,
  BackendUsage,
  Deployment,
  InspectedCredentials,
  InspectedProduct,
  OwnToken,
  ServicePlan,
  TokenRules,
  WebhookFailure,
} from './types.js'

/** From XML, because JSON does not embed the metrics (porta, app/models/service.rb, to_xml). */
export function toInspectedProduct(wire: WireObject): InspectedProduct {
  const methods = listOf(wire.metrics, 'method').map((method) => ({ ...method, parent_id: method.metric_id }))
  return {
    ...toProductFlags(wire),
    authentication: text(wire.backend_version),
    metrics: 'metrics' in wire ? [...listOf(wire.metrics, 'metric'), ...methods].map(toMetric) : undefined,
  }
}

/** Accounts in XML embed their users (porta, app/models/account.rb, to_xml). */
export function toAccountUsers(wire: WireObject): AccountUsers {
  return {
    id: number(wire.id),
    users: listOf(wire.users, 'user').map((user) => ({
      id: number(user.id),
      username: text(user.username),
      email: text(user.email),
      state: text(user.state) as User['state'],
    })),
  }
}

/** Applications in XML embed their keys, in JSON they do not (porta, app/models/cinstance.rb, to_xml). */
export function toApplicationCredentials(wire: WireObject): InspectedCredentials {
  const keys = object(wire.keys).key
  return {
    id: number(wire.id),
    accountId: number(wire.user_account_id),
    productId: number(wire.service_id),
    userKey: text(wire.user_key) || undefined,
    appId: text(wire.application_id) || undefined,
    keys: 'keys' in wire ? [keys ?? []].flat().filter((key) => key !== '').length : undefined,
  }
}

export function toOwnToken(wire: WireObject): OwnToken {
  return {
    name: text(wire.name),
    scopes: Array.isArray(wire.scopes) ? wire.scopes.map(text) : [],
    mayWrite: wire.permission === 'rw',
    expiresAt: utc(wire.expires_at),
  }
}

/** The message of an exception, which can contain the address, is not read, except for a status. */
export function toWebhookFailure(wire: WireObject): WebhookFailure {
  const address = text(wire.url)
  const { host, pathname } = URL.canParse(address) ? new URL(address) : { host: '', pathname: '' }
  const [, status] = /^(\d{3}) /.exec(text(wire.error)) ?? []
  return { at: utc(wire.time), host, path: pathname, status: status === undefined ? undefined : Number(status) }
}

/** As with application plans, the product's id is only in the links. */
export function toServicePlan(wire: WireObject): ServicePlan {
  return {
    id: number(wire.id),
    productId: productIdOf(wire.links),
    name: text(wire.name),
    published: wire.state === 'published',
    isDefault: flag(wire.default, false),
    approvalRequired: flag(wire.approval_required, false),
  }
}

export function toAccountPlan(wire: WireObject): AccountPlan {
  return { id: number(wire.id), name: text(wire.name), isDefault: flag(wire.default, false) }
}

export function toBackend(wire: WireObject): Backend {
  return { id: number(wire.id), name: text(wire.name), privateAddress: text(wire.private_endpoint) }
}

/** Read as `backend_id`, written as `backend_api_id` (porta, app/representers/backend_api_config_representer.rb). */
export function toBackendUsage(wire: WireObject): BackendUsage {
  return { path: text(wire.path) || '/', backendId: number(wire.backend_id) }
}

export function toDeployment(wire: WireObject): Deployment {
  const content = object(wire.content)
  const proxy = object(content.proxy)
  const location = text(proxy.credentials_location)
  const chain = array(proxy.policy_chain)
  const authentication = text(proxy.authentication_method) || text(content.backend_version)
  return {
    productId: number(content.id),
    version: number(wire.version),
    product: { ...toProductFlags(content), authentication, metrics: undefined },
    endpoint: text(proxy.endpoint).replace(/\/+$/, ''),
    authentication,
    location: location === 'headers' || location === 'authorization' ? location : 'query',
    userKeyName: text(proxy.auth_user_key) || 'user_key',
    rules: array(proxy.proxy_rules).map(toMappingRule),
    policies: chain.map(({ name, version }) => ({ name: text(name), version: text(version) })),
    tokens: tokenRulesOf(chain),
    issuer: withoutCredentials(text(proxy.oidc_issuer_endpoint)),
    listener: withoutCredentials(text(object(proxy.backend).endpoint)),
    parts: deployedParts(content),
  }
}

function toProductFlags(wire: WireObject) {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    mandatoryAppKey: flag(wire.mandatory_app_key, true),
    referrerFiltersRequired: flag(wire.referrer_filters_required, false),
  }
}

function tokenRulesOf(chain: WireObject[]): TokenRules | undefined {
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
