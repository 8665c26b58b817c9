import Fastify, { type FastifyInstance } from 'fastify'
import { type Check, runChecks } from './health.js'
import type { Metrics } from './metrics.js'

export interface OpsOptions {
  checks: Check[]
  /** the circuit breakers; they are told, and fail nothing */
  breakers: () => { upstream: string; host?: string; state: string }[]
  metrics: Metrics
  /** false from the moment a stop is asked for, so that no new traffic is sent here */
  accepting: () => boolean
}

/**
 * Operators' port. `/healthz`: the process answers. `/readyz`: it takes traffic; its body tells each check with a reason.
 * A check that fails leaves it ready: signed-in people and the last catalogue are served without 3scale, the sign-in
 * service or Redis, and an error page of ours says more than a router's.
 */
export function opsServer({ checks, breakers, metrics, accepting }: OpsOptions): FastifyInstance {
  const app = Fastify({ logger: false })
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const results = await runChecks(checks)
    for (const { name, ok } of results) metrics.check(name, ok)
    const status = !accepting() ? 'stopping' : results.every(({ ok }) => ok) ? 'ready' : 'degraded'
    return reply.code(accepting() ? 200 : 503).send({ status, checks: results, breakers: breakers().slice(0, 20) })
  })
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return app
}
