import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyContextConfig,
  type FastifyInstance,
  type FastifySchema,
  LogController,
} from 'fastify'
import { createAuthentication } from './composition/authentication.js'
import { createClients } from './composition/clients.js'
import { createTenantDoctor } from './composition/doctor.js'
import { listen } from './composition/listen.js'
import { registerApiRoutes, registerPageRoutes, registerWebhookRoutes } from './composition/routes.js'
import { createServices } from './composition/services.js'
import { PREFIX, portalDefaults } from './config/defaults.js'
import type { Config } from './config/environment.js'
import { startWarnings } from './config/messages.js'
import { withDeadline } from './infra/deadline.js'
import { projectRoot } from './project-root.js'
import { build, buildText } from './version.js'
import { createApiPaths } from './web/api/api-paths.js'
import { apiFallback } from './web/api/api-scope.js'
import { createCors } from './web/api/cors.js'
import { createApiDocument, portableDocument } from './web/api/openapi/document.js'
import { createAudit } from './web/audit/audit.js'
import { createRevocations } from './web/auth/revocations.js'
import { protectedResourceMetadata } from './web/auth/tokens/protected-resource-metadata.js'
import { createHttpServer } from './web/limits/connection-limits.js'
import { rateLimits } from './web/limits/rate-limits.js'
import { registerResponseCache } from './web/pages/response-cache.js'
import { createPreRoutingErrors } from './web/server/errors/error-handlers.js'
import { respondToMalformedRequest } from './web/server/errors/malformed-requests.js'
import type { HealthCheck } from './web/server/health.js'
import { lingeringClose } from './web/server/lingering-close.js'
import { createLogger } from './web/server/log.js'
import { createMetrics } from './web/server/metrics.js'
import { createOpsServer } from './web/server/ops-server.js'
import { requestDeadline } from './web/server/request-deadline.js'
import { traceRequests } from './web/server/request-tracing.js'
import { securityHeaders, securityHeadersFor } from './web/server/security-headers.js'
import { serveStaticAssets } from './web/server/static-assets.js'

const WARM_MS = 300

export type { UsernameMigration } from './features/account/usernames/username-migration.js'
export type { Report } from './features/doctor/findings/findings.js'
export { formatReport as reportText } from './features/doctor/text-report.js'
export type Portal = Awaited<ReturnType<typeof buildPortal>>

/** Composes the portal in reading order: clients, services, shared request handling, routes. */
export async function buildPortal(config: Config) {
  const { portal } = config
  const log = await createLogger(config.logLevel)
  log.info({ ...build, node: process.version }, `maas-portal ${buildText}`)
  const metrics = createMetrics({ defaults: config.logLevel !== 'silent' })
  const secure = config.publicUrl.startsWith('https:')
  const brand = portal.branding?.name ?? portalDefaults.brandName

  const clients = await createClients(config, { log, metrics })
  const { redis, traces } = clients
  const audit = createAudit({ log, to: config.auditLog, onEvent: metrics.event })
  const revocations = createRevocations({ redis, prefix: PREFIX, retentionSeconds: config.session.maxSeconds })
  const services = createServices(config, { clients, revocations, metrics, log, brand, audit })
  const authentication = createAuthentication(config, { clients, revocations, secure })
  const checks: HealthCheck[] = [
    { name: '3scale', run: clients.threescale.ping },
    { name: 'identity provider', run: clients.identity.check },
    ...(redis ? [{ name: 'redis', run: redis.ping }] : []),
  ]
  const doctor = createTenantDoctor(config, { clients, services, authentication, checks })

  // Request handling that all routes share.
  const paths = createApiPaths('/api/v1')
  const cors = createCors({ origins: portal.api_origins ?? [], paths })
  const beforeRouting = createPreRoutingErrors(securityHeadersFor(config), cors)
  let accepting = true
  const app: FastifyInstance = Fastify({
    serverFactory: (handler) =>
      createHttpServer(handler, {
        // All connections of a proxy have the same address.
        ...(config.trustProxy === false ? {} : { maxPerAddress: Number.POSITIVE_INFINITY }),
        onClosed: metrics.connectionClosed,
      }),
    clientErrorHandler: (error, socket) =>
      void respondToMalformedRequest(error, socket, beforeRouting.page).catch(() => socket.destroy()),
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy as boolean,
    bodyLimit: 256 * 1024,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => crypto.randomUUID(),
    frameworkErrors: beforeRouting.answer,
    routerOptions: { maxParamLength: 300 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true, strict: false } },
  })
  const { rateLimits: limitDefaults } = portalDefaults
  const limits = await rateLimits(app, {
    redis,
    prefix: PREFIX,
    api: portal.rate_limits?.api ?? limitDefaults.api,
    signIn: portal.rate_limits?.sign_in ?? limitDefaults.signIn,
    calls: portal.rate_limits?.calls ?? limitDefaults.calls,
    reveals: portal.rate_limits?.reveals ?? limitDefaults.reveals,
    writes: portal.rate_limits?.writes ?? limitDefaults.writes,
    anyProxy: config.trustProxy === true,
    pages: portal.rate_limits?.pages ?? limitDefaults.pages,
    reports: portal.rate_limits?.reports ?? limitDefaults.reports,
    visits: portal.rate_limits?.visits ?? limitDefaults.visits,
  })
  const routes: { method: string; url: string; config: FastifyContextConfig; schema: FastifySchema | undefined }[] = []
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    routes.push({ method: String(method), url, config: config ?? {}, schema })
  })
  // A stopping portal closes each connection after its response; otherwise closing would wait for it.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!accepting) reply.header('connection', 'close')
    done(null, payload)
  })
  lingeringClose(app)
  paths.hook(app)
  metrics.observe(app)
  if (traces) traceRequests(app, traces)
  audit.hook(app)
  app.decorateRequest('caller', undefined)
  requestDeadline(app)
  await app.register(cookie)
  securityHeaders(app, config, cors)
  cors.hook(app, limits.api)
  registerResponseCache(app)
  serveStaticAssets(app, { root: join(projectRoot, 'static'), more: config.brandFiles.contents })
  protectedResourceMetadata(app, { publicUrl: config.publicUrl, issuer: clients.identity.issuer, name: brand })

  const document = createApiDocument({ publicUrl: config.publicUrl, issuer: config.oidc.issuer })

  const deps = {
    clients,
    services,
    authentication,
    revocations,
    limits,
    document,
    paths,
    doctor,
    metrics,
    log,
    brand,
    secure,
    beforeRouting,
  }
  await app.register((scope) => registerPageRoutes(scope, config, deps))
  await app.register((scope) => registerApiRoutes(scope, config, deps), { prefix: '/api/v1' })
  await app.register((scope) => registerWebhookRoutes(scope, config, deps), { prefix: '/webhooks' })
  await app.register((scope) => apiFallback(scope, { publicUrl: config.publicUrl, limit: limits.api }), {
    prefix: '/api',
  })

  metrics.breakers(clients.breakers)
  const ops = createOpsServer({ checks, breakers: clients.breakers, metrics, accepting: () => accepting })

  return {
    app,
    ops,
    log,
    routes,
    models: services.models,
    doctor,
    renaming: services.renaming,
    /** Generates the OpenAPI document, which takes a tenth of a second, before a request needs it. */
    async prepare(): Promise<void> {
      await app.ready()
      document.read()
    },
    /** The OpenAPI document without the address of this portal; available once the app is ready. */
    document: () => portableDocument(document.read()),
    redis,
    revocations,
    /** Reports not ready, continues to serve until load balancers notice, then completes running requests and closes. */
    async stop(): Promise<void> {
      accepting = false
      await sleep(config.drainSeconds * 1000)
      services.models.stop()
      await app.close()
      await ops.close()
      revocations.close()
      limits.close()
      await services.documents.close()
      await clients.close()
    },
  }
}

/** Builds the portal and listens on both ports. Waits up to half a second for Redis. Rejects with ConfigError if it cannot listen. */
export async function start(config: Config): Promise<Portal> {
  const portal = await buildPortal(config)
  const { app, ops, log, redis, revocations, models } = portal
  for (const warning of config.notices.warnings) log.warn(warning)
  for (const absent of config.notices.absent) log.info(absent)
  if (redis && (await redis.connected(500))) await revocations.synchronize()
  if (!redis) log.warn(startWarnings.noRedis)
  if (!config.usernames.isOwn) log.warn(startWarnings.noUsernameSecret)
  if (config.trustProxy === true) log.warn(startWarnings.trustsAnyProxy)
  await Promise.all([withDeadline(models.warm(), WARM_MS), portal.prepare()])
  models.start()
  const { host, port, metricsPort } = config
  await listen([
    { app, setting: 'PORT', host, port },
    { app: ops, setting: 'METRICS_PORT', host, port: metricsPort },
  ])
  log.info({ port: config.port, metricsPort: config.metricsPort }, `maas-portal is listening for ${config.publicUrl}`)
  return portal
}
