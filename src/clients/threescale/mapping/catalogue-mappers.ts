import type {
  ApiDoc,
  BackendPath,
  CredentialMode,
  GatewayConfig,
  GatewayRefusals,
  Limit,
  MappingRule,
  Metric,
  Plan,
  PricingRule,
  Product,
  TokenPolicy,
} from '../types.js'
import { array, flag, number, object, text, utc, type WireObject } from './wire-values.js'

export function toProduct(wire: WireObject): Product {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.name),
    description: text(wire.description),
    buyersManageApps: flag(wire.buyers_manage_apps, true),
    buyersManageKeys: flag(wire.buyers_manage_keys, true),
    keyRegenerateEnabled: flag(wire.buyer_key_regenerate_enabled, true),
    customKeysEnabled: flag(wire.custom_keys_enabled, true),
    canSelectPlan: flag(wire.buyer_can_select_plan, false),
    planChangePermission: (text(wire.buyer_plan_change_permission) || 'request') as Product['planChangePermission'],
    referrerFiltersRequired: flag(wire.referrer_filters_required, false),
    updatedAt: utc(wire.updated_at),
  }
}

/** The product's id is only in the plan's links (porta, app/representers/plan_representer.rb). */
export function toPlan(wire: WireObject): Plan {
  return {
    id: number(wire.id),
    productId: productIdOf(wire.links),
    systemName: text(wire.system_name),
    name: text(wire.name),
    state: wire.state === 'published' ? 'published' : 'hidden',
    isDefault: flag(wire.default, false),
    custom: flag(wire.custom, false),
    approvalRequired: flag(wire.approval_required, false),
    costPerMonth: number(wire.cost_per_month),
    setupFee: number(wire.setup_fee),
    trialPeriodDays: number(wire.trial_period_days),
    updatedAt: utc(wire.updated_at),
  }
}

/** The former mode `oauth` is missing: current gateways refuse every call of such a product. */
const modes: Record<string, CredentialMode> = { '1': 'user_key', '2': 'app_id', oidc: 'oidc' }

/** Maps allowed members only: service token, shared secret and policy settings are not passed on. */
export function toGatewayConfig(wire: WireObject): GatewayConfig | undefined {
  const content = object(wire.content)
  const proxy = object(content.proxy)
  const endpoint = text(proxy.endpoint).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) return undefined
  const mode = modes[text(proxy.authentication_method) || text(content.backend_version)]
  if (!mode) return undefined
  const location = text(proxy.credentials_location)
  return {
    productId: number(content.id),
    version: number(wire.version),
    changedAt: [utc(content.updated_at), utc(proxy.updated_at)].sort().at(-1) ?? '',
    endpoint,
    credentials: {
      mode,
      location: location === 'headers' || location === 'authorization' ? location : 'query',
      names: {
        userKey: text(proxy.auth_user_key) || 'user_key',
        appId: text(proxy.auth_app_id) || 'app_id',
        appKey: text(proxy.auth_app_key) || 'app_key',
      },
    },
    rules: array(proxy.proxy_rules).map(toMappingRule),
    backends: backendsOf(array(proxy.policy_chain), text(proxy.api_backend)),
    issuer: withoutCredentials(text(proxy.oidc_issuer_endpoint)),
    refusals: refusalsOf(proxy),
    policies: array(proxy.policy_chain).map((policy) => text(policy.name)),
    tokenPolicy: tokenPolicyOf(array(proxy.policy_chain)),
    privateAddress: text(proxy.api_backend) || undefined,
  }
}

function refusalsOf(proxy: WireObject): GatewayRefusals {
  const refusal = (name: string) => ({
    status: number(proxy[`error_status_${name}`]),
    text: text(proxy[`error_${name}`]).trim(),
  })
  return {
    authFailed: refusal('auth_failed'),
    authMissing: refusal('auth_missing'),
    noMatch: refusal('no_match'),
    limitsExceeded: refusal('limits_exceeded'),
  }
}

/**
 * With a backend below `/` the address of the only one is missing, and porta adds a policy that routes by path
 * (app/lib/backend_api_logic/routing_policy.rb). Of a private address only its ending is read.
 */
function backendsOf(chain: WireObject[], privateAddress: string): BackendPath[] {
  const routed = chain
    .filter(({ name }) => name === 'routing')
    .flatMap(({ configuration }) => array(object(configuration).rules))
    .filter(({ owner_type }) => owner_type === 'BackendApi')
    .flatMap((rule) => {
      const [operation] = array(object(rule.condition).operations)
      const path = /^\^\((\/[^|]*?)\/?\.\*/.exec(text(operation?.value))?.[1]
      return path === undefined ? [] : [{ path, versioned: endsInVersion(text(rule.url)) }]
    })
  if (routed.length === 0) return [{ path: '/', versioned: endsInVersion(privateAddress) }]
  return routed.sort((one, other) => (one.path < other.path ? -1 : 1))
}

/** Whether a private address contains the version that OpenAI's paths start with. */
export function endsInVersion(address: string): boolean {
  return URL.canParse(address) && /\/v\d[^/]*\/?$/.test(new URL(address).pathname)
}

export function toMappingRule(rule: WireObject): MappingRule {
  return {
    method: text(rule.http_method),
    pattern: text(rule.pattern),
    metricId: number(rule.metric_id),
    metric: text(rule.metric_system_name),
    delta: number(rule.delta),
    last: flag(rule.last, false),
  }
}

function tokenPolicyOf(chain: WireObject[]): TokenPolicy | undefined {
  const names = chain.map((policy) => text(policy.name))
  const at = names.indexOf('llm-metrics')
  if (at === -1) return undefined
  const configuration = object(chain[at]?.configuration)
  return {
    beforeApicast: !names.includes('apicast') || at < names.indexOf('apicast'),
    countsStreams: configuration.enable_sse_support === true,
    metrics: array(configuration.rules).map((rule) => text(rule.metric)),
  }
}

export function toApiDoc(wire: WireObject): ApiDoc {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.name),
    productId: wire.service_id === undefined || wire.service_id === null ? undefined : number(wire.service_id),
    published: flag(wire.published, false),
    body: text(wire.body),
  }
}

export function toLimit(wire: WireObject): Limit {
  return {
    metricId: number(wire.metric_id),
    period: text(wire.period) as Limit['period'],
    value: number(wire.value),
  }
}

/** The cost is a decimal as text. Without `max` there is no upper bound. */
export function toPricingRule(wire: WireObject): PricingRule {
  return {
    metricId: number(wire.metric_id),
    costPerUnit: number(wire.cost_per_unit),
    from: number(wire.min) || 1,
    to: wire.max === undefined || wire.max === null ? undefined : number(wire.max),
  }
}

export function toMetric(wire: WireObject): Metric {
  return {
    id: number(wire.id),
    systemName: text(wire.system_name),
    name: text(wire.friendly_name) || text(wire.system_name),
    unit: text(wire.unit),
    parentId: wire.parent_id === undefined || wire.parent_id === null ? undefined : number(wire.parent_id),
    createdAt: utc(wire.created_at),
  }
}

export function productIdOf(links: unknown): number {
  const href = array(links)
    .map((link) => text(link.href))
    .find((candidate) => /\/services\/\d+/.test(candidate))
  return number(/\/services\/(\d+)/.exec(href ?? '')?.[1])
}

/** This address contains the client id and secret of 3scale's own client. */
export function withoutCredentials(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
