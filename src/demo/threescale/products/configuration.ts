import { time } from '../clock.js'
import { rowWith } from '../row-index.js'
import type { Backend, MappingRule, Service, State } from '../store.js'

type Json = Record<string, unknown>

/** The configuration of a product as a deployment freezes it, with all secrets of the gateway in it (app/lib/apicast). */
export function configurationOf(service: Service, state: State, backendEndpoint: string): Json {
  const tenant = state.provider.id
  return {
    id: service.id,
    account_id: tenant,
    name: service.name,
    description: service.description ?? null,
    txt_support: null,
    ...stamps(service, state),
    logo_file_name: null,
    logo_content_type: null,
    logo_file_size: null,
    state: 'incomplete',
    intentions_required: service.intentions_required,
    terms: null,
    notification_settings: null,
    default_application_plan_id: service.default_plan_id ?? null,
    default_service_plan_id: service.default_service_plan_id ?? null,
    tenant_id: tenant,
    system_name: service.system_name,
    backend_version: columnOf(service),
    ...service.flags,
    support_email: state.provider.support_email,
    deployment_option: service.deployment_option,
    kubernetes_service_link: null,
    'proxiable?': true,
    backend_authentication_type: 'service_token',
    backend_authentication_value: service.service_token,
    proxy: proxyOf(service, state, backendEndpoint),
  }
}

/** The column of the product says oauth; only the product's own JSON says oidc. */
function columnOf({ backend_version }: Service): string {
  return backend_version === 'oidc' ? 'oauth' : backend_version
}

/** The hosts that a gateway serves the product at: production's and staging's, in either environment. */
export function hostsOf({ proxy }: Service): string[] {
  const hosts = [proxy.columns.endpoint, proxy.columns.sandbox_endpoint].map(hostOf)
  return [...new Set(hosts.filter((host) => host !== undefined))]
}

/** The address of the first backend, regardless of its path, as in the gateway settings (app/lib/backend_api_logic). */
export function firstPrivateEndpoint(service: Service, state: State): string | null {
  return backendsOf(service, state)[0]?.backend.private_endpoint ?? null
}

function proxyOf(service: Service, state: State, backendEndpoint: string): Json {
  const { proxy } = service
  const { endpoint, sandbox_endpoint } = proxy.columns
  const first = firstPrivateEndpoint(service, state)
  const { columns } = proxy
  const { jwt_claim_with_client_id, jwt_claim_with_client_id_type, ...ownColumns } = columns
  return {
    id: proxy.id,
    tenant_id: state.provider.id,
    service_id: service.id,
    ...ownColumns,
    ...stamps(proxy, state),
    apicast_configuration_driven: true,
    lock_version: proxy.lock_version,
    authentication_method: service.backend_version,
    staging_domain: hostOf(sandbox_endpoint) ?? null,
    production_domain: hostOf(endpoint) ?? null,
    hostname_rewrite_for_sandbox: columns.hostname_rewrite ?? hostOf(first) ?? null,
    endpoint_port: portOf(endpoint),
    api_backend: needsRouting(service) ? null : first,
    'valid?': true,
    service_backend_version: columnOf(service),
    hosts: hostsOf(service),
    backend: { endpoint: backendEndpoint, host: hostOf(backendEndpoint) },
    policy_chain: chainOf(service, state),
    jwt_claim_with_client_id,
    jwt_claim_with_client_id_type,
    proxy_rules: rulesOf(service, state),
  }
}

function backendsOf({ usages }: Service, { backends }: State): { path: string; id: number; backend: Backend }[] {
  return usages.flatMap(({ path, backend_id }) => {
    const backend = rowWith(backends, 'id', backend_id)
    return backend ? [{ path, id: backend_id, backend }] : []
  })
}

function needsRouting({ usages }: Service): boolean {
  return usages.some(({ path }) => path !== '/')
}

/** Where a backend is mounted below `/`, a routing policy stands before APIcast's own; paths in reverse order of the alphabet. */
function chainOf(service: Service, state: State): object[] {
  const chain = service.proxy.policies
    .filter(({ enabled }) => enabled)
    .map(({ enabled: _enabled, ...policy }) => policy)
  if (!needsRouting(service)) return chain
  const sorted = backendsOf(service, state).sort((a, b) => (a.path < b.path ? 1 : -1))
  const rules = sorted.map(({ path, id, backend }) => ({
    url: backend.private_endpoint,
    owner_id: id,
    owner_type: 'BackendApi',
    condition: { operations: [{ match: 'path', op: 'matches', value: routePattern(path) }] },
    ...(path === '/' ? {} : { replace_path: `{{uri | remove_first: '${path}'}}` }),
  }))
  const routing = { name: 'routing', version: 'builtin', enabled: true, configuration: { rules } }
  const index = chain.findIndex(({ name }) => name === 'apicast')
  return [...chain.slice(0, index), routing, ...chain.slice(index)]
}

function routePattern(path: string): string {
  return path === '/' ? '^(/.*)' : `^(${path}/.*|${path}/?)`
}

/** The product's own rules, then those of its backends with the path in front and metrics named by their owner. */
function rulesOf(service: Service, state: State): Json[] {
  const own = service.rules.map((rule) => ({
    ...ruleJson(rule, service.metrics, state),
    proxy_id: service.proxy.id,
    owner_id: service.proxy.id,
    owner_type: 'Proxy',
  }))
  const ofBackends = backendsOf(service, state).flatMap(({ path, backend }) =>
    backend.rules.map((rule) => ({
      ...ruleJson(rule, backend.metrics, state),
      proxy_id: null,
      tenant_id: null,
      // decorated for a page, not for a machine
      updated_at: inWords(rule.updated_at),
      pattern: path === '/' ? rule.pattern : `${path}${rule.pattern}`,
      owner_id: backend.id,
      owner_type: 'BackendApi',
    })),
  )
  return [...own, ...ofBackends]
}

function ruleJson(rule: MappingRule, metrics: Service['metrics'], state: State): Json {
  const [path = '', query = ''] = rule.pattern.split('?')
  return {
    id: rule.id,
    http_method: rule.http_method,
    pattern: rule.pattern,
    metric_id: rule.metric_id,
    metric_system_name: metrics.find(({ id }) => id === rule.metric_id)?.system_name,
    delta: rule.delta,
    tenant_id: state.provider.id,
    ...stamps(rule, state),
    redirect_url: null,
    position: rule.position,
    last: rule.last,
    parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    querystring_parameters: Object.fromEntries(
      query
        .split('&')
        .filter(Boolean)
        .map((pair) => pair.split(/=(.*)/s).slice(0, 2)),
    ),
  }
}

/** `November 29, 2026 19:53` */
function inWords(instant: number): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: 'UTC',
    year: 'numeric',
    month: 'long',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(instant)
  const { month, day, year, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, value]))
  return `${month} ${day}, ${year} ${hour}:${minute}`
}

function stamps({ created_at, updated_at }: { created_at: number; updated_at: number }, { zone }: State): Json {
  return { created_at: time(created_at, zone), updated_at: time(updated_at, zone) }
}

function hostOf(address: unknown): string | undefined {
  return typeof address === 'string' && URL.canParse(address) ? new URL(address).hostname : undefined
}

function portOf(address: unknown): number {
  if (typeof address !== 'string' || !URL.canParse(address)) return 443
  const { port, protocol } = new URL(address)
  return Number(port || (protocol === 'https:' ? 443 : 80))
}
