import { join } from 'node:path'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { currentAnnouncement } from '../config/branding.js'
import { PREFIX, portalDefaults } from '../config/defaults.js'
import type { Config } from '../config/environment.js'
import { problem } from '../errors.js'
import { accountApi } from '../features/account/enrolment/api.js'
import { createApiSignUp } from '../features/account/enrolment/api-sign-up.js'
import { membersApi } from '../features/account/members/api.js'
import { membersPages } from '../features/account/members/pages.js'
import { accountStatusGuard } from '../features/account/sign-in/account-status-guard.js'
import { accountPages } from '../features/account/sign-in/pages.js'
import { apiDocsPages } from '../features/api-docs/pages.js'
import { applicationsApi } from '../features/applications/api.js'
import { keysApi } from '../features/applications/keys/api.js'
import { keyPages } from '../features/applications/keys/pages.js'
import { applicationsPages } from '../features/applications/pages/routes.js'
import { repairMessage, stateMessages } from '../features/applications/pages/state-messages.js'
import { planPages } from '../features/applications/plan-changes/pages.js'
import type { Doctor } from '../features/doctor/doctor.js'
import { doctorPages } from '../features/doctor/pages.js'
import { createReportRuns } from '../features/doctor/report-runs.js'
import { createVisibility } from '../features/doctor/visibility.js'
import { homePage } from '../features/home/routes.js'
import { modelsApi } from '../features/models/api.js'
import { createCardRenderer } from '../features/models/pages/card-renderer.js'
import { modelPages } from '../features/models/pages/routes.js'
import { operationsApi } from '../features/operations/api.js'
import { playgroundPages } from '../features/playground/pages.js'
import { referencePages } from '../features/reference/pages.js'
import { snippetsApi } from '../features/snippets/api.js'
import { usageApi } from '../features/usage/api.js'
import { usagePages } from '../features/usage/pages/routes.js'
import { webhookRoutes } from '../features/webhooks/routes.js'
import { createIdempotencyKeys } from '../idempotency/idempotency-key.js'
import { createSeal } from '../infra/crypto/seal.js'
import { projectRoot } from '../project-root.js'
import type { ApiPaths } from '../web/api/api-paths.js'
import { apiScope } from '../web/api/api-scope.js'
import { createAsyncOperations } from '../web/api/async-operations.js'
import type { ApiDocument } from '../web/api/openapi/document.js'
import { requireSignIn } from '../web/auth/guard.js'
import type { Revocations } from '../web/auth/revocations.js'
import type { Limits } from '../web/limits/rate-limits.js'
import { legacyRedirects } from '../web/pages/legacy-redirects.js'
import { createProgressPages } from '../web/pages/progress-page.js'
import { type RenderBarePage, registerPages } from '../web/pages/render.js'
import { handlePageError } from '../web/server/errors/error-handlers.js'
import type { Metrics } from '../web/server/metrics.js'
import type { Authentication } from './authentication.js'
import type { Clients } from './clients.js'
import { contactText, identityRules } from './identity-claims.js'
import type { Services } from './services.js'

export interface RouteDeps {
  clients: Clients
  services: Services
  authentication: Authentication
  revocations: Revocations
  limits: Limits
  document: ApiDocument
  paths: ApiPaths
  doctor: Doctor
  metrics: Metrics
  log: Logger
  brand: string
  secure: boolean
  beforeRouting: { showWith(page: RenderBarePage): void }
}

/** Pages and forms for browsers. */
export async function registerPageRoutes(scope: FastifyInstance, config: Config, deps: RouteDeps): Promise<void> {
  const { portal } = config
  const {
    clients,
    services,
    authentication,
    revocations,
    limits,
    document,
    doctor,
    metrics,
    log,
    brand,
    secure,
    beforeRouting,
  } = deps
  const { cache, threescale, identity } = clients
  const {
    models,
    applications,
    testCall,
    modelIdLookups,
    keyManagement,
    revocationChecks,
    planChanges,
    usage,
    snippets,
    playground,
    references,
  } = services
  const { accounts, members, allowances } = services
  const { sessions, idTokens, signInDiagnostics } = authentication
  await scope.register(formbody)
  const bare = await registerPages(scope, {
    root: join(projectRoot, 'views'),
    secure,
    brand,
    links: portal.links ?? [],
    contact: portal.contact,
    operators: portal.operators ?? [],
    footer: portal.branding?.footer ?? '',
    brandFiles: config.brandFiles,
    announcement: () => currentAnnouncement(portal.branding ?? {}, Date.now()),
  })
  beforeRouting.showWith(bare)
  scope.setErrorHandler(handlePageError)
  scope.setNotFoundHandler((request, reply) => handlePageError(problem('not_found'), request, reply))
  legacyRedirects(scope, { publicUrl: config.publicUrl, hosts: portal.stock_hosts ?? [] })
  sessions.hook(scope)
  limits.hook(scope)
  requireSignIn(scope)
  accountStatusGuard(scope, { accounts, sessions, contact: portal.contact })
  const open = config.catalog.access === 'public'
  const cards = createCardRenderer((view) => scope.view('models/card', view))
  homePage(scope, {
    models,
    snippets,
    cards,
    applications: applications.listing,
    stateOf: (application) => (application.repair_required ? repairMessage : stateMessages[application.state]),
    usage,
    open,
    brand,
    tagline: portal.branding?.tagline ?? portalDefaults.tagline,
  })
  await modelPages(scope, { models, snippets, open, cards })
  await referencePages(scope, { references, open, limit: limits.calls })
  await usagePages(scope, { usage, modelIdLookups, secure })
  const waiting = createProgressPages({ secrets: config.session.secrets, secure })
  await applicationsPages(scope, {
    applications,
    revocationChecks,
    testCall,
    models,
    snippets,
    limit: limits.calls,
    progressPages: waiting,
  })
  await keyPages(scope, {
    applications,
    keyManagement,
    revocationChecks,
    allowances,
    seal: createSeal(config.session.secrets, 'revocation-check'),
    secure,
  })
  await planPages(scope, { planChanges })
  await playgroundPages(scope, { playground, snippets, limit: limits.calls })
  await accountPages(scope, {
    accounts,
    identity,
    sessions,
    revocations,
    idTokens,
    identityRules: identityRules(config),
    secrets: config.session.secrets,
    secure,
    contact: portal.contact,
    terms: portal.terms,
    countSignIn: metrics.signIn,
    limit: limits.signInOf,
    observe: signInDiagnostics.record,
    waiting,
  })
  await membersPages(scope, { accounts, members, sessions, allowances, publicUrl: config.publicUrl })
  await doctorPages(scope, {
    runs: createReportRuns({ doctor, cache, log, now: Date.now }),
    visibility: createVisibility({
      threescale,
      overrides: portal.products ?? {},
      ttlSeconds: config.catalog.ttlSeconds,
    }),
    operators: portal.operators ?? [],
    adminUrl: config.threescale.adminUrl,
    contact: contactText(portal.contact),
  })
  await apiDocsPages(scope, { document: document.read, publicUrl: config.publicUrl, issuer: config.oidc.issuer })
}

/** The REST API below /api/v1: JSON, bearer tokens, and its OpenAPI document. */
export async function registerApiRoutes(scope: FastifyInstance, config: Config, deps: RouteDeps): Promise<void> {
  const { clients, services, authentication, limits, document, paths } = deps
  const { redis, cache } = clients
  const { models, applications, keyManagement, revocationChecks, usage, snippets, accounts, members, claims, terms } =
    services
  const { tokens } = authentication
  const { secrets } = config.session
  const attempts = createIdempotencyKeys({ redis, prefix: PREFIX, secrets })
  const operations = createAsyncOperations({ cache, secrets, release: attempts.release })
  await apiScope(scope, {
    document,
    paths,
    publicUrl: config.publicUrl,
    verify: tokens.verify,
    callerOf: accounts.callerForToken,
    limit: limits.api,
    reveals: limits.reveals,
    reports: limits.reports,
    attempts,
  })
  await operationsApi(scope, { operations })
  await accountApi(scope, { accounts, signUp: createApiSignUp({ accounts, terms, claims }), operations })
  await membersApi(scope, { members })
  await modelsApi(scope, { models, open: config.catalog.access === 'public' })
  await snippetsApi(scope, { models, snippets, applications, open: config.catalog.access === 'public' })
  await usageApi(scope, { usage, models })
  await applicationsApi(scope, { applications, models, operations })
  await keysApi(scope, { keyManagement, revocationChecks })
}

/** Where 3scale reports changes, if the settings have the secret that it sends. */
export async function registerWebhookRoutes(scope: FastifyInstance, config: Config, deps: RouteDeps): Promise<void> {
  const { services, limits, metrics } = deps
  const { webhooks } = services
  if (config.webhookSecrets === undefined) return
  await webhookRoutes(scope, { secrets: config.webhookSecrets, webhooks, limits, countEvent: metrics.webhookEvent })
}
