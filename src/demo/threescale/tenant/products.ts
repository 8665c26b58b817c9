import { canary } from '../secrets.js'
import { docFor } from './docs.js'
import type { Operator } from './operator.js'
import { rulesByType, type Sketch } from './product-definition.js'

export interface Ports {
  /** Port of the public address, unless the sketch sets an address. */
  gatewayPort: number
  modelsPort: number
  identityPort: number
}

/** Creates the product of a sketch with the calls of an operator, and returns its ID and address. */
export async function addProduct(
  call: Operator,
  sketch: Sketch,
  ports: Ports,
): Promise<{ id: number; system_name: string; endpoint: string; planIds: number[] }> {
  const { service } = await call<{ service: { id: number } }>('POST', '/services', {
    name: sketch.name,
    system_name: sketch.system_name,
    description: sketch.description,
    backend_version: sketch.version ?? '1',
    deployment_option: 'self_managed',
    buyer_can_select_plan: sketch.select ?? false,
  })
  const base = `/services/${service.id}`
  const metrics = await addMetrics(call, base, sketch)
  await addBackends(call, base, sketch, ports)
  await replaceRules(call, base, rulesOf(sketch), metrics)
  const endpoint = sketch.endpoint ?? `http://localhost:${ports.gatewayPort}`
  await call('PUT', `${base}/proxy`, { ...gatewayOf(sketch, endpoint, ports) })
  if (sketch.version === 'oidc') await call('PUT', `${base}/proxy/oidc_configuration`, SERVICE_ACCOUNTS)
  await call('PUT', `${base}/proxy/policies`, {
    policies_config: JSON.stringify(sketch.policies ?? defaultPolicies(sketch)),
  })
  const planIds = await addPlans(call, base, sketch, metrics)
  if (sketch.doc) {
    const described = { ...sketch, id: service.id, endpoint, rules: rulesOf(sketch) }
    await call('POST', '/active_docs', { ...docFor(sketch.doc, described) })
  }
  await deploy(call, base, sketch.promoted ?? true)
  return { id: service.id, system_name: sketch.system_name, endpoint, planIds }
}

/** Deploys a new version to staging and, if `promoted`, to production. */
export async function deploy(call: Operator, base: string, promoted: boolean): Promise<void> {
  await call('POST', `${base}/proxy/deploy`)
  if (!promoted) return
  const { proxy_config } = await call<{ proxy_config: { version: number } }>(
    'GET',
    `${base}/proxy/configs/sandbox/latest`,
  )
  await call('POST', `${base}/proxy/configs/sandbox/${proxy_config.version}/promote`, { to: 'production' })
}

type Metrics = Map<string, number>
type Rule = NonNullable<Sketch['rules']>[number]

function rulesOf({ type, rules }: Sketch): Rule[] {
  return rules ?? rulesByType[type].map(([method = 'GET', pattern = '/']) => [method, pattern])
}

/** `hits`, which is there, a method for each rule that does not count it directly, and tokens where the server reports them. */
async function addMetrics(call: Operator, base: string, sketch: Sketch): Promise<Metrics> {
  const { metrics } = await call<{ metrics: { metric: { id: number } }[] }>('GET', `${base}/metrics`)
  const hits = metrics[0]?.metric.id ?? 0
  const known: Metrics = new Map([['hits', hits]])
  const labels = new Set<string>()
  for (const [method, pattern, metric = methodName(pattern)] of rulesOf(sketch)) {
    if (known.has(metric)) continue
    // two of one label are refused
    const label = labels.has(`${method} ${pattern}`) ? `${method} ${pattern} (${metric})` : `${method} ${pattern}`
    labels.add(label)
    const { method: created } = await call<{ method: { id: number } }>('POST', `${base}/metrics/${hits}/methods`, {
      friendly_name: label,
      system_name: metric,
    })
    known.set(metric, created.id)
  }
  for (const name of countedTokens(sketch)) {
    const { metric } = await call<{ metric: { id: number } }>('POST', `${base}/metrics`, {
      friendly_name: name.replace('_', ' '),
      system_name: name,
      unit: 'token',
    })
    known.set(name, metric.id)
  }
  return known
}

function countedTokens({ type }: Sketch): string[] {
  const counted = ['chat', 'completion', 'bare', 'embedding'].includes(type)
  return counted ? ['prompt_tokens', 'completion_tokens', 'total_tokens'] : []
}

async function addBackends(call: Operator, base: string, sketch: Sketch, { modelsPort }: Ports): Promise<void> {
  const backends = sketch.backends ?? [{ path: '/', server: sketch.server }]
  for (const [index, { path, server, rules = [] }] of backends.entries()) {
    const suffix = index === 0 ? '' : `_${index + 1}`
    const { backend_api } = await call<{ backend_api: { id: number } }>('POST', '/backend_apis', {
      name: `${sketch.name} backend${suffix}`,
      system_name: `${sketch.system_name}_backend${suffix}`,
      private_endpoint: `http://127.0.0.1:${modelsPort}/${server}`,
    })
    const at = `/backend_apis/${backend_api.id}`
    if (rules.length > 0) {
      const { metrics } = await call<{ metrics: { metric: { id: number } }[] }>('GET', `${at}/metrics`)
      for (const [http_method, pattern] of rules)
        await call('POST', `${at}/mapping_rules`, {
          http_method,
          pattern,
          metric_id: metrics[0]?.metric.id ?? 0,
          delta: 1,
        })
    }
    await call('POST', `${base}/backend_usages`, { backend_api_id: backend_api.id, path })
  }
}

/** 3scale creates `GET /` with each product; an operator that prefers exact rules removes it. */
async function replaceRules(call: Operator, base: string, rules: Rule[], metrics: Metrics): Promise<void> {
  const path = `${base}/proxy/mapping_rules`
  const { mapping_rules } = await call<{ mapping_rules: { mapping_rule: { id: number } }[] }>('GET', path)
  for (const { mapping_rule } of mapping_rules) await call('DELETE', `${path}/${mapping_rule.id}`)
  for (const [http_method, pattern, metric = methodName(pattern), delta = 1, last = false] of rules)
    await call('POST', path, { http_method, pattern, delta, last, metric_id: metrics.get(metric) ?? 0 })
}

/** Staging is served at the same address under its other name. */
function gatewayOf(sketch: Sketch, endpoint: string, { identityPort }: Ports) {
  const { names = {}, version } = sketch
  return {
    endpoint,
    sandbox_endpoint: endpoint.includes('//localhost:')
      ? endpoint.replace('//localhost:', '//127.0.0.1:')
      : endpoint.replace('-production.', '-staging.'),
    credentials_location: sketch.location ?? 'authorization',
    auth_user_key: names.user_key ?? 'user_key',
    auth_app_id: names.app_id ?? 'app_id',
    auth_app_key: names.app_key ?? 'app_key',
    ...(version === 'oidc' ? issuerColumns(identityPort) : {}),
  }
}

/** The issuer of an OpenID Connect product. Its address contains the secret of 3scale's client. */
export function issuerColumns(identityPort: number) {
  return {
    oidc_issuer_endpoint: `http://zync:${canary(16)}@localhost:${identityPort}`,
    oidc_issuer_type: 'keycloak',
    jwt_claim_with_client_id: 'azp',
    jwt_claim_with_client_id_type: 'plain',
  }
}

export const SERVICE_ACCOUNTS = { standard_flow_enabled: false, service_accounts_enabled: true }

/** The token counter has its README's rules for what the product counts (models-aas, llm_metrics_policy/README.md). */
function defaultPolicies(sketch: Sketch): object[] {
  const rules = countedTokens(sketch).map((name) => ({
    metric: name,
    increment: `{{llm_usage.${name}}}`,
    condition: {
      combine_op: 'and',
      operations: [{ left: '{{status}}', left_type: 'liquid', op: '==', right: '200', right_type: 'plain' }],
    },
  }))
  const policy = (name: string, version: string, configuration: object) => ({
    name,
    version,
    configuration,
    enabled: true,
  })
  return [
    policy('cors', 'builtin', {
      allow_headers: ['Authorization', 'Content-type', 'Accept'],
      allow_origin: '*',
      allow_credentials: true,
    }),
    policy('llm-metrics', '0.1', { enable_sse_support: true, rules, secret: canary(16) }),
    policy('apicast', 'builtin', {}),
  ]
}

async function addPlans(call: Operator, base: string, sketch: Sketch, metrics: Metrics): Promise<number[]> {
  const ids: number[] = []
  for (const plan of sketch.plans ?? [{}]) {
    const { state = 'published', name = 'Standard', system_name = 'standard', ...rest } = plan
    const { application_plan } = await call<{ application_plan: { id: number } }>('POST', `${base}/application_plans`, {
      name,
      system_name,
      ...rest,
      ...(state === 'published' ? { state_event: 'publish' } : {}),
    })
    ids.push(application_plan.id)
  }
  for (const [metric, period, value] of sketch.limits ?? [])
    await call('POST', `/application_plans/${ids[0]}/metrics/${metrics.get(metric)}/limits`, { period, value })
  return ids
}

function methodName(pattern: string): string {
  return pattern.slice(1).replaceAll('/', '-') || 'root'
}
