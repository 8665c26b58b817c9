import t from 'tap'
import { createSlots } from '../../src/web/slots.js'

t.test('so many at a time, the others by turns, and what is too much is rejected', async (t) => {
  const slots = createSlots({ atOnce: 2, waiting: 3 })
  const order: number[] = []
  let most = 0
  let running = 0
  const work = async (index: number) => {
    const release = await slots.take('mary')
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    order.push(index)
    running--
    release()
  }
  const asked = Array.from({ length: 7 }, (_, index) => work(index))
  const results = await Promise.allSettled(asked)
  t.equal(most, 2)
  t.same(order, [0, 1, 2, 3, 4])
  const refused = results.filter((result) => result.status === 'rejected')
  t.equal(refused.length, 2)
  for (const { reason } of refused) t.match(reason, { code: 'too_many_requests', retryAfter: 2 })
  await work(8)
  t.equal(order.at(-1), 8, 'and then there is room')
})

t.test('others do not wait', async (t) => {
  const slots = createSlots({ atOnce: 1, waiting: 0 })
  const release = await slots.take('mary')
  await slots.take('ada')
  await t.rejects(slots.take('mary'), { code: 'too_many_requests' })
  release()
  await slots.take('mary')
})
