import t from 'tap'
import { addUsage, countValues } from '../../../src/features/usage/statistics/counted-values.js'
import { createTally, planWindows } from '../../../src/features/usage/statistics/requests.js'
import { rounds } from '../../helper/rounds.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const since = '2026-11-01T00:00:00Z'
const start = Date.parse(since)

t.test('values of a response are stored with their starts, without zeros', async (t) => {
  t.same(countValues('hour', { since, values: [0, 2, 0, 3] }), {
    starts: [start + HOUR, start + 3 * HOUR],
    sums: [2, 5],
    isReported: true,
  })
  t.same(countValues('day', { since, values: [1, 0, 1] }).starts, [start, start + 2 * DAY])
  t.same(
    countValues('month', { since, values: [1, 1, 1] }).starts.map((at) => new Date(at).toISOString().slice(0, 10)),
    ['2026-11-01', '2026-12-01', '2027-01-01'],
    'months of different lengths, across a year',
  )
  t.same(countValues('eternity', { since: '', values: [] }), { starts: [], sums: [], isReported: false })
  t.match(countValues('eternity', { since: '', values: [0] }), { isReported: true })
})

t.test('sums of buckets equal the sum of the values in each, for any windows and buckets', async (t) => {
  const wrong: string[] = []
  for (let round = 0; round < rounds(300); round++) {
    const values = Array.from({ length: 400 }, () => (Math.random() < 0.6 ? 0 : Math.floor(Math.random() * 50)))
    const split = Math.floor(Math.random() * 400)
    const request = { application: 1, metric: 'hits', source: 'hour' as const, from: start, to: start + 400 * HOUR }
    const middle = start + split * HOUR
    const tally = createTally([
      { window: { ...request, to: middle }, values: countValues('hour', { since, values: values.slice(0, split) }) },
      {
        window: { ...request, from: middle },
        values: countValues('hour', { since: new Date(middle).toISOString(), values: values.slice(split) }),
      },
    ])
    const edges = Array.from({ length: 12 }, () => Math.floor(Math.random() * 401)).sort((a, b) => a - b)
    const hours = edges.slice(1).map((end, index) => [edges[index] ?? 0, end] as const)
    const buckets = hours.map(([from, to]) => ({ start: start + from * HOUR, end: start + to * HOUR }))
    const sums = hours.map(([from, to]) => values.slice(from, to).reduce((sum, value) => sum + value, 0))
    if (JSON.stringify(tally.sumsOf(request, buckets)) !== JSON.stringify(sums)) wrong.push(`${edges} at ${split}`)
    if (tally.sum(request) !== values.reduce((sum, value) => sum + value, 0)) wrong.push(`all at ${split}`)
    if (tally.sumsOf(request, [{ start: start - HOUR, end: middle }]) !== undefined) wrong.push('not requested')
  }
  t.same(wrong, [])
})

t.test('values outside of the requested window are not counted', async (t) => {
  const amounts = [0]
  const counted = countValues('hour', { since, values: [1, 2, 4, 8] })
  addUsage(counted, { from: start + HOUR, to: start + 3 * HOUR }, [{ start, end: start + DAY }], amounts)
  t.same(amounts, [6])
})

t.test('requests of one metric are merged into the windows that 3scale accepts', async (t) => {
  const request = { application: 1, metric: 'hits', source: 'hour' as const, from: start, to: start + 90 * DAY }
  const limit = { ...request, from: start + 60 * DAY, to: start + 90 * DAY }
  t.equal(planWindows([request, limit]).length, 1)
  t.equal(planWindows([request, { ...request, from: start - 90 * DAY, to: start }]).length, 2, 'and the period before')
  t.equal(planWindows([request, { ...request, application: 2 }]).length, 2)
})
