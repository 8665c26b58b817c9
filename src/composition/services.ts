import type { Logger } from 'pino'
import { createGateway } from '../clients/gateway/gateway.js'
import { createTokenEndpoints } from '../clients/identity/token-endpoints.js'
import { PREFIX, portalDefaults } from '../config/defaults.js'
import type { Config } from '../config/environment.js'
import { createAccounts } from '../features/account/enrolment/accounts.js'
import { createClaimAccounts } from '../features/account/enrolment/claim-accounts.js'
import { createInvitationMail } from '../features/account/members/invitation-mail.js'
import { createMembers } from '../features/account/members/members.js'
import { createUsernameMigration } from '../features/account/usernames/username-migration.js'
import { createUsernames } from '../features/account/usernames/usernames.js'
import { createApplications } from '../features/applications/applications.js'
import { createGatewayCheck } from '../features/applications/keys/gateway-sync/gateway-check.js'
import { createKeyReadiness } from '../features/applications/keys/gateway-sync/key-readiness.js'
import { createKeyManagement } from '../features/applications/keys/key-management.js'
import { createModelServers } from '../features/models/catalogue/model-servers.js'
import { createModelIdLookups } from '../features/models/details/model-id-lookups.js'
import { createModels, type Models } from '../features/models/models.js'
import { createPlayground } from '../features/playground/playground.js'
import { createReferences } from '../features/reference/reference.js'
import { createSnippets } from '../features/snippets/snippets.js'
import { createUsage } from '../features/usage/usage.js'
import { createWebhooks } from '../features/webhooks/webhooks.js'
import { deriveKeys } from '../infra/crypto/secrets.js'
import { createDayLimits } from '../infra/day-limits.js'
import { createLock } from '../infra/lock.js'
import { createModelCalls } from '../model-calls/gateway-requests.js'
import { explainResponse } from '../model-calls/response-messages.js'
import { createTestCall } from '../model-calls/test-call.js'
import type { Audit } from '../web/audit/audit.js'
import { portalCaller } from '../web/auth/caller.js'
import type { Revocations } from '../web/auth/revocations.js'
import { createModelCallLimit } from '../web/limits/concurrency-limit.js'
import type { Metrics } from '../web/server/metrics.js'
import type { Clients } from './clients.js'
import { createDocuments } from './documents/document-reader.js'
import { composeDeletedResults, composeMemberResults } from './idempotency-results.js'
import { composeKeyRepair } from './key-repair.js'
import { composePlanChanges } from './plan-changes.js'
import { createProbeApplications } from './probe-applications.js'
import { composeRevocationChecks } from './revocation-checks.js'

export interface ServicesDeps {
  clients: Clients
  revocations: Revocations
  metrics: Metrics
  log: Logger
  brand: string
  audit: Pick<Audit, 'background'>
}

export type Services = ReturnType<typeof createServices>

/** The services of all features. They are independent of HTTP routes. */
export function createServices(config: Config, { clients, revocations, metrics, log, brand, audit }: ServicesDeps) {
  const { portal } = config
  const { guardedTo, redis, cache, threescale, recent, mail, identity } = clients
  const documents = createDocuments({ log })
  const servers = createModelServers({
    http: guardedTo('model server'),
    overrides: portal.products ?? {},
    privateAddresses: portal.model_servers?.private_addresses === true,
    queryAs: askModelServer,
    storeReport: (...facts) => models.learnModelId(...facts),
    storeUnlisted: (name) => models.learnUnlisted(name),
    exampleIdOf: (name) => models.exampleIdOf(name),
    storeFormat: (...facts) => models.learnFormat(...facts),
    log,
  })
  const models: Models = createModels({
    threescale,
    cache,
    async readFacts(text) {
      const read = await documents.facts(text)
      return 'failure' in read ? undefined : read.facts
    },
    ...config.catalog,
    accountChangedAt: clients.accountChangedAt,
    configurationSeconds: config.gateway.configurationSeconds,
    overrides: portal.products ?? {},
    synonyms: portal.search?.synonyms,
    currency: portal.currency,
    tokenEndpoint: createTokenEndpoints(guardedTo('identity provider')),
    servers,
    log,
  })
  metrics.catalogueAge(models.age)
  const gateway = createGateway({ http: guardedTo('gateway'), isAllowed: (url) => models.allowsHost(url) })
  const readiness = createKeyReadiness()
  const calls = createModelCalls({ gateway, readiness })
  const _wordsOf: typeof explainResponse = (answer, model) =>
    explainResponse(answer, model, models.refusalsOf(model.system_name))
  const { learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf } = models
  const testCall = createTestCall({ calls, learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf })
  const allowances = {
    multipleApplications: portal.multiple_applications ?? portalDefaults.allowances.multipleApplications,
    multipleServices: portal.multiple_services ?? portalDefaults.allowances.multipleServices,
    multipleUsers: portal.multiple_users ?? portalDefaults.allowances.multipleUsers,
  }
  const now = () => new Date()
  const withLock = createLock(redis)
  const dayLimits = createDayLimits({ redis, prefix: PREFIX })
  const [secret] = deriveKeys(config.session.secrets, 'keys', PREFIX)
  const check = createGatewayCheck({ calls, gateway })
  const repair = composeKeyRepair({ clients, check, readiness, secret })
  const results = composeDeletedResults(cache)
  const planChanges = composePlanChanges(config, { clients, models, repair, dayLimits, withLock, now })
  const modelIdLookups = createModelIdLookups({ cache, dayLimits, servers, testCall })
  const applications = createApplications({
    threescale,
    recent,
    models,
    allowances,
    readiness,
    repair,
    results,
    plans: planChanges,
    duplicateRemoved: metrics.duplicateRemoved,
    withLock,
    learn: modelIdLookups.learn,
    now,
  })
  const revocationChecks = composeRevocationChecks(config, { clients, models, calls, gateway, audit, log })
  const keyManagement = createKeyManagement({
    threescale,
    recent,
    models,
    readiness,
    repair,
    results,
    revocationChecks,
    withLock,
    secret,
    now,
  })
  const { listApplications, readListedApplication } = recent
  const usage = createUsage({
    threescale: { ...threescale, listApplications, readListedApplication },
    cache,
    findProduct: models.describe,
    readPlan: models.readCountedPlan,
    callsForPlan: models.callsForCountedPlan,
    overrides: portal.products ?? {},
    currency: portal.currency,
    now,
  })
  const snippets = createSnippets({ caFile: portal.gateway_ca })
  const tryingOut = {
    applications,
    models,
    calls,
    gateway,
    modelCallLimit: createModelCallLimit(),
    modelIdOf: testCall.modelIdOf,
    learnFormat,
    refusalsOf,
  }
  const playground = createPlayground(tryingOut)
  const references = createReferences({ ...tryingOut, documents })
  const terms = portal.terms && { ...portalDefaults.terms, ...portal.terms }
  const serviceClients = [...config.api.clients, ...(portal.identity_provider?.access_tokens?.service_subjects ?? [])]
  const usernames = createUsernames({ secrets: config.usernames.secrets, issuerIds: identity.issuerIds })
  const claims = createClaimAccounts({
    threescale,
    cache,
    usernames,
    settings: portal.claim_accounts,
  })
  const accounts = createAccounts({
    threescale,
    cache,
    withLock,
    usernames,
    changes: revocations,
    linkByEmail: config.linkByEmail === 'verified',
    policy: portal.sign_up ?? {},
    terms,
    claims,
    repairs: applications.repairs,
    duplicateRemoved: metrics.duplicateRemoved,
  })

  const members = createMembers({
    threescale,
    recent,
    allowances,
    accounts,
    claims,
    dayLimits,
    invitationMail: createInvitationMail({ mail, limits: dayLimits, brand, publicUrl: config.publicUrl, log }),
    withLock: createLock(redis, { waitMs: 1500 }),
    duplicateRemoved: metrics.duplicateRemoved,
    usernames,
    results: composeMemberResults(cache),
    services: serviceClients,
  })

  const webhooks = createWebhooks({
    changes: {
      accountChanged: clients.forgetAccount,
      usersChanged: accounts.invalidateAccount,
      async productUsed(productId) {
        // 3scale has no webhooks for products: an application of one that the catalogue lacks is the only sign of it.
        if (!(await models.describe(productId))) models.refreshSoon()
      },
      catalogueChanged: (productId) => models.refreshSoon(productId === undefined ? {} : { productId }),
    },
    cache,
    now: Date.now,
  })

  return {
    models,
    webhooks,
    documents,
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
    accounts,
    members,
    usernames,
    renaming: createUsernameMigration({
      threescale,
      usernames,
      issuerId: config.oidc.issuerId,
      services: serviceClients,
    }),
    claims,
    terms,
    allowances,
    probeApplications: createProbeApplications({
      products: portal.products,
      applications,
      models,
      calls,
      check,
      readiness,
    }),
  }

  /** Calls the model server with an application that PORTAL_CONFIG names. */
  async function askModelServer({ account, id }: { account: number; id: number }): Promise<void> {
    const { application, model } = await applications.read(portalCaller(account), id, { reveal: true })
    if (model) await testCall.learn(model, application)
  }
}
