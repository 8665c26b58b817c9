import t from 'tap'
import type { Application } from '../../../src/features/applications/schemas.js'
import { ownApplicationsView } from '../../../src/features/home/dashboard-view.js'
import type { LimitState } from '../../../src/features/usage/limits/limits.js'
import type { AccountReport } from '../../../src/features/usage/reports/account-report.js'
import { selectInUse } from '../../../src/features/usage/reports/application-selection.js'
import { summarizeUsage, type UsageSummary } from '../../../src/features/usage/reports/usage-summary.js'
import { resolveRange } from '../../../src/features/usage/time-range/range.js'

const application = (id: number, state: Application['state'] = 'live') =>
  ({ id, name: `App ${id}`, model_name: 'Granite', state }) as Application
const stateOf = ({ state }: Application) => ({ label: state, color: 'green', isUsable: state === 'live' })
const limit = (value: number, used: number | null) => ({ metric: 'hits', period: 'day', value, used }) as LimitState
const amounts = (values: number[], previous?: number) => ({
  values,
  total: values.reduce((sum, value) => sum + value, 0),
  previous: previous === undefined ? undefined : { values: [], total: previous },
})
const estimate = (currency: string | null, monthToDate: number, expected: number | null, incomplete = false) =>
  ({ currency, monthToDate, expected, incomplete }) as AccountReport['rows'][number]['estimate']

function reportOf(rows: Partial<AccountReport['rows'][number]>[], more: Partial<AccountReport> = {}): AccountReport {
  return {
    rows: rows.map((row, index) => ({ application: { id: index + 1, name: `App ${index + 1}` }, limits: [], ...row })),
    calls: amounts([0]),
    tokens: amounts([0]),
    othersInUse: 0,
    gaps: { unavailable: [], removed: [], error: undefined },
    ...more,
  } as unknown as AccountReport
}

t.test('a summary has one cost for each currency, of estimates that are complete', async (t) => {
  const { costs } = summarizeUsage(
    reportOf([
      { estimate: estimate('EUR', 1, 10) },
      { estimate: estimate('EUR', 2, null) },
      { estimate: estimate('USD', 3, 30) },
      { estimate: estimate('USD', 100, 100, true) },
      {},
    ]),
  )
  t.same(costs, [
    { currency: 'EUR', monthToDate: 3, expected: null, priced: 2, complete: 2 },
    { currency: 'USD', monthToDate: 3, expected: 30, priced: 2, complete: 1 },
  ])
})

t.test('the closest limit is the one of which most is used, among those that 3scale reports', async (t) => {
  const of = (...limits: LimitState[]) => summarizeUsage(reportOf([{ limits: [limit(100, 10)] }, { limits }]))
  t.match(of(limit(10, 9), limit(1000, 800)).closestLimit, { application: { id: 2 }, share: 0.9 })
  t.match(of(limit(0, 5), limit(10, null)).closestLimit, { application: { id: 1 }, share: 0.1 })
  t.equal(summarizeUsage(reportOf([{ limits: [limit(0, 0)] }])).closestLimit, undefined)
})

t.test('a summary states what it covers and whether numbers are missing', async (t) => {
  const gaps = { unavailable: ['calls'], removed: [], error: undefined }
  const summary = summarizeUsage(reportOf([{}, {}], { othersInUse: 3, gaps }))
  t.match(summary, { shown: 2, inUse: 5, isIncomplete: true })
  const { note } = ownApplicationsView({ rows: [], total: 9, stateOf, usage: summary, hasCalled: true })
  t.match(note, /3scale did not return all numbers.*cover the 2 most recently used of 5/)
})

t.test('usage is read of applications with calls since yesterday, and of new ones', async (t) => {
  const range = resolveRange({ range: '24h' }, Date.parse('2026-11-25T10:30:00Z'))
  const record = (id: number, lastTrafficAt: string, createdAt = '2026-01-01T00:00:00Z') => ({
    id,
    lastTrafficAt,
    createdAt,
  })
  const { selected, othersInUse } = selectInUse(
    [
      record(1, '2026-11-23T23:59:59Z'),
      record(2, '2026-11-24T00:00:00Z'),
      record(3, '2026-11-25T08:00:00Z'),
      record(4, '', '2026-11-24T12:00:00Z'),
      record(5, ''),
    ],
    range,
  )
  t.same(
    selected.map(({ id }) => id),
    [3, 2, 4],
  )
  t.equal(othersInUse, 0)
  const many = Array.from({ length: 9 }, (_, id) => record(id, '2026-11-25T08:00:00Z'))
  t.match(selectInUse(many, range), { selected: { length: 5 }, othersInUse: 4 })
})

const summary = (more: Partial<UsageSummary> = {}): UsageSummary => ({
  calls: { total: 0, previous: undefined },
  tokens: { total: 0, previous: undefined },
  costs: [],
  closestLimit: undefined,
  callsByApplication: new Map(),
  shown: 1,
  inUse: 1,
  isIncomplete: false,
  ...more,
})

t.test('bars are as high as the calls of their hour, relative to the highest', async (t) => {
  const callsByApplication = new Map([[1, { total: 111, values: [0, 1, 10, 100] }]])
  const [row] = ownApplicationsView({
    rows: [application(1)],
    total: 1,
    stateOf,
    usage: summary({ callsByApplication }),
    hasCalled: true,
  }).rows
  t.equal(row?.calls, '111 calls')
  t.same(
    row?.bars.map(({ height, style }) => [height, style]),
    [
      [1, 'spark-none'],
      [2, 'spark-bar'],
      [2, 'spark-bar'],
      [20, 'spark-bar'],
    ],
  )
})

t.test('only an application whose key works shows calls, and is proposed for the first call', async (t) => {
  const rows = [application(1, 'pending'), application(2)]
  const of = (usage: UsageSummary | undefined, hasCalled: boolean) =>
    ownApplicationsView({ rows, total: 2, stateOf, usage, hasCalled })
  t.same(
    of(summary(), false).rows.map(({ calls }) => calls),
    ['', '0 calls'],
  )
  t.same(of(summary(), false).first, { name: 'App 2', href: '/applications/2' })
  t.equal(of(summary(), true).first, undefined, '3scale has recorded a call')
  t.equal(of(summary({ calls: { total: 1, previous: undefined } }), false).first, undefined, 'a call is counted')
  const waiting = of(undefined, false)
  t.same([waiting.kind, waiting.first, waiting.tiles], ['partial', undefined, undefined], 'usage is being read')
  t.equal(
    ownApplicationsView({ rows: rows.slice(0, 1), total: 1, stateOf, usage: summary(), hasCalled: false }).first,
    undefined,
    'no key works yet',
  )
})

t.test('tiles compare with the 24 hours before', async (t) => {
  const detailsOf = (total: number, previous: number | undefined) =>
    ownApplicationsView({
      rows: [],
      total: 1,
      stateOf,
      usage: summary({ calls: { total, previous } }),
      hasCalled: true,
    }).tiles?.[0]?.details
  t.equal(detailsOf(5, undefined), '', 'an application is younger than that')
  t.equal(detailsOf(0, 0), '')
  t.equal(detailsOf(5, 0), 'none in the previous 24 hours')
  t.equal(detailsOf(15, 10), '50% more than in the previous 24 hours')
})
