import t from 'tap'
import { formatAge, formatCost, formatDate, formatMoney, formatNumber, plural } from '../../../src/web/pages/format.js'

t.test('numbers have groups of three digits', async (t) => {
  const values = [
    0,
    1,
    999,
    1000,
    1001,
    12_345,
    999_999,
    1_000_000,
    1_234_567,
    2 ** 53 - 1,
    -1,
    -1234,
    0.5,
    999.5,
    2 ** 53,
    Number.NaN,
  ]
  for (const value of values) t.equal(formatNumber(value), value.toLocaleString('en-US'), String(value))
})

t.test('prices have two decimals, and small ones more', async (t) => {
  t.equal(formatMoney(1234.5, 'EUR'), 'EUR 1,234.50')
  t.equal(formatMoney(0, null), '0.00')
  t.equal(formatMoney(0.0512, 'EUR'), 'EUR 0.0512')
  t.equal(formatMoney(0.05, 'EUR'), 'EUR 0.05')
  t.equal(formatMoney(0.000012, 'EUR'), 'EUR 0.000012')
})

t.test('a cost below the smallest coin is stated as such', async (t) => {
  t.equal(formatCost(1234.5, 'EUR'), 'EUR 1,234.50')
  t.equal(formatCost(0, 'EUR'), 'EUR 0.00')
  t.equal(formatCost(0.0512, 'EUR'), 'EUR 0.05')
  t.equal(formatCost(0.00001, 'EUR'), '< EUR 0.01')
  t.equal(formatCost(0.00001, null), '< 0.01')
})

t.test('counts of one have a singular', async (t) => {
  t.equal(plural(1, 'call'), '1 call')
  t.equal(plural(0, 'call'), '0 calls')
  t.equal(plural(1200, 'call'), '1,200 calls')
  t.equal(plural(2, 'info', 'info'), '2 info')
  t.equal(formatAge(1), '1 second')
})

t.test('dates are in UTC, and text that is no date has none', async (t) => {
  t.equal(formatDate('2026-12-31T23:59:59Z'), '31 December 2026')
  t.equal(formatDate('2026-03-01'), '1 March 2026')
  t.equal(formatDate('soon'), '')
})
