import type { Clock } from '../clock.js'
import { configurationOf, hostsOf } from '../products/configuration.js'
import { withPort } from '../products/with-port.js'
import { rowsWith, rowWith } from '../row-index.js'
import { type Configuration, type Flags, nextId, type Service, type State } from '../store.js'
import { issuerColumns, SERVICE_ACCOUNTS } from '../tenant/products.js'

/** What a test changes of a product at once. */
export interface ProductChange {
  name?: string
  description?: string
  backend_version?: Service['backend_version']
  flags?: Flags
  default_plan_id?: number
  default_service_plan_id?: number
  endpoint?: string
  location?: string
  names?: Record<string, string>
  /** Replaces the existing ones; `metric` is a system name. */
  rules?: { http_method: string; pattern: string; metric?: string; delta?: number; last?: boolean }[]
  policies?: { name: string; version: string; configuration: Record<string, unknown> }[]
  /** Replaces the existing ones. */
  backends?: { path: string; private_endpoint: string }[]
  /** of the first backend */
  api_backend?: string
  /** Columns of the gateway settings. Others are copied to the deployed configuration; null removes one from it. */
  proxy?: Record<string, unknown>
  /** false: production has no configuration */
  promoted?: boolean
  /** The deployed configuration, if it differs from the current settings. */
  frozen?: { sandbox?: ProductChange; production?: ProductChange }
}

/** Changes a product without the Account API and deploys it to staging, then to production. */
export function changeProduct(
  state: State,
  service: Service,
  { frozen, promoted, ...change }: ProductChange,
  { clock, backendEndpoint, identityPort }: { clock: Clock; backendEndpoint: string; identityPort: number },
): void {
  if (change.backend_version === 'oidc' && service.backend_version !== 'oidc') {
    Object.assign(service.proxy.columns, issuerColumns(identityPort))
    Object.assign(service.proxy.oidc, SERVICE_ACCOUNTS)
  }
  apply(state, service, change, clock)
  const contentFor = (other: ProductChange | undefined) => {
    // A frozen configuration is that of the product with the change.
    const { lastId, backends } = state
    const copy = other ? { ...state, lastId: { ...lastId }, backends: structuredClone(backends) } : state
    const twin = other ? structuredClone(service) : service
    if (other) apply(copy, twin, other, clock)
    const content = configurationOf(twin, copy, backendEndpoint)
    const columns = { ...change.proxy, ...other?.proxy }
    const hosts = Array.isArray(columns.hosts) ? columns.hosts.map(String) : hostsOf(twin)
    return { hosts, content: withColumns(content, columns) }
  }
  const known = rowsWith(state.configurations, 'service_id', service.id)
  const version = Math.max(0, ...known.map((row) => row.version)) + 1
  const deploy = (environment: Configuration['environment'], at: number, other?: ProductChange) =>
    state.configurations.push({
      id: nextId(state, 'configuration'),
      service_id: service.id,
      environment,
      version: at,
      ...contentFor(other),
    })
  const isPromoted = promoted ?? known.some(({ environment }) => environment === 'production')
  if (frozen?.production) {
    deploy('sandbox', version, frozen.production)
    deploy('production', version, frozen.production)
    deploy('sandbox', version + 1)
  } else {
    deploy('sandbox', version, frozen?.sandbox)
    if (isPromoted) deploy('production', version, frozen?.sandbox)
  }
  if (!isPromoted)
    state.configurations = state.configurations.filter(
      (row) => row.service_id !== service.id || row.environment !== 'production',
    )
}

function apply(state: State, service: Service, change: ProductChange, clock: Clock): void {
  const { endpoint, location, names, rules, policies, backends, api_backend, proxy: columns, ...members } = change
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  const { proxy } = service
  Object.assign(service, members, { updated_at: now })
  const set = (values: Record<string, unknown>) => Object.assign(proxy.columns, values)
  if (endpoint !== undefined) set({ endpoint, sandbox_endpoint: stagingOf(endpoint) })
  if (location !== undefined) set({ credentials_location: location })
  for (const [name, value] of Object.entries(names ?? {})) set({ [`auth_${name}`]: value })
  for (const [name, value] of Object.entries(columns ?? {}))
    if (name in proxy.columns && value !== null) set({ [name]: value })
  if (rules) {
    service.rules = rules.map((rule, index) => ({
      id: nextId(state, 'rule'),
      http_method: rule.http_method,
      pattern: rule.pattern,
      metric_id: service.metrics.find(({ system_name }) => system_name === (rule.metric ?? 'hits'))?.id ?? 0,
      delta: rule.delta ?? 1,
      last: rule.last ?? false,
      position: index + 1,
      ...stamps,
    }))
  }
  if (policies) proxy.policies = policies.map((policy) => ({ ...policy, enabled: true }))
  if (backends) mount(state, service, backends, stamps)
  const first = rowWith(state.backends, 'id', service.usages[0]?.backend_id)
  if (api_backend !== undefined && first) first.private_endpoint = withPort(api_backend)
}

function mount(
  state: State,
  service: Service,
  backends: { path: string; private_endpoint: string }[],
  stamps: { created_at: number; updated_at: number },
): void {
  service.usages = backends.map(({ path, private_endpoint }) => {
    const id = nextId(state, 'backend')
    state.backends.push({
      id,
      name: `${service.name} at ${path}`,
      system_name: `${service.system_name}_${id}`,
      private_endpoint: withPort(private_endpoint),
      metrics: [],
      rules: [],
      ...stamps,
    })
    return { id: nextId(state, 'usage'), backend_id: id, path }
  })
}

function stagingOf(endpoint: string): string {
  return endpoint.includes('//localhost:') ? endpoint.replace('//localhost:', '//127.0.0.1:') : endpoint
}

function withColumns(content: Record<string, unknown>, columns: Record<string, unknown>): Record<string, unknown> {
  const proxy = { ...(content.proxy as Record<string, unknown>), ...columns }
  return { ...content, proxy: Object.fromEntries(Object.entries(proxy).filter(([name]) => columns[name] !== null)) }
}
