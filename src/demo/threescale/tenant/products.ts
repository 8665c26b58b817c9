import { nextId, type Plan, type Service, type State } from '../store.js'
import { docFor } from './docs.js'
import { rulesByType, type Sketch } from './sketch.js'

export const START = Date.parse('2026-03-01T09:00:00Z')

export interface Place {
  /** port of the public address, unless the sketch names an address of its own */
  gatewayPort: number
  modelsPort: number
}

/** Makes the product with its metrics, rules, plans, limits and spec. */
export function addService(state: State, sketch: Sketch, { gatewayPort, modelsPort }: Place): Service {
  const id = nextId(state, 'service')
  const metrics = metricsOf(state, sketch)
  const service: Service = {
    id,
    system_name: sketch.system_name,
    name: sketch.name,
    description: sketch.description,
    state: 'incomplete',
    backend_version: sketch.version ?? '1',
    location: sketch.location ?? 'authorization',
    names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key', ...sketch.names },
    endpoint: sketch.endpoint ?? `http://localhost:${gatewayPort}`,
    api_backend: `http://127.0.0.1:${modelsPort}/${sketch.server}`,
    promoted: sketch.promoted ?? true,
    flags: {
      buyers_manage_apps: true,
      buyers_manage_keys: true,
      referrer_filters_required: false,
      custom_keys_enabled: true,
      buyer_key_regenerate_enabled: true,
      mandatory_app_key: true,
      buyer_can_select_plan: sketch.select ?? false,
      buyer_plan_change_permission: 'request',
    },
    rules: rulesOf(sketch).map(([http_method, pattern, metric = methodName(pattern), delta = 1, last = false]) => ({
      id: nextId(state, 'rule'),
      http_method,
      pattern,
      metric,
      delta,
      last,
    })),
    ...(sketch.policies ? { policies: sketch.policies } : {}),
    ...(sketch.proxy ? { proxy: sketch.proxy } : {}),
    metrics,
    created_at: START,
    updated_at: START,
  }
  state.services.push(service)
  state.servicePlans.push(servicePlanOf(service))
  addPlans(state, sketch, service)
  if (sketch.doc) state.docs.push({ id: nextId(state, 'doc'), ...docFor(sketch.doc, service, sketch.modelId) })
  return service
}

function rulesOf({ type, rules }: Sketch): NonNullable<Sketch['rules']> {
  return rules ?? rulesByType[type].map(([verb = 'GET', pattern = '/']) => [verb, pattern])
}

/** `hits`, a method for each rule that does not count it directly, and tokens where the server tells them. */
function metricsOf(state: State, sketch: Sketch): Service['metrics'] {
  const { type } = sketch
  const hits = { id: nextId(state, 'metric'), system_name: 'hits', friendly_name: 'Hits', unit: 'hit' }
  const names = new Map(
    rulesOf(sketch).map(([verb, pattern, metric = methodName(pattern)]) => [metric, [verb, pattern]]),
  )
  names.delete('hits')
  const methods = [...names].map(([system_name, [verb, pattern]]) => ({
    id: nextId(state, 'metric'),
    system_name,
    friendly_name: `${verb} ${pattern}`,
    unit: 'hit',
    parent_id: hits.id,
  }))
  const counted = ['chat', 'completion', 'bare', 'embedding'].includes(type)
  const tokens = (counted ? ['prompt_tokens', 'completion_tokens', 'total_tokens'] : []).map((name) => ({
    id: nextId(state, 'metric'),
    system_name: name,
    friendly_name: name.replace('_', ' '),
    unit: 'token',
  }))
  return [hits, ...methods, ...tokens]
}

function addPlans(state: State, sketch: Sketch, service: Service): void {
  const plans: Plan[] = (sketch.plans ?? [{}]).map((plan) => ({
    id: nextId(state, 'plan'),
    service_id: service.id,
    system_name: 'standard',
    name: 'Standard',
    state: 'published',
    approval_required: false,
    cost_per_month: 0,
    setup_fee: 0,
    trial_period_days: 0,
    custom: false,
    limits: [],
    pricing_rules: [],
    feature_ids: [],
    created_at: START,
    updated_at: START,
    ...plan,
  }))
  state.plans.push(...plans)
  const [first] = plans
  for (const [metric, period, value] of sketch.limits ?? []) {
    const metric_id = service.metrics.find(({ system_name }) => system_name === metric)?.id ?? 0
    first?.limits.push({ id: nextId(state, 'limit'), metric_id, period, value })
  }
  if (sketch.defaultPlan && first) service.default_plan_id = first.id
}

/** What porta makes beside every new product (app/models/service.rb). */
function servicePlanOf({ id }: Service): State['servicePlans'][number] {
  return {
    id: 10_000 + id,
    service_id: id,
    name: 'Default',
    state: 'published',
    approval_required: false,
    created_at: START,
    updated_at: START,
  }
}

function methodName(pattern: string): string {
  return pattern.slice(1).replaceAll('/', '-')
}
