import type { Clock } from '../../clock.js'
import { configurationOf, hostsOf } from '../../products/configuration.js'
import { hitsOf } from '../../products/metrics.js'
import { newPlan } from '../../products/plans.js'
import { createService } from '../../products/services.js'
import { withPort } from '../../products/with-port.js'
import { type Metric, nextId, type Plan, type Service, type State } from '../../store.js'
import { docFor } from '../docs.js'
import { rulesByType } from '../product-definition.js'
import { modelAt, type NamedModel } from './model-names.js'

interface Target {
  state: State
  clock: Clock
  port: number
  backendEndpoint: string
}

const TOKENS = ['prompt_tokens', 'completion_tokens', 'total_tokens']
const LOCATIONS = ['authorization', 'headers', 'query']
/** One product in so many has an API document. Documents of a type share one text. */
const DOCUMENTED = 6
const WITH_THREE_PLANS = 8

/** Adds products and their records to the tenant directly: by calls of the API this would take minutes. */
export function addLargeProducts(target: Target, count: number): Service[] {
  const texts = new Map<string, string>()
  return Array.from({ length: count }, (_, index) => addOne(target, index, texts))
}

function addOne(target: Target, index: number, texts: Map<string, string>): Service {
  const { state, clock } = target
  const model = modelAt(index)
  const service = createService(target, {
    name: model.title,
    system_name: model.system_name,
    description: model.description,
    backend_version: index % 3 === 1 ? '2' : '1',
    deployment_option: 'self_managed',
    flags: { buyer_can_select_plan: index % 2 === 0 },
  })
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  addRules(state, service, model, stamps)
  addBackend(target, service, model, stamps)
  const endpoint = withPort(`https://${model.system_name}-maas-apicast-production.apps.cluster.example`)
  Object.assign(service.proxy.columns, {
    endpoint,
    sandbox_endpoint: endpoint.replace('-production.', '-staging.'),
    credentials_location: LOCATIONS[index % LOCATIONS.length],
  })
  addPlans(state, service, index, now)
  if (index % DOCUMENTED === 0) addDoc(state, service, model, { ...stamps, texts, endpoint })
  const deployed = { hosts: hostsOf(service), content: configurationOf(service, state, target.backendEndpoint) }
  for (const environment of ['sandbox', 'production'] as const) {
    const id = nextId(state, 'configuration')
    state.configurations.push({ id, service_id: service.id, version: 1 + (index % 5), environment, ...deployed })
  }
  return service
}

type Stamps = Pick<Metric, 'created_at' | 'updated_at'>

/** Methods below `hits` for the rules, and the token metrics of models that count tokens. */
function addRules(state: State, service: Service, { type }: NamedModel, stamps: Stamps): void {
  const [hits] = service.metrics
  if (!hits) return
  const metric = (system_name: string, rest: Pick<Metric, 'unit' | 'friendly_name'> & { parent_id?: number }) => {
    const row = { id: nextId(state, 'metric'), system_name, ...rest, ...stamps }
    service.metrics.push(row)
    return row
  }
  service.rules = rulesByType[type].map(([http_method = 'GET', pattern = '/'], index) => {
    const name = pattern.slice(1).replaceAll('/', '-')
    const friendly_name = `${http_method} ${pattern}`
    const { id } = metric(name, { friendly_name, unit: 'hit', parent_id: hits.id })
    const position = index + 1
    return {
      id: nextId(state, 'rule'),
      http_method,
      pattern,
      metric_id: id,
      delta: 1,
      position,
      last: false,
      ...stamps,
    }
  })
  if (!['chat', 'completion', 'embedding'].includes(type)) return
  for (const name of TOKENS) metric(name, { friendly_name: name.replace('_', ' '), unit: 'token' })
}

function addBackend({ state, port }: Target, service: Service, model: NamedModel, stamps: Stamps): void {
  const id = nextId(state, 'backend')
  state.backends.push({
    id,
    name: `${model.title} backend`,
    system_name: `${model.system_name}_backend`,
    private_endpoint: `http://127.0.0.1:${port + 5}/${model.system_name}`,
    metrics: [hitsOf(nextId(state, 'metric'), stamps, `.${id}`)],
    rules: [],
    ...stamps,
  })
  service.usages.push({ id: nextId(state, 'usage'), backend_id: id, path: '/' })
}

/** A free plan with limits and a paid one with prices; a few products have a third one, on request. */
function addPlans(state: State, service: Service, index: number, now: number): void {
  const stamps = { created_at: now, updated_at: now }
  const idOf = (name: string) => service.metrics.find(({ system_name }) => system_name === name)?.id
  const [hits = 0, tokens] = [idOf('hits'), idOf('total_tokens')]
  const limit = (period: string, value: number, metric_id = hits) => ({
    id: nextId(state, 'limit'),
    metric_id,
    period,
    value,
    ...stamps,
  })
  const add = (name: string, more: Partial<Plan>) => {
    const named = { id: nextId(state, 'plan'), name, system_name: name.toLowerCase(), state: 'published' as const }
    state.plans.push({ ...newPlan(service.id, now), ...named, ...more })
  }
  add('Basic', {
    limits: [
      limit('minute', 10 + (index % 5) * 10),
      limit('day', 1000 + (index % 9) * 500),
      ...(tokens === undefined ? [] : [limit('month', 1_000_000, tokens)]),
    ],
  })
  const price = (metric_id: number, cost_per_unit: string) => [
    { id: nextId(state, 'pricing_rule'), metric_id, cost_per_unit, min: 1, ...stamps },
  ]
  add('Pro', {
    cost_per_month: 10 + (index % 20) * 5,
    approval_required: index % 10 === 9,
    limits: [limit('minute', 600)],
    pricing_rules: tokens === undefined ? price(hits, '0.002') : price(tokens, '0.00002'),
  })
  if (index < WITH_THREE_PLANS) add('Enterprise', { setup_fee: 500, approval_required: true })
}

function addDoc(
  state: State,
  service: Service,
  model: NamedModel,
  { texts, endpoint, ...stamps }: Stamps & { texts: Map<string, string>; endpoint: string },
): void {
  const rules = rulesByType[model.type].map(([method = 'GET', pattern = '/']) => [method, pattern] as [string, string])
  const { body } = docFor('plain', { ...service, endpoint, modelId: model.modelId, rules })
  if (!texts.has(model.type)) texts.set(model.type, body)
  state.docs.push({
    id: nextId(state, 'doc'),
    system_name: `${model.system_name.replaceAll('-', '_')}_docs`,
    name: `${model.title} API`,
    service_id: service.id,
    published: true,
    skip_swagger_validations: false,
    body: texts.get(model.type) ?? body,
    ...stamps,
  })
}
