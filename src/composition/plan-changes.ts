import type { Config } from '../config/environment.js'
import {
  createPlanChanges,
  type PlanChangeRequest,
  type PlanChangesDeps,
} from '../features/applications/plan-changes/plan-changes.js'
import type { Clients } from './clients.js'
import { contactText } from './identity-claims.js'

export interface ComposePlanChangesDeps
  extends Pick<PlanChangesDeps, 'models' | 'repair' | 'dayLimits' | 'withLock' | 'now'> {
  clients: Pick<Clients, 'cache' | 'threescale' | 'recent' | 'operator'>
}

const MONTH = 30 * 86_400

/** Plan changes, with requests to the operator cached in memory and in Redis if configured. */
export function composePlanChanges(config: Config, { clients, ...deps }: ComposePlanChangesDeps) {
  const { cache, threescale, recent, operator } = clients
  const cacheOptions = { freshSeconds: MONTH, maxAgeSeconds: MONTH, nullMeansUnknown: true }
  return createPlanChanges({
    ...deps,
    threescale: { ...threescale, readListedApplication: recent.readListedApplication },
    operator,
    planChangeRequests: cache.cached<PlanChangeRequest | null>('plan-requests', cacheOptions, async () => null),
    contact: contactText(config.portal.contact),
    adminLink: (id) => `${config.threescale.adminUrl}/p/admin/applications/${id}`,
  })
}
