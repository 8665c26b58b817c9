import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Costs, isCounted, nameOf } from '../http/costs.js'

export interface Fault {
  match: string
  latency_ms?: number
  /** Continues when the list of faults is replaced. */
  hold?: boolean
  status?: number
  /** Never responds; `after`: processes the request first. */
  hang?: boolean | 'after'
  /** `half`: the head and half of the body */
  drop?: 'before' | 'after' | 'half'
  /** Processes the request and then reports a failure, like porta if its gateway cannot be notified. */
  status_after?: number
  /** Seconds by which the `Date` header of a response is ahead. */
  skew_seconds?: number
  times?: number
  /** Applies once the first fault of the list was injected. */
  after_first?: boolean
}

type Armed = Fault & { hits: number }

/** Failures on demand, and a count of the calls; neither touches /_demo, and the gateway's own calls are not counted. */
export function faultRoutes(app: FastifyInstance, costs: Pick<Costs, 'reset'>): void {
  let faults: Armed[] = []
  let calls: Record<string, number> = {}
  let running = 0
  let atOnce = 0
  let release = () => {}
  let released = new Promise<void>((resolve) => (release = resolve))
  const dropped = new WeakSet<FastifyRequest>()
  const halved = new WeakSet<FastifyRequest>()
  const hung = new WeakSet<FastifyRequest>()
  const failed = new WeakMap<FastifyRequest, number>()

  app.addHook('onRequest', async (request, reply) => {
    if (!isCounted(request)) return
    const path = request.originalUrl.split('?')[0] ?? ''
    const name = nameOf(request)
    calls[name] = (calls[name] ?? 0) + 1
    atOnce = Math.max(atOnce, ++running)
    reply.raw.once('close', () => running--)
    await applyFault(request, reply, path)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const status = failed.get(request)
    if (status !== undefined) {
      reply.code(status).type('text/html').removeHeader('location')
      return pageOf(status)
    }
    if (halved.has(request)) {
      reply.hijack()
      const text = String(payload)
      reply.raw.writeHead(reply.statusCode, {
        'content-type': String(reply.getHeader('content-type') ?? 'application/json'),
        'content-length': Buffer.byteLength(text),
      })
      reply.raw.write(text.slice(0, text.length / 2), () => request.raw.socket.destroy())
      return payload
    }
    if (hung.has(request)) {
      reply.hijack()
      return payload
    }
    if (!dropped.has(request)) return payload
    reply.hijack()
    request.raw.socket.destroy()
    return payload
  })

  app.put('/_demo/faults', async (request) => {
    faults = (request.body as Fault[]).map((fault) => ({ ...fault, hits: 0 }))
    release()
    released = new Promise((resolve) => (release = resolve))
    return faults
  })
  app.get('/_demo/faults', async () => faults)

  app.get('/_demo/calls', async () => calls)
  app.delete('/_demo/calls', async () => {
    calls = {}
    costs.reset()
    atOnce = running
    return calls
  })
  app.get('/_demo/concurrency', async () => ({ running, at_once: atOnce }))

  /** The first matching fault with a remaining count. `status` skips the work; `drop: "after"` works and sends no response. */
  async function applyFault(request: FastifyRequest, reply: FastifyReply, path: string): Promise<unknown> {
    const fault = faults.find(
      ({ match, times, after_first }) =>
        (times === undefined || times > 0) &&
        (!after_first || (faults[0]?.hits ?? 0) > 0) &&
        matches(match, `${request.method} ${path}`),
    )
    if (!fault) return undefined
    fault.hits++
    if (fault.times !== undefined) fault.times--
    if (fault.skew_seconds) reply.header('date', new Date(Date.now() + fault.skew_seconds * 1000).toUTCString())
    if (fault.latency_ms) await sleep(fault.latency_ms)
    if (fault.hold) await released
    if (fault.hang === 'after') hung.add(request)
    else if (fault.hang) return new Promise(() => {})
    if (fault.drop === 'before') {
      reply.hijack()
      request.raw.socket.destroy()
      return undefined
    }
    if (fault.drop === 'after') dropped.add(request)
    if (fault.drop === 'half') halved.add(request)
    if (fault.status_after) failed.set(request, fault.status_after)
    if (fault.status === undefined) return undefined
    return reply.code(fault.status).type('text/html').send(pageOf(fault.status))
  }
}

function pageOf(status: number): string {
  return `<html><body><h1>${status}</h1></body></html>`
}

/** `*` stands for any text, slashes too. */
function matches(rule: string, call: string): boolean {
  const source = rule
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(call)
}
