import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ExchangeOutcome, HttpObserver } from '../../infra/http/instrumented-http.js'
import { build } from '../../version.js'

/** Gauges of prom-client with the suffix of a counter. Each is the sum of the metric without the suffix. */
const REDUNDANT_GAUGES = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

export type Metrics = ReturnType<typeof createMetrics>

/** Prometheus metrics. The values of labels are closed sets: route patterns, call names and outcomes, never ids or names. */
export function createMetrics({ defaults = true } = {}) {
  const registry = new Registry()
  if (defaults) collectDefaultMetrics({ register: registry })
  for (const gauge of REDUNDANT_GAUGES) registry.removeSingleMetric(gauge)
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers })
  new Gauge({
    name: 'maas_build_info',
    help: 'Always 1; the labels identify the build',
    labelNames: ['version', 'commit'] as const,
    registers,
  }).set({ version: build.version, commit: build.commit }, 1)
  const requests = new Histogram({
    name: 'maas_http_request_seconds',
    help: 'Response time, by route pattern, method and status class',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 3],
    registers,
  })
  const upstream = new Histogram({
    name: 'maas_upstream_call_seconds',
    help: 'Calls to 3scale including retries, by call and outcome',
    labelNames: ['call', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 3, 15],
    registers,
  })
  const exchanges = new Histogram({
    name: 'maas_upstream_exchange_seconds',
    help: 'Requests to other services, each retry counted separately, by service and outcome',
    labelNames: ['upstream', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 3, 15, 60],
    registers,
  })
  const retries = counter(
    'maas_upstream_retries_total',
    'Reads from 3scale that were retried after a connection error',
    [],
  )
  const cacheReads = counter(
    'maas_cache_reads_total',
    'Cache reads, by cache and outcome: fresh, stale (served during a refresh) or missing',
    ['cache', 'outcome'],
  )
  const cacheLoads = counter('maas_cache_loads_total', 'Cache loads, by cache and outcome', ['cache', 'outcome'])
  const signIns = counter('maas_sign_ins_total', 'Sign-ins, by outcome code', ['outcome'])
  const events = counter('maas_audit_events_total', 'Audit events, by event and outcome', ['event', 'outcome'])
  const duplicates = counter(
    'maas_duplicates_removed_total',
    'Duplicates from concurrent requests that the portal removed from 3scale, by kind',
    ['kind'],
  )
  const checks = new Gauge({
    name: 'maas_check_ok',
    help: '1 if the check passed at the last readiness probe',
    labelNames: ['check'] as const,
    registers,
  })
  const breakerEvents = counter(
    'maas_breaker_events_total',
    'Circuit breaker events, by upstream: opened, closed, rejected calls',
    ['upstream', 'event'],
  )
  const closed = counter('maas_connections_closed_total', 'Connections closed by the portal, by reason', ['reason'])
  const webhookEvents = counter(
    'maas_webhook_events_total',
    'Webhooks of 3scale, by type of record and outcome; `none` if the request was rejected before it was read',
    ['type', 'outcome'],
  )
  const watch: HttpObserver = ({ upstream: name }) => {
    const started = performance.now()
    return (ending) =>
      exchanges.observe({ upstream: name, outcome: outcomeOf(ending) }, (performance.now() - started) / 1000)
  }
  return {
    registry,
    breakerEvent: (upstream: string, event: string) => breakerEvents.inc({ upstream, event }),
    /** `read` is called at every scrape. */
    breakers(read: () => { upstream: string; state: string }[]): void {
      new Gauge({
        name: 'maas_breaker_open',
        help: 'Hosts of the upstream whose circuit is open; `other` are gateways, model servers and webhooks',
        labelNames: ['upstream'] as const,
        registers,
        collect() {
          this.reset()
          this.set({ upstream: 'other' }, 0)
          for (const { upstream, state } of read()) this.inc({ upstream }, state === 'closed' ? 0 : 1)
        },
      })
    },
    /** The queue of calls to 3scale. `read` is called at every scrape. */
    queue(read: () => { waiting: number; running: number; width: number }): void {
      const gauges = {
        waiting: 'Queued calls to 3scale',
        running: 'Running calls to 3scale',
        width: 'Concurrency limit of calls to 3scale, adjusted to its response times',
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
    cacheRead: (cache: string, outcome: 'fresh' | 'stale' | 'missing') => cacheReads.inc({ cache, outcome }),
    cacheLoad: (cache: string, outcome: 'ok' | 'failed') => cacheLoads.inc({ cache, outcome }),
    signIn: (outcome: string) => signIns.inc({ outcome }),
    event: (event: string, outcome: string) => events.inc({ event, outcome }),
    duplicateRemoved: (kind: 'account' | 'application' | 'user') => duplicates.inc({ kind }),
    webhookEvent: (type: string, outcome: string) => webhookEvents.inc({ type, outcome }),
    check: (name: string, ok: boolean) => checks.set({ check: name }, ok ? 1 : 0),
    /** `seconds` is called at every scrape and returns undefined until a catalogue is loaded. */
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
    /** Measures every request of the app. */
    observe(app: FastifyInstance): void {
      app.addHook('onResponse', (request, reply, done) => {
        const route = request.routeOptions.url ?? 'none'
        const status = `${Math.floor(reply.statusCode / 100)}xx`
        requests.observe({ method: request.method, route, status }, reply.elapsedTime / 1000)
        done()
      })
    },
  }
}

function outcomeOf(ending: ExchangeOutcome): string {
  if ('failure' in ending) return ending.failure
  return ending.status < 400 ? 'ok' : `${Math.floor(ending.status / 100)}xx`
}
