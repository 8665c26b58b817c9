import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Behaviour } from '../behaviour.js'
import type { Answer } from './responses.js'
import { basicOf } from './tokens.js'

export interface Cost {
  calls: number
  not_modified: number
  /** records that were rendered */
  rows: number
  /** of the bodies */
  bytes: number
}

/** The time of each call. porta returns 304 before it renders anything; otherwise its time grows with the rendered records. */
export function createCosts(app: FastifyInstance) {
  let costs: Record<string, Cost> = {}
  const rendered = new WeakMap<FastifyRequest, number>()

  app.addHook('onSend', async (request, reply, payload) => {
    if (!isCounted(request)) return payload
    const name = nameOf(request)
    const cost = costs[name] ?? { calls: 0, not_modified: 0, rows: 0, bytes: 0 }
    cost.calls++
    if (reply.statusCode === 304) cost.not_modified++
    cost.rows += rendered.get(request) ?? 0
    cost.bytes += typeof payload === 'string' ? Buffer.byteLength(payload) : 0
    costs[name] = cost
    return payload
  })
  app.get('/_demo/costs', async () => costs)

  return {
    rendered: (request: FastifyRequest, { json }: Answer) => void rendered.set(request, rowsOf(json)),
    reset: () => {
      costs = {}
    },
  }
}

export type Costs = ReturnType<typeof createCosts>

/** The portal's calls; neither the gateway's nor those of the demo itself. */
export function isCounted(request: FastifyRequest): boolean {
  const path = request.originalUrl.split('?')[0] ?? ''
  if (!/^\/(admin|stats)\//.test(path)) return false
  return basicOf(request) !== 'demo-gateway-token' && request.headers['user-agent'] !== 'demo-operator'
}

/** Ids and keys are not part of a call's name. */
export function nameOf({ method, originalUrl }: FastifyRequest): string {
  const path = originalUrl.split('?')[0] ?? ''
  return `${method} ${path.replace(/\/keys\/[^/]+$/, '/keys/{key}').replace(/\/\d+(?=[/.]|$)/g, '/{id}')}`
}

/**
 * How long a worker is busy with a call: porta returns 304 and errors before it renders anything, and its time for a list grows with
 * the rows. Of its lists that of applications takes longest, about twice as long a row as the others.
 */
export function workMs(
  { status, json, xml }: Answer,
  { call_ms, row_ms }: Pick<Behaviour, 'call_ms' | 'row_ms'>,
  isXml: boolean,
): number {
  if (status >= 300 || row_ms === 0) return call_ms
  // the XML of an account has its users and every plan that it has bought
  if (isXml && typeof xml === 'string') return call_ms + (xml.match(/<id>/g)?.length ?? 1) * row_ms
  const ofApplications = typeof json === 'object' && json !== null && ('applications' in json || 'application' in json)
  return call_ms + rowsOf(json) * row_ms * (ofApplications ? 2 : 1)
}

/** Those of a list, else the one record. */
function rowsOf(json: unknown): number {
  if (typeof json !== 'object' || json === null) return 0
  const list = [json, ...Object.values(json)].find(Array.isArray)
  return list ? list.length : 1
}
