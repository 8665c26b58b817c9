import type { Cache } from '../../../infra/cache.js'
import type { DayLimits } from '../../../infra/day-limits.js'
import type { TestCall } from '../../../model-calls/test-call.js'
import type { Application } from '../../applications/schemas.js'
import type { Model } from '../schemas.js'

interface ModelIdLookupsDeps {
  cache: Cache
  dayLimits: Pick<DayLimits, 'take'>
  servers: { mayQuery(systemName: string): boolean }
  testCall: Pick<TestCall, 'learn'>
}

const YEAR = 365 * 86_400

/**
 * Reads the model ID of a product with the key of a new application, which counts toward the limits of its owner: once a day for each
 * product, and not where PORTAL_CONFIG allows the portal to query the model server. The owner sees it on the usage page.
 */
export function createModelIdLookups({ cache, dayLimits, servers, testCall }: ModelIdLookupsDeps) {
  const dates = cache.cached<string | null>(
    'model-id-lookups',
    { freshSeconds: YEAR, maxAgeSeconds: YEAR, nullMeansUnknown: true },
    async () => null,
  )

  return {
    async learn(model: Model, application: Application): Promise<void> {
      if (servers.mayQuery(model.system_name)) return
      if (!(await dayLimits.take([{ key: `model ID of ${model.system_name}`, max: 1 }]))) return
      await dates.put(String(application.id), new Date().toISOString())
      await testCall.learn(model, application)
    },

    /** The time of the lookup with the key of this application. */
    timeOf: async (applicationId: number): Promise<string | null> => (await dates.get(String(applicationId))).value,
  }
}
