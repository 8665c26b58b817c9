import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createReportQueue } from '../../../src/web/limits/report-queue.js'

t.test('jobs with the same key: some run, some are queued in order, the rest are rejected', async (t) => {
  const run = createReportQueue({ concurrency: 2, maxQueued: 3 })
  const order: number[] = []
  let [max, running] = [0, 0]
  const work = (index: number) =>
    run('mary', async () => {
      max = Math.max(max, ++running)
      await nextTurn()
      order.push(index)
      running--
    })
  const results = await Promise.allSettled(Array.from({ length: 7 }, (_, index) => work(index)))
  t.equal(max, 2)
  t.same(order, [0, 1, 2, 3, 4])
  const rejected = results.filter((result) => result.status === 'rejected')
  t.equal(rejected.length, 2)
  for (const { reason } of rejected) t.match(reason, { code: 'too_many_requests', retryAfter: 2 })
  await work(8)
  t.equal(order.at(-1), 8, 'accepted after the queue is empty')
})

t.test('another key has its own queue, and a failed job frees its slot', async (t) => {
  const run = createReportQueue({ concurrency: 1, maxQueued: 0 })
  let finish = () => {}
  const first = run('mary', () => new Promise<void>((resolve) => (finish = resolve)))
  await run('ada', async () => {})
  await t.rejects(
    run('mary', async () => {}),
    { code: 'too_many_requests' },
  )
  await nextTurn()
  finish()
  await first
  await t.rejects(
    run('mary', async () => {
      throw new Error('failed')
    }),
    { message: 'failed' },
  )
  t.equal(await run('mary', async () => 'done'), 'done')
})
