import t from 'tap'
import { createApi } from '../../helper/api.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, formsOf, type Visitor } from '../../helper/visitor.js'

/**
 * Work that takes 3scale longer than two seconds: the page shows its progress and reloads itself. Two replicas, without Redis.
 */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
const first = await stack.portal()
const second = await stack.portal({ PORT: portBeside(stack) })
t.teardown(() => stack.close())
const api = createApi(stack)
const answers = { 'account.department': 'Research', 'user.job_title': 'Scientist', accept_terms: '2026-01' }
const slowly = () => stack.behave({ sign_up_ms: 4000, write_ms: 4000 })
const quickly = () => stack.behave({ sign_up_ms: 0, write_ms: 0, default_plan_ms: 0 })
await quickly()

function isWaiting(t: Tap.Test, answer: Answer | undefined, path: RegExp, title: string): string {
  t.equal(answer?.status, 202)
  t.equal(answer?.headers.get('cache-control'), 'no-store')
  t.match(answer?.text, /role="status"/)
  t.match(answer?.text, new RegExp(`<h1 id="prompt-title"[^>]*>${title}</h1>`))
  const cookie = answer?.headers.getSetCookie().find((line) => line.startsWith('maas_pending=')) ?? ''
  t.match(cookie, /HttpOnly/)
  const [, target = ''] = /^1; url=(.+)$/.exec(answer?.headers.get('refresh') ?? '') ?? []
  t.match(target, path)
  t.match(cookie, `Path=${target};`, 'the cookie with the form is sent to that path only')
  return target
}

namespace Tap {
  export type Test = { equal(...args: unknown[]): unknown; match(...args: unknown[]): unknown }
}

async function formFor(visitor: Visitor, name: string): Promise<Record<string, string>> {
  const page = await visitor.get('/applications/new?model=granite-chat')
  const values = formsOf(page.text).find(({ action }) => action === '/applications')?.values ?? {}
  return { ...values, plan: 'basic', name }
}

const named = async (name: string) => (await stack.state()).applications.filter((one) => one.name === name)

t.test('a slow sign-up ends with a session and exactly one account', async (t) => {
  await api.person({ username: 'patient' })
  const visitor = createVisitor(stack)
  const login = await visitor.get('/login?return_to=/account')
  const form = await visitor.submit(login, /interaction/, { username: 'patient', password: 'demo' })
  t.match(form.url, /\/sign-up$/)
  await slowly()
  const values = { ...formsOf(form.text).find(({ action }) => /sign-up/.test(action))?.values, ...answers }
  const sent = await visitor.once('/sign-up', { method: 'POST', body: new URLSearchParams(values) })
  const path = isWaiting(t, sent, /^\/sign-up\/pending$/, 'Setting up your account')
  const other = createVisitor(stack)
  t.equal((await other.once(path)).location, '/sign-up', 'without the form, sign-up cannot continue')
  const done = await visitor.raw(path)
  t.equal(done.status, 303)
  t.equal(done.location, '/account')
  t.equal((await visitor.once(path)).location, '/', 'done once')
  await quickly()
  t.match((await visitor.get('/account')).text, 'patient')
  t.equal((await stack.state()).users.filter(({ email }) => email === 'patient@example.com').length, 1)
})

t.test('a slow creation and a slow deletion end with the same pages as fast ones', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('patient')
  const form = await formFor(visitor, 'slowly made')
  await slowly()
  const sent = await visitor.once('/applications', { method: 'POST', body: new URLSearchParams(form) })
  const path = isWaiting(t, sent, /^\/applications\/pending\/[0-9a-f]{32}$/, 'Creating application')
  const twice = visitor.post('/applications', form)
  const created = await visitor.raw(path)
  t.match(created.location, /^\/applications\/\d+$/)
  t.equal((await twice).location, created.location, 'the form submitted again while the first is in progress')
  t.equal((await named('slowly made')).length, 1)
  t.equal((await visitor.raw(path)).location, created.location, 'its progress page in another tab')

  const action = `${created.location}/delete`
  const body = new URLSearchParams({ confirm: 'slowly made' })
  const deleting = await visitor.once(action, { method: 'POST', body })
  const removed = await visitor.raw(isWaiting(t, deleting, /\/delete\/pending$/, 'Deleting application'))
  t.equal(removed.location, '/applications')
  t.equal((await named('slowly made')).length, 0)
  await quickly()
})

t.test('an error after the progress page is reported at the form, with the submitted values', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('patient')
  const form = await formFor(visitor, 'not made')
  await stack.faults([{ match: 'POST */applications.json', latency_ms: 3000, status: 500 }])
  const answer = await visitor.post('/applications', form)
  await stack.faults([])
  t.equal(answer.status, 503)
  t.match(answer.text, 'not made', 'submitted values are preserved')
  const [again] = formsOf(answer.text).filter(({ action }) => action === '/applications')
  t.equal(again?.values.attempt, form.attempt, 'with the same attempt')
})

t.test('the pending form of one user is rejected for another user', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('patient')
  const form = await formFor(visitor, 'mine')
  await slowly()
  const sent = await visitor.once('/applications', { method: 'POST', body: new URLSearchParams(form) })
  const path = isWaiting(t, sent, /pending/, 'Creating application')
  const thief = createVisitor(stack)
  await quickly()
  await thief.signIn('mary')
  thief.jar.set('maas_pending', visitor.jar.get('maas_pending') ?? '')
  t.equal((await thief.once(path)).location, '/applications')
  await visitor.raw(path)
  const [mine] = await named('mine')
  t.equal((await named('mine')).length, 1)
  t.match(await visitor.get(`/applications/${mine?.id}`), { status: 200 })
})

t.test(
  'a replica leaves pending work to the replica that started it, and takes over when that replica is killed',
  async (t) => {
    const visitor = createVisitor(stack)
    await visitor.signIn('patient')
    const form = await formFor(visitor, 'taken over')
    await stack.faults([{ match: 'POST */applications.json', hang: true, times: 1 }])
    const sent = await visitor.once('/applications', { method: 'POST', body: new URLSearchParams(form) })
    const path = isWaiting(t, sent, /pending/, 'Creating application')
    await stack.resetCalls()
    const there = (address: string) => visitor.at(second.url)(address)
    t.equal((await fetchOnce(visitor, second.url + path)).status, 202, 'the work is left to the first replica')
    t.same((await stack.calls())['POST /admin/api/accounts/{id}/applications.json'], undefined)
    await first.stop('SIGKILL')
    await stack.faults([])
    const done = await there(path)
    t.match(done.location, /^\/applications\/\d+$/)
    t.equal((await named('taken over')).length, 1)
    await stack.portal()
  },
)

/** One request to another replica. */
function fetchOnce(visitor: Visitor, url: string): Promise<Answer> {
  return visitor.once(url)
}

t.test('sign-up with thirty default plans succeeds on the first attempt, from the page and the API', async (t) => {
  await stack.behave({ default_plan_ms: 300 })
  const before = new Set((await stack.state()).services.map(({ id }) => id))
  await fetch(`${stack.threescale}/_demo/products?count=30`, { method: 'POST' })
  const { services, plans } = (await stack.state()) as unknown as {
    services: { id: number }[]
    plans: { id: number; service_id: number }[]
  }
  for (const { id } of services.filter((service) => !before.has(service.id))) {
    const plan = plans.find(({ service_id }) => service_id === id)?.id
    const path = `/admin/api/services/${id}/application_plans/${plan}/default.json?access_token=demo-token`
    t.equal((await fetch(stack.threescale + path, { method: 'PUT' })).status, 200)
  }
  await api.person({ username: 'page-person' })
  await api.person({ username: 'api-person' })
  const visitor = createVisitor(stack)
  const token = await api.token({ username: 'api-person', expires_in: 600 })
  const [page, answer] = await Promise.all([
    visitor.signIn('page-person', '/account'),
    api.post('/me', token, { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }),
  ])
  t.equal(page.status, 200)
  t.match(page.url, /\/account$/)
  t.equal(answer.status, 201, answer.text)
  const { accounts, applications, users } = await stack.state()
  for (const name of ['page-person', 'api-person']) {
    const own = users.filter(({ email }) => email === `${name}@example.com`)
    t.equal(own.length, 1, name)
    t.ok(accounts.some(({ id }) => id === own[0]?.account_id))
    t.ok(
      applications.filter(({ account_id }) => account_id === own[0]?.account_id).length >= 30,
      'for each default plan',
    )
  }
})
