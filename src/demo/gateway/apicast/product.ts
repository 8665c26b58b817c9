/** A mapping rule of the deployed configuration. */
export interface Rule {
  method: string
  pattern: string
  /** of its query part: name -> value, or `{name}` for any */
  parameters: Record<string, string>
  metric: string
  delta: number
  last: boolean
  /** the backend that brought the rule; undefined: the product's own */
  owner: number | undefined
}

/** A backend at a path (gateway/src/apicast/policy/routing/rule.lua). */
export interface Route {
  url: URL
  owner: number | undefined
  /** all of them match the normalised path; none: every path */
  conditions: RegExp[]
  /** Its first occurrence is removed from the path; undefined: the path is forwarded unchanged. */
  removed: string | undefined
}

/** A product as its deployed configuration describes it (porta, app/models/proxy_config.rb, `content`). */
export interface Product {
  id: number
  systemName: string
  serviceToken: string
  secretToken: string
  endpoint: string
  /** Host names of the product. */
  hosts: string[]
  port: number
  version: '1' | '2' | 'oidc' | 'none'
  location: 'query' | 'headers' | 'authorization'
  names: { userKey: string; appId: string; appKey: string }
  errors: Record<
    'authFailed' | 'authMissing' | 'noMatch' | 'limitsExceeded',
    { status: number; body: string; type: string }
  >
  rules: Rule[]
  /** The only backend, at `/`; undefined if a routing policy has the addresses. */
  upstream: URL | undefined
  routes: Route[]
  /** the host name that the model server receives */
  hostnameRewrite: string | undefined
  issuer: string | undefined
  /** claim of a token that names the application */
  clientClaim: string
  policies: { name: string; configuration: Record<string, unknown> }[]
}

type Wire = Record<string, unknown>

/** Names are lower-cased when they are loaded, as APIcast does. */
export function toProduct(content: Wire): Product {
  const proxy = content.proxy as Wire
  const endpoint = String(proxy.endpoint)
  const method = String(proxy.authentication_method ?? content.backend_version)
  const upstream =
    typeof proxy.api_backend === 'string' && URL.canParse(proxy.api_backend) ? new URL(proxy.api_backend) : undefined
  return {
    id: Number(content.id),
    systemName: String(content.system_name),
    serviceToken: String(content.backend_authentication_value),
    secretToken: String(proxy.secret_token ?? ''),
    endpoint,
    hosts: ((proxy.hosts as string[] | undefined) ?? []).map((host) => host.toLowerCase()),
    port: Number(proxy.endpoint_port ?? new URL(endpoint).port),
    version: method === '1' || method === '2' || method === 'oidc' ? method : 'none',
    location: (proxy.credentials_location as Product['location'] | undefined) ?? 'query',
    names: {
      userKey: String(proxy.auth_user_key ?? 'user_key').toLowerCase(),
      appId: String(proxy.auth_app_id ?? 'app_id').toLowerCase(),
      appKey: String(proxy.auth_app_key ?? 'app_key').toLowerCase(),
    },
    errors: {
      authFailed: refusal(proxy, 'auth_failed', 403, 'Authentication failed'),
      authMissing: refusal(proxy, 'auth_missing', 401, 'Authentication parameters missing'),
      noMatch: refusal(proxy, 'no_match', 404, 'No Mapping Rule matched'),
      limitsExceeded: refusal(proxy, 'limits_exceeded', 429, 'Limits exceeded'),
    },
    rules: ((proxy.proxy_rules as Wire[] | undefined) ?? []).map((rule) => ({
      method: String(rule.http_method),
      pattern: String(rule.pattern),
      parameters: (rule.querystring_parameters as Record<string, string> | undefined) ?? {},
      metric: String(rule.metric_system_name),
      delta: Number(rule.delta),
      last: rule.last === true,
      owner: rule.owner_type === 'BackendApi' ? Number(rule.owner_id) : undefined,
    })),
    upstream,
    routes: ((proxy.policy_chain as Wire[] | undefined) ?? [])
      .filter(({ name }) => name === 'routing')
      .flatMap(({ configuration }) => ((configuration as Wire).rules as Wire[]).flatMap(routeOf)),
    hostnameRewrite: text(proxy.hostname_rewrite),
    clientClaim: text(proxy.jwt_claim_with_client_id) ?? 'azp',
    issuer: issuerOf(proxy.oidc_issuer_endpoint),
    policies: ((proxy.policy_chain as Wire[] | undefined) ?? []).map((policy) => ({
      name: String(policy.name),
      configuration: (policy.configuration as Record<string, unknown> | undefined) ?? {},
    })),
  }
}

/** Supports only the conditions that porta creates, on the path. A rule with another condition never matches. */
function routeOf({ url, owner_id, condition, replace_path }: Wire): Route[] {
  if (typeof url !== 'string' || !URL.canParse(url)) return []
  const operations = (condition as { operations?: Wire[] } | undefined)?.operations ?? []
  if (operations.some(({ match, op }) => match !== 'path' || op !== 'matches')) return []
  // `{{uri | remove_first: '/chat'}}`: the only template that porta writes
  const removed = /^\{\{\s*uri\s*\|\s*remove_first:\s*'([^']*)'\s*\}\}$/.exec(String(replace_path ?? ''))?.[1]
  return [
    {
      url: new URL(url),
      owner: owner_id === undefined ? undefined : Number(owner_id),
      conditions: operations.map(({ value }) => new RegExp(String(value))),
      removed,
    },
  ]
}

/** What stands for a missing column is APIcast's own, not porta's. */
function refusal(proxy: Wire, name: string, status: number, body: string) {
  return {
    status: Number(proxy[`error_status_${name}`] ?? status),
    body: String(proxy[`error_${name}`] ?? body),
    type: String(proxy[`error_headers_${name}`] ?? 'text/plain; charset=utf-8'),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function issuerOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return undefined
  const url = new URL(endpoint)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
