import { isProblem, problem } from '../../errors.js'
import { toUsageValues } from './mapping/mappers.js'
import { number, object, text, type WireObject } from './mapping/wire-values.js'
import type { Threescale } from './types.js'

type Get = (path: string, query: Record<string, string>) => Promise<WireObject>

/**
 * 3scale's statistics (porta, app/lib/stats/**). Always asked in UTC: only there are days and months the sums that the
 * gateway's backend keeps; in other zones porta shifts them by the offset of the range's begin, wrong over a change of
 * the clocks. Hours are right in every zone.
 */
export function createStatistics(get: Get): Pick<Threescale, 'readUsage' | 'readTenantZone'> {
  const path = (applicationId: number) => `/stats/applications/${applicationId}/usage`
  return {
    async readUsage(accountId, applicationId, { metric, granularity, since, until }) {
      const window: Record<string, string> = since && until ? { since, until, granularity } : { period: 'eternity' }
      const query = { metric_name: metric, timezone: 'UTC', ...window }
      const answer = await get(path(applicationId), query).catch((error: unknown) => {
        // releases up to 2.16 have no period `eternity` (added in porta 561867cad)
        if ('period' in window && isProblem(error, 'not_acceptable')) return undefined
        throw error
      })
      if (!answer) return { since: '', values: [] }
      const owner = object(object(answer.application).account)
      if (number(owner.id) !== accountId) throw problem('not_found')
      return toUsageValues(answer)
    },
    /** Without `timezone` the answer is in the tenant's own, and names it. */
    async readTenantZone(applicationId) {
      const answer = await get(path(applicationId), { metric_name: 'hits', period: 'day' })
      return text(object(answer.period).timezone)
    },
  }
}
