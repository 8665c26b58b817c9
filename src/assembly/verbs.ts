import { hkdfSync } from 'node:crypto'
import type { Logger } from 'pino'
import { createDayLimits } from '../clients/day-limits.js'
import { createGateway } from '../clients/gateway.js'
import { createTokenEndpoints } from '../clients/token-endpoints.js'
import type { Config } from '../config.js'
import { createAccounts } from '../features/account/accounts.js'
import { createAlone } from '../features/account/alone.js'
import { createClaimAccounts } from '../features/account/claim-accounts.js'
import { createLetters } from '../features/account/letters.js'
import { createMembers } from '../features/account/members.js'
import { createNames } from '../features/account/names.js'
import { createRenaming } from '../features/account/renaming.js'
import { wordsFor } from '../features/applications/answers.js'
import { createApplications } from '../features/applications/applications.js'
import { createCredentials } from '../features/applications/credentials.js'
import { createGatewayCheck } from '../features/applications/gateway-check.js'
import { createKeyReadiness } from '../features/applications/key-readiness.js'
import { createModelCalls } from '../features/applications/model-calls.js'
import { createPlanChanges, type Wish } from '../features/applications/plan-changes.js'
import { createTrial } from '../features/applications/trial.js'
import { createModels, type Models } from '../features/models/models.js'
import { createServers } from '../features/models/servers.js'
import { createPlayground } from '../features/playground/playground.js'
import { createReferences } from '../features/reference/reference.js'
import { createSnippets } from '../features/snippets/snippets.js'
import { createUsage } from '../features/usage/usage.js'
import type { Audit } from '../web/audit.js'
import { ownerOf } from '../web/caller.js'
import type { Metrics } from '../web/metrics.js'
import { createPlaces } from '../web/places.js'
import type { Revocations } from '../web/revocations.js'
import { createDocuments } from './documents/documents.js'
import { contactWords } from './identity-rules.js'
import { createGatewayRepair } from './key-repair.js'
import { createNamedApplications } from './named-applications.js'
import type { Outbound } from './outbound.js'
import { PREFIX } from './prefix.js'
import { createKeyReceipts } from './receipts.js'

const DAY = 86_400

export interface VerbsDeps {
  outbound: Outbound
  revocations: Revocations
  metrics: Metrics
  log: Logger
  brand: string
  audit: Pick<Audit, 'background'>
}

export type Verbs = ReturnType<typeof createVerbs>

/** What people and programs can do here, by noun; nothing of it knows HTTP. */
export function createVerbs(config: Config, { outbound, revocations, metrics, log, brand, audit }: VerbsDeps) {
  const { portal: notes } = config
  const { guardedTo, redis, cache, threescale, mail, operator, identity } = outbound
  const documents = createDocuments({ log })
  const models: Models = createModels({
    threescale,
    cache,
    async readFacts(text) {
      const read = await documents.facts(text)
      return 'failure' in read ? undefined : read.facts
    },
    ...config.catalog,
    configurationSeconds: config.gateway.configurationSeconds,
    notes: notes.products ?? {},
    currency: notes.currency,
    tokenEndpoint: createTokenEndpoints(guardedTo('sign-in service')),
    servers: createServers({
      http: guardedTo('model server'),
      notes: notes.products ?? {},
      privateAddresses: notes.model_servers?.private_addresses === true,
      askAs: askModelServer,
      learn: (...told) => models.learnModelId(...told),
      learnUnlisted: (name) => models.learnUnlisted(name),
      exampleIdOf: (name) => models.exampleIdOf(name),
      learnFormat: (...told) => models.learnFormat(...told),
      log,
    }),
    log,
  })
  metrics.catalogueAge(models.age)
  const gateway = createGateway({ http: guardedTo('gateway'), allowed: (url) => models.allowsHost(url) })
  const keys = createKeyReadiness()
  const calls = createModelCalls({ gateway, keys })
  const wordsOf: typeof wordsFor = (answer, model) => wordsFor(answer, model, models.refusalsOf(model.system_name))
  const { learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf } = models
  const trial = createTrial({ calls, learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf })
  const allowances = {
    multipleApplications: notes.multiple_applications ?? true,
    multipleServices: notes.multiple_services ?? true,
    multipleUsers: notes.multiple_users ?? true,
  }
  const now = () => new Date()
  const oneAtATime = createAlone(redis)
  const dayLimits = createDayLimits({ redis, prefix: PREFIX })
  const secret = Buffer.from(hkdfSync('sha256', config.session.secrets[0] ?? '', PREFIX, 'keys', 32))
  const check = createGatewayCheck({ calls, gateway })
  const repair = createGatewayRepair({ outbound, check, keys, secret })
  const applications = createApplications({
    threescale,
    models,
    allowances,
    keys,
    repair,
    duplicateRemoved: metrics.duplicateRemoved,
    oneAtATime,
    learn: trial.learn,
    now,
  })
  const receipts = createKeyReceipts(config, { outbound, models, calls, gateway, audit, log })
  const credentials = createCredentials({
    threescale,
    models,
    keys,
    repair,
    receipts,
    oneAtATime,
    secret,
    now,
  })
  const planChanges = createPlanChanges({
    threescale,
    models,
    operator,
    repair,
    wishes: cache.cached<Wish | null>(
      'wishes',
      { fresh: 30 * DAY, keep: 30 * DAY, nullYields: true },
      async () => null,
    ),
    dayLimits,
    oneAtATime,
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
    learnFormat,
    wordsFor: wordsOf,
  }
  const playground = createPlayground(tryingOut)
  const references = createReferences({ ...tryingOut, documents })
  const terms = notes.terms && {
    title: 'terms',
    field: 'terms_version',
    ...notes.terms,
    url: notes.terms.url ?? '/terms',
  }
  const services = [...config.api.clients, ...(notes.identity_provider?.access_tokens?.service_subjects ?? [])]
  const names = createNames({ secrets: config.usernames.secrets, issuerIds: identity.issuerIds })
  const claims = createClaimAccounts({
    threescale,
    cache,
    names,
    settings: notes.claim_accounts,
  })
  const accounts = createAccounts({
    threescale,
    cache,
    redis,
    names,
    changes: revocations,
    linkByEmail: config.linkByEmail === 'verified',
    rules: notes.sign_up ?? {},
    terms,
    claims,
    repairs: applications.repairs,
    duplicateRemoved: metrics.duplicateRemoved,
  })

  const members = createMembers({
    threescale,
    allowances,
    accounts,
    claims,
    dayLimits,
    letters: createLetters({ mail, limits: dayLimits, brand, publicUrl: config.publicUrl, log }),
    alone: createAlone(redis, { waitMs: 1500 }),
    duplicateRemoved: metrics.duplicateRemoved,
    names,
    services,
  })

  return {
    models,
    documents,
    applications,
    trial,
    credentials,
    receipts,
    planChanges,
    usage,
    snippets,
    playground,
    references,
    accounts,
    members,
    names,
    renaming: createRenaming({
      threescale,
      names,
      issuerId: config.oidc.issuerId,
      services,
    }),
    claims,
    terms,
    allowances,
    namedApplications: createNamedApplications({ products: notes.products, applications, models, calls, check, keys }),
  }

  /** With an application that the operator named, as its owner would. */
  async function askModelServer({ account, id }: { account: number; id: number }): Promise<void> {
    const { application, model } = await applications.read(ownerOf(account), id, { reveal: true })
    if (model) await trial.learn(model, application)
  }
}
