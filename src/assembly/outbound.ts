import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { createCache } from '../clients/cache.js'
import { isThisMachine } from '../clients/guard.js'
import { createHttp, type HttpOptions } from '../clients/http.js'
import { createIdentity } from '../clients/identity.js'
import { createMail, mailboxesOf } from '../clients/mail.js'
import { createOperator } from '../clients/operator.js'
import { createRedis } from '../clients/redis.js'
import { patternOf } from '../clients/threescale/calls.js'
import { createThreescale } from '../clients/threescale/client.js'
import { createQueue } from '../clients/threescale/queue/queue.js'
import { refuseUnstorableText } from '../clients/threescale/stored-text.js'
import { watched } from '../clients/watched.js'
import type { Config } from '../config.js'
import { version } from '../version.js'
import type { Metrics } from '../web/metrics.js'
import { createRedisTrust } from '../web/redis-trust.js'
import { identityRules, wantedClaims } from './identity-rules.js'
import { PREFIX } from './prefix.js'

const DAY = 86_400

export interface OutboundDeps {
  log: Logger
  metrics: Metrics
}

export type Outbound = Awaited<ReturnType<typeof createOutbound>>

/** Everything that leaves the process: one way out with its breakers and watchers, and the clients that use it. */
export async function createOutbound(config: Config, { log, metrics }: OutboundDeps) {
  const { portal: notes } = config
  const way = createHttp({
    ...config.outbound,
    upstreams: {
      [new URL(config.threescale.adminUrl).origin]: '3scale',
      [new URL(config.oidc.issuer).origin]: 'sign-in service',
    },
    guard: guarding(config, (host, reason) =>
      log.warn({ host, reason }, 'an address that a product names is not called'),
    ),
    // slow is not down: it answers a sign-up for as long as the tenant has default plans
    slow: [new URL(config.threescale.adminUrl).origin],
    onBreaker(upstream, host, event) {
      metrics.breakerEvent(upstream, event)
      if (event !== 'refused')
        log.warn({ upstream, host, breaker: event }, `the circuit breaker of ${upstream} ${event}`)
    },
  })
  const traces =
    config.traces && (await (await import('../clients/traces.js')).startTraces({ ...config.traces, version, log }))
  const watchers = [metrics.watch, ...(traces ? [traces.watch] : [])]
  /** to addresses of the settings */
  const to = (upstream: string, nameOf?: (url: URL) => string) =>
    watched(way, { upstream, watchers, ...(nameOf ? { nameOf } : {}) })
  const trust = createRedisTrust(config.session.secrets)
  /** to addresses that somebody else chose, such as the author of a product */
  const guardedTo = (upstream: string) => watched(way.guarded, { upstream, watchers })
  const redis = config.redisUrl
    ? createRedis(config.redisUrl, log, { trust, ca: config.redisCa, extraCa: config.outbound.extraCa })
    : undefined
  const cache = createCache({
    redis,
    prefix: PREFIX,
    log,
    onRead: metrics.cacheRead,
    onLoad: metrics.cacheLoad,
  })
  const queue = createQueue()
  metrics.queue(queue.report)
  const api = createThreescale({
    queue,
    http: to('3scale', ({ pathname }) => patternOf(pathname)),
    ...config.threescale,
    onCall: metrics.upstreamCall,
    onRetry: metrics.upstreamRetry,
  })
  // forgotten after a day, as an operator may convert the database
  const databases = cache.cached<true | null>(
    'databases',
    { fresh: DAY, keep: DAY, nullYields: true },
    async () => null,
  )
  const threescale = refuseUnstorableText(api, config.threescale.adminUrl, databases)
  const mail = config.mail && createMail({ ...config.mail, extraCa: config.outbound.extraCa })
  const operator = createOperator({
    mail: mail && { send: mail.send, to: mailboxesOf(config.mail?.operator ?? '') },
    webhook: notes.operator_webhook,
    http: to('operator'),
    log,
  })
  const signInService = to('sign-in service')
  const { discovery_url, client_authentication, sign_out } = notes.identity_provider ?? {}
  const rules = identityRules(config)
  const identity = createIdentity({
    ...config.oidc,
    discoveryUrl: discovery_url,
    clientAuthentication: client_authentication,
    signOut: sign_out,
    wanted: wantedClaims(rules),
    needed: [rules.subject, rules.email],
    emailClaims: [rules.email, rules.emailVerified],
    publicUrl: config.publicUrl,
    fetch: signInService.fetch,
    log,
  })

  return {
    to,
    guardedTo,
    traces,
    redis,
    cache,
    threescale,
    queue,
    mail,
    operator,
    signInService,
    identity,
    breakers: () => [...way.breakers(), ...(redis ? [{ upstream: 'redis', state: redis.breaker() }] : [])],
    async close(): Promise<void> {
      redis?.close()
      mail?.close()
      await way.close()
      await traces?.stop()
    },
  }
}

const REPORT_MS = 10 * 60_000

/** What is not called though a product names it. Each host is reported once in ten minutes. */
function guarding(
  { publicUrl, port, metricsPort, oidc, portal, clusterApi }: Config,
  report: (host: string, reason: string) => void,
): HttpOptions['guard'] {
  const reported = new LRUCache<string, true>({ max: 1000, ttl: REPORT_MS })
  return {
    local: isThisMachine(new URL(publicUrl).hostname),
    ownPorts: [port, metricsPort],
    ownHost: new URL(publicUrl).host,
    metricsPort,
    never: clusterApi === undefined ? [] : [clusterApi],
    domains: portal.gateway_domains && [...portal.gateway_domains, new URL(oidc.issuer).hostname],
    onRefused(host, reason) {
      if (reported.has(host)) return
      reported.set(host, true)
      report(host, reason)
    },
  }
}
