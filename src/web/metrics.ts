import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** Prometheus metrics. Labels are few and closed: route patterns, call names and outcomes, never ids or names. */
export function createMetrics({ defaults = true } = {}) {
  const registry = new Registry()
  if (defaults) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'maas_http_request_seconds',
    help: 'Time to answer, by route pattern, method and status class',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 3],
    registers,
  })
  const upstream = new Histogram({
    name: 'maas_upstream_call_seconds',
    help: 'Calls to 3scale, by call and outcome',
    labelNames: ['call', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 3, 15],
    registers,
  })
  const signIns = new Counter({
    name: 'maas_sign_ins_total',
    help: 'Sign-ins, by outcome code',
    labelNames: ['outcome'] as const,
    registers,
  })
  const checks = new Gauge({
    name: 'maas_check_ok',
    help: '1 where the named check passed when it was last asked',
    labelNames: ['check'] as const,
    registers,
  })
  const breakerEvents = new Counter({
    name: 'maas_breaker_events_total',
    help: 'Circuit breakers, by upstream: opened, closed, calls refused meanwhile',
    labelNames: ['upstream', 'event'] as const,
    registers,
  })
  return {
    registry,
    breakerEvent: (upstream: string, event: string) => breakerEvents.inc({ upstream, event }),
    /** What `read` tells when the metrics are asked for. */
    breakers(read: () => { upstream: string; state: string }[]): void {
      new Gauge({
        name: 'maas_breaker_open',
        help: 'Hosts of the upstream that are left alone at the moment; `other` are gateways, model servers and webhooks',
        labelNames: ['upstream'] as const,
        registers,
        collect() {
          this.reset()
          this.set({ upstream: 'other' }, 0)
          for (const { upstream, state } of read()) this.inc({ upstream }, state === 'closed' ? 0 : 1)
        },
      })
    },
    upstreamCall: (call: string, outcome: string, seconds: number) => upstream.observe({ call, outcome }, seconds),
    signIn: (outcome: string) => signIns.inc({ outcome }),
    check: (name: string, ok: boolean) => checks.set({ check: name }, ok ? 1 : 0),
    /** Measures every request of that app by route pattern. */
    observe(app: FastifyInstance): void {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none'
        const status = `${Math.floor(reply.statusCode / 100)}xx`
        requests.observe({ method: request.method, route, status }, reply.elapsedTime / 1000)
      })
    },
  }
}
