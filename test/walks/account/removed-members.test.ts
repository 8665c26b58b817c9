import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi, type Member } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, type RunningPortal, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const settings = { REDIS_URL: redis.url }
const portals: RunningPortal[] = [
  await stack.portal(settings),
  await stack.portal({ ...settings, PORT: portBeside(stack) }),
]
const api = createApi(stack)
t.setTimeout(300_000)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

await api.person({ username: 'olga', org_name: 'Olga & Partners' })
const olga = createVisitor(stack)
await olga.signIn('olga')
const admin = await api.token({ username: 'olga', expires_in: 3600 })
const app = await api.post<{ id: number }>('/applications', admin, {
  model: 'nomic-embed',
  name: 'shared',
  fields: { purpose: 'Experiment' },
})
const path = `/applications/${app.body.id}`

/** A new person, invited into olga's account and joined, signed in by page and with a token. */
async function joined(username: string, role: 'admin' | 'member') {
  await api.person({ username })
  await api.post('/members', admin, { email: `${username}@example.com`, role })
  const visitor = createVisitor(stack)
  const form = await visitor.submit(await visitor.get('/login'), /interaction/, { username, password: 'demo' })
  await visitor.submit(form, /sign-up/, { 'user.job_title': 'Lead', accept_terms: '2026-01' })
  const token = await api.token({ username, expires_in: 3600 })
  const { items } = (await api.get<{ items: Member[] }>('/members', admin)).body
  const id = items.find(({ email }) => email === `${username}@example.com`)?.id
  if (id === undefined) throw new Error(`${username} is no member`)
  for (const { url } of portals) {
    t.equal((await visitor.at(url)(path)).status, 200, `${username} has access at ${url}`)
    t.equal((await createApi(stack, url).get('/applications', token)).status, 200)
  }
  return { visitor, token, id }
}

/** Sends ten requests at once to each replica, right after the response; the second replica is notified a moment later. */
async function atOnce(visitor: Visitor, send: (at: ReturnType<Visitor['at']>) => Promise<{ status: number }>) {
  const [here, there] = portals.map(({ url }) => visitor.at(url))
  const ten = (at: typeof here) => Promise.all(Array.from({ length: 10 }, () => (at ? send(at) : { status: 0 })))
  const first = (await ten(here)).map(({ status }) => status)
  await sleep(100)
  return [...first, ...(await ten(there)).map(({ status }) => status)]
}

const reveal = (at: ReturnType<Visitor['at']>) => at(`${path}/reveal`, { method: 'POST', body: new URLSearchParams() })
const slow = [{ match: 'GET /admin/api/accounts/find*', latency_ms: 3000 }]
const down = [{ match: 'GET /admin/api/accounts/find*', status: 503 }]

for (const [name, faults] of [
  ['while 3scale answers', []],
  ['while it is slow', slow],
  ['while it is down', down],
] as const) {
  t.test(`a removed member loses access ${name}`, async (t) => {
    const { visitor, token, id } = await joined(`removed-${faults === slow ? 1 : faults === down ? 2 : 0}`, 'member')
    t.same(new Set(await atOnce(visitor, reveal)), new Set([200]), 'before')
    await stack.faults([...faults])
    t.equal((await api.call('DELETE', `/members/${id}`, { token: admin })).status, 204)
    const statuses = await atOnce(visitor, reveal)
    t.notOk(statuses.includes(200), `no key is shown: ${statuses}`)
    for (const { url } of portals) {
      const called = await createApi(stack, url).get('/applications', token)
      t.ok(called.status === 403 || (faults.length > 0 && called.status === 503), `a token: ${called.status}`)
    }
    await stack.faults([])
    for (const { url } of portals)
      t.equal((await createApi(stack, url).get('/applications', token)).status, 403, 'and afterwards')
  })
}

t.test('a member who leaves loses every session', async (t) => {
  const { visitor, token, id } = await joined('leaving', 'member')
  t.equal((await api.call('DELETE', `/members/${id}`, { token })).status, 204)
  t.notOk((await atOnce(visitor, reveal)).includes(200))
})

for (const [name, faults] of [
  ['while 3scale answers', []],
  ['while it is slow', slow],
  ['while it is down', down],
] as const) {
  t.test(`a demoted admin loses the admin role ${name}`, async (t) => {
    const { visitor, id } = await joined(`demoted-${faults === slow ? 1 : faults === down ? 2 : 0}`, 'admin')
    const page = async (url: string) => (await visitor.at(url)('/account')).text
    for (const { url } of portals) t.match(await page(url), 'Invite a person')
    await stack.faults([...faults])
    t.equal((await api.call('PATCH', `/members/${id}`, { token: admin, body: { role: 'member' } })).status, 200)
    for (const { url } of portals) {
      await until('the other one knows', async () => !(await page(url)).includes('Invite a person'), 5)
      const invited = await visitor.at(url)('/account/members', {
        method: 'POST',
        body: new URLSearchParams({ email: 'somebody@example.com', role: 'member' }),
      })
      t.equal(invited.status, 403, 'an invitation')
      const { status } = await visitor.at(url)(path)
      t.equal(status, 200, 'a demoted admin stays signed in')
    }
    await stack.faults([])
  })
}

t.test('a change costs one call, and later requests cost none', async (t) => {
  const { visitor, id } = await joined('counted', 'admin')
  await api.call('PATCH', `/members/${id}`, { token: admin, body: { role: 'member' } })
  await sleep(2500)
  await visitor.at(stack.url)('/account')
  await stack.resetCalls()
  for (let request = 0; request < 5; request++) await visitor.at(stack.url)(`${path}?n=${request}`)
  const calls = (await stack.calls())['GET /admin/api/accounts/find.xml'] ?? 0
  t.equal(calls, 0, 'once clock differences of replicas are irrelevant')
})

t.test('on public pages, a suspended or removed user is a visitor', async (t) => {
  const restricted = '/models/restricted-research'
  for (const [username, how] of [
    ['mary', 'suspended'],
    ['greta', 'removed'],
    ['gustav', 'the account'],
  ] as const) {
    if (username !== 'mary') await api.person({ username, groups: ['research'] })
    const visitor = createVisitor(stack)
    await visitor.signIn(username, '/models')
    t.equal((await visitor.raw(restricted)).status, 200, `${username} is a member of the group`)
    t.match((await visitor.get('/models')).text, 'restricted-research')
    const user = (await stack.state()).users.find(({ email }) => email === `${username}@example.com`)
    const authorization = `Basic ${btoa('demo-token:')}`
    if (how === 'suspended') await stack.put(`/_demo/users/${user?.id}`, { state: 'suspended' })
    else if (how === 'the account') await stack.put(`/_demo/accounts/${user?.account_id}`, { state: 'suspended' })
    else
      await fetch(`${stack.threescale}/admin/api/accounts/${user?.account_id}.json`, {
        method: 'DELETE',
        headers: { authorization },
      })
    // A replica without a copy of the person: the others behave like this within a minute.
    const fresh = await stack.portal({ PORT: String(stack.port + 52) })
    const at = visitor.at(fresh.url)
    t.equal((await at(restricted)).status, 404, how)
    for (const open of ['/models', '/', '/docs/api', '/terms', '/models/granite-chat/reference']) {
      const page = await at(open)
      t.equal(page.status, 200, `${open} is available`)
      t.notMatch(page.text, 'restricted-research', open)
      t.notMatch(page.text, `${username}@example.com`, open)
      t.match(page.text, 'href="/login', `${open}: as for a visitor`)
    }
    await stack.resetCalls()
    for (let view = 0; view < 5; view++) await at(`/models?n=${view}`)
    t.ok(((await stack.calls())['GET /admin/api/accounts/find.xml'] ?? 0) <= 1, 'no call for each page')
    await fresh.stop()
  }
})

t.test('a cached page depends on all of its content, for two people with one name and organization', async (t) => {
  const same = { name: 'Sam Same', org_name: 'Same & Co' }
  await api.person({ username: 'sam-one', ...same })
  await api.person({ username: 'sam-two', ...same, groups: ['maas-admins'] })
  const [one, two] = [createVisitor(stack), createVisitor(stack)]
  await one.signIn('sam-one', '/models')
  await two.signIn('sam-two', '/models')
  for (const address of ['/models', '/models/granite-chat']) {
    for (const round of [1, 2]) {
      t.notMatch((await one.get(address)).text, 'href="/doctor"', `${address} ${round}`)
      t.match((await two.get(address)).text, 'href="/doctor"', `${address} ${round}`)
    }
  }
})
