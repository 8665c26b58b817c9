import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Ending, Watcher } from '../clients/watched.js'
import { createHistogram, type Observe } from './histogram.js'

interface Answer {
  method: string
  /** the pattern, not the address */
  route: string
  status: number
}

export type Metrics = ReturnType<typeof createMetrics>

/** Prometheus metrics. Labels are few and closed: route patterns, call names and outcomes, never ids or names. */
export function createMetrics({ defaults = true } = {}) {
  const registry = new Registry()
  if (defaults) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = createHistogram({
    name: 'maas_http_request_seconds',
    help: 'Time to answer, by route pattern, method and status class',
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 3],
    registry,
  })
  const upstream = new Histogram({
    name: 'maas_upstream_call_seconds',
    help: 'Calls to 3scale with their repeats, by call and outcome',
    labelNames: ['call', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 3, 15],
    registers,
  })
  const exchanges = new Histogram({
    name: 'maas_upstream_exchange_seconds',
    help: 'Single requests to every other program, each repeat for itself, by program and outcome',
    labelNames: ['upstream', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 3, 15, 60],
    registers,
  })
  const retries = new Counter({
    name: 'maas_upstream_retries_total',
    help: 'Reads of 3scale that were sent a second time after a broken connection',
    registers,
  })
  const cacheReads = new Counter({
    name: 'maas_cache_reads_total',
    help: 'Reads of what is kept, by cache: fresh, old (served while it is read anew) or missing',
    labelNames: ['cache', 'outcome'] as const,
    registers,
  })
  const cacheLoads = new Counter({
    name: 'maas_cache_loads_total',
    help: 'Loads of what is kept, by cache and outcome',
    labelNames: ['cache', 'outcome'] as const,
    registers,
  })
  const signIns = new Counter({
    name: 'maas_sign_ins_total',
    help: 'Sign-ins, by outcome code',
    labelNames: ['outcome'] as const,
    registers,
  })
  const events = new Counter({
    name: 'maas_audit_events_total',
    help: 'Audit events, by event and outcome; key.create and key.rotate with outcome ok are keys made',
    labelNames: ['event', 'outcome'] as const,
    registers,
  })
  const duplicates = new Counter({
    name: 'maas_duplicates_removed_total',
    help: 'Records that 3scale accepted twice from requests at once and the portal removed, by kind',
    labelNames: ['kind'] as const,
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
  const closed = new Counter({
    name: 'maas_connections_closed_total',
    help: 'Connections that the portal closed, by reason',
    labelNames: ['reason'] as const,
    registers,
  })
  const watch: Watcher = ({ upstream: name }) => {
    const started = performance.now()
    return (ending) =>
      exchanges.observe({ upstream: name, outcome: outcomeOf(ending) }, (performance.now() - started) / 1000)
  }
  const answers = ({ method, route, status }: Answer): Observe =>
    requests({ method, route, status: `${Math.floor(status / 100)}xx` })
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
    /** What `read` reports when the metrics are read: calls to 3scale. */
    queue(read: () => { waiting: number; running: number; width: number }): void {
      const gauges = {
        waiting: 'Calls to 3scale that wait for their turn',
        running: 'Calls to 3scale that are running',
        width: 'Calls to 3scale that may run at a time, as it sustains them',
      }
      for (const [name, help] of Object.entries(gauges)) {
        new Gauge({
          name: `maas_upstream_queue_${name}`,
          help,
          registers,
          collect() {
            this.set(read()[name as keyof typeof gauges])
          },
        })
      }
    },
    watch,
    upstreamCall: (call: string, outcome: string, seconds: number) => upstream.observe({ call, outcome }, seconds),
    upstreamRetry: () => retries.inc(),
    cacheRead: (cache: string, outcome: 'fresh' | 'old' | 'missing') => cacheReads.inc({ cache, outcome }),
    cacheLoad: (cache: string, outcome: 'ok' | 'failed') => cacheLoads.inc({ cache, outcome }),
    signIn: (outcome: string) => signIns.inc({ outcome }),
    event: (event: string, outcome: string) => events.inc({ event, outcome }),
    duplicateRemoved: (kind: 'account' | 'application' | 'user') => duplicates.inc({ kind }),
    check: (name: string, ok: boolean) => checks.set({ check: name }, ok ? 1 : 0),
    /** Asked whenever the metrics are read; no value while there is no copy. */
    catalogueAge(seconds: () => number | undefined): void {
      const age = new Gauge({
        name: 'maas_catalogue_age_seconds',
        help: 'Age of the catalogue that is served',
        registers,
        collect() {
          const value = seconds()
          if (value === undefined) age.reset()
          else age.set(value)
        },
      })
    },
    connectionClosed: (reason: string) => closed.inc({ reason }),
    /** Measures every request of that app by route pattern. */
    observe(app: FastifyInstance): void {
      app.addHook('onResponse', (request, reply, done) => {
        const route = request.routeOptions.url ?? 'none'
        answers({ method: request.method, route, status: reply.statusCode })(reply.elapsedTime / 1000)
        done()
      })
    },
  }
}

function outcomeOf(ending: Ending): string {
  if ('failure' in ending) return ending.failure
  return ending.status < 400 ? 'ok' : `${Math.floor(ending.status / 100)}xx`
}
