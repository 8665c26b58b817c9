import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { countUsage, withAncestors } from './counters.js'
import { nextId, type State } from './store.js'
import { addProduct, seed } from './tenant/seed.js'
import type { Sketch } from './tenant/sketch.js'

export interface Control {
  state(): State
  replace(state: State): void
  changed(): void
}

/** The demo's own controls under /_demo: more products, and states that no API call sets. */
export function controlRoutes(app: FastifyInstance, control: Control, port: number): void {
  // the gateway asks for it often, and reads the configurations only when it differs
  let revision = Date.now()
  app.get('/_demo/revision', async () => ({ revision }))
  app.addHook('onResponse', async ({ method, url }) => {
    if (method !== 'GET' && /^\/(_demo\/(products|services|reset)|admin\/api\/services)/.test(url)) revision++
  })

  app.post('/_demo/products', async (request, reply) => {
    const wanted = Math.min(Number((request.query as { count?: string }).count ?? 1), 10_000)
    const sketch = (request.body ?? {}) as Partial<Sketch>
    const products = Array.from({ length: wanted }, () => addProduct(control.state(), port, sketch))
    control.changed()
    revision++
    await reachable(port + 4, products.at(-1)?.endpoint)
    return reply.code(201).send({ products })
  })

  app.put('/_demo/accounts/:id', async (request, reply) => merge(control.state().accounts, request, reply))
  app.put('/_demo/users/:id', async (request, reply) => merge(control.state().users, request, reply))
  app.put('/_demo/applications/:id', async (request, reply) => merge(control.state().applications, request, reply))
  app.put('/_demo/services/:id', async (request, reply) => merge(control.state().services, request, reply))
  app.put('/_demo/plans/:id', async (request, reply) => merge(control.state().plans, request, reply))
  app.put('/_demo/service_plans/:id', async (request, reply) => merge(control.state().servicePlans, request, reply))
  app.put('/_demo/docs/:id', async (request, reply) => merge(control.state().docs, request, reply))
  app.put('/_demo/subscriptions/:id', async (request, reply) => merge(control.state().subscriptions, request, reply))
  /** The spec of a product as its operator uploaded it, valid or not; null removes it. */
  app.put('/_demo/active_docs', async (request) => {
    const {
      service_id,
      body,
      published = true,
    } = request.body as {
      service_id: number
      body: string | null
      published?: boolean
    }
    const state = control.state()
    state.docs = state.docs.filter((doc) => doc.service_id !== service_id)
    if (body !== null) {
      const id = nextId(state, 'doc')
      state.docs.push({ id, system_name: `doc_${id}`, name: `Doc ${id}`, service_id, published, body })
    }
    control.changed()
    return {}
  })
  app.put('/_demo/settings', async (request) => Object.assign(control.state().settings, request.body))
  app.put('/_demo/provider', async (request) => Object.assign(control.state().provider, request.body))
  app.put('/_demo/authentication_provider', async (request) =>
    Object.assign(control.state().authenticationProvider, request.body),
  )
  app.put('/_demo/fields_definitions', async (request) => {
    control.state().fields = request.body as State['fields']
    return control.state().fields
  })
  /** Usage of the past: `[{ "application": 3001, "metric": "hits", "at": "2026-03-01T10:00:00Z", "amount": 5 }]` */
  app.post('/_demo/usage', async (request, reply) => {
    const { applications, services } = control.state()
    const rows = request.body as { application: number; metric: string; at: string; amount: number }[]
    for (const { application: id, metric, at, amount } of rows) {
      const application = applications.find((row) => row.id === id)
      const service = services.find((row) => row.id === application?.service_id)
      if (!application || !service) return reply.code(404).send({ status: 'Not found' })
      countUsage(control.state(), application, withAncestors({ [metric]: amount }, service), Date.parse(at))
    }
    control.changed()
    return reply.code(201).send({})
  })
  app.get('/_demo/state', async () => control.state())
  app.post('/_demo/reset', async (request) => {
    control.replace(seed(port, { wellKept: (request.query as { tenant?: string }).tenant === 'well-kept' }))
    control.changed()
    return {}
  })

  async function merge(list: { id: number }[], request: FastifyRequest, reply: FastifyReply) {
    const record = list.find(({ id }) => id === Number((request.params as { id: string }).id))
    if (!record) return reply.code(404).send({ status: 'Not found' })
    Object.assign(record, request.body)
    control.changed()
    return record
  }
}

/** Until the gateway, where one runs, listens for the product. */
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
