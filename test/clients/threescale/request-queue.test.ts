import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createAdaptiveConcurrency } from '../../../src/clients/threescale/queue/adaptive-concurrency.js'
import { type CallKind, createRequestQueue } from '../../../src/clients/threescale/queue/request-queue.js'
import { isProblem } from '../../../src/errors.js'
import { type CallContext, cancelContext, createContext } from '../../../src/infra/call-context.js'
import type { HttpError } from '../../../src/infra/http/http-error.js'

/** A queue of a fixed width, and calls that end when the test says so; `sent` lists them in the order in which they were sent. */
function scene(width: number, most = 2000, mostOfOne = 50) {
  const queue = createRequestQueue({
    maxWaiting: most,
    maxWaitingPerOwner: mostOfOne,
    concurrency: createAdaptiveConcurrency({ start: width, min: width, max: width }),
  })
  const sent: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (name: string, kind: CallKind, work: CallContext | undefined, waitMs = Number.POSITIVE_INFINITY) =>
    queue
      .run({ kind, name, host: '3scale', context: work, waitMs }, () => {
        sent.push(name)
        return new Promise<void>((resolve) => ends.set(name, resolve))
      })
      .then(
        () => 'answered',
        (error: unknown) => (isProblem(error) ? error.code : (error as HttpError).kind),
      )
  return {
    queue,
    sent,
    ask,
    async end(name: string) {
      await sleep(1)
      ends.get(name)?.()
      ends.delete(name)
      await sleep(1)
    },
    async endAll() {
      for (; queue.report().running > 0; await sleep(1)) {
        for (const end of ends.values()) end()
        ends.clear()
      }
    },
  }
}

t.test('owners take turns, so one that sends many calls does not block others', async (t) => {
  const { ask, sent, end, endAll } = scene(1)
  const [flood, other] = [createContext('flood'), createContext('other')]
  const all = [0, 1, 2, 3].map((n) => ask(`flood ${n}`, 'read', flood))
  all.push(ask('other 0', 'read', other), ask('other 1', 'read', other))
  for (const name of ['flood 0', 'flood 1', 'other 0', 'flood 2', 'other 1']) await end(name)
  t.same(sent, ['flood 0', 'flood 1', 'other 0', 'flood 2', 'other 1', 'flood 3'])
  await endAll()
  t.same(new Set(await Promise.all(all)), new Set(['answered']))
})

t.test('an owner is limited to a share, and a full queue responds immediately with a retry time', async (t) => {
  const { ask, queue, endAll } = scene(1, 6, 3)
  const calls = Array.from({ length: 5 }, () => ask('a', 'read', createContext('one')))
  t.same(await Promise.all(calls.slice(4)), ['threescale_busy'], 'one runs, three wait, the fifth is rejected')
  const others = ['two', 'three', 'four'].map((owner) => ask('b', 'read', createContext(owner)))
  t.same(queue.report(), { waiting: 6, running: 1, width: 1 })
  await t.rejects(
    queue.run({ kind: 'read', name: 'c', host: '', context: createContext('five'), waitMs: 1000 }, async () => {}),
    { code: 'threescale_busy', status: 503, retryAfter: 6 },
  )
  const written = createContext('one')
  written.hasWritten = true
  const after = ask('after a write', 'read', written)
  t.equal(queue.report().waiting, 7, 'a call that belongs to a started write is not rejected')
  await endAll()
  t.same(new Set(await Promise.all([...calls.slice(0, 4), ...others, after])), new Set(['answered']))
})

t.test('reads for users have priority, writes are not starved, and one slot is reserved', async (t) => {
  const { ask, sent, end, endAll } = scene(3)
  const work = () => createContext(String(Math.random()))
  for (const n of [0, 1, 2]) void ask(`write ${n}`, 'write', work())
  await sleep(1)
  t.same(sent, ['write 0', 'write 1'], 'writes take two of three slots')
  for (let n = 0; n < 5; n++) void ask(`read ${n}`, 'read', work())
  void ask('urgent', 'urgent', work())
  await sleep(1)
  t.same(sent.slice(2), ['read 0'])
  await end('write 0')
  for (const name of ['read 0', 'urgent', 'read 1']) await end(name)
  t.same(sent.slice(3), ['urgent', 'read 1', 'read 2', 'write 2'], 'a write after four reads')
  await endAll()
  t.equal(sent.length, 9)
})

t.test('background work waits for users and uses at most half of the slots', async (t) => {
  const { ask, sent, end, endAll } = scene(4)
  for (const n of [0, 1, 2]) void ask(`back ${n}`, 'background', undefined)
  await sleep(1)
  t.same(sent, ['back 0', 'back 1'])
  for (const n of [0, 1, 2, 3]) void ask(`read ${n}`, 'read', createContext('person'))
  await sleep(1)
  t.same(sent.slice(2), ['read 0', 'read 1'])
  await end('back 0')
  await end('back 1')
  t.same(sent.slice(4), ['read 2', 'read 3'], 'users first')
  await end('read 0')
  t.same(sent.slice(6), ['back 2'])
  await endAll()
})

t.test(
  'a call is not sent after its caller has disconnected, unless a write was sent before or others wait for it',
  async (t) => {
    const { ask, sent, endAll } = scene(1)
    const running = ask('running', 'read', createContext('other'))
    const removed = createContext('gone')
    const wrote = createContext('wrote')
    wrote.hasWritten = true
    const shared = { ...createContext('shared'), shared: true }
    const calls = [ask('gone', 'read', removed), ask('wrote', 'read', wrote), ask('shared', 'read', shared)]
    for (const work of [removed, wrote, shared]) cancelContext(work)
    t.equal(await calls[0], 'cancelled')
    t.equal(await ask('gone', 'write', removed), 'cancelled', 'nor is a later one')
    await endAll()
    t.same(await Promise.all([running, ...calls]), ['answered', 'cancelled', 'answered', 'answered'])
    t.same(sent, ['running', 'wrote', 'shared'])
  },
)

t.test('a call that waits too long is rejected, and the slot of an unanswered call is freed', async (t) => {
  const { ask, sent, endAll } = scene(1)
  void ask('hangs', 'read', createContext('a'))
  t.equal(await ask('late', 'read', createContext('b'), 50), 'threescale_busy')
  const next = ask('next', 'read', createContext('c'))
  while (!sent.includes('next')) await sleep(50)
  await endAll()
  t.equal(await next, 'answered')
})

/** A number of workers; a call takes its wait for a worker and its work, in simulated time. */
async function sustain(workers: number, workMs: number[], calls: number) {
  let now = 0
  const width = createAdaptiveConcurrency({ now: () => now })
  const free = Array.from({ length: workers }, () => 0)
  const running: { ends: number; began: number; name: string }[] = []
  const widths: number[] = []
  let busyMs = 0
  for (let n = 0; n < calls || running.length > 0; ) {
    if (n < calls && running.length < width.value) {
      const work = workMs[n % workMs.length] ?? 0
      const at = free.indexOf(Math.min(...free))
      free[at] = Math.max(now, free[at] ?? 0) + work
      busyMs += work
      running.push({ ends: free[at] ?? 0, began: now, name: `call of ${work}` })
      n++
      continue
    }
    const first = running.reduce((one, other) => (other.ends < one.ends ? other : one))
    now = first.ends
    width.observe({ name: first.name, ms: now - first.began, running: running.length, limited: n < calls })
    running.splice(running.indexOf(first), 1)
    widths.push(width.value)
  }
  return { widths, efficiency: busyMs / workers / now }
}

t.test(
  'the width adapts to the capacity of 3scale: few calls for two workers, which stay busy, many for twenty',
  async (t) => {
    for (const work of [[400], [400, 150, 150, 5, 5, 5, 5, 5], [20]]) {
      const two = await sustain(2, work, 400)
      t.ok(Math.max(...two.widths.slice(-100)) <= 4, `two workers, ${work}: ${two.widths.slice(-10)}`)
      t.ok(two.efficiency > 0.95, `${work}: ${two.efficiency}`)
    }
    const many = await sustain(20, [400, 150], 2000)
    t.ok(Math.min(...many.widths.slice(-100)) >= 18, `twenty workers: ${many.widths.slice(-10)}`)
    t.ok(many.efficiency > 0.8, String(many.efficiency))
  },
)
