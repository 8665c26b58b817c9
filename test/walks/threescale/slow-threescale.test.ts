import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { readiness, signedInUser, until } from '../../helper/faults.js'
import { startStack } from '../../helper/stack.js'

/** The queue in front of 3scale: a flood by one user, cancelled requests, and a 3scale that is down rather than slow. */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ CATALOG_TTL: '3600' })
t.teardown(() => stack.close())
const api = createApi(stack)
const { token: other } = await signedInUser(stack)
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
await api.person({ username: 'flood' })
const flood = await api.token({ username: 'flood', expires_in: 3600 })
await api.post('/me', flood, answers)
const body = { model: 'granite-chat', plan: 'basic', name: 'of the flood', fields: { purpose: 'Experiment' } }
const { id } = (await api.post<{ id: number }>('/applications', flood, body)).body
await api.get('/applications', other)
const LIST = 'GET */applications.json'

/** 3scale lists slowly, and the flood requests many lists. */
async function flooding(count: number, settledMs = 200) {
  await stack.faults([{ match: LIST, latency_ms: 400 }])
  const began = performance.now()
  const calls = Array.from({ length: count }, async () => {
    const answer = await api.get<{ type?: string }>('/applications', flood)
    return { ...answer, ms: performance.now() - began }
  })
  await sleep(settledMs)
  return calls
}

const metrics = async () => (await fetch(`${portal.metrics}/metrics`)).text()
/** The calls to 3scale that run, and those that wait. */
async function queue() {
  const text = await metrics()
  const read = (name: string) => Number(new RegExp(`^maas_upstream_queue_${name} (\\d+)$`, 'm').exec(text)?.[1])
  return { running: read('running'), waiting: read('waiting') }
}

t.test('a flood by one user is refused immediately with Retry-After and does not block other users', async (t) => {
  const calls = await flooding(150)
  const theirs = await Promise.all([1, 2, 3].map(() => api.get('/applications', other)))
  t.same(
    theirs.map(({ status }) => status),
    [200, 200, 200],
  )
  const ended = await Promise.all(calls)
  await stack.faults([])
  const refused = ended.filter(({ status }) => status === 503)
  t.ok(refused.length >= 50, `${refused.length} were refused`)
  for (const { body, headers, ms } of refused) {
    // A request that was sent shortly before its deadline can be answered too late.
    t.match(body.type, ms < 2000 ? /threescale_busy$/ : /threescale_(busy|unavailable)$/)
    t.ok(Number(headers.get('retry-after')) >= 1)
  }
  const atOnce = refused.filter(({ ms }) => ms < 2000)
  t.ok(atOnce.length >= 50, `${atOnce.length} of them before the deadline of a read`)
  t.same(
    ended.filter(({ status }) => status !== 503 && status !== 200),
    [],
  )
})

t.test('a queued request that its caller cancelled is not sent to 3scale', async (t) => {
  const calls = await flooding(10)
  // Each call of the queue takes 400 ms: whatever comes now waits for at least that long, and the share of one user is not full.
  for (let { running, waiting } = await queue(); waiting < running + 5; { running, waiting } = await queue())
    calls.push(...(await flooding(5, 0)))
  await stack.resetCalls()
  const removed = new AbortController()
  const left = [
    api.call('GET', `/applications/${id}`, { token: flood, signal: removed.signal }),
    api.call('POST', '/applications', { token: flood, body: { ...body, name: 'left' }, signal: removed.signal }),
  ].map((call) => call.catch((error: Error) => error.name))
  await sleep(300)
  removed.abort()
  t.same(await Promise.all(left), ['AbortError', 'AbortError'])
  await Promise.all(calls)
  await stack.faults([])
  await sleep(1000)
  const sent = await stack.calls()
  t.equal(sent['GET /admin/api/accounts/{id}/applications/{id}.json'], undefined)
  t.equal(sent['POST /admin/api/accounts/{id}/applications.json'], undefined)
  t.notOk((await stack.state()).applications.some(({ name }) => name === 'left'))
})

t.test('the metrics include the length, concurrency, and limit of the queue', async (t) => {
  const text = await metrics()
  for (const name of ['waiting', 'running', 'width'])
    t.match(text, new RegExp(`^maas_upstream_queue_${name} \\d+$`, 'm'))
})

const breaker = async () => (await readiness(portal)).breakers.find(({ upstream }) => upstream === '3scale')?.state
/** Sends requests continuously until the condition holds. */
async function asking(holds: () => Promise<boolean>): Promise<void> {
  await until('it is so', async () => {
    await Promise.all(Array.from({ length: 4 }, () => api.get('/applications', other)))
    return holds()
  })
}

t.test(
  'late responses leave the circuit closed, time-outs and 5xx open it, and it closes as soon as 3scale recovers',
  async (t) => {
    await stack.faults([{ match: LIST, latency_ms: 3000 }])
    for (const end = Date.now() + 17_000; Date.now() < end; )
      t.equal((await api.get('/applications', other)).status, 503, 'later than the deadline')
    t.equal(await breaker(), 'closed', 'every request got a response')

    for (const fault of [{ hang: true }, { status: 500 }]) {
      await stack.faults([{ match: '*', ...fault }])
      await asking(async () => (await breaker()) !== 'closed')
      t.pass(`${JSON.stringify(fault)} opens it`)
      await stack.faults([])
      await until('it is back', async () => (await api.get('/applications', other)).status === 200)
      t.equal(await breaker(), 'closed')
    }
  },
)
