import t from 'tap'
import { median, ratios, spread } from './statistics.js'

t.test('the median of an even number of values is between the middle two', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.equal(spread([0.52, 0.5, 0.61], 2), '0.52 (0.50-0.61)')
})

t.test('ratios compare the rounds of the same number, and omit a round without its counterpart', async (t) => {
  t.same(ratios([50, 40], [100, 50]), [0.5, 0.8])
  t.same(ratios([50], [100, 100]), [0.5])
  t.same(ratios([50, 40], [0, 80]), [0.5])
})
