// A tenant whose database, MySQL's utf8mb3, has no characters beyond the Basic Multilingual Plane: 3scale answers 500 for them.
import t, { type Test } from 'tap'
import { type ApiAnswer, createApi } from '../helper/api.js'
import { startRedis, startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

let block = 50
/** A portal that knows nothing of the tenant's database yet, or what Redis knows. */
async function portal(env: Record<string, string> = {}) {
  const port = String(stack.port + block++)
  const running = await stack.portal({ PORT: port, ...env })
  return { ...running, api: createApi(stack, running.url) }
}

await stack.portal()
await createVisitor(stack).signIn('mary')
const token = await createApi(stack).token({ username: 'mary' })
const CREATE = 'POST /admin/api/accounts/*/applications.json'
const UPDATE = 'PUT /admin/api/accounts/*/applications/*.json'
const ROCKET = '3scale cannot store this character: 🚀. Remove it.'
const body = (name: string, description = '') => ({
  model: 'mistral-chat',
  name,
  description,
  fields: { purpose: 'Experiment' },
})

/** 422 with these sentences, and these calls to 3scale. */
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

t.test('the first such text is found to be the reason, every later one is refused without a call', async (t) => {
  const one = await portal({ REDIS_URL: redis.url })
  const two = await portal({ REDIS_URL: redis.url })
  const { body: made } = await one.api.post<{ id: number }>('/applications', token, body('plain'))
  const before = (await stack.state()).applications.length
  await stack.faults([{ match: CREATE, status: 500, times: 1 }])
  await stack.resetCalls()
  const headers = { 'idempotency-key': 'rocket' }
  await refused(t, await one.api.post('/applications', token, body('App 🚀'), headers), { name: ROCKET }, 1)
  await stack.faults([])
  for (const there of [one, two]) {
    const answer = await there.api.post('/applications', token, body('App 🚀', 'To the 🌙 and 🪐'))
    const description = '3scale cannot store these characters: 🌙 🪐. Remove them.'
    await refused(t, answer, { name: ROCKET, description }, 0)
    const renamed = await there.api.call('PATCH', `/applications/${made.id}`, { token, body: { name: '🚀' } })
    await refused(t, renamed, { name: ROCKET }, 0)
    t.same(await stack.calls(), {}, 'nothing at all was asked')
  }
  t.equal((await stack.state()).applications.length, before, 'nothing was stored')
  const mended = await one.api.post('/applications', token, body('App ❤ 株'), headers)
  t.equal(mended.status, 201, 'what is in the plane is stored, and the key of a refused request is free')
  const third = await portal({ REDIS_URL: redis.url })
  await stack.resetCalls()
  await refused(t, await third.api.post('/applications', token, body('🚀')), { name: ROCKET }, 0)
  await Promise.all([one, two, third].map((each) => each.stop()))
})

t.test('a rename meets it first; by page the sentence is at the field, and what was typed is kept', async (t) => {
  const there = await portal()
  const { body: made } = await there.api.post<{ id: number }>('/applications', token, body('old name'))
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const post = (path: string, form: Record<string, string>) =>
    mary.at(there.url)(path, { method: 'POST', body: new URLSearchParams(form) })
  await stack.faults([{ match: UPDATE, status: 500, times: 1 }])
  const page = await post(`/applications/${made.id}`, { name: 'new 🚀 name', description: 'typed' })
  await stack.faults([])
  t.equal(page.status, 422)
  t.match(page.text, /id="name"[^>]*value="new 🚀 name"[^>]*aria-invalid/u)
  t.match(page.text, `id="name-error">${ROCKET}`)
  t.match(page.text, 'typed')
  t.notMatch(page.text, /[Tt]ry again|safe to send/)
  const again = await post('/applications', { model: 'mistral-chat', name: '🚀', 'fields.purpose': 'Experiment' })
  t.equal(again.status, 422)
  t.match(again.text, ROCKET)
  t.equal((await there.api.get(`/applications/${made.id}`, token)).body.name, 'old name')
  await there.stop()
})

t.test('a 500 that is not about the text is told as what it is, and nothing is concluded from it', async (t) => {
  const there = await portal()
  const rocket = () => there.api.post('/applications', token, body('App 🚀'))
  const cases: [string, object[]][] = [
    [
      'PostgreSQL, which takes the text and not U+0000',
      [
        { match: CREATE, status: 500, times: 1 },
        { match: 'GET /admin/api/accounts/find.xml', status: 500 },
      ],
    ],
    ['3scale is down', [{ match: '* /admin/api/accounts/*', status: 500 }]],
  ]
  for (const [title, faults] of cases) {
    await stack.faults(faults)
    t.equal((await rocket()).status, 503, title)
    await stack.faults([])
  }
  t.equal((await there.api.post('/applications', token, body('plain'))).status, 201)
  await there.stop()
})

t.test('extra fields take such characters on every database', async (t) => {
  const { fields } = (await stack.state()) as unknown as { fields: object[] }
  const note = { ...fields[0], id: 800, target: 'Cinstance', name: 'note', label: 'Note', required: false }
  await stack.put('/_demo/fields_definitions', [...fields, note])
  const there = await portal()
  const wanted = body('with a note')
  const answer = await there.api.post('/applications', token, { ...wanted, fields: { ...wanted.fields, note: 'x 🚀' } })
  t.equal(answer.status, 201, answer.text)
  t.match(answer.body.fields, { note: 'x 🚀' })
  await stack.put('/_demo/fields_definitions', fields)
  await there.stop()
})
