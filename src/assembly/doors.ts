import { join } from 'node:path'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config.js'
import { problem } from '../errors.js'
import { accountApi } from '../features/account/api.js'
import { createApiSignUp } from '../features/account/api-sign-up.js'
import { membersApi } from '../features/account/members-api.js'
import { membersPages } from '../features/account/members-pages.js'
import { accountPages, doorman } from '../features/account/pages.js'
import { apiDocsPages } from '../features/api-docs/pages.js'
import { applicationsApi } from '../features/applications/api.js'
import { keyPages } from '../features/applications/key-pages.js'
import { keysApi } from '../features/applications/keys-api.js'
import { applicationsPages } from '../features/applications/pages.js'
import { planPages } from '../features/applications/plan-pages.js'
import type { Doctor } from '../features/doctor/doctor.js'
import { createMissing } from '../features/doctor/missing.js'
import { doctorPages } from '../features/doctor/pages.js'
import { createRuns } from '../features/doctor/runs.js'
import { modelsApi } from '../features/models/api.js'
import { modelsPages } from '../features/models/pages.js'
import { operationsApi } from '../features/operations/api.js'
import { playgroundPages } from '../features/playground/pages.js'
import { referencePages } from '../features/reference/pages.js'
import { snippetsApi } from '../features/snippets/api.js'
import { usageApi } from '../features/usage/api.js'
import { usagePages } from '../features/usage/pages.js'
import { projectRoot } from '../root.js'
import { apiScope } from '../web/api.js'
import { createAttempts } from '../web/attempts.js'
import { pageFailure } from '../web/failures.js'
import { guard } from '../web/guard.js'
import type { Metrics } from '../web/metrics.js'
import type { ApiDocument } from '../web/openapi/routes.js'
import { createOperations } from '../web/operations.js'
import { type BarePage, pages } from '../web/pages.js'
import type { Limits } from '../web/rate-limits.js'
import type { Revocations } from '../web/revocations.js'
import { createSeal } from '../web/seal.js'
import { stockPaths } from '../web/stock-paths.js'
import { createWaiting } from '../web/waiting.js'
import type { Callers } from './callers.js'
import { contactWords, identityRules } from './identity-rules.js'
import type { Outbound } from './outbound.js'
import { PREFIX } from './prefix.js'
import type { Verbs } from './verbs.js'

export interface DoorDeps {
  outbound: Outbound
  verbs: Verbs
  callers: Callers
  revocations: Revocations
  limits: Limits
  document: ApiDocument
  doctor: Doctor
  metrics: Metrics
  log: Logger
  brand: string
  secure: boolean
  beforeRouting: { showWith(page: BarePage): void }
}

/** The door of browsers: pages, forms and what they share. */
export async function pagesDoor(door: FastifyInstance, config: Config, deps: DoorDeps): Promise<void> {
  const { portal: notes } = config
  const {
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
  } = deps
  const { cache, threescale, identity } = outbound
  const { models, applications, trial, credentials, receipts, planChanges, usage, snippets, playground, references } =
    verbs
  const { accounts, members, allowances } = verbs
  const { sessions, idTokens, signInNotes } = callers
  await door.register(formbody)
  const bare = await pages(door, {
    root: join(projectRoot, 'views'),
    secure,
    brand,
    links: notes.links ?? [],
    contact: notes.contact,
    operators: notes.operators ?? [],
  })
  beforeRouting.showWith(bare)
  door.setErrorHandler(pageFailure)
  door.setNotFoundHandler((request, reply) => pageFailure(problem('not_found'), request, reply))
  stockPaths(door, { publicUrl: config.publicUrl, hosts: notes.stock_hosts ?? [] })
  sessions.hook(door)
  limits.hook(door)
  guard(door)
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
  const waiting = createWaiting({ secrets: config.session.secrets, secure })
  await applicationsPages(door, { applications, receipts, trial, models, snippets, limit: limits.calls, waiting })
  await keyPages(door, {
    applications,
    credentials,
    receipts,
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
    observe: signInNotes.note,
    waiting,
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
}

/** The door of programs, below /api/v1: JSON only, bearer tokens only, and the document of it all. */
export async function apiDoor(door: FastifyInstance, config: Config, deps: DoorDeps): Promise<void> {
  const { outbound, verbs, callers, limits, document } = deps
  const { redis, cache } = outbound
  const {
    models,
    applications,
    credentials,
    receipts,
    planChanges,
    usage,
    snippets,
    accounts,
    members,
    claims,
    terms,
  } = verbs
  const { tokens } = callers
  const secret = config.session.secrets[0] ?? ''
  const attempts = createAttempts({ redis, prefix: PREFIX, secret })
  const operations = createOperations({ cache, secret, release: attempts.release })
  await apiScope(door, {
    document,
    publicUrl: config.publicUrl,
    verify: tokens.verify,
    callerOf: accounts.callerOf,
    limit: limits.api,
    reveals: limits.reveals,
    reports: limits.reports,
    attempts,
  })
  await operationsApi(door, { operations })
  await accountApi(door, { accounts, signUp: createApiSignUp({ accounts, terms, claims }), operations })
  await membersApi(door, { members })
  await modelsApi(door, { models, open: config.catalog.access === 'public' })
  await snippetsApi(door, { models, snippets, applications, open: config.catalog.access === 'public' })
  await usageApi(door, { usage })
  await applicationsApi(door, { applications, planChanges, operations })
  await keysApi(door, { credentials, receipts })
}
