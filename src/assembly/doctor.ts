import { createInspection } from '../clients/threescale/inspection.js'
import { readSpec } from '../clients/threescale/spec.js'
import type { Config } from '../config.js'
import { createDoctor } from '../features/doctor/doctor.js'
import { expectedOf } from '../features/doctor/tenant.js'
import { specFacts } from '../features/models/spec-facts.js'
import type { Check } from '../web/health.js'
import type { Callers } from './callers.js'
import type { Outbound } from './outbound.js'
import type { Verbs } from './verbs.js'

export interface DoctorDeps {
  outbound: Outbound
  verbs: Pick<Verbs, 'terms' | 'modelListOf'>
  callers: Pick<Callers, 'tokens'>
  checks: Check[]
}

/** What looks a tenant over: by command and by page. */
export function createTenantDoctor(config: Config, { outbound, verbs, callers, checks }: DoctorDeps) {
  const { portal: notes } = config
  const { to, redis, identity } = outbound
  return createDoctor({
    http: to('doctor'),
    inspect: (way) => createInspection({ ...config.threescale, http: way }),
    adminUrl: config.threescale.adminUrl,
    redis,
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
        type: notes.products?.[name]?.type,
        mayAskPrivately:
          notes.products?.[name]?.model_server?.private_address ?? notes.model_servers?.private_addresses === true,
      }),
      idIn: ({ body }) => {
        const { declared, deduced } = specFacts(readSpec(body))
        return declared.model_id ?? deduced.model_id
      },
      listWithKey: verbs.modelListOf,
    },
    now: Date.now,
  })
}
