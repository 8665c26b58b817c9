import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Behaviour, changed } from '../behaviour.js'
import type { Tenant } from '../http/router.js'
import { present, presentService } from '../products/services.js'
import { rowWith } from '../row-index.js'
import { countUsage, withAncestors } from '../statistics/counters.js'
import { nextId, type State } from '../store.js'
import type { Sketch } from '../tenant/product-definition.js'
import { addProduct, seed, type TenantKind } from '../tenant/seed.js'
import { age } from './age.js'
import { changeProduct, type ProductChange } from './product-changes.js'

interface Options {
  tenant: Tenant
  port: number
  backendEndpoint: string
  /** changes how the stand-in behaves; resolves when the backend has followed */
  behave(behaviour: Behaviour): Promise<void>
  /** runs the work without any of the behaviour's delays */
  withoutDelays<T>(work: () => Promise<T>): Promise<T>
  /** All writes have reached the backend. */
  settled(): Promise<unknown>
}

/** The demo's own controls under /_demo: more products, and states that no API call sets. */
export function controlRoutes(app: FastifyInstance, options: Options): void {
  const { tenant, port, behave, withoutDelays } = options
  // The gateway polls it and searches for new products only if it has changed.
  let revision = Date.now()
  app.get('/_demo/revision', async () => ({ revision }))
  app.addHook('onResponse', async ({ method, url }) => {
    if (method !== 'GET' && /^\/(_demo\/(products|services|reset)|admin\/api\/services)/.test(url)) revision++
  })

  app.get('/_demo/behaviour', async () => tenant.behaviour())
  app.put('/_demo/behaviour', async (request, reply) => {
    const next = changed(tenant.behaviour(), request.body as Record<string, unknown>)
    if ('error' in next) return reply.code(400).send(next)
    await behave(next)
    return next
  })

  app.post('/_demo/products', async (request, reply) => {
    const requested = Math.min(Number((request.query as { count?: string }).count ?? 1), 10_000)
    const sketch = (request.body ?? {}) as Partial<Sketch>
    const products: { system_name: string; endpoint: string }[] = []
    await withoutDelays(async () => {
      for (let n = 0; n < requested; n++) {
        const { id, ...product } = await addProduct(app, tenant, port, sketch)
        if (sketch.proxy) change(id, { proxy: sketch.proxy })
        products.push(product)
      }
    })
    revision++
    await reachable(port + 4, products.at(-1)?.endpoint)
    return reply.code(201).send({ products })
  })

  app.put('/_demo/services/:id', async (request, reply) => {
    const id = Number((request.params as { id: string }).id)
    if (!change(id, request.body as ProductChange)) return reply.code(404).send({ status: 'Not found' })
    tenant.changed()
    return shown(tenant.state()).services.find((service) => service.id === id)
  })
  const lists = {
    accounts: ({ accounts }: State) => accounts,
    users: ({ users }: State) => users,
    applications: ({ applications }: State) => applications,
    plans: ({ plans }: State) => plans,
    service_plans: ({ servicePlans }: State) => servicePlans,
    docs: ({ docs }: State) => docs,
    subscriptions: ({ subscriptions }: State) => subscriptions,
  }
  for (const [name, listOf] of Object.entries(lists))
    app.put(`/_demo/${name}/:id`, async (request, reply) => merge(name, listOf(tenant.state()), request, reply))

  /** The document of a product as its operator uploaded it, valid or not; null removes it. */
  app.put('/_demo/active_docs', async (request) => {
    type Given = { service_id: number; body: string | null; published?: boolean }
    const { service_id, body, published = true } = request.body as Given
    const state = tenant.state()
    state.docs = state.docs.filter((doc) => doc.service_id !== service_id)
    if (body !== null) {
      const id = nextId(state, 'doc')
      const now = tenant.clock.now()
      state.docs.push({
        id,
        system_name: `doc_${id}`,
        name: `Doc ${id}`,
        service_id,
        published,
        skip_swagger_validations: false,
        body,
        created_at: now,
        updated_at: now,
      })
    }
    tenant.changed()
    return {}
  })
  app.put('/_demo/settings', async (request) => Object.assign(tenant.state().settings, request.body))
  app.put('/_demo/provider', async (request) => Object.assign(tenant.state().provider, request.body))
  app.put('/_demo/authentication_provider', async (request) =>
    Object.assign(tenant.state().authenticationProviders[0] ?? {}, request.body),
  )
  app.put('/_demo/fields_definitions', async (request) => {
    const now = tenant.clock.now()
    tenant.state().fields = (request.body as State['fields']).map((row, index) => ({
      ...{ position: index + 1, created_at: now },
      ...row,
      updated_at: now,
    }))
    return tenant.state().fields
  })
  /** Usage of the past: `[{ "application": 3002, "metric": "hits", "at": "2026-03-01T10:00:00Z", "amount": 5 }]` */
  app.post('/_demo/usage', async (request, reply) => {
    const { applications, services } = tenant.state()
    const rows = request.body as { application: number; metric: string; at: string; amount: number }[]
    for (const { application: id, metric, at, amount } of rows) {
      const application = rowWith(applications, 'id', id)
      const service = rowWith(services, 'id', application?.service_id)
      if (!application || !service) return reply.code(404).send({ status: 'Not found' })
      countUsage(tenant.state(), id, withAncestors({ [metric]: amount }, service.metrics), Date.parse(at))
    }
    tenant.changed()
    return reply.code(201).send({})
  })
  app.post('/_demo/age', async (request) => {
    age(tenant.state(), Number((request.query as { seconds?: string }).seconds ?? 3600) * 1000)
    tenant.changed()
    return {}
  })
  app.get('/_demo/settled', async () => {
    await options.settled()
    return {}
  })
  app.get('/_demo/state', async ({ query }) => {
    const { only } = query as { only?: string }
    return only === undefined ? shown(tenant.state()) : some(tenant.state(), only.split(','))
  })
  app.post('/_demo/reset', async (request) => {
    const kind = ((request.query as { tenant?: string }).tenant ?? 'demo') as TenantKind
    await withoutDelays(() => seed(app, tenant, port, kind))
    tenant.changed()
    return {}
  })

  function change(requested: number, to: ProductChange): boolean {
    const service = presentService(tenant.state(), requested)
    if (!service) return false
    const { clock } = tenant
    const { backendEndpoint } = options
    changeProduct(tenant.state(), service, to, { clock, backendEndpoint, identityPort: port + 2 })
    return true
  }

  /** Members of a record that no call sets. What the backend has of an application follows. */
  async function merge(
    name: string,
    list: { id: number; updated_at: number }[],
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const record = list.find(({ id }) => id === Number((request.params as { id: string }).id))
    if (!record) return reply.code(404).send({ status: 'Not found' })
    await options.settled()
    const before = { ...record }
    Object.assign(record, { updated_at: tenant.clock.now() }, request.body)
    if (name === 'applications') follow(tenant.state(), before as Application, record as Application)
    tenant.changed()
    return record
  }
}

type Application = State['applications'][number]

function follow({ backend }: State, before: Application, now: Application): void {
  delete backend.userKeys[`${before.service_id}|${before.user_key}`]
  delete backend.applications[`${before.service_id}|${before.application_id}`]
  const { id, service_id, application_id, user_key, state, plan_id } = now
  const keys = now.keys.map(({ value }) => value)
  backend.applications[`${service_id}|${application_id}`] = { id, state, plan_id, keys }
  backend.userKeys[`${service_id}|${user_key}`] = application_id
}

/** Lists of the state as they are stored. */
function some(state: State, names: string[]): Partial<State> {
  return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name)))
}

/** The state with what a test asks of products: where they are served, and rules with names of metrics. */
function shown(state: State) {
  return {
    ...state,
    services: present(state).map((service) => ({
      ...service,
      endpoint: service.proxy.columns.endpoint,
      location: service.proxy.columns.credentials_location,
      names: {
        user_key: service.proxy.columns.auth_user_key,
        app_id: service.proxy.columns.auth_app_id,
        app_key: service.proxy.columns.auth_app_key,
      },
      api_backend: rowWith(state.backends, 'id', service.usages[0]?.backend_id)?.private_endpoint,
      rules: service.rules.map((rule) => ({
        ...rule,
        metric: service.metrics.find(({ id }) => id === rule.metric_id)?.system_name,
      })),
    })),
  }
}

/** Waits until the gateway, if one is running, listens for the product. */
async function reachable(controlPort: number, endpoint: string | undefined): Promise<void> {
  if (!endpoint || !(await accepts(controlPort))) return
  const { hostname, port } = new URL(endpoint)
  if (hostname !== 'localhost') return
  for (let attempt = 0; attempt < 100 && !(await accepts(Number(port))); attempt++) await sleep(100)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
