import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyContextConfig,
  type FastifyInstance,
  LogController,
} from 'fastify'
import { pino } from 'pino'
import { createCache } from './clients/cache.js'
import { createGateway } from './clients/gateway.js'
import { createHttp } from './clients/http.js'
import { createIdentity } from './clients/identity.js'
import { createKeySet } from './clients/jwks.js'
import { createMail } from './clients/mail.js'
import { createOperator } from './clients/operator.js'
import { createRedis } from './clients/redis.js'
import { patternOf } from './clients/threescale/calls.js'
import { createThreescale } from './clients/threescale/client.js'
import { createInspection } from './clients/threescale/inspection.js'
import { readSpec } from './clients/threescale/spec.js'
import { watched } from './clients/watched.js'
import type { Config } from './config.js'
import { isProblem, problem } from './errors.js'
import { createAccounts } from './features/account/accounts.js'
import { createAlone } from './features/account/alone.js'
import { accountApi } from './features/account/api.js'
import { createApiSignUp } from './features/account/api-sign-up.js'
import { createClaimAccounts } from './features/account/claim-accounts.js'
import { createIdTokens } from './features/account/id-tokens.js'
import type { IdentityRules } from './features/account/identity.js'
import { createLetters } from './features/account/letters.js'
import { createMembers } from './features/account/members.js'
import { membersApi } from './features/account/members-api.js'
import { membersPages } from './features/account/members-pages.js'
import { accountPages, doorman } from './features/account/pages.js'
import { apiDocsPages } from './features/api-docs/pages.js'
import { wordsFor } from './features/applications/answers.js'
import { applicationsApi } from './features/applications/api.js'
import { createApplications } from './features/applications/applications.js'
import { createCredentials } from './features/applications/credentials.js'
import { keyPages } from './features/applications/key-pages.js'
import { keysApi } from './features/applications/keys-api.js'
import { createModelCalls } from './features/applications/model-calls.js'
import { applicationsPages } from './features/applications/pages.js'
import { createPlanChanges, type Wish } from './features/applications/plan-changes.js'
import { planPages } from './features/applications/plan-pages.js'
import { createReceipts } from './features/applications/receipts.js'
import { createTrial } from './features/applications/trial.js'
import { createDoctor } from './features/doctor/doctor.js'
import { createMissing } from './features/doctor/missing.js'
import { doctorPages } from './features/doctor/pages.js'
import { createRuns } from './features/doctor/runs.js'
import { expectedOf } from './features/doctor/tenant.js'
import { modelsApi } from './features/models/api.js'
import { createModels, type Models } from './features/models/models.js'
import { modelsPages } from './features/models/pages.js'
import { createServers } from './features/models/servers.js'
import { specFacts } from './features/models/spec-facts.js'
import { playgroundPages } from './features/playground/pages.js'
import { createPlayground } from './features/playground/playground.js'
import { referencePages } from './features/reference/pages.js'
import { createReferences } from './features/reference/reference.js'
import { snippetsApi } from './features/snippets/api.js'
import { callOf } from './features/snippets/calls.js'
import { createSnippets } from './features/snippets/snippets.js'
import { usageApi } from './features/usage/api.js'
import { usagePages } from './features/usage/pages.js'
import { createUsage } from './features/usage/usage.js'
import { projectRoot } from './root.js'
import { version } from './version.js'
import { apiScope } from './web/api.js'
import { assets } from './web/assets.js'
import { createAttempts } from './web/attempts.js'
import { createAudit } from './web/audit.js'
import { ownerOf } from './web/caller.js'
import { beforeRouting, pageFailure } from './web/failures.js'
import { guard } from './web/guard.js'
import type { Check } from './web/health.js'
import { protectedResource } from './web/metadata.js'
import { createMetrics } from './web/metrics.js'
import { createApiDocument } from './web/openapi/routes.js'
import { opsServer } from './web/ops.js'
import { pages } from './web/pages.js'
import { patience } from './web/patience.js'
import { createPlaces } from './web/places.js'
import { rateLimits } from './web/rate-limits.js'
import { createRepeats } from './web/repeats.js'
import { createRevocations } from './web/revocations.js'
import { createSeal } from './web/seal.js'
import { headersFor, security } from './web/security.js'
import { createSessions } from './web/session.js'
import { stockPaths } from './web/stock-paths.js'
import { createTokens } from './web/tokens.js'
import { traceRequests } from './web/traces.js'

const PREFIX = 'maas'
const WARM_MS = 300
const DAY = 86_400

export type { Report } from './features/doctor/findings.js'
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

  // what leaves the process
  const way = createHttp({
    ...config.outbound,
    upstreams: {
      [new URL(config.threescale.adminUrl).origin]: '3scale',
      [new URL(config.oidc.issuer).origin]: 'sign-in service',
    },
    onBreaker(upstream, host, event) {
      metrics.breakerEvent(upstream, event)
      if (event !== 'refused')
        log.warn({ upstream, host, breaker: event }, `the circuit breaker of ${upstream} ${event}`)
    },
  })
  const traces =
    config.traces && (await (await import('./clients/traces.js')).startTraces({ ...config.traces, version, log }))
  const watchers = [metrics.watch, ...(traces ? [traces.watch] : [])]
  const to = (upstream: string, nameOf?: (url: URL) => string) =>
    watched(way, { upstream, watchers, ...(nameOf ? { nameOf } : {}) })
  const redis = config.redisUrl ? createRedis(config.redisUrl, log) : undefined
  const cache = createCache({
    redis,
    prefix: PREFIX,
    seal: createSeal(config.session.secrets, 'cache'),
    log,
    onRead: metrics.cacheRead,
    onLoad: metrics.cacheLoad,
  })
  const threescale = createThreescale({
    http: to('3scale', ({ pathname }) => patternOf(pathname)),
    ...config.threescale,
    onCall: metrics.upstreamCall,
    onRetry: metrics.upstreamRetry,
  })
  const mail = config.mail && createMail({ ...config.mail, extraCa: config.outbound.extraCa })
  const operator = createOperator({
    mail: mail && { send: mail.send, to: config.mail?.operator ?? '' },
    webhook: notes.operator_webhook,
    http: to('operator'),
    log,
  })
  const signInService = to('sign-in service')
  const identity = createIdentity({ ...config.oidc, publicUrl: config.publicUrl, fetch: signInService.fetch, log })

  // the verbs
  const models: Models = createModels({
    threescale,
    cache,
    ...config.catalog,
    notes: notes.products ?? {},
    currency: notes.currency,
    tokenEndpoint,
    servers: createServers({
      http: to('model server'),
      notes: notes.products ?? {},
      privateAddresses: notes.model_servers?.private_addresses === true,
      askAs: askModelServer,
      learn: (systemName, id, contextLength) => models.learnModelId(systemName, id, contextLength),
      log,
    }),
    log,
  })
  metrics.catalogueAge(models.age)
  const gateway = createGateway({ http: to('gateway'), allowed: (url) => models.allowsHost(url) })
  const calls = createModelCalls({ gateway })
  const trial = createTrial({ calls, learnModelId: models.learnModelId })
  const allowances = {
    multipleApplications: notes.multiple_applications ?? true,
    multipleServices: notes.multiple_services ?? true,
    multipleUsers: notes.multiple_users ?? true,
  }
  const now = () => new Date()
  const applications = createApplications({ threescale, models, allowances, learn: trial.learn, now })
  const credentials = createCredentials({
    threescale,
    models,
    prove: createReceipts({ calls, gateway, now }).prove,
    secret: Buffer.from(hkdfSync('sha256', config.session.secrets[0] ?? '', PREFIX, 'keys', 32)),
    now,
  })
  const planChanges = createPlanChanges({
    threescale,
    models,
    operator,
    wishes: cache.cached<Wish | null>(
      'wishes',
      { fresh: 30 * DAY, keep: 30 * DAY, nullYields: true },
      async () => null,
    ),
    contact: contactWords(notes.contact),
    adminLink: (id) => `${config.threescale.adminUrl}/p/admin/applications/${id}`,
    now,
  })
  const usage = createUsage({
    threescale,
    cache,
    detailTtlSeconds: config.catalog.detailTtlSeconds,
    describe: models.describe,
    notes: notes.products ?? {},
    currency: notes.currency,
    now,
  })
  const snippets = createSnippets({ caFile: notes.gateway_ca })
  const tryingOut = {
    applications,
    models,
    calls,
    gateway,
    places: createPlaces(),
    modelIdOf: trial.modelIdOf,
    callOf,
    wordsFor,
  }
  const playground = createPlayground(tryingOut)
  const references = createReferences(tryingOut)
  const terms = notes.terms && {
    title: 'terms',
    field: 'terms_version',
    ...notes.terms,
    url: notes.terms.url ?? '/terms',
  }
  const claims = createClaimAccounts({
    threescale,
    cache,
    issuerId: config.oidc.issuerId,
    settings: notes.claim_accounts,
  })
  const accounts = createAccounts({
    threescale,
    cache,
    redis,
    issuerId: config.oidc.issuerId,
    linkByEmail: config.linkByEmail === 'verified',
    rules: notes.sign_up ?? {},
    terms,
    claims,
  })

  const members = createMembers({
    threescale,
    allowances,
    accounts,
    claims,
    letters: createLetters({ mail, brand, publicUrl: config.publicUrl, log }),
    alone: createAlone(redis, { waitMs: 1500 }),
    issuerId: config.oidc.issuerId,
    services: config.api.clients,
  })

  // what every request gets
  const revocations = createRevocations({ redis, prefix: PREFIX, keepSeconds: config.session.maxSeconds })
  const sessions = createSessions({
    ...config.session,
    secure,
    issuer: config.oidc.issuer,
    groups: knownGroups(config),
    revocations,
  })
  const tokens = createTokens({
    issuer: config.oidc.issuer,
    ...config.api,
    groupsClaim: notes.groups_claim ?? 'groups',
    claims: knownClaims(identityRules(config)),
    keys: createKeySet({ cache, jwksUri: identity.jwksUri, fetch: signInService.fetch }),
  })
  const idTokens = createIdTokens({ cache, maxSeconds: config.session.maxSeconds })
  const checks: Check[] = [
    { name: '3scale', vital: false, run: threescale.ping },
    { name: 'sign-in service', vital: false, run: identity.check },
    ...(redis ? [{ name: 'redis', vital: false, run: redis.ping }] : []),
  ]
  const doctor = createDoctor({
    http: to('doctor'),
    inspect: (way) => createInspection({ ...config.threescale, http: way }),
    adminUrl: config.threescale.adminUrl,
    redis,
    checks,
    expected: expectedOf(notes, terms?.field),
    signIn: {
      ...config.oidc,
      publicUrl: config.publicUrl,
      begin: identity.begin,
      ...config.api,
      serviceClient: config.doctorClient,
      verify: tokens.verify,
    },
    modelIds: {
      noted: (name) => ({
        modelId: notes.products?.[name]?.model_id,
        mayAskPrivately:
          notes.products?.[name]?.model_server?.private_address ?? notes.model_servers?.private_addresses === true,
      }),
      idIn: ({ body }) => {
        const { declared, deduced } = specFacts(readSpec(body))
        return declared.model_id ?? deduced.model_id
      },
      listWithKey: modelListOf,
    },
    now: Date.now,
  })
  const origins = { publicUrl: config.publicUrl, formTargets: [new URL(config.oidc.issuer).origin] }
  const app: FastifyInstance = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy as boolean,
    bodyLimit: 256 * 1024,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => crypto.randomUUID(),
    frameworkErrors: beforeRouting(headersFor(origins)),
    routerOptions: { maxParamLength: 300 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true, strict: false } },
  })
  const routes: { method: string; url: string; config: FastifyContextConfig }[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    routes.push({ method: String(method), url, config: config ?? {} })
  })
  let accepting = true
  // a request that was running when the stop came must not leave its connection open: closing would wait for it
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!accepting) reply.header('connection', 'close')
    done(null, payload)
  })
  metrics.observe(app)
  if (traces) traceRequests(app, traces)
  createAudit({ log, to: config.auditLog, onEvent: metrics.event }).hook(app)
  app.decorateRequest('caller', undefined)
  patience(app)
  const repeats = createRepeats({ signOuts: revocations.heard, accepting: () => accepting })
  repeats.answer(app)
  await app.register(cookie)
  repeats.remember(app)
  security(app, origins)
  assets(app, { root: join(projectRoot, 'static') })
  const limits = await rateLimits(app, {
    redis,
    prefix: PREFIX,
    api: notes.rate_limits?.api ?? 1200,
    signIn: notes.rate_limits?.sign_in ?? 300,
    calls: notes.rate_limits?.calls ?? 300,
    reveals: notes.rate_limits?.reveals ?? 120,
    writes: notes.rate_limits?.writes ?? 300,
  })
  protectedResource(app, { publicUrl: config.publicUrl, issuer: config.oidc.issuer, name: brand })

  const document = createApiDocument()

  // two doors: pages and API
  await app.register(async (door) => {
    await door.register(formbody)
    await pages(door, {
      root: join(projectRoot, 'views'),
      secure,
      brand,
      links: notes.links ?? [],
      contact: notes.contact,
      operators: notes.operators ?? [],
    })
    door.setErrorHandler(pageFailure)
    door.setNotFoundHandler((request, reply) => pageFailure(problem('not_found'), request, reply))
    stockPaths(door, { publicUrl: config.publicUrl, hosts: notes.stock_hosts ?? [] })
    limits.signInHook(door)
    sessions.hook(door)
    guard(door)
    limits.writesHook(door)
    doorman(door, { accounts, sessions, contact: notes.contact })
    await modelsPages(door, {
      models,
      snippets,
      open: config.catalog.access === 'public',
      brand,
      tagline: notes.branding?.tagline ?? 'Private language models behind one key.',
    })
    await referencePages(door, { references, open: config.catalog.access === 'public', limit: limits.calls })
    await usagePages(door, { usage, secure })
    await applicationsPages(door, { applications, trial, models, snippets, limit: limits.calls })
    await keyPages(door, {
      applications,
      credentials,
      allowances,
      seal: createSeal(config.session.secrets, 'receipt'),
      secure,
    })
    await planPages(door, { planChanges })
    await playgroundPages(door, { playground, snippets, limit: limits.calls })
    await accountPages(door, {
      accounts,
      identity,
      sessions,
      revocations,
      idTokens,
      identityRules: identityRules(config),
      secrets: config.session.secrets,
      secure,
      contact: notes.contact,
      terms: notes.terms,
      signIn: metrics.signIn,
      limit: limits.signInOf,
    })
    await membersPages(door, { accounts, members, sessions, allowances, publicUrl: config.publicUrl })
    await doctorPages(door, {
      runs: createRuns({ doctor, cache, log, now: Date.now }),
      missing: createMissing({ threescale, notes: notes.products ?? {}, ttlSeconds: config.catalog.ttlSeconds }),
      operators: notes.operators ?? [],
      adminUrl: config.threescale.adminUrl,
      contact: contactWords(notes.contact),
    })
    await apiDocsPages(door, { document: document.read, publicUrl: config.publicUrl, issuer: config.oidc.issuer })
  })
  await app.register(
    async (door) => {
      await apiScope(door, {
        document,
        publicUrl: config.publicUrl,
        verify: tokens.verify,
        callerOf: accounts.callerOf,
        limit: limits.api,
        attempts: createAttempts({ redis, prefix: PREFIX, secret: config.session.secrets[0] ?? '' }),
      })
      await accountApi(door, { accounts, signUp: createApiSignUp({ accounts, terms, claims }) })
      await membersApi(door, { members })
      await modelsApi(door, { models, open: config.catalog.access === 'public' })
      await snippetsApi(door, { models, snippets, applications, open: config.catalog.access === 'public' })
      await usageApi(door, { usage })
      await applicationsApi(door, { applications, planChanges })
      await keysApi(door, { credentials })
    },
    { prefix: '/api/v1' },
  )

  const breakers = () => [...way.breakers(), ...(redis ? [{ upstream: 'redis', state: redis.breaker() }] : [])]
  metrics.breakers(breakers)
  const ops = opsServer({ checks, breakers, metrics, accepting: () => accepting })

  return {
    app,
    ops,
    log,
    routes,
    models,
    doctor,
    redis,
    revocations,
    /** Unready at once, but answering as ever until balancers know; then running requests end, and all is closed. */
    async stop(): Promise<void> {
      accepting = false
      await sleep(config.drainSeconds * 1000)
      models.stop()
      await app.close()
      await ops.close()
      revocations.close()
      limits.close()
      redis?.close()
      mail?.close()
      await way.close()
      await traces?.stop()
    },
  }

  /** With an application that the operator named, as its owner would. */
  async function askModelServer({ account, id }: { account: number; id: number }): Promise<void> {
    const { application, model } = await applications.read(ownerOf(account), id, { reveal: true })
    if (model) await trial.learn(model, application)
  }

  /** The model server's list, asked with the application that the operator named for it. */
  async function modelListOf(systemName: string): Promise<string | undefined> {
    const named = notes.products?.[systemName]?.model_server?.application
    if (!named) return undefined
    try {
      const { application, model } = await applications.read(ownerOf(named.account), named.id, { reveal: true })
      const list = model?.paths.find(({ method, path }) => method === 'GET' && /\/models$/.test(path))
      if (!model || !list) return undefined
      const answer = await calls.call(model, application, { method: 'GET', path: list.path })
      return answer.status === 200 ? answer.text : undefined
    } catch (error) {
      if (isProblem(error)) return undefined
      throw error
    }
  }

  async function tokenEndpoint(issuer: string): Promise<string> {
    const answer = await signInService.send({
      method: 'GET',
      url: new URL(`${issuer}/.well-known/openid-configuration`),
    })
    const { token_endpoint } = JSON.parse(answer.text) as { token_endpoint?: unknown }
    if (typeof token_endpoint !== 'string' || !URL.canParse(token_endpoint)) throw problem('identity_unavailable')
    return token_endpoint
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
  await Promise.race([models.warm(), new Promise((resolve) => setTimeout(resolve, WARM_MS))])
  models.start()
  await app.listen({ host: config.host, port: config.port })
  await ops.listen({ host: config.host, port: config.metricsPort })
  log.info({ port: config.port, metricsPort: config.metricsPort }, `maas-portal is at ${config.publicUrl}`)
  return portal
}

/** Only groups that some setting names are kept in the session cookie. */
function knownGroups({ portal }: Config): string[] {
  const visible = Object.values(portal.products ?? {}).flatMap((product) => product.visible_to ?? [])
  const { sign_up, claim_accounts, operators = [] } = portal
  return [...new Set([...visible, ...(sign_up?.groups ?? []), ...(claim_accounts?.admin_groups ?? []), ...operators])]
}

function identityRules(config: Config): IdentityRules {
  const { groups_claim = 'groups', sign_up = {}, claim_accounts } = config.portal
  const { fields, claims = [], org_name_claim = 'org_name' } = sign_up
  const filling = [fields?.account, fields?.user].flatMap((map) => Object.values(map ?? {}))
  const mapped = [...filling, ...(claim_accounts ? [claim_accounts.claim] : [])]
  return {
    issuer: config.oidc.issuer,
    groupsClaim: groups_claim,
    knownGroups: knownGroups(config),
    mapped: [...new Set([org_name_claim, ...mapped])],
    deciding: claims,
  }
}

function knownClaims({ mapped, deciding }: IdentityRules): string[] {
  return [...new Set([...mapped, ...deciding.map(({ name }) => name)])]
}

/** Whom to ask, in a sentence. */
function contactWords(contact: Config['portal']['contact']): string {
  const { text, email, url } = contact ?? {}
  const address = email ?? url
  if (text) return address ? `${text} (${address})` : text
  return address ?? 'the operator of this portal'
}
