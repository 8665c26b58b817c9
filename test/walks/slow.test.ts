import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../helper/api.js'
import { NOTICED_S, readiness, somebody, until } from '../helper/faults.js'
import { startStack } from '../helper/stack.js'

/** One queue in front of 3scale: who floods it, who leaves it, and when 3scale is down and not only slow. */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ CATALOG_TTL: '3600' })
t.teardown(() => stack.close())
const api = createApi(stack)
const { token: other } = await somebody(stack)
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
await api.person({ username: 'flood' })
const flood = await api.token({ username: 'flood', expires_in: 3600 })
await api.post('/me', flood, answers)
const body = { model: 'granite-chat', plan: 'basic', name: 'of the flood', fields: { purpose: 'Experiment' } }
const { id } = (await api.post<{ id: number }>('/applications', flood, body)).body
await api.get('/applications', other)
const LIST = 'GET */applications.json'

/** 3scale answers lists slowly, and the flood asks for so many of them. */
async function flooding(count: number) {
  await stack.faults([{ match: LIST, latency_ms: 400 }])
  const began = performance.now()
  const calls = Array.from({ length: count }, async () => {
    const answer = await api.get<{ type?: string }>('/applications', flood)
    return { ...answer, ms: performance.now() - began }
  })
  await sleep(200)
  return calls
}

t.test('one person who floods is refused, at once and with a time, and keeps nobody out', async (t) => {
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
    // what was sent with little time left may be answered too late
    t.match(body.type, ms < 2000 ? /threescale_busy$/ : /threescale_(busy|unavailable)$/)
    t.ok(Number(headers.get('retry-after')) >= 1)
  }
  const atOnce = refused.filter(({ ms }) => ms < 2000)
  t.ok(atOnce.length >= 50, `${atOnce.length} of them before a read could have waited its time`)
  t.same(
    ended.filter(({ status }) => status !== 503 && status !== 200),
    [],
  )
})

t.test('what a caller who has left asked for is not sent', async (t) => {
  const calls = await flooding(40)
  await stack.resetCalls()
  const gone = new AbortController()
  const left = [
    api.call('GET', `/applications/${id}`, { token: flood, signal: gone.signal }),
    api.call('POST', '/applications', { token: flood, body: { ...body, name: 'left' }, signal: gone.signal }),
  ].map((call) => call.catch((error: Error) => error.name))
  await sleep(300)
  gone.abort()
  t.same(await Promise.all(left), ['AbortError', 'AbortError'])
  await Promise.all(calls)
  await stack.faults([])
  await sleep(1000)
  const sent = await stack.calls()
  t.equal(sent['GET /admin/api/accounts/{id}/applications/{id}.json'], undefined)
  t.equal(sent['POST /admin/api/accounts/{id}/applications.json'], undefined)
  t.notOk((await stack.state()).applications.some(({ name }) => name === 'left'))
})

t.test('the queue is in the metrics', async (t) => {
  const text = await (await fetch(`${portal.metrics}/metrics`)).text()
  for (const name of ['waiting', 'running', 'width'])
    t.match(text, new RegExp(`^maas_upstream_queue_${name} \\d+$`, 'm'))
})

const breaker = async () => (await readiness(portal)).breakers.find(({ upstream }) => upstream === '3scale')?.state
/** Somebody asks all the time; the last status. */
async function asking(holds: () => Promise<boolean>): Promise<void> {
  await until('it is so', async () => {
    await Promise.all(Array.from({ length: 4 }, () => api.get('/applications', other)))
    return holds()
  })
}

t.test(
  'late answers leave the breaker closed; silence and 5xx open it, and it closes as soon as 3scale is back',
  async (t) => {
    await stack.faults([{ match: LIST, latency_ms: 3000 }])
    for (const end = Date.now() + 17_000; Date.now() < end; )
      t.equal((await api.get('/applications', other)).status, 503, 'later than anybody waits')
    t.equal(await breaker(), 'closed', 'it answered all of them')

    for (const fault of [{ hang: true }, { status: 500 }]) {
      await stack.faults([{ match: '*', ...fault }])
      await asking(async () => (await breaker()) !== 'closed')
      t.pass(`${JSON.stringify(fault)} opens it`)
      await stack.faults([])
      const noticed = await until('it is back', async () => (await api.get('/applications', other)).status === 200)
      t.ok(noticed < NOTICED_S, `after ${noticed.toFixed(1)} s`)
      t.equal(await breaker(), 'closed')
    }
  },
)
