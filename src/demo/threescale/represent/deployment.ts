import type { Service } from '../store.js'
import type { Json } from './catalogue.js'

/** The frozen configuration of a deployment, its secrets as canaries that no page may ever show. */
export function proxyConfig(record: Service, identityPort: number): Json & { content: { proxy: Json } & Json } {
  return {
    id: 80 + record.id,
    version: 4,
    environment: 'production',
    content: {
      id: record.id,
      account_id: 2,
      name: record.name,
      description: record.description,
      terms: null,
      state: record.state,
      intentions_required: false,
      default_application_plan_id: record.default_plan_id ?? null,
      default_service_plan_id: record.default_service_plan_id ?? null,
      system_name: record.system_name,
      // the column of the product says oauth; only the product's own JSON says oidc
      backend_version: record.backend_version === 'oidc' ? 'oauth' : record.backend_version,
      'proxiable?': true,
      backend_authentication_type: 'service_token',
      backend_authentication_value: `LEAK-service-token-${record.id}`,
      ...record.flags,
      proxy: proxyOf(record, identityPort),
    },
  }
}

/** The columns that porta sends for a new product, and what the gateway needs beside them. */
function proxyOf(record: Service, identityPort: number): Json {
  const oidc = record.backend_version === 'oidc'
  const url = new URL(record.endpoint)
  const columns: Json = {
    id: record.id,
    service_id: record.id,
    endpoint: record.endpoint,
    deployed_at: null,
    auth_app_key: record.names.app_key,
    auth_app_id: record.names.app_id,
    auth_user_key: record.names.user_key,
    credentials_location: record.location,
    ...errorColumns,
    secret_token: `LEAK-secret-token-${record.id}`,
    sandbox_endpoint: null,
    api_test_path: '/',
    oidc_issuer_endpoint: oidc ? `http://LEAK-oidc-client:LEAK-oidc-secret@localhost:${identityPort}` : null,
    oidc_issuer_type: 'keycloak',
    authentication_method: record.backend_version,
    endpoint_port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    api_backend: privateAddressOf(record),
    hosts: url.hostname === 'localhost' ? ['localhost', '127.0.0.1'] : [url.hostname],
    backend: { endpoint: 'http://LEAK-private-endpoint.internal', host: 'LEAK-private-endpoint.internal' },
    policy_chain: record.policies ?? defaultPolicies(record),
    jwt_claim_with_client_id: oidc ? 'azp' : null,
    jwt_claim_with_client_id_type: oidc ? 'plain' : null,
    proxy_rules: record.rules.map((rule, index) => ({
      id: rule.id,
      proxy_id: record.id,
      http_method: rule.http_method,
      pattern: rule.pattern,
      metric_id: record.metrics.find(({ system_name }) => system_name === rule.metric)?.id,
      metric_system_name: rule.metric,
      delta: rule.delta ?? 1,
      redirect_url: null,
      position: index + 1,
      last: rule.last ?? false,
      owner_id: record.id,
      owner_type: 'Proxy',
      parameters: [...rule.pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      querystring_parameters: Object.fromEntries(new URLSearchParams(rule.pattern.split('?')[1] ?? '')),
    })),
    ...record.proxy,
  }
  const taken = Object.keys(record.proxy ?? {}).filter((name) => record.proxy?.[name] === null)
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !taken.includes(name)))
}

/** Null unless one backend is mounted at `/`: below it a routing policy has the addresses. */
function privateAddressOf({ backends, api_backend }: Service): string | null {
  if (!backends) return api_backend
  const [only, ...more] = backends
  return only?.path === '/' && more.length === 0 ? only.private_endpoint : null
}

const errorColumns = {
  error_auth_failed: 'Authentication failed',
  error_auth_missing: 'Authentication parameters missing',
  error_status_auth_failed: 403,
  error_headers_auth_failed: 'text/plain; charset=us-ascii',
  error_status_auth_missing: 403,
  error_headers_auth_missing: 'text/plain; charset=us-ascii',
  error_no_match: 'No Mapping Rule matched',
  error_status_no_match: 404,
  error_headers_no_match: 'text/plain; charset=us-ascii',
  error_limits_exceeded: 'Usage limit exceeded',
  error_status_limits_exceeded: 429,
  error_headers_limits_exceeded: 'text/plain; charset=us-ascii',
}

/** The token counter has its README's rules for what the product counts (models-aas, llm_metrics_policy/README.md). */
function defaultPolicies({ metrics }: Service): object[] {
  const counted = metrics.filter(({ unit }) => unit === 'token')
  const rules = counted.map(({ system_name }) => ({
    metric: system_name,
    increment: `{{llm_usage.${system_name}}}`,
    condition: {
      combine_op: 'and',
      operations: [{ left: '{{status}}', left_type: 'liquid', op: '==', right: '200', right_type: 'plain' }],
    },
  }))
  return [
    {
      name: 'cors',
      version: 'builtin',
      configuration: {
        allow_headers: ['Authorization', 'Content-type', 'Accept'],
        allow_origin: '*',
        allow_credentials: true,
      },
    },
    {
      name: 'llm-metrics',
      version: '0.1',
      configuration: { enable_sse_support: true, rules, secret: 'LEAK-policy-secret' },
    },
    { name: 'apicast', version: 'builtin', configuration: {} },
  ]
}
