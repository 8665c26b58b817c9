import { ThreadFailure } from '../clients/thread.js'
import { createInspection } from '../clients/threescale/inspection/inspection.js'
import type { Config } from '../config.js'
import { createDoctor } from '../features/doctor/doctor.js'
import { expectedOf } from '../features/doctor/tenant/settings.js'
import type { Facts } from '../features/models/facts.js'
import { deducedFacts } from '../features/models/spec-operations.js'
import { type ProductRules, typeOfRules } from '../model-calls/base-paths.js'
import type { Check } from '../web/health.js'
import type { Callers } from './callers.js'
import { decidingClaims, usedClaims } from './identity-rules.js'
import type { Outbound } from './outbound.js'
import type { Verbs } from './verbs.js'

export interface TenantDoctorDeps {
  outbound: Outbound
  verbs: Pick<Verbs, 'terms' | 'namedApplications' | 'names' | 'documents'>
  callers: Pick<Callers, 'tokens' | 'signInNotes'>
  checks: Check[]
}

/** Only what a document declares counts where its operations are not compared with mapping rules. */
const NO_RULES: ProductRules = { rules: [], backends: [] }

/** What checks a tenant: by command and by page. */
export function createTenantDoctor(config: Config, { outbound, verbs, callers, checks }: TenantDoctorDeps) {
  const { portal: notes } = config
  const { to, guardedTo, redis, identity, queue } = outbound
  const factsOf = async (body: string, rules: ProductRules): Promise<Facts> => {
    const read = await verbs.documents.facts(body)
    if ('failure' in read) return {}
    return { ...deducedFacts(read.facts.operations, rules).facts, ...read.facts.declared }
  }
  return createDoctor({
    http: to('doctor'),
    guarded: guardedTo('doctor'),
    inspect: (way) => createInspection({ ...config.threescale, http: way, queue }),
    adminUrl: config.threescale.adminUrl,
    redis,
    trustsAnyProxy: config.trustProxy === true,
    checks,
    expected: expectedOf(notes, verbs.terms?.field),
    madeBy: verbs.names.madeBy,
    signIn: {
      ...config.oidc,
      discoveryUrl: notes.identity_provider?.discovery_url,
      clientAuthentication: notes.identity_provider?.client_authentication,
      endsSession: notes.identity_provider?.sign_out?.url !== undefined,
      publicUrl: config.publicUrl,
      deciding: decidingClaims(config),
      used: usedClaims(config),
      trustEmail: notes.identity_provider?.trust_email === true,
      notes: callers.signInNotes.read,
      form: notes.identity_provider?.access_tokens ?? {},
      begin: identity.begin,
      ...config.api,
      serviceClient: config.doctorClient,
      verify: callers.tokens.verify,
    },
    modelIds: {
      noted: (name) => ({
        modelId: notes.products?.[name]?.model_id,
        mayAskPrivately:
          notes.products?.[name]?.model_server?.private_address ?? notes.model_servers?.private_addresses === true,
      }),
      idIn: async ({ body }) => (await factsOf(body, NO_RULES)).model_id,
      listWithKey: verbs.namedApplications.modelList,
    },
    gatewayKeys: verbs.namedApplications,
    typeOf: async (name, rules, docs) =>
      notes.products?.[name]?.type ??
      (await Promise.all(docs.map(({ body }) => factsOf(body, rules)))).find(({ type }) => type !== undefined)?.type ??
      typeOfRules(rules)?.type,
    async readDocument(text) {
      const read = await verbs.documents.facts(text)
      if (!('failure' in read)) return read.claims
      if (read.failure === 'busy') throw new ThreadFailure('busy')
      return read.failure
    },
    now: Date.now,
  })
}
