import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { currentContext } from '../../../src/infra/call-context.js'
import { createBackgroundJobs, type JobOutcome } from '../../../src/web/server/background-jobs.js'

function reply() {
  const raw = Object.assign(new EventEmitter(), { destroyed: false })
  return { raw, reply: { raw } as unknown as FastifyReply }
}

/** Work that ends when the test says so. */
function work() {
  let end: (value: string) => void = () => {}
  const ended = new Promise<string>((resolve) => {
    end = resolve
  })
  const seen: (ReturnType<typeof currentContext> | undefined)[] = []
  const run = async () => {
    seen.push(currentContext())
    return ended
  }
  return { run, end: (value: string) => end(value), seen }
}

t.test('one job runs per key, and its outcome is retained for later requests', async (t) => {
  const jobs = createBackgroundJobs({ retainMs: 200 })
  const { run, end, seen } = work()
  const { reply: first } = reply()
  jobs.start('a', 'owner', run)
  jobs.start('a', 'owner', run)
  t.equal(await jobs.wait('a', first, 20), undefined, 'it continues to run')
  t.equal(seen.length, 1)
  t.match(seen[0], { owner: 'owner', unbounded: true })
  end('done')
  t.same(await jobs.wait('a', first, 20), { value: 'done' })
  jobs.start('a', 'owner', run, { reuse: true })
  t.equal(seen.length, 1, 'a later request gets the outcome')
  jobs.start('a', 'owner', run)
  t.equal(seen.length, 2, 'another submission starts it again')
  await sleep(300)
  t.equal(jobs.has('a'), false)
})

t.test('a job without requests is cancelled, and the next request starts it again', async (t) => {
  const jobs = createBackgroundJobs({ idleMs: 30 })
  const { run, seen } = work()
  const { raw, reply: one } = reply()
  jobs.start('a', 'owner', run)
  await jobs.wait('a', one, 10)
  t.equal(seen[0]?.isCancelled, false, 'the page refreshes soon')
  await sleep(60)
  t.equal(seen[0]?.isCancelled, true)
  t.equal(jobs.has('a'), false)

  jobs.start('a', 'owner', run, { reuse: true })
  const waiting = jobs.wait('a', one, 1000)
  raw.destroyed = true
  raw.emit('close')
  t.equal(await waiting, undefined)
  await sleep(10)
  t.equal(seen[1]?.isCancelled, true, 'immediately if the browser has closed the connection')
})

t.test('an unclaimed outcome is reported once, and a job that has written is not cancelled', async (t) => {
  const jobs = createBackgroundJobs({ idleMs: 10, retainMs: 30 })
  const { run, end, seen } = work()
  const unclaimed: JobOutcome<string>[] = []
  const { reply: one } = reply()
  jobs.start('a', 'owner', run, { unclaimed: (outcome) => void unclaimed.push(outcome) })
  await jobs.wait('a', one, 10)
  const [created] = seen
  if (created) created.hasWritten = true
  await sleep(50)
  t.equal(jobs.has('a'), true)
  end('done')
  await sleep(80)
  t.same(unclaimed, [{ value: 'done' }])
})
