import { requestForCost } from '../limits/cost.js'
import { requestForLimit } from '../limits/limits.js'
import type { UsageMetric } from '../statistics/metric-roles.js'
import { planWindows, type StatisticsRequest } from '../statistics/requests.js'
import { requestsForPeriod } from '../statistics/series.js'
import type { UsageRange } from '../time-range/range.js'
import type { ApplicationDetails } from './application-details.js'

/** Statistics requests for a page of an account with more applications than a page. The list and the time zone require two more. */
export const MAX_REQUESTS_OF_LARGE_ACCOUNT = 10

/** Pages show fewer numbers than API clients and files receive. */
export type AccountReportScope = 'page' | 'complete'

/**
 * Requests for these applications, the most important ones first, as far as they fit into `maxRequests` to 3scale: calls, tokens,
 * comparisons, then limits and costs. Usage of a limit or a price mostly comes with that of the range.
 */
export function requestsForAccount(
  applications: ApplicationDetails[],
  {
    range,
    now,
    scope,
    maxRequests,
  }: { range: UsageRange; now: number; scope: AccountReportScope; maxRequests: number },
): { requests: StatisticsRequest[]; isReduced: boolean } {
  const ofPeriod = (kind: 'calls' | 'tokens', period: 'current' | 'previous') =>
    applications.map((application) =>
      shownMetrics(application, scope)
        .filter(({ role }) => (role === 'calls') === (kind === 'calls'))
        .flatMap((measure) => requestsForPeriod(application, measure, range, period)),
    )
  const groups = [
    ...ofPeriod('calls', 'current'),
    ...ofPeriod('tokens', 'current'),
    // A sum has a comparison only if all of its parts have one.
    [...ofPeriod('calls', 'previous'), ...ofPeriod('tokens', 'previous')].flat(),
    ...applications.map((application) => requestsForStandardLimits(application, now)),
    ...applications.map((application) => requestsForStandardCosts(application, range, now)),
  ]
  const all = groups.flat()
  if (maxRequests === Number.POSITIVE_INFINITY || planWindows(all).length <= maxRequests)
    return { requests: all, isReduced: false }
  const accepted = new Map<number, StatisticsRequest[]>()
  let sent = 0
  let isReduced = false
  for (const group of groups) {
    // Requests of different applications are never merged, so only those of the same application count again.
    const extended = [...new Set(group.map(({ application }) => application))].map((id) => {
      const before = accepted.get(id) ?? []
      return { id, before, after: [...before, ...group.filter(({ application }) => application === id)] }
    })
    const more = extended.reduce((sum, { before, after }) => sum + countWindows(after) - countWindows(before), 0)
    if (sent + more > maxRequests) {
      isReduced = true
      continue
    }
    sent += more
    for (const { id, after } of extended) accepted.set(id, after)
  }
  return { requests: [...accepted.values()].flat(), isReduced }
}

function countWindows(requests: StatisticsRequest[]): number {
  return requests.length === 0 ? 0 : planWindows(requests).length
}

/** A page shows the two sides of tokens only if no metric counts all tokens. */
export function shownMetrics({ standard }: ApplicationDetails, scope: AccountReportScope): UsageMetric[] {
  if (scope === 'complete' || !standard.some(({ role }) => role === 'total_tokens')) return standard
  return standard.filter(({ role }) => role === 'calls' || role === 'total_tokens')
}

function requestsForStandardLimits(application: ApplicationDetails, now: number): StatisticsRequest[] {
  return application.limits.flatMap(({ limit, measure }) =>
    application.standard.includes(measure) ? (requestForLimit(application.id, limit, measure, now) ?? []) : [],
  )
}

function requestsForStandardCosts(
  application: ApplicationDetails,
  range: UsageRange,
  now: number,
): StatisticsRequest[] {
  return application.prices.priced.flatMap(({ measure }) =>
    application.standard.includes(measure) ? [requestForCost(application.id, measure, range.source, now)] : [],
  )
}
