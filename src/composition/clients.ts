import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { createIdentityProvider } from '../clients/identity/provider.js'
import { mailboxesOf } from '../clients/mail/mailboxes.js'
import { createOperatorNotifications } from '../clients/operator-notifications.js'
import { createThreescale } from '../clients/threescale/client.js'
import { createAccountMemory } from '../clients/threescale/memory/account-memory.js'
import { createAccountVersions } from '../clients/threescale/memory/account-versions.js'
import { createRecentReads } from '../clients/threescale/memory/recent-reads.js'
import { createRequestQueue } from '../clients/threescale/queue/request-queue.js'
import { pathPattern } from '../clients/threescale/requests/requests.js'
import { rejectUnstorableText } from '../clients/threescale/tenant-rules/stored-text.js'
import { PREFIX } from '../config/defaults.js'
import type { Config } from '../config/environment.js'
import { createCache } from '../infra/cache.js'
import { createRedisEncryption } from '../infra/crypto/redis-encryption.js'
import { isLoopbackHost } from '../infra/http/address-guard.js'
import { createHttp, type HttpOptions } from '../infra/http/http.js'
import { instrument } from '../infra/http/instrumented-http.js'
import { createRedis } from '../infra/redis.js'
import { version } from '../version.js'
import type { Metrics } from '../web/server/metrics.js'
import { identityRules, requestedClaims } from './identity-claims.js'

const DAY = 86_400

export interface ClientsDeps {
  log: Logger
  metrics: Metrics
}

export type Clients = Awaited<ReturnType<typeof createClients>>

/** Clients of other services, and the instrumented HTTP that they share. */
export async function createClients(config: Config, { log, metrics }: ClientsDeps) {
  const { portal } = config
  const http = createHttp({
    ...config.connections,
    upstreams: {
      [new URL(config.threescale.adminUrl).origin]: '3scale',
      [new URL(config.oidc.issuer).origin]: 'identity provider',
    },
    addressGuard: guarding(config, (host, reason) =>
      log.warn({ host, reason }, 'blocked a call to an address from a product'),
    ),
    // A slow response is not a failure: a sign-up takes as long as the tenant has default plans.
    slowOrigins: [new URL(config.threescale.adminUrl).origin],
    onBreaker(upstream, host, event) {
      metrics.breakerEvent(upstream, event)
      if (event !== 'refused')
        log.warn({ upstream, host, breaker: event }, `the circuit breaker of ${upstream} ${event}`)
    },
  })
  const traces =
    config.traces && (await (await import('../infra/tracing.js')).startTracing({ ...config.traces, version, log }))
  const observers = [metrics.watch, ...(traces ? [traces.observe] : [])]
  /** For addresses in the settings. */
  const to = (upstream: string, nameOf?: (url: URL) => string) =>
    instrument(http, { upstream, observers, ...(nameOf ? { nameOf } : {}) })
  const crypto = createRedisEncryption(config.session.secrets)
  /** For addresses from other sources, such as products. */
  const guardedTo = (upstream: string) => instrument(http.guarded, { upstream, observers })
  const redis = config.redisUrl
    ? createRedis(config.redisUrl, log, { crypto, ca: config.redisCa, extraCa: config.connections.extraCa })
    : undefined
  const cache = createCache({
    redis,
    prefix: PREFIX,
    log,
    onRead: metrics.cacheRead,
    onLoad: metrics.cacheLoad,
  })
  const queue = createRequestQueue()
  metrics.queue(queue.report)
  const versions = createAccountVersions({ redis, prefix: PREFIX })
  const api = createThreescale({
    queue,
    writes: versions,
    http: to('3scale', ({ pathname }) => pathPattern(pathname)),
    ...config.threescale,
    onCall: metrics.upstreamCall,
    onRetry: metrics.upstreamRetry,
  })
  // Read again after a day, because an operator may convert the database.
  const databases = cache.cached<true | null>(
    'databases',
    { freshSeconds: DAY, maxAgeSeconds: DAY, nullMeansUnknown: true },
    async () => null,
  )
  const threescale = rejectUnstorableText(api, config.threescale.adminUrl, databases)
  const mail =
    config.mail &&
    (await import('../clients/mail/mail.js')).createMail({ ...config.mail, extraCa: config.connections.extraCa })
  const operator = createOperatorNotifications({
    mail: mail && { send: mail.send, to: mailboxesOf(config.mail?.operator ?? '') },
    webhook: portal.operator_webhook,
    http: to('operator'),
    log,
  })
  const signInService = to('identity provider')
  const { discovery_url, client_authentication, sign_out } = portal.identity_provider ?? {}
  const rules = identityRules(config)
  const identity = createIdentityProvider({
    ...config.oidc,
    discoveryUrl: discovery_url,
    clientAuthentication: client_authentication,
    signOut: sign_out,
    usedClaims: requestedClaims(rules),
    requiredClaims: [rules.subject, rules.email],
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
    recent: createRecentReads(threescale, createAccountMemory({ versions })),
    /** After a change in 3scale that is not the portal's own: no replica uses what it cached about the account. */
    forgetAccount: versions.invalidate,
    accountChangedAt: versions.changedAt,
    queue,
    mail,
    operator,
    signInService,
    identity,
    breakers: () => [...http.breakers(), ...(redis ? [{ upstream: 'redis', state: redis.breaker() }] : [])],
    async close(): Promise<void> {
      versions.close()
      redis?.close()
      mail?.close()
      await http.close()
      await traces?.stop()
    },
  }
}

const REPORT_MS = 10 * 60_000

/** Addresses that are not called although a product names them. Each host is logged once in ten minutes. */
function guarding(
  { publicUrl, port, metricsPort, oidc, portal, clusterApi }: Config,
  report: (host: string, reason: string) => void,
): HttpOptions['addressGuard'] {
  const reported = new LRUCache<string, true>({ max: 1000, ttl: REPORT_MS })
  return {
    local: isLoopbackHost(new URL(publicUrl).hostname),
    ownPorts: [port, metricsPort],
    ownHost: new URL(publicUrl).host,
    metricsPort,
    blockedHosts: clusterApi === undefined ? [] : [clusterApi],
    domains: portal.gateway_domains && [...portal.gateway_domains, new URL(oidc.issuer).hostname],
    onRefused(host, reason) {
      if (reported.has(host)) return
      reported.set(host, true)
      report(host, reason)
    },
  }
}
