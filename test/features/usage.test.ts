import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { limitUse } from '../../src/features/usage/answers.js'
import { estimateOf, pricesOf } from '../../src/features/usage/cost.js'
import type { Detailed } from '../../src/features/usage/details.js'
import { type LimitState, limitNeed, limitState, periodAround } from '../../src/features/usage/limits.js'
import { type Measure, measuresOf } from '../../src/features/usage/measures.js'
import { limitView } from '../../src/features/usage/parts.js'
import { rangeOf } from '../../src/features/usage/range.js'
import { rangeNeeds, seriesOf } from '../../src/features/usage/series.js'
import { reportWeight } from '../../src/features/usage/weight.js'
import { createTally, windowsFor } from '../../src/features/usage/windows.js'
import { forecastWords, limitName, limitNote, resetWords } from '../../src/features/usage/words.js'
import { knownZone } from '../../src/features/usage/zones.js'
import { money } from '../../src/web/words.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (time: string) => Date.parse(time)
const hoursOf = (buckets: { start: number; end: number }[]) => buckets.map(({ start, end }) => (end - start) / HOUR)
const calls: Measure = { id: 1, metric: 'hits', name: 'Hits', unit: 'hit', role: 'calls', since: '' }

t.test('day borders: a day of a zone, cut at now, and the same time before it', async (t) => {
  const now = at('2026-11-25T10:30:00Z')
  const week = rangeOf({ range: '7d', tz: 'Europe/Madrid' }, now)
  t.equal(week.buckets.length, 7)
  t.equal(new Date(week.since).toISOString(), '2026-11-18T23:00:00.000Z', 'midnight in Madrid')
  t.equal(new Date(week.until).toISOString(), '2026-11-25T11:00:00.000Z', 'the hour that runs is in it')
  t.ok(week.unfinished)
  t.equal(week.before.length, 7)
  t.equal(week.before[0]?.start, at('2026-11-11T23:00:00Z'))
  t.equal(hoursOf(week.before).at(-1), hoursOf(week.buckets).at(-1), 'a cut day is compared with as much of its day')
  const late = rangeOf({ range: '24h' }, at('2026-11-25T23:59:59Z'))
  t.equal(late.buckets.length, 24)
  t.equal(new Date(late.until).toISOString(), '2026-11-26T00:00:00.000Z')
})

t.test('time zones: one name for each, however it is written', async (t) => {
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
    const found = new Set(spelled(name, 2000).map((spelling) => knownZone(` ${spelling} `)))
    t.same([...found], [canonical], name)
    t.equal(rangeOf({ range: '7d', tz: name.toLowerCase() }, at('2026-11-25T10:30:00Z')).askedZone, canonical)
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
    t.equal(knownZone(name), undefined, String(name))
})

t.test('a report counts by the rows that it has', async (t) => {
  const weight = (query: Record<string, string>) => reportWeight({ query } as unknown as FastifyRequest)
  t.equal(weight({}), 2)
  t.equal(weight({ range: '24h' }), 2)
  t.equal(weight({ range: '12m' }), 2)
  // names of Object.prototype are no ranges
  for (const range of ['__proto__', 'constructor', 'valueOf']) t.equal(weight({ range }), 2, range)
  t.equal(weight({ range: '7d', granularity: 'hour' }), 4)
  t.equal(weight({ range: '90d', granularity: 'hour' }), 37)
  t.equal(weight({ since: '2026-01-01', until: '2026-01-02', granularity: 'hour' }), 2)
  t.equal(weight({ since: '2025-01-01', until: '2025-12-31', granularity: 'day' }), 8)
  // what cannot be read counts as the longest
  for (const since of ['x', '2030-01-01', '0', '2000-01-01T00:00:00'])
    t.equal(weight({ since, until: '2026-01-01', granularity: 'hour' }), 37, since)
})

t.test('month borders: whole months of UTC, over the end of a year', async (t) => {
  const year = rangeOf({ range: '12m' }, at('2026-02-28T23:30:00Z'))
  t.equal(year.granularity, 'month')
  t.equal(year.buckets.length, 12)
  t.equal(new Date(year.since).toISOString(), '2025-03-01T00:00:00.000Z')
  const days = rangeOf({ since: '2026-01-31', until: '2026-02-01', granularity: 'day' }, at('2026-05-01T00:00:00Z'))
  t.same(hoursOf(days.buckets), [24, 24])
  t.notOk(days.unfinished)
})

t.test('changes of the clocks: a day of 23 hours, one of 25, and a zone half an hour beside', async (t) => {
  const now = at('2026-12-01T00:00:00Z')
  const spring = rangeOf({ since: '2026-03-28', until: '2026-03-30', granularity: 'day', tz: 'Europe/Madrid' }, now)
  t.same(hoursOf(spring.buckets), [24, 23, 24])
  const autumn = rangeOf({ since: '2026-10-24', until: '2026-10-26', granularity: 'day', tz: 'Europe/Madrid' }, now)
  t.same(hoursOf(autumn.buckets), [24, 25, 24])
  const south = rangeOf({ since: '2026-10-03', until: '2026-10-05', granularity: 'day', tz: 'Australia/Sydney' }, now)
  t.same(hoursOf(south.buckets), [24, 23, 24])
  const half = rangeOf({ since: '2026-06-01', until: '2026-06-02', granularity: 'day', tz: 'Asia/Kolkata' }, now)
  t.same(hoursOf(half.buckets), [24, 24])
  t.equal((half.buckets[0]?.start ?? 1) % HOUR, 0, 'borders are whole hours, as 3scale counts')
})

t.test('what means nothing is refused by field', async (t) => {
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
    t.throws(() => rangeOf(query, now), { code: 'invalid_fields', fields: { [field]: String } }, JSON.stringify(query))
})

t.test('calls: one a metric where 3scale gives it at once, else as few pieces as can be', async (t) => {
  const need = { application: 1, metric: 'hits', source: 'hour' as const, from: 0, to: 30 * DAY }
  t.equal(windowsFor([need, { ...need, from: 10 * DAY, to: 40 * DAY }]).length, 1, 'what overlaps is one call')
  t.equal(windowsFor([need, { ...need, metric: 'tokens' }]).length, 2)
  t.equal(windowsFor([{ ...need, to: 200 * DAY }]).length, 3, 'ninety days of hours at most')
  t.equal(
    windowsFor([
      { ...need, to: 30 * DAY },
      { ...need, from: 60 * DAY, to: 90 * DAY },
    ]).length,
    1,
  )
  t.same(windowsFor([]), [])
  const tally = createTally([{ window: need, starts: [0, HOUR, 2 * HOUR], values: [1, 2, 4] }])
  t.equal(tally.sum({ ...need, to: 2 * HOUR }), 3)
  t.equal(tally.sum({ ...need, to: 60 * DAY }), undefined, 'what was not asked for is not known')
  t.equal(tally.sum({ ...need, metric: 'other' }), undefined)
})

t.test(
  'an application made yesterday and a metric added today are compared with nothing, and it is said',
  async (t) => {
    const now = at('2026-11-25T12:00:00Z')
    const range = rangeOf({ range: '7d' }, now)
    const tally = (metric: string) => {
      const window = { application: 1, metric, source: 'hour' as const, from: range.since - 14 * DAY, to: range.until }
      return createTally([{ window, starts: [now - HOUR], values: [3] }])
    }
    const of = (madeAt: number, since: string) => {
      const application = { id: 1, madeAt } as unknown as Detailed
      return seriesOf(application, { ...calls, since }, range, tally('hits'))
    }
    t.equal(of(0, '')?.young, undefined)
    t.equal(of(0, '')?.total, 3)
    t.equal(of(0, '')?.before?.total, 0)
    const yesterday = at('2026-11-24T12:00:00Z')
    t.equal(of(yesterday, '')?.young, 'application')
    t.equal(of(yesterday, '')?.total, 3)
    t.equal(
      rangeNeeds({ id: 1, madeAt: yesterday } as unknown as Detailed, calls, range).length,
      1,
      'nothing before is asked',
    )
    t.equal(of(0, '2026-11-25T09:00:00Z')?.young, 'metric')
    t.equal(seriesOf({ id: 1, madeAt: 0 } as unknown as Detailed, calls, range, createTally([])), undefined, 'not told')
  },
)

t.test('periods of limits are those of UTC, weeks begin on Monday', async (t) => {
  const now = at('2026-11-25T10:30:30Z')
  const ends = (period: Parameters<typeof periodAround>[0]) => {
    const found = periodAround(period, now)
    return found && [new Date(found.start).toISOString().slice(0, 16), new Date(found.end).toISOString().slice(0, 16)]
  }
  t.same(ends('minute'), ['2026-11-25T10:30', '2026-11-25T10:31'])
  t.same(ends('hour'), ['2026-11-25T10:00', '2026-11-25T11:00'])
  t.same(ends('day'), ['2026-11-25T00:00', '2026-11-26T00:00'])
  t.same(ends('week'), ['2026-11-23T00:00', '2026-11-30T00:00'])
  t.same(ends('month'), ['2026-11-01T00:00', '2026-12-01T00:00'])
  t.same(ends('year'), ['2026-01-01T00:00', '2027-01-01T00:00'])
  t.equal(ends('eternity'), undefined)
  t.same(periodAround('week', at('2026-11-29T23:59:00Z')), periodAround('week', now), 'a Sunday is the last day of it')
})

const looked = new Set(['hits'])
function stateOf(
  value: number,
  used: number,
  now: number,
  madeAt = 0,
  measure = calls,
  period = 'day' as const,
): LimitState {
  const limit = { metricId: 1, period, value }
  const need = limitNeed(1, limit, measure, now)
  const tally = createTally(need ? [{ window: need, starts: [need.from], values: [used] }] : [])
  return limitState({ limit, measure, application: 1, madeAt, looked }, tally, now)
}

t.test('what is left, and when it runs out, in words', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const words = (state: LimitState) => forecastWords(state, 'UTC', noon)
  const half = stateOf(10_000, 7200, noon)
  t.equal(half.left, 2800)
  t.equal(words(half), 'At this pace the 10,000 calls of today are used up at 16:40.')
  t.equal(words(stateOf(10_000, 100, noon)), 'At this pace about 200 of 10,000 are used when it resets.')
  t.equal(words(stateOf(10, 12, noon)), 'The 10 calls of today are used up until tomorrow at 00:00.')
  t.equal(stateOf(10, 12, noon).left, 0)
  t.equal(words(stateOf(10_000, 0, noon)), 'Nothing used so far.')
  t.equal(forecastWords(stateOf(10_000, 5, at('2026-11-25T00:30:00Z')), 'UTC', noon), 'Too early to tell a pace.')
  const yesterday = stateOf(10_000, 600, noon, noon - 3 * HOUR)
  t.equal(words(yesterday), 'At this pace about 3,000 of 10,000 are used when it resets.', 'counted from its making')
  t.equal(resetWords(half, 'UTC', noon), 'Tomorrow at 00:00')
  t.equal(resetWords(half, 'Europe/Madrid', noon), 'Tomorrow at 01:00')
})

t.test('a limit of 0 is not included; a metric that no call carries stops nobody', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const none = stateOf(0, 0, noon)
  t.equal(none.enforcement, 'not_included')
  t.equal(limitName(none), 'calls: not included')
  t.match(limitNote(none), '403')
  const tokens: Measure = { ...calls, id: 2, metric: 'total_tokens', name: 'Total tokens', role: 'total_tokens' }
  const spent = stateOf(1000, 10, noon, 0, tokens)
  t.equal(spent.enforcement, 'never_looked_at')
  t.match(limitNote(spent), 'stops nobody')
  t.match(limitNote(stateOf(1000, 10, noon)), 'may still pass')
})

t.test('a limit of all time is shown as not reported where this 3scale has no such numbers', async (t) => {
  const noon = at('2026-11-25T12:00:00Z')
  const limit = { metricId: 1, period: 'eternity' as const, value: 1000 }
  const state = (counted: Parameters<typeof createTally>[0]) =>
    limitState({ limit, measure: calls, application: 1, madeAt: 0, looked }, createTally(counted), noon)
  const window = { application: 1, metric: 'hits', source: 'eternity' as const, from: 0, to: 0 }
  const shown = (counted: Parameters<typeof createTally>[0]) => limitView(state(counted), 'UTC', noon)

  const reported = shown([{ window, starts: [], values: [40] }])
  t.match(reported, { used: '40 used', left: '960 left', unread: '' })
  const unsupported = shown([{ window, starts: [], values: [] }])
  t.match(unsupported, { measured: false, unread: 'Not reported by this 3scale.' })
  t.match(unsupported.note, /has no usage over all time.*refused with 429/)
  t.equal(shown([]).unread, '3scale did not report what is used of it.', 'a call that failed is another matter')
  t.equal(limitUse(state([{ window, starts: [], values: [] }]), noon).used, null)
})

t.test('which metric counts what: by name and unit, PORTAL_CONFIG first, none missed and none twice', async (t) => {
  const metric = (id: number, systemName: string, unit = '1', parentId?: number) => {
    return { id, systemName, name: systemName, unit, parentId, createdAt: '2026-11-25T09:00:00Z' }
  }
  const roles = (list: ReturnType<typeof metric>[], names = {}) =>
    Object.fromEntries(measuresOf(list, ['hits', 'chat.7'], names).map(({ metric, role }) => [metric, role]))
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
  t.equal(measuresOf([metric(9, 'total_tokens')], [])[0]?.since, '2026-11-25T09:00:00Z', 'made today: known')
})

t.test('cost: 3scale’s tiers first, else configured prices; too early to tell is said', async (t) => {
  const now = at('2026-11-16T00:00:00Z')
  const rules = [
    { metricId: 1, costPerUnit: 0.01, from: 1, to: 100 },
    { metricId: 1, costPerUnit: 0.005, from: 101, to: undefined },
  ]
  const estimate = (used: number, when = now, prices = pricesOf(rules, undefined, [calls])) => {
    const from = Date.UTC(2026, 10, 1)
    const window = { application: 1, metric: 'hits', source: 'hour' as const, from, to: when + HOUR }
    const tally = createTally([{ window, starts: [from], values: [used] }])
    return estimateOf({ application: 1, prices, currency: 'EUR', planFee: 0, madeAt: 0, source: 'hour' }, tally, when)
  }
  t.equal(estimate(50)?.soFar, 0.5)
  t.equal(estimate(300)?.soFar, 2, 'a hundred at 0.01, two hundred at 0.005')
  t.equal(estimate(300)?.expected, 3.5, 'twice as many by the end of the month')
  t.equal(estimate(300, at('2026-11-01T01:00:00Z'))?.expected, null)
  const perCall = pricesOf([], { per_call: 2 }, [calls])
  t.equal(perCall.source, 'portal')
  t.equal(estimate(3, now, perCall)?.soFar, 6)
  t.equal(estimate(3, now, pricesOf([], undefined, [calls])), undefined, 'no price, no estimate')
  t.equal(money(12.5, 'EUR'), 'EUR 12.50')
  t.equal(money(0.00001, null), 'less than 0.0001')
})
