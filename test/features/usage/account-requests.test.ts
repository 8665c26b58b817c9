import t from 'tap'
import { requestsForAccount } from '../../../src/features/usage/reports/account-requests.js'
import type { ApplicationDetails } from '../../../src/features/usage/reports/application-details.js'
import { countInUse, selectApplications } from '../../../src/features/usage/reports/application-selection.js'
import type { StandardRole, UsageMetric } from '../../../src/features/usage/statistics/metric-roles.js'
import { planWindows } from '../../../src/features/usage/statistics/requests.js'
import { resolveRange } from '../../../src/features/usage/time-range/range.js'

const now = Date.parse('2026-11-25T10:30:00Z')

function application(id: number, roles: StandardRole[]): ApplicationDetails {
  const standard = roles.map((role, at): UsageMetric => {
    return { id: at + 1, metric: role === 'calls' ? 'hits' : role, name: role, unit: '', role, createdAt: '' }
  })
  const priced = standard.filter(({ role }) => role !== 'calls').map((measure) => ({ measure, cost: () => 1 }))
  const limits = standard.map((measure) => ({
    measure,
    limit: { metricId: measure.id ?? 0, period: 'month' as const, value: 5 },
  }))
  return { id, createdAt: 0, standard, limits, prices: { source: '3scale', priced } } as unknown as ApplicationDetails
}

const five = (roles: StandardRole[]) => [1, 2, 3, 4, 5].map((id) => application(id, roles))
const planned = (applications: ApplicationDetails[], range: string, maxRequests: number) => {
  const resolved = resolveRange({ range }, now)
  const plan = requestsForAccount(applications, { range: resolved, now, scope: 'page', maxRequests })
  const metrics = new Map<string, number>()
  for (const { metric } of planWindows(plan.requests)) metrics.set(metric, (metrics.get(metric) ?? 0) + 1)
  return { isReduced: plan.isReduced, metrics: Object.fromEntries(metrics) }
}

t.test('a page requests what fits, calls first, then tokens, comparisons, limits and costs', async (t) => {
  const complete = five(['calls', 'total_tokens'])
  t.same(planned(complete, '30d', 10), { isReduced: false, metrics: { hits: 5, total_tokens: 5 } })
  t.same(planned(complete, '90d', 10), { isReduced: true, metrics: { hits: 5, total_tokens: 5 } }, 'no comparison')
  t.same(planned(complete, '90d', 20), { isReduced: false, metrics: { hits: 10, total_tokens: 10 } })
  t.same(planned(complete, '30d', 7), { isReduced: true, metrics: { hits: 5, total_tokens: 2 } })
  const priced = five(['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens'])
  t.same(planned(priced, '30d', 10), { isReduced: true, metrics: { hits: 5, total_tokens: 5 } }, 'no costs')
  t.match(planned(priced, '30d', 20), { isReduced: false, metrics: { prompt_tokens: 5, completion_tokens: 5 } })
  const sides = five(['calls', 'prompt_tokens', 'completion_tokens'])
  t.same(
    planned(sides, '30d', 10),
    { isReduced: true, metrics: { hits: 5, prompt_tokens: 2, completion_tokens: 2 } },
    'both sides of two applications, so that no sum lacks one',
  )
})

t.test('accounts of up to ten applications have one page, and larger ones pages of five', async (t) => {
  const records = (count: number) =>
    Array.from({ length: count }, (_, id) => ({ id, lastTrafficAt: id === 3 ? '2026-11-25T10:00:00Z' : '' })) as never[]
  const page = (count: number, number: number) => {
    const { selected, others, pages } = selectApplications(records(count), () => '', { page: number })
    return { ids: selected.map(({ id }) => id), others: others.length, pages }
  }
  t.same(page(3, 1), { ids: [2, 1, 0], others: 0, pages: 1 })
  t.match(page(10, 1), { others: 0, pages: 1 })
  t.same(page(12, 1), { ids: [3, 11, 10, 9, 8], others: 7, pages: 3 }, 'the last used first')
  t.same(page(12, 3), { ids: [1, 0], others: 10, pages: 3 })
  t.same(page(12, 99), page(12, 3), 'a page after the last')
})

t.test('an application may be in use if its last traffic was on the first day of the range or later', async (t) => {
  const range = resolveRange({ since: '2026-11-20T15:00:00Z', until: '2026-11-25' }, now)
  const used = (lastTrafficAt: string) => countInUse([{ lastTrafficAt }], range)
  t.equal(used('2026-11-20T00:01:00Z'), 1, 'only the first traffic of a day is recorded')
  t.equal(used('2026-11-19T23:59:59Z'), 0)
  t.equal(used(''), 0)
})
