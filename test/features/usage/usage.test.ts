import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { estimateCost, resolvePrices } from '../../../src/features/usage/limits/cost.js'
import { evaluateLimit, type LimitState, periodAt, requestForLimit } from '../../../src/features/usage/limits/limits.js'
import {
  enforcementMessage,
  forecastMessage,
  limitLabel,
  resetLabel,
} from '../../../src/features/usage/limits/messages.js'
import { limitView } from '../../../src/features/usage/pages/shared-views.js'
import { reportWeight } from '../../../src/features/usage/report-weight.js'
import type { ApplicationDetails } from '../../../src/features/usage/reports/application-details.js'
import { serializeLimit } from '../../../src/features/usage/reports/serializers.js'
import { classifyMetrics, type UsageMetric } from '../../../src/features/usage/statistics/metric-roles.js'
import { createTally, planWindows, type StatisticsWindow } from '../../../src/features/usage/statistics/requests.js'
import { buildSeries, requestsForRange } from '../../../src/features/usage/statistics/series.js'
import { resolveRange } from '../../../src/features/usage/time-range/range.js'
import { canonicalZone } from '../../../src/features/usage/time-range/time-zones.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (time: string) => Date.parse(time)
const hoursOf = (buckets: { start: number; end: number }[]) => buckets.map(({ start, end }) => (end - start) / HOUR)
interface Response {
  window: StatisticsWindow
  starts: number[]
  values: number[]
}
const tallyOf = (responses: Response[]) =>
  createTally(
    responses.map(({ window, starts, values }) => {
      let sum = 0
      const sums = values.map((value) => (sum += value))
      return { window, values: { starts: values.map((_, at) => starts[at] ?? 0), sums, isReported: values.length > 0 } }
    }),
  )
const calls: UsageMetric = { id: 1, metric: 'hits', name: 'Hits', unit: 'hit', role: 'calls', createdAt: '' }

t.test(
  'a range of days starts at midnight in its zone, ends with the current hour, and is compared with the same time before',
  async (t) => {
    const now = at('2026-11-25T10:30:00Z')
    const week = resolveRange({ range: '7d', tz: 'Europe/Madrid' }, now)
    t.equal(week.buckets.length, 7)
    t.equal(new Date(week.since).toISOString(), '2026-11-18T23:00:00.000Z', 'midnight in Madrid')
    t.equal(new Date(week.until).toISOString(), '2026-11-25T11:00:00.000Z', 'includes the current hour')
    t.ok(week.isOngoing)
    t.equal(week.previousBuckets.length, 7)
    t.equal(week.previousBuckets[0]?.start, at('2026-11-11T23:00:00Z'))
    t.equal(
      hoursOf(week.previousBuckets).at(-1),
      hoursOf(week.buckets).at(-1),
      'a partial day is compared with the same part of the earlier day',
    )
    const late = resolveRange({ range: '24h' }, at('2026-11-25T23:59:59Z'))
    t.equal(late.buckets.length, 24)
    t.equal(new Date(late.until).toISOString(), '2026-11-26T00:00:00.000Z')
  },
)

t.test('each spelling of a time zone is mapped to its canonical name', async (t) => {
  const spelled = (name: string, times: number) =>
    Array.from({ length: times }, (_, bits) =>
      [...name]
        .map((letter, index) => ((bits >> (index % 16)) & 1 ? letter.toUpperCase() : letter.toLowerCase()))
        .join(''),
    )
  for (const [name, canonical] of [
    ['America/New_York', 'America/New_York'],
    ['US/Eastern', 'America/New_York'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Etc/UTC', 'UTC'],
    ['Europe/Madrid', 'Europe/Madrid'],
  ] as const) {
    const found = new Set(spelled(name, 2000).map((spelling) => canonicalZone(` ${spelling} `)))
    t.same([...found], [canonical], name)
    t.equal(resolveRange({ range: '7d', tz: name.toLowerCase() }, at('2026-11-25T10:30:00Z')).requestedZone, canonical)
  }
  for (const name of [
    '',
    'Mars/Base',
    '+05:30',
    'UTC+3',
    '../etc',
    'constructor',
    '__proto__',
    'a'.repeat(80),
    undefined,
  ])
    t.equal(canonicalZone(name), undefined, String(name))
})

t.test('the rate-limit weight of a report depends on its number of rows', async (t) => {
  const weight = (query: Record<string, string>) => reportWeight({ query } as unknown as FastifyRequest)
  t.equal(weight({}), 2)
  t.equal(weight({ range: '24h' }), 2)
  t.equal(weight({ range: '12m' }), 2)
  // Property names of Object.prototype are not ranges.
  for (const range of ['__proto__', 'constructor', 'valueOf']) t.equal(weight({ range }), 2, range)
  t.equal(weight({ range: '7d', granularity: 'hour' }), 4)
  t.equal(weight({ range: '90d', granularity: 'hour' }), 37)
  t.equal(weight({ since: '2026-01-01', until: '2026-01-02', granularity: 'hour' }), 2)
  t.equal(weight({ since: '2025-01-01', until: '2025-12-31', granularity: 'day' }), 8)
  // An invalid range counts as the longest one.
  for (const since of ['x', '2030-01-01', '0', '2000-01-01T00:00:00'])
    t.equal(weight({ since, until: '2026-01-01', granularity: 'hour' }), 37, since)
})

t.test('a range of months covers whole months in UTC, also across a year', async (t) => {
  const year = resolveRange({ range: '12m' }, at('2026-02-28T23:30:00Z'))
  t.equal(year.granularity, 'month')
  t.equal(year.buckets.length, 12)
  t.equal(new Date(year.since).toISOString(), '2025-03-01T00:00:00.000Z')
  const days = resolveRange(
    { since: '2026-01-31', until: '2026-02-01', granularity: 'day' },
    at('2026-05-01T00:00:00Z'),
  )
  t.same(hoursOf(days.buckets), [24, 24])
  t.notOk(days.isOngoing)
})

t.test('days with 23 and 25 hours and a zone with a half-hour offset have correct borders', async (t) => {
  const now = at('2026-12-01T00:00:00Z')
  const spring = resolveRange(
    { since: '2026-03-28', until: '2026-03-30', granularity: 'day', tz: 'Europe/Madrid' },
    now,
  )
  t.same(hoursOf(spring.buckets), [24, 23, 24])
  const autumn = resolveRange(
    { since: '2026-10-24', until: '2026-10-26', granularity: 'day', tz: 'Europe/Madrid' },
    now,
  )
  t.same(hoursOf(autumn.buckets), [24, 25, 24])
  const south = resolveRange(
    { since: '2026-10-03', until: '2026-10-05', granularity: 'day', tz: 'Australia/Sydney' },
    now,
  )
  t.same(hoursOf(south.buckets), [24, 23, 24])
  const half = resolveRange({ since: '2026-06-01', until: '2026-06-02', granularity: 'day', tz: 'Asia/Kolkata' }, now)
  t.same(hoursOf(half.buckets), [24, 24])
  t.equal((half.buckets[0]?.start ?? 1) % HOUR, 0, 'borders are whole hours, as in 3scale')
})

t.test('an invalid parameter is rejected with its field', async (t) => {
  const now = at('2026-11-25T10:00:00Z')
  for (const [query, field] of [
    [{ since: 'soon' }, 'since'],
    [{ since: '2026-02-30' }, 'since'],
    [{ since: '2026-02-01T00:00:00+99:99' }, 'since'],
    [{ since: '2026-02-01T00:00[Europe/Madrid]' }, 'since'],
    [{ since: '2026-03-02', until: '2026-03-01' }, 'until'],
    [{ tz: 'Mars/Base' }, 'tz'],
    [{ range: '3d' }, 'range'],
    [{ granularity: 'week' }, 'granularity'],
    [{ since: '2026-01-01', until: '2026-06-30', granularity: 'hour' }, 'granularity'],
    [{ since: '2000-01-01', until: '2026-01-01' }, 'since'],
  ] as const)
    t.throws(
      () => resolveRange(query, now),
      { code: 'invalid_fields', fields: { [field]: String } },
      JSON.stringify(query),
    )
})

t.test('usage is requested with as few calls as possible, and one per metric if 3scale allows it', async (t) => {
  const need = { application: 1, metric: 'hits', source: 'hour' as const, from: 0, to: 30 * DAY }
  t.equal(planWindows([need, { ...need, from: 10 * DAY, to: 40 * DAY }]).length, 1, 'overlapping ranges are one call')
  t.equal(planWindows([need, { ...need, metric: 'tokens' }]).length, 2)
  t.equal(planWindows([{ ...need, to: 200 * DAY }]).length, 3, 'at most ninety days of hours')
  t.equal(
    planWindows([
      { ...need, to: 30 * DAY },
      { ...need, from: 60 * DAY, to: 90 * DAY },
    ]).length,
    1,
  )
  t.same(planWindows([]), [])
  const tally = tallyOf([{ window: need, starts: [0, HOUR, 2 * HOUR], values: [1, 2, 4] }])
  t.equal(tally.sum({ ...need, to: 2 * HOUR }), 3)
  t.equal(tally.sum({ ...need, to: 60 * DAY }), undefined, 'a range that was not requested is unknown')
  t.equal(tally.sum({ ...need, metric: 'other' }), undefined)
})

t.test(
  'an application or metric that is newer than the previous period has no comparison, and the reason is reported',
  async (t) => {
    const now = at('2026-11-25T12:00:00Z')
    const range = resolveRange({ range: '7d' }, now)
    const tally = (metric: string) => {
      const window = { application: 1, metric, source: 'hour' as const, from: range.since - 14 * DAY, to: range.until }
      return tallyOf([{ window, starts: [now - HOUR], values: [3] }])
    }
    const of = (createdAt: number, since: string) => {
      const application = { id: 1, createdAt } as unknown as ApplicationDetails
      return buildSeries(application, { ...calls, createdAt: since }, range, tally('hits'))
    }
    t.equal(of(0, '')?.tooRecent, undefined)
    t.equal(of(0, '')?.total, 3)
    t.equal(of(0, '')?.previous?.total, 0)
    const yesterday = at('2026-11-24T12:00:00Z')
    t.equal(of(yesterday, '')?.tooRecent, 'application')
    t.equal(of(yesterday, '')?.total, 3)
    t.equal(
      requestsForRange({ id: 1, createdAt: yesterday } as unknown as ApplicationDetails, calls, range).length,
      1,
      'the previous period is not requested',
    )
    t.equal(of(0, '2026-11-25T09:00:00Z')?.tooRecent, 'metric')
    t.equal(
      buildSeries({ id: 1, createdAt: 0 } as unknown as ApplicationDetails, calls, range, tallyOf([])),
      undefined,
      'no response',
    )
  },
)

t.test('limit periods are in UTC and weeks start on Monday', async (t) => {
  const now = at('2026-11-25T10:30:30Z')
  const ends = (period: Parameters<typeof periodAt>[0]) => {
    const found = periodAt(period, now)
    return found && [new Date(found.start).toISOString().slice(0, 16), new Date(found.end).toISOString().slice(0, 16)]
  }
  t.same(ends('minute'), ['2026-11-25T10:30', '2026-11-25T10:31'])
  t.same(ends('hour'), ['2026-11-25T10:00', '2026-11-25T11:00'])
  t.same(ends('day'), ['2026-11-25T00:00', '2026-11-26T00:00'])
  t.same(ends('week'), ['2026-11-23T00:00', '2026-11-30T00:00'])
  t.same(ends('month'), ['2026-11-01T00:00', '2026-12-01T00:00'])
  t.same(ends('year'), ['2026-01-01T00:00', '2027-01-01T00:00'])
  t.equal(ends('eternity'), undefined)
  t.same(periodAt('week', at('2026-11-29T23:59:00Z')), periodAt('week', now), 'Sunday is the last day of the week')
})

const checkedMetrics = new Set(['hits'])
function stateOf(
  value: number,
  used: number,
  now: number,
  createdAt = 0,
  measure = calls,
  period = 'day' as const,
): LimitState {
  const limit = { metricId: 1, period, value }
  const need = requestForLimit(1, limit, measure, now)
  const tally = tallyOf(need ? [{ window: need, starts: [need.from], values: [used] }] : [])
  return evaluateLimit({ limit, measure, application: 1, createdAt, checkedMetrics }, tally, now)
}

t.test('forecast messages state the remaining amount and the time of exhaustion', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const message = (state: LimitState) => forecastMessage(state, 'UTC', noon)
  const half = stateOf(10_000, 7200, noon)
  t.equal(half.remaining, 2800)
  t.equal(message(half), 'At the current rate, the limit of 10,000 calls today will be exhausted at 16:40.')
  t.equal(
    message(stateOf(10_000, 100, noon)),
    'At the current rate, about 200 of 10,000 will be used before the limit resets.',
  )
  t.equal(message(stateOf(10, 12, noon)), 'The limit of 10 calls today is exhausted until tomorrow at 00:00.')
  t.equal(stateOf(10, 12, noon).remaining, 0)
  t.equal(message(stateOf(10_000, 0, noon)), 'No usage yet.')
  t.equal(
    forecastMessage(stateOf(10_000, 5, at('2026-11-25T00:30:00Z')), 'UTC', noon),
    'Not enough data for a forecast.',
  )
  const yesterday = stateOf(10_000, 600, noon, noon - 3 * HOUR)
  t.equal(
    message(yesterday),
    'At the current rate, about 3,000 of 10,000 will be used before the limit resets.',
    'counted from the creation',
  )
  t.equal(resetLabel(half, 'UTC', noon), 'Tomorrow at 00:00')
  t.equal(resetLabel(half, 'Europe/Madrid', noon), 'Tomorrow at 01:00')
})

t.test('a limit of 0 means not included, and a metric without mapping rules is not enforced', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const none = stateOf(0, 0, noon)
  t.equal(none.enforcement, 'not_included')
  t.equal(limitLabel(none), 'calls: not included')
  t.match(enforcementMessage(none), '403')
  const tokens: UsageMetric = { ...calls, id: 2, metric: 'total_tokens', name: 'Total tokens', role: 'total_tokens' }
  const spent = stateOf(1000, 10, noon, 0, tokens)
  t.equal(spent.enforcement, 'not_enforced')
  t.match(enforcementMessage(spent), 'does not check this limit')
  t.match(enforcementMessage(stateOf(1000, 10, noon)), 'A few more calls can succeed')
})

t.test('a limit over all time is reported as unavailable if 3scale does not support it', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const limit = { metricId: 1, period: 'eternity' as const, value: 1000 }
  const state = (counted: Response[]) =>
    evaluateLimit({ limit, measure: calls, application: 1, createdAt: 0, checkedMetrics }, tallyOf(counted), noon)
  const window = { application: 1, metric: 'hits', source: 'eternity' as const, from: 0, to: 0 }
  const shown = (counted: Response[]) => limitView(state(counted), 'UTC', noon)

  const reported = shown([{ window, starts: [], values: [40] }])
  t.match(reported, { used: '40 used', remaining: '960 left', error: '' })
  const unsupported = shown([{ window, starts: [], values: [] }])
  t.match(unsupported, { isMeasured: false, error: 'This version of 3scale does not report usage for this period.' })
  t.match(unsupported.enforcement, /does not report usage over all time.*with 429/)
  t.equal(shown([]).error, '3scale did not report usage for this limit.', 'a failed request has another message')
  t.equal(serializeLimit(state([{ window, starts: [], values: [] }]), noon).used, null)
})

t.test('metrics are classified by name and unit, PORTAL_CONFIG first, each exactly once', async (t) => {
  const metric = (id: number, systemName: string, unit = '1', parentId?: number) => {
    return { id, systemName, name: systemName, unit, parentId, createdAt: '2026-11-25T09:00:00Z' }
  }
  const roles = (list: ReturnType<typeof metric>[], names = {}) =>
    Object.fromEntries(classifyMetrics(list, ['hits', 'chat.7'], names).map(({ metric, role }) => [metric, role]))
  t.same(
    roles([
      metric(1, 'hits', 'hit'),
      metric(2, 'prompt_tokens'),
      metric(3, 'output-count', 'tokens'),
      metric(4, 'chat', 'hit', 1),
    ]),
    {
      hits: 'calls',
      prompt_tokens: 'prompt_tokens',
      'output-count': 'completion_tokens',
      chat: 'method',
      'chat.7': 'method',
    },
  )
  t.equal(roles([metric(1, 'hits'), metric(2, 'spent')], { total_tokens: 'spent' }).spent, 'total_tokens')
  t.equal(roles([metric(1, 'hits'), metric(2, 'gpu_seconds')]).gpu_seconds, 'other')
  t.same(roles([]), { 'chat.7': 'method' }, 'a product without metrics')
  t.equal(classifyMetrics([metric(9, 'total_tokens')], [])[0]?.createdAt, '2026-11-25T09:00:00Z', 'created today')
})

t.test(
  'cost uses the tiers of 3scale first, then configured prices, and has no forecast too early in the month',
  async (t) => {
    const now = at('2026-11-16T00:00:00Z')
    const rules = [
      { metricId: 1, costPerUnit: 0.01, from: 1, to: 100 },
      { metricId: 1, costPerUnit: 0.005, from: 101, to: undefined },
    ]
    const estimate = (used: number, when = now, prices = resolvePrices(rules, undefined, [calls])) => {
      const from = Date.UTC(2026, 10, 1)
      const window = { application: 1, metric: 'hits', source: 'hour' as const, from, to: when + HOUR }
      const tally = tallyOf([{ window, starts: [from], values: [used] }])
      return estimateCost(
        { application: 1, prices, currency: 'EUR', planFee: 0, createdAt: 0, source: 'hour' },
        tally,
        when,
      )
    }
    t.equal(estimate(50)?.monthToDate, 0.5)
    t.equal(estimate(300)?.monthToDate, 2, 'a hundred at 0.01, two hundred at 0.005')
    t.equal(estimate(300)?.expected, 3.5, 'twice as much by the end of the month')
    t.equal(estimate(300, at('2026-11-01T01:00:00Z'))?.expected, null)
    const perCall = resolvePrices([], { per_call: 2 }, [calls])
    t.equal(perCall.source, 'portal')
    t.equal(estimate(3, now, perCall)?.monthToDate, 6)
    t.equal(estimate(3, now, resolvePrices([], undefined, [calls])), undefined, 'no price, no estimate')
  },
)
