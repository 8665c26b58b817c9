import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import {
  faults,
  formFor,
  IN_TIME_MS,
  keeping,
  NOTICED_S,
  onlyGood,
  readiness,
  somebody,
  text,
  timed,
  underLoad,
  until,
} from '../../helper/faults.js'
import { portBeside, startStack } from '../../helper/stack.js'
import type { Answer } from '../../helper/visitor.js'

/** 3scale fails in each way in the middle of load, and while it does, a portal starts that knows nothing yet. */
// minutes of waiting by design, and more on a busy machine
t.setTimeout(600_000)
const stack = await startStack(['identity'])
await stack.part('threescale', keeping(stack))
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '1' })
const { mary, token } = await somebody(stack)
const api = createApi(stack)
const shown = ['/models', '/models/granite-chat', '/api/v1/models', '/api/v1/models/granite-chat']
let round = 0

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    const name = `during ${fault.name} ${++round}`
    const form = { ...(await formFor(mary, 'mistral-chat')), name: `${name} by form` }
    const body = { model: 'mistral-chat', name: `${name} by API`, fields: { purpose: 'Experiment' } }
    const again = { 'idempotency-key': `fault-${round}` }
    const load = underLoad(portal.url, shown)
    await sleep(300)
    await fault.begin(stack, 'threescale')
    const fresh = await stack.portal({ PORT: portBeside(stack), CATALOG_TTL: '1' })

    const [cold, ms] = await timed(() => fetch(`${fresh.url}/models`))
    t.equal(cold.status, 503, 'a portal that started now has nothing to show')
    t.ok(cold.headers.get('retry-after'))
    t.ok(ms < IN_TIME_MS, `and says so in ${Math.round(ms)} ms`)

    await until('the page says how old', async () => /its state of \d+ seconds ago/.test(await text(portal, '/models')))
    const list = await api.get<{ stale?: boolean }>('/models')
    t.equal(list.body.stale, true)
    t.ok(Number(list.headers.get('age')) >= 1)

    const asked: Record<string, () => Promise<Answer | ApiAnswer>> = {
      'applications, page': () => mary.raw('/applications'),
      'applications, API': () => api.get('/applications', token),
      'write, page': () => mary.post('/applications', form),
      'write, API': () => api.post('/applications', token, body, again),
    }
    const answers = await Promise.all(
      Object.entries(asked).map(async ([what, ask]) => {
        const [answer, ms] = await timed(ask)
        t.equal(answer.status, 503, what)
        t.ok(answer.headers.get('retry-after'), `${what} says when to come again`)
        t.ok(ms < IN_TIME_MS, `${what} took ${Math.round(ms)} ms`)
        return answer.text
      }),
    )
    t.match(answers[2], form.name, 'what was typed is kept')
    t.match(answers[3], 'threescale_unavailable')

    const ready = await readiness(fresh)
    t.equal(ready.status, 'degraded')
    t.match(
      ready.checks.find((check) => check.name === '3scale'),
      { ok: false, reason: /\w+ \w+/ },
    )

    await fault.end(stack, 'threescale')
    const noticed = await Promise.all([
      until('the catalogue is young again', async () => !/seconds ago/.test(await text(portal, '/models'))),
      until('the other one has it', async () => (await fetch(`${fresh.url}/models/granite-chat`)).status === 200),
    ])
    t.ok(Math.max(...noticed) < NOTICED_S, `noticed after ${noticed.map((each) => each.toFixed(1)).join(' and ')} s`)

    await until('the form goes through', async () => (await mary.post('/applications', form)).status === 303)
    await until('the call too', async () => (await api.post('/applications', token, body, again)).status === 201)
    const made = (await stack.state()).applications.filter((one) => one.name?.startsWith(name))
    t.same(made.map((one) => one.name).sort(), [body.name, form.name].sort(), 'each was made once')
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
