import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type ApiAnswer, createApi } from '../../../helper/api.js'
import {
  faults,
  formFor,
  keeping,
  onlyGood,
  readiness,
  signedInUser,
  text,
  underLoad,
  until,
} from '../../../helper/faults.js'
import { portBeside, startStack } from '../../../helper/stack.js'
import type { Answer } from '../../../helper/visitor.js'

/** 3scale fails in each way under load, and a portal with an empty cache starts during the failure. */
// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const stack = await startStack(['identity'])
await stack.part('threescale', keeping(stack))
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '1' })
const { mary, token } = await signedInUser(stack)
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

    const cold = await fetch(`${fresh.url}/models`)
    t.equal(cold.status, 503, 'a portal with an empty cache has nothing to show')
    t.ok(cold.headers.get('retry-after'))

    await until('the page says how old', async () =>
      /Showing data from \d+ seconds ago/.test(await text(portal, '/models')),
    )
    const list = await api.get<{ stale?: boolean }>('/models')
    t.equal(list.body.stale, true)
    t.ok(Number(list.headers.get('age')) >= 1)

    const requested: Record<string, () => Promise<Answer | ApiAnswer>> = {
      'applications, page': () => mary.raw('/applications'),
      'applications, API': () => api.get('/applications', token),
      'write, page': () => mary.post('/applications', form),
      'write, API': () => api.post('/applications', token, body, again),
    }
    const answers = await Promise.all(
      Object.entries(requested).map(async ([what, ask]) => {
        const answer = await ask()
        t.equal(answer.status, 503, what)
        t.ok(answer.headers.get('retry-after'), `${what} has Retry-After`)
        return answer.text
      }),
    )
    t.match(answers[2], form.name, 'submitted values are preserved')
    t.match(answers[3], 'threescale_unavailable')

    const ready = await readiness(fresh)
    t.equal(ready.status, 'degraded')
    t.match(
      ready.checks.find((check) => check.name === '3scale'),
      { ok: false, reason: /\w+ \w+/ },
    )

    await fault.end(stack, 'threescale')
    await Promise.all([
      until('the catalogue is young again', async () => !/seconds ago/.test(await text(portal, '/models'))),
      until('the other one has it', async () => (await fetch(`${fresh.url}/models/granite-chat`)).status === 200),
    ])

    await until('the form goes through', async () => (await mary.post('/applications', form)).status === 303)
    await until('the call too', async () => (await api.post('/applications', token, body, again)).status === 201)
    const created = (await stack.state()).applications.filter((one) => one.name?.startsWith(name))
    t.same(created.map((one) => one.name).sort(), [body.name, form.name].sort(), 'each was created once')
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
