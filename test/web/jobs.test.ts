import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { currentWork } from '../../src/clients/deadline.js'
import { createJobs, type Outcome } from '../../src/web/jobs.js'

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
  const seen: (ReturnType<typeof currentWork> | undefined)[] = []
  const run = async () => {
    seen.push(currentWork())
    return ended
  }
  return { run, end: (value: string) => end(value), seen }
}

t.test('one job of a key at a time, and its outcome is kept for who asks later', async (t) => {
  const jobs = createJobs({ keptMs: 200 })
  const { run, end, seen } = work()
  const { reply: first } = reply()
  jobs.begin('a', 'owner', run)
  jobs.begin('a', 'owner', run)
  t.equal(await jobs.wait('a', first, 20), undefined, 'it runs on')
  t.equal(seen.length, 1)
  t.match(seen[0], { owner: 'owner', patient: true })
  end('done')
  t.same(await jobs.wait('a', first, 20), { value: 'done' })
  jobs.begin('a', 'owner', run, { kept: true })
  t.equal(seen.length, 1, 'who asks later gets that')
  jobs.begin('a', 'owner', run)
  t.equal(seen.length, 2, 'who sends it again begins it again')
  await sleep(300)
  t.equal(jobs.has('a'), false)
})

t.test('what nobody asks for any more is not sent, and begins anew when somebody comes back', async (t) => {
  const jobs = createJobs({ idleMs: 30 })
  const { run, seen } = work()
  const { raw, reply: one } = reply()
  jobs.begin('a', 'owner', run)
  await jobs.wait('a', one, 10)
  t.equal(seen[0]?.hasLeft, false, 'the page asks again in a moment')
  await sleep(60)
  t.equal(seen[0]?.hasLeft, true)
  t.equal(jobs.has('a'), false)

  jobs.begin('a', 'owner', run, { kept: true })
  const waiting = jobs.wait('a', one, 1000)
  raw.destroyed = true
  raw.emit('close')
  t.equal(await waiting, undefined)
  await sleep(10)
  t.equal(seen[1]?.hasLeft, true, 'at once where the browser has closed the connection')
})

t.test('an outcome that nobody asks for is reported once; one that was written is not abandoned', async (t) => {
  const jobs = createJobs({ idleMs: 10, keptMs: 30 })
  const { run, end, seen } = work()
  const unclaimed: Outcome<string>[] = []
  const { reply: one } = reply()
  jobs.begin('a', 'owner', run, { unclaimed: (outcome) => void unclaimed.push(outcome) })
  await jobs.wait('a', one, 10)
  const [made] = seen
  if (made) made.hasWritten = true
  await sleep(50)
  t.equal(jobs.has('a'), true)
  end('done')
  await sleep(80)
  t.same(unclaimed, [{ value: 'done' }])
})
