import type { FastifyInstance } from 'fastify'
import type { RequestTrace, Tracing } from '../../infra/tracing.js'

declare module 'fastify' {
  interface FastifyRequest {
    trace: RequestTrace | undefined
  }
}

/**
 * A span for every request, whose log lines have the trace id. A trace is continued only from a trusted proxy (`TRUST_PROXY`): other
 * clients could choose ids and sampling.
 */
export function traceRequests(app: FastifyInstance, traces: Pick<Tracing, 'request'>): void {
  app.decorateRequest('trace', undefined)
  app.addHook('onRequest', (request, reply, done) => {
    const { method, protocol, id, headers, ips = [] } = request
    const route = request.routeOptions.url
    const trusted = ips.length > 1 ? headers : undefined
    const trace = traces.request({ method, route, scheme: protocol, requestId: id, headers: trusted })
    request.trace = trace
    request.log = request.log.child({ trace_id: trace.traceId })
    reply.log = request.log
    // onResponse is not called if the client disconnects
    reply.raw.once('close', () => trace.end(reply.statusCode))
    trace.run(done)
  })
  // reading a body leaves the asynchronous context of the first hook
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.trace) request.trace.run(done)
    else done()
  })
}
