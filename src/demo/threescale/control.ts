import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { basicOf } from './auth.js'
import { addProduct, seed } from './seed.js'
import type { State } from './store.js'

interface Fault {
  match: string
  latency_ms?: number
  status?: number
  hang?: boolean
  drop?: 'before' | 'after'
  times?: number
  hits: number
}

export interface Control {
  state(): State
  replace(state: State): void
  changed(): void
}

/** The demo's own controls under /_demo: faults, a count of the calls, more products, states that no API call sets. */
export function demoControl(app: FastifyInstance, control: Control, port: number): void {
  let faults: Fault[] = []
  let calls: Record<string, number> = {}

  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    if (!/^\/(admin|stats)\//.test(path)) return
    if (basicOf(request) !== 'demo-gateway-token') count(`${request.method} ${pattern(path)}`)
    await applyFault(request, reply, path)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    if ((request as { dropAfter?: boolean }).dropAfter) {
      reply.hijack()
      request.raw.socket.destroy()
    }
    return payload
  })

  app.put('/_demo/faults', async (request) => {
    faults = (request.body as Omit<Fault, 'hits'>[]).map((fault) => ({ ...fault, hits: 0 }))
    return faults
  })
  app.get('/_demo/faults', async () => faults)

  app.get('/_demo/calls', async () => calls)
  app.delete('/_demo/calls', async () => {
    calls = {}
    return calls
  })

  app.post('/_demo/products', async (request, reply) => {
    const wanted = Math.min(Number((request.query as { count?: string }).count ?? 1), 10_000)
    const products = Array.from({ length: wanted }, () => addProduct(control.state(), port))
    control.changed()
    return reply.code(201).send({ products })
  })

  app.put('/_demo/accounts/:id', async (request, reply) => merge(control.state().accounts, request, reply))
  app.put('/_demo/users/:id', async (request, reply) => merge(control.state().users, request, reply))
  app.put('/_demo/applications/:id', async (request, reply) => merge(control.state().applications, request, reply))
  app.put('/_demo/services/:id', async (request, reply) => merge(control.state().services, request, reply))
  app.put('/_demo/plans/:id', async (request, reply) => merge(control.state().plans, request, reply))
  app.put('/_demo/settings', async (request) => Object.assign(control.state().settings, request.body))
  app.put('/_demo/authentication_provider', async (request) =>
    Object.assign(control.state().authenticationProvider, request.body),
  )
  app.put('/_demo/fields_definitions', async (request) => {
    control.state().fields = request.body as State['fields']
    return control.state().fields
  })
  app.get('/_demo/state', async () => control.state())
  app.post('/_demo/reset', async () => {
    control.replace(seed(port))
    control.changed()
    return {}
  })

  function count(call: string): void {
    calls[call] = (calls[call] ?? 0) + 1
  }

  /** The first fault that matches; `status` before the work, `drop: "after"` does the work and then says nothing. */
  async function applyFault(request: FastifyRequest, reply: FastifyReply, path: string): Promise<unknown> {
    const fault = faults.find(
      (candidate) => matches(candidate.match, `${request.method} ${path}`) && (candidate.times ?? 1) > 0,
    )
    if (!fault) return undefined
    fault.hits++
    if (fault.times !== undefined) fault.times--
    if (fault.latency_ms) await sleep(fault.latency_ms)
    if (fault.hang) return new Promise(() => {})
    if (fault.drop === 'before') {
      reply.hijack()
      request.raw.socket.destroy()
      return undefined
    }
    if (fault.drop === 'after') Object.assign(request, { dropAfter: true })
    if (fault.status === undefined) return undefined
    return reply.code(fault.status).type('text/html').send(`<html><body><h1>${fault.status}</h1></body></html>`)
  }

  async function merge(list: { id: number }[], request: FastifyRequest, reply: FastifyReply) {
    const record = list.find(({ id }) => id === Number((request.params as { id: string }).id))
    if (!record) return reply.code(404).send({ status: 'Not found' })
    Object.assign(record, request.body)
    control.changed()
    return record
  }
}

function matches(rule: string, call: string): boolean {
  const source = rule
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(call)
}

/** Ids and keys are not part of a call's name. */
function pattern(path: string): string {
  return path.replace(/\/keys\/[^/]+$/, '/keys/{key}').replace(/\/\d+(?=[/.]|$)/g, '/{id}')
}
