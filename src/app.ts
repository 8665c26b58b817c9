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
import { pino } from 'pino'
import { createCallers } from './assembly/callers.js'
import { createTenantDoctor } from './assembly/doctor.js'
import { apiDoor, pagesDoor } from './assembly/doors.js'
import { createOutbound } from './assembly/outbound.js'
import { PREFIX } from './assembly/prefix.js'
import { createVerbs } from './assembly/verbs.js'
import type { Config } from './config.js'
import { projectRoot } from './root.js'
import { assets } from './web/assets.js'
import { createAudit } from './web/audit.js'
import { answerUnreadable } from './web/client-errors.js'
import { createConnections } from './web/connections.js'
import { createCors } from './web/cors.js'
import { createBeforeRouting } from './web/failures.js'
import type { Check } from './web/health.js'
import { protectedResource } from './web/metadata.js'
import { createMetrics } from './web/metrics.js'
import { createApiDocument } from './web/openapi/routes.js'
import { opsServer } from './web/ops.js'
import { patience } from './web/patience.js'
import { rateLimits } from './web/rate-limits.js'
import { createRevocations } from './web/revocations.js'
import { headersFor, security } from './web/security.js'
import { traceRequests } from './web/traces.js'

const WARM_MS = 300

export type { Renaming } from './features/account/renaming.js'
export type { Report } from './features/doctor/findings.js'
export { reportText } from './features/doctor/text.js'
export type Portal = Awaited<ReturnType<typeof buildPortal>>

/** The assembly, in reading order: what leaves the process, the verbs, what every request gets, the two doors. */
export async function buildPortal(config: Config) {
  const { portal: notes } = config
  const log = pino({
    level: config.logLevel,
    ...(process.stdout.isTTY
      ? { transport: { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } } }
      : {}),
  })
  const metrics = createMetrics({ defaults: config.logLevel !== 'silent' })
  const secure = config.publicUrl.startsWith('https:')
  const brand = notes.branding?.name ?? 'Models'

  const outbound = await createOutbound(config, { log, metrics })
  const { redis, traces } = outbound
  const audit = createAudit({ log, to: config.auditLog, onEvent: metrics.event })
  const revocations = createRevocations({ redis, prefix: PREFIX, keepSeconds: config.session.maxSeconds })
  const verbs = createVerbs(config, { outbound, revocations, metrics, log, brand, audit })
  const callers = createCallers(config, { outbound, revocations, secure })
  const checks: Check[] = [
    { name: '3scale', vital: false, run: outbound.threescale.ping },
    { name: 'sign-in service', vital: false, run: outbound.identity.check },
    ...(redis ? [{ name: 'redis', vital: false, run: redis.ping }] : []),
  ]
  const doctor = createTenantDoctor(config, { outbound, verbs, callers, checks })

  // what every request gets
  const cors = createCors({ origins: notes.api_origins ?? [], prefix: '/api/v1' })
  const beforeRouting = createBeforeRouting(headersFor(config), cors)
  let accepting = true
  const app: FastifyInstance = Fastify({
    serverFactory: (handler) =>
      createConnections(handler, {
        // of a proxy all connections have one address
        ...(config.trustProxy === false ? {} : { mostOfAddress: Number.POSITIVE_INFINITY }),
        onClosed: metrics.connectionClosed,
      }),
    clientErrorHandler: (error, socket) =>
      void answerUnreadable(error, socket, beforeRouting.page).catch(() => socket.destroy()),
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
  const limits = await rateLimits(app, {
    redis,
    prefix: PREFIX,
    api: notes.rate_limits?.api ?? 1200,
    signIn: notes.rate_limits?.sign_in ?? 300,
    calls: notes.rate_limits?.calls ?? 300,
    reveals: notes.rate_limits?.reveals ?? 120,
    writes: notes.rate_limits?.writes ?? 300,
    anyProxy: config.trustProxy === true,
    pages: notes.rate_limits?.pages ?? 1200,
    reports: notes.rate_limits?.reports ?? 600,
    visits: notes.rate_limits?.visits ?? 3000,
  })
  const routes: { method: string; url: string; config: FastifyContextConfig; schema: FastifySchema | undefined }[] = []
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    routes.push({ method: String(method), url, config: config ?? {}, schema })
  })
  // a request that was running when the stop came must not leave its connection open: closing would wait for it
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!accepting) reply.header('connection', 'close')
    done(null, payload)
  })
  metrics.observe(app)
  if (traces) traceRequests(app, traces)
  audit.hook(app)
  app.decorateRequest('caller', undefined)
  patience(app)
  await app.register(cookie)
  security(app, config, cors)
  cors.hook(app, limits.api)
  assets(app, { root: join(projectRoot, 'static') })
  protectedResource(app, { publicUrl: config.publicUrl, issuer: outbound.identity.issuer, name: brand })

  const document = createApiDocument()

  const deps = {
    outbound,
    verbs,
    callers,
    revocations,
    limits,
    document,
    doctor,
    metrics,
    log,
    brand,
    secure,
    beforeRouting,
  }
  await app.register((door) => pagesDoor(door, config, deps))
  await app.register((door) => apiDoor(door, config, deps), { prefix: '/api/v1' })

  metrics.breakers(outbound.breakers)
  const ops = opsServer({ checks, breakers: outbound.breakers, metrics, accepting: () => accepting })

  return {
    app,
    ops,
    log,
    routes,
    models: verbs.models,
    doctor,
    renaming: verbs.renaming,
    redis,
    revocations,
    /** Unready at once, but answering as ever until balancers know; then running requests end, and all is closed. */
    async stop(): Promise<void> {
      accepting = false
      await sleep(config.drainSeconds * 1000)
      verbs.models.stop()
      await app.close()
      await ops.close()
      revocations.close()
      limits.close()
      await verbs.documents.close()
      await outbound.close()
    },
  }
}

/** Builds the portal and listens on both ports. Redis is waited for half a second, the rest is met as it comes. */
export async function start(config: Config): Promise<Portal> {
  const portal = await buildPortal(config)
  const { app, ops, log, redis, revocations, models } = portal
  if (redis && (await redis.connected(500))) await revocations.exchange()
  if (!redis)
    log.warn(
      'REDIS_URL is not set: the catalogue is read by every replica for itself, and a sign-out is known to this process alone',
    )
  if (!config.usernames.isOwn)
    log.warn(
      'USERNAME_SECRET is not set: the names of users in 3scale depend on SESSION_SECRET, and nobody is found any more once it is lost or replaced',
    )
  if (config.trustProxy === true)
    log.warn('TRUST_PROXY is true: clients can choose their address; set the number of proxies or their addresses')
  await Promise.race([models.warm(), new Promise((resolve) => setTimeout(resolve, WARM_MS))])
  models.start()
  await app.listen({ host: config.host, port: config.port })
  await ops.listen({ host: config.host, port: config.metricsPort })
  log.info({ port: config.port, metricsPort: config.metricsPort }, `maas-portal is at ${config.publicUrl}`)
  return portal
}
