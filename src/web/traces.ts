import type { FastifyInstance } from 'fastify'
import type { RequestTrace, Traces } from '../clients/traces.js'

declare module 'fastify' {
  interface FastifyRequest {
    trace: RequestTrace | undefined
  }
}

/**
 * A span for every request; its log lines carry the trace's id. A trace is gone on with only where a trusted proxy hands it
 * over (`TRUST_PROXY`): anybody else could choose ids, and what is sampled.
 */
export function traceRequests(app: FastifyInstance, traces: Pick<Traces, 'request'>): void {
  app.decorateRequest('trace', undefined)
  app.addHook('onRequest', (request, reply, done) => {
    const { method, protocol, id, headers, ips = [] } = request
    const route = request.routeOptions.url
    const trusted = ips.length > 1 ? headers : undefined
    const trace = traces.request({ method, route, scheme: protocol, requestId: id, headers: trusted })
    request.trace = trace
    request.log = request.log.child({ trace_id: trace.traceId })
    reply.log = request.log
    // not onResponse: that one stays out when the caller hangs up
    reply.raw.once('close', () => trace.end(reply.statusCode))
    trace.within(done)
  })
  // reading a body leaves the context that the first hook made
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.trace) request.trace.within(done)
    else done()
  })
}
