import { createInspection } from '../clients/threescale/inspection/inspection.js'
import { readSpec } from '../clients/threescale/spec.js'
import type { Config } from '../config.js'
import { createDoctor } from '../features/doctor/doctor.js'
import { expectedOf } from '../features/doctor/tenant/settings.js'
import { specFacts } from '../features/models/spec-facts.js'
import { typeOfRules } from '../model-calls/base-paths.js'
import type { Check } from '../web/health.js'
import type { Callers } from './callers.js'
import type { Outbound } from './outbound.js'
import type { Verbs } from './verbs.js'

export interface TenantDoctorDeps {
  outbound: Outbound
  verbs: Pick<Verbs, 'terms' | 'namedApplications'>
  callers: Pick<Callers, 'tokens'>
  checks: Check[]
}

/** What checks a tenant: by command and by page. */
export function createTenantDoctor(config: Config, { outbound, verbs, callers, checks }: TenantDoctorDeps) {
  const { portal: notes } = config
  const { to, redis, identity, queue } = outbound
  const factsOf = (body: string) => {
    const { declared, deduced } = specFacts(readSpec(body))
    return { ...deduced, ...declared }
  }
  return createDoctor({
    http: to('doctor'),
    inspect: (way) => createInspection({ ...config.threescale, http: way, queue }),
    adminUrl: config.threescale.adminUrl,
    redis,
    trustsAnyProxy: config.trustProxy === true,
    checks,
    expected: expectedOf(notes, verbs.terms?.field),
    signIn: {
      ...config.oidc,
      publicUrl: config.publicUrl,
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
      idIn: ({ body }) => factsOf(body).model_id,
      listWithKey: verbs.namedApplications.modelList,
    },
    gatewayKeys: verbs.namedApplications,
    typeOf: (name, rules, docs) =>
      notes.products?.[name]?.type ??
      docs.map(({ body }) => factsOf(body).type).find((type) => type !== undefined) ??
      typeOfRules(rules)?.type,
    now: Date.now,
  })
}
