import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { withDeadline } from '../../src/infra/deadline.js'

t.test('work that settles in time returns its result or error', async (t) => {
  t.equal(await withDeadline(Promise.resolve('done'), 50), 'done')
  await t.rejects(withDeadline(Promise.reject(new Error('failed')), 50), { message: 'failed' })
})

t.test('late work returns what `onTimeout` returns or throws, and undefined without it', async (t) => {
  t.equal(await withDeadline(sleep(200, 'late'), 10), undefined)
  t.equal(await withDeadline(sleep(200, 'late'), 10, () => 'time-out'), 'time-out')
  const timeout = () => {
    throw new Error('time-out')
  }
  await t.rejects(withDeadline(sleep(200, 'late'), 10, timeout), { message: 'time-out' })
  t.equal(await withDeadline(sleep(200, 'late'), -1), undefined, 'no time is left')
})

t.test('a late rejection is not reported as unhandled', async (t) => {
  let fail = () => {}
  const late = new Promise<never>((_, reject) => {
    fail = () => reject(new Error('late'))
  })
  t.equal(await withDeadline(late, 1), undefined)
  fail()
  await sleep(20)
})

t.test('a result that arrived while this process was busy is returned', async (t) => {
  const work = new Promise((resolve) => setImmediate(resolve, 'arrived'))
  const result = withDeadline(work, 5)
  for (const until = performance.now() + 20; performance.now() < until; );
  t.equal(await result, 'arrived')
})
