import { createInspection } from '../clients/threescale/inspection/inspection.js'
import type { Config } from '../config/environment.js'
import { configExpectations } from '../features/doctor/checks/tenant/settings.js'
import { createDoctor } from '../features/doctor/doctor.js'
import type { Facts } from '../features/models/catalogue/facts.js'
import { deduceFacts } from '../features/models/specs/spec-operations.js'
import { WorkerError } from '../infra/worker/worker-thread.js'
import { inferModelType, type ProductRules } from '../model-calls/paths/base-paths.js'
import type { HealthCheck } from '../web/server/health.js'
import type { Authentication } from './authentication.js'
import type { Clients } from './clients.js'
import { decidingClaims, usedClaims } from './identity-claims.js'
import type { Services } from './services.js'

export interface TenantDoctorDeps {
  clients: Clients
  services: Pick<Services, 'terms' | 'probeApplications' | 'usernames' | 'documents' | 'webhooks'>
  authentication: Pick<Authentication, 'tokens' | 'signInDiagnostics'>
  checks: HealthCheck[]
}

/** Without mapping rules, only declared facts of a document count. */
const NO_RULES: ProductRules = { rules: [], backends: [] }

/** The doctor of the command and the page. */
export function createTenantDoctor(config: Config, { clients, services, authentication, checks }: TenantDoctorDeps) {
  const { portal } = config
  const { to, guardedTo, redis, identity, queue } = clients
  const factsOf = async (body: string, rules: ProductRules): Promise<Facts> => {
    const read = await services.documents.facts(body)
    if ('failure' in read) return {}
    return { ...deduceFacts(read.facts.operations, rules).facts, ...read.facts.declared }
  }
  return createDoctor({
    http: to('doctor'),
    guarded: guardedTo('doctor'),
    inspect: (http) => createInspection({ ...config.threescale, http, queue }),
    adminUrl: config.threescale.adminUrl,
    redis,
    trustsAnyProxy: config.trustProxy === true,
    checks,
    expected: configExpectations(portal, services.terms?.field),
    webhooks: {
      isReceiver: config.webhookSecrets !== undefined,
      address: `${config.publicUrl}/webhooks/3scale`,
      lastReceived: async () => (redis ? (await services.webhooks.lastReceived())?.at : null),
    },
    verifyUsername: services.usernames.originOf,
    signIn: {
      ...config.oidc,
      discoveryUrl: portal.identity_provider?.discovery_url,
      clientAuthentication: portal.identity_provider?.client_authentication,
      endsSession: portal.identity_provider?.sign_out?.url !== undefined,
      publicUrl: config.publicUrl,
      decidingClaims: decidingClaims(config),
      configuredClaims: usedClaims(config),
      trustEmail: portal.identity_provider?.trust_email === true,
      observations: authentication.signInDiagnostics.read,
      form: portal.identity_provider?.access_tokens ?? {},
      begin: identity.begin,
      ...config.api,
      serviceClient: config.doctorClient,
      verify: authentication.tokens.verify,
    },
    modelIds: {
      configured: (name) => ({
        modelId: portal.products?.[name]?.model_id,
        mayAskPrivately:
          portal.products?.[name]?.model_server?.private_address ?? portal.model_servers?.private_addresses === true,
      }),
      documentedId: async ({ body }) => (await factsOf(body, NO_RULES)).model_id,
      listWithKey: services.probeApplications.modelList,
    },
    gatewayKeys: services.probeApplications,
    typeOf: async (name, rules, docs) =>
      portal.products?.[name]?.type ??
      (await Promise.all(docs.map(({ body }) => factsOf(body, rules)))).find(({ type }) => type !== undefined)?.type ??
      inferModelType(rules)?.type,
    async readDocument(text) {
      const read = await services.documents.facts(text)
      if (!('failure' in read)) return read.claims
      if (read.failure === 'busy') throw new WorkerError('busy')
      return read.failure
    },
    now: Date.now,
  })
}
