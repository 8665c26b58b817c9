import Fastify, { type FastifyInstance } from 'fastify'
import { build } from '../../version.js'
import { type HealthCheck, runHealthChecks } from './health.js'
import type { Metrics } from './metrics.js'

export interface OpsOptions {
  checks: HealthCheck[]
  /** circuit breakers are reported; the portal is ready even if one is open */
  breakers: () => { upstream: string; host?: string; state: string }[]
  metrics: Metrics
  /** false as soon as the process is stopping, so that it receives no new traffic */
  accepting: () => boolean
}

/** How many circuit breakers /readyz reports. */
const MAX_BREAKERS = 20

/**
 * The port of the operators: `/healthz` (the process runs, and which build), `/readyz` and `/metrics`. The portal remains
 * ready if a check fails: without 3scale, the identity provider or Redis it still serves signed-in users from the last catalogue, and its error
 * pages are more helpful than those of a router.
 */
export function createOpsServer({ checks, breakers, metrics, accepting }: OpsOptions): FastifyInstance {
  const app = Fastify({ logger: false })
  app.get('/healthz', async () => ({ status: 'ok', ...build }))
  app.get('/readyz', async (_request, reply) => {
    const results = await runHealthChecks(checks)
    for (const { name, ok } of results) metrics.check(name, ok)
    const status = !accepting() ? 'stopping' : results.every(({ ok }) => ok) ? 'ready' : 'degraded'
    return reply
      .code(accepting() ? 200 : 503)
      .send({ status, checks: results, breakers: breakers().slice(0, MAX_BREAKERS) })
  })
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return app
}
