import t from 'tap'
import { planWindows } from '../../../../src/features/usage/statistics/requests.js'
import {
  bucketLabels,
  bucketTimes,
  describeRange,
  rangeDays,
} from '../../../../src/features/usage/time-range/format.js'
import { resolveRange } from '../../../../src/features/usage/time-range/range.js'
import { zoneNamed } from '../../../../src/features/usage/time-range/zone-offsets.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const at = (time: string) => Date.parse(time)
const allZones = ['UTC', ...Intl.supportedValuesOf('timeZone')]

t.test('days of zones whose offset changes by half an hour, at midnight, or is no full hour', async (t) => {
  const now = at('2027-01-01T00:00:00Z')
  const days = (tz: string, since: string, until: string) => {
    const range = resolveRange({ since, until, granularity: 'day', tz }, now)
    return bucketTimes(range).starts.map((start, index) => {
      const bucket = range.buckets[index]
      return `${start} ${((bucket?.end ?? 0) - (bucket?.start ?? 0)) / HOUR}`
    })
  }
  t.same(days('Australia/Lord_Howe', '2026-04-04', '2026-04-06'), [
    '2026-04-04T00:00:00+11:00 24',
    '2026-04-05T00:00:00+11:00 24',
    '2026-04-05T23:30:00+10:30 24',
  ])
  t.same(days('Australia/Lord_Howe', '2026-10-03', '2026-10-05'), [
    '2026-10-02T23:30:00+10:30 24',
    '2026-10-03T23:30:00+10:30 24',
    '2026-10-05T00:00:00+11:00 24',
  ])
  t.same(days('America/Sao_Paulo', '2018-11-03', '2018-11-05'), [
    '2018-11-03T00:00:00-03:00 24',
    '2018-11-04T01:00:00-02:00 23',
    '2018-11-05T00:00:00-02:00 24',
  ])
  t.same(days('America/Sao_Paulo', '2019-02-16', '2019-02-17'), [
    '2019-02-16T00:00:00-02:00 25',
    '2019-02-17T00:00:00-03:00 24',
  ])
  t.same(
    days('America/Havana', '2025-11-01', '2025-11-03'),
    ['2025-11-01T00:00:00-04:00 24', '2025-11-02T00:00:00-04:00 25', '2025-11-03T00:00:00-05:00 24'],
    'the hour from midnight is repeated',
  )
  const twice = { since: '2010-11-06', until: '2010-11-08', granularity: 'day', tz: 'America/St_Johns' }
  const labels = bucketLabels(resolveRange(twice, now))
  t.same(labels, ['Sat 6 Nov', 'Sun 7 Nov', 'Mon 8 Nov'], 'a day that began twice, at midnight and an hour later')
  t.same(days('Asia/Kathmandu', '2026-12-30', '2026-12-31'), [
    '2026-12-29T23:45:00+05:45 24',
    '2026-12-30T23:45:00+05:45 24',
  ])
})

t.test('hours of 90 days are available in every zone, also if the clocks are set back in that time', async (t) => {
  const madrid = resolveRange({ range: '90d', granularity: 'hour', tz: 'Europe/Madrid' }, at('2026-11-30T22:30:00Z'))
  t.equal(madrid.buckets.length, 90 * 24 + 1)
  t.equal(madrid.source, 'hour')
  const queries = planWindows([
    { application: 1, metric: 'hits', source: 'hour', from: madrid.since, to: madrid.until },
  ])
  t.ok(queries.every(({ from, to }) => to - from <= 90 * DAY))
})

t.test('labels name the year where a range crosses it, and the offset of an hour that is repeated', async (t) => {
  const now = at('2027-03-01T00:00:00Z')
  const labels = (query: Parameters<typeof resolveRange>[0]) => bucketLabels(resolveRange(query, now))
  t.same(labels({ since: '2026-12-31', until: '2027-01-01', granularity: 'day', tz: 'Asia/Kathmandu' }), [
    'Thu 31 Dec 2026',
    'Fri 1 Jan 2027',
  ])
  const india = resolveRange({ since: '2026-06-01', until: '2026-06-02', granularity: 'day', tz: 'Asia/Kolkata' }, now)
  t.same(bucketLabels(india), ['Mon 1 Jun', 'Tue 2 Jun'], 'the hour around midnight belongs to the new day')
  t.equal(describeRange(india), '1 to 2 June 2026')
  t.same(rangeDays(india), { first: '2026-06-01', last: '2026-06-02' })
  t.same(labels({ since: '2026-12-31', until: '2027-01-01', granularity: 'day', tz: 'Europe/Madrid' }), [
    'Thu 31 Dec 2026',
    'Fri 1 Jan 2027',
  ])
  const autumn = labels({ since: '2026-10-25', until: '2026-10-25', granularity: 'hour', tz: 'Europe/Madrid' })
  t.same(autumn.slice(1, 5), [
    'Sun 25 Oct, 01:00',
    'Sun 25 Oct, 02:00 (UTC+02:00)',
    'Sun 25 Oct, 02:00 (UTC+01:00)',
    'Sun 25 Oct, 03:00',
  ])
  t.equal(labels({ range: '12m' }).at(-1), 'March 2027, so far')
})

t.test('a range is resolved once for all callers, until the day or hour of a zone can change', async (t) => {
  const now = at('2026-11-25T18:20:00Z')
  const query = { range: '90d', tz: 'Asia/Kolkata' }
  const range = resolveRange(query, now)
  t.equal(resolveRange({ ...query, tz: 'asia/kolkata' }, now + 5 * MINUTE), range, 'the same object')
  const later = resolveRange(query, at('2026-11-25T18:30:00Z'))
  t.equal(later.buckets.length, 90)
  t.equal(later.since - range.since, DAY, 'midnight in India is at 18:30 in UTC')
  t.not(resolveRange({ range: '90d' }, now), range)
  for (const name of allZones)
    t.equal(Math.abs(zoneNamed(name).offset(now) % 15), 0, `${name}: days start on a quarter`)
})
