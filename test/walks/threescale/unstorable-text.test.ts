// A tenant whose database, MySQL with utf8mb3, has no characters beyond the Basic Multilingual Plane: 3scale answers 500 for
// them.
import t, { type Test } from 'tap'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

let block = 50
/** A portal that does not know the tenant's database yet, or only what is in Redis. */
async function portal(env: Record<string, string> = {}) {
  const port = String(stack.port + block++)
  const running = await stack.portal({ PORT: port, ...env })
  return { ...running, api: createApi(stack, running.url) }
}

await stack.portal()
await createVisitor(stack).signIn('mary')
const token = await createApi(stack).token({ username: 'mary' })
const CREATE = 'POST /admin/api/accounts/*/applications.json'
const ROCKET = '3scale cannot store this character: 🚀. Remove it.'
const body = (name: string, description = '') => ({
  model: 'mistral-chat',
  name,
  description,
  fields: { purpose: 'Experiment' },
})

/** Expects 422 with these errors and this number of writes to 3scale. */
async function refused(t: Test, answer: ApiAnswer, errors: Record<string, string>, writes: number): Promise<void> {
  t.same([answer.status, answer.body.errors], [422, errors], answer.text)
  const calls = Object.entries(await stack.calls()).filter(([name]) => !name.startsWith('GET'))
  t.equal(
    calls.reduce((sum, [, count]) => sum + count, 0),
    writes,
    JSON.stringify(calls),
  )
  await stack.resetCalls()
}

t.test('after the first text that 3scale cannot store, later ones are refused without a call to 3scale', async (t) => {
  const one = await portal({ REDIS_URL: redis.url })
  const two = await portal({ REDIS_URL: redis.url })
  const { body: created } = await one.api.post<{ id: number }>('/applications', token, body('plain'))
  // After this request, its connection to Redis is open.
  t.equal((await two.api.get('/models')).status, 200)
  const before = (await stack.state()).applications.length
  await stack.resetCalls()
  const headers = { 'idempotency-key': 'rocket' }
  await refused(t, await one.api.post('/applications', token, body('App 🚀'), headers), { name: ROCKET }, 1)
  for (const there of [one, two]) {
    const answer = await there.api.post('/applications', token, body('App 🚀', 'To the 🌙 and 🪐'))
    const description = '3scale cannot store these characters: 🌙 🪐. Remove them.'
    await refused(t, answer, { name: ROCKET, description }, 0)
    const renamed = await there.api.call('PATCH', `/applications/${created.id}`, { token, body: { name: '🚀' } })
    await refused(t, renamed, { name: ROCKET }, 0)
    t.same(await stack.calls(), {}, '3scale was not called')
  }
  t.equal((await stack.state()).applications.length, before, 'nothing was stored')
  const corrected = await one.api.post('/applications', token, body('App ❤ 株'), headers)
  t.equal(
    corrected.status,
    201,
    'supported characters are stored, and the idempotency key of a refused request can be reused',
  )
  const third = await portal({ REDIS_URL: redis.url })
  await stack.resetCalls()
  await refused(t, await third.api.post('/applications', token, body('🚀')), { name: ROCKET }, 0)
  await Promise.all([one, two, third].map((each) => each.stop()))
})

t.test(
  'a rename with unsupported characters is refused at the field, and the submitted values are preserved',
  async (t) => {
    const there = await portal()
    const { body: created } = await there.api.post<{ id: number }>('/applications', token, body('old name'))
    const mary = createVisitor(stack)
    await mary.signIn('mary')
    const post = (path: string, form: Record<string, string>) =>
      mary.at(there.url)(path, { method: 'POST', body: new URLSearchParams(form) })
    const page = await post(`/applications/${created.id}`, { name: 'new 🚀 name', description: 'typed' })
    t.equal(page.status, 422)
    t.match(page.text, /id="name"[^>]*value="new 🚀 name"[^>]*aria-invalid/u)
    t.match(page.text, `id="name-error">${ROCKET}`)
    t.match(page.text, 'typed')
    t.notMatch(page.text, /[Tt]ry again|safe to send/)
    const again = await post('/applications', { model: 'mistral-chat', name: '🚀', 'fields.purpose': 'Experiment' })
    t.equal(again.status, 422)
    t.match(again.text, ROCKET)
    t.equal((await there.api.get(`/applications/${created.id}`, token)).body.name, 'old name')
    await there.stop()
  },
)

t.test('a 500 with another cause is reported as such and has no effect on later text', async (t) => {
  const there = await portal()
  const rocket = () => there.api.post('/applications', token, body('App 🚀'))
  await stack.behave({ database: 'postgresql' })
  await stack.faults([{ match: CREATE, status: 500, times: 1 }])
  t.equal((await rocket()).status, 503, 'PostgreSQL, which accepts the text but not U+0000')
  t.equal((await rocket()).status, 201, 'and stores it')
  await stack.behave({ database: 'mysql' })
  await stack.faults([{ match: '* /admin/api/accounts/*', status: 500 }])
  t.equal((await rocket()).status, 503, '3scale is down')
  await stack.faults([])
  t.equal((await there.api.post('/applications', token, body('plain'))).status, 201)
  await there.stop()
})

t.test('repeated text that makes 3scale answer 500 does not open the circuit for other callers', async (t) => {
  const there = await portal()
  const other = await createApi(stack).token({ username: 'linus' })
  await createVisitor(stack).signIn('linus')
  const { users } = await stack.state()
  const account = users.find(({ email }) => email === 'mary@example.com')?.account_id
  t.ok(account)
  await stack.faults([{ match: `* /admin/api/accounts/${account}/*`, status: 500 }])
  for (let n = 0; n < 15; n++) {
    t.equal((await there.api.post('/applications', token, body(`App ${n}`))).status, 503)
    t.equal((await there.api.get('/applications', token)).status, 503)
  }
  const ready = await fetch(`${there.metrics}/readyz`)
  const { breakers } = (await ready.json()) as { breakers: { upstream: string; state: string }[] }
  t.match(breakers, [{ upstream: '3scale', state: 'closed' }])
  t.equal((await there.api.get('/applications', other)).status, 200)
  await stack.faults([])
  t.equal((await there.api.post('/applications', token, body('after'))).status, 201)
  await there.stop()
})

t.test('extra fields accept such characters on every database', async (t) => {
  const { fields } = (await stack.state()) as unknown as { fields: object[] }
  const note = { ...fields[0], id: 800, target: 'Cinstance', name: 'note', label: 'Note', required: false }
  await stack.put('/_demo/fields_definitions', [...fields, note])
  const there = await portal()
  const requirement = body('with a note')
  const answer = await there.api.post('/applications', token, {
    ...requirement,
    fields: { ...requirement.fields, note: 'x 🚀' },
  })
  t.equal(answer.status, 201, answer.text)
  t.match(answer.body.fields, { note: 'x 🚀' })
  await stack.put('/_demo/fields_definitions', fields)
  await there.stop()
})

const SIGN_UP = 'POST /admin/api/signup.json'
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
let count = 0
/** Creates a new user with these claims. */
async function newcomer(claims: object): Promise<{ username: string; email: string; token: string }> {
  const username = `rocket-${++count}`
  const api = createApi(stack)
  await api.person({ username, ...claims })
  return { username, email: `${username}@example.com`, token: await api.token({ username }) }
}
const orgOf = async (email: string) => {
  const { users, accounts } = await stack.state()
  const user = users.find((each) => each.email === email)
  return accounts.find(({ id }) => id === user?.account_id)?.org_name
}

t.test('a sign-up stores claims, the organization included, without unsupported characters', async (t) => {
  const there = await portal()
  const cases: [claim: string, stored: string | undefined][] = [
    ['Rockets 🚀', 'Rockets'],
    ['🚀 Labs 🪐 & Co', 'Labs & Co'],
    ['🚀', undefined],
    ['株式会社 🚀', undefined],
  ]
  for (const [claim, stored] of cases) {
    const { email, token } = await newcomer({ org_name: claim })
    // The first request detects it.
    const isFirst = claim === cases[0]?.[0]
    await stack.resetCalls()
    const created = await there.api.post('/me', token, answers)
    t.equal(created.status, 201, `${claim}: ${created.text}`)
    t.equal((await stack.calls())[SIGN_UP], isFirst ? 2 : 1, claim)
    t.equal(await orgOf(email), stored ?? email, claim)
  }
  await there.stop()
})

t.test(
  'a sign-up with unsupported characters is refused at the field, by page and API, and creates nothing',
  async (t) => {
    const { fields } = (await stack.state()) as unknown as { fields: object[] }
    const named = { ...fields[0], id: 801, target: 'User', name: 'first_name', label: 'First name', required: true }
    await stack.put('/_demo/fields_definitions', [...fields, named])
    const there = await portal()
    const { username, email, token } = await newcomer({ org_name: 'Rockets 🚀' })
    const requirement = { ...answers, fields: { ...answers.fields, first_name: 'Ada 🚀' } }
    const byApi = await there.api.post('/me', token, requirement)
    t.same([byApi.status, byApi.body.errors], [422, { 'fields.first_name': ROCKET }], byApi.text)
    await stack.resetCalls()
    t.equal((await there.api.post('/me', token, requirement)).status, 422)
    t.equal((await stack.calls())[SIGN_UP], undefined, 'detected before')
    t.equal(await orgOf(email), undefined)

    const visitor = createVisitor(stack)
    await visitor.submit(await visitor.get('/login'), /interaction/, { username, password: 'demo' })
    const form = { 'account.department': 'Sales', 'user.job_title': 'Kept', 'user.first_name': 'Ada 🚀' }
    const body = new URLSearchParams({ ...form, accept_terms: '2026-01' })
    const page = await visitor.at(there.url)('/sign-up', { method: 'POST', body })
    t.equal(page.status, 422)
    t.match(page.text, `id="user.first_name-error">${ROCKET}`)
    t.match(page.text, /value="Ada 🚀"[^>]*aria-invalid/u)
    t.match(page.text, 'value="Kept"')
    const created = await there.api.post('/me', token, {
      ...requirement,
      fields: { ...requirement.fields, first_name: 'Ada' },
    })
    t.equal(created.status, 201, created.text)
    t.equal(await orgOf(email), 'Rockets', `${username}: the rest of the organization name is preserved`)
    await stack.put('/_demo/fields_definitions', fields)
    await there.stop()
  },
)
