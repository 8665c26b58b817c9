import t from 'tap'
import { demoEnvironment, demoWebhooks } from '../../../src/cli/demo-settings.js'
import { createApi, type Member } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, type RunningPortal, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/**
 * The operator changes something in 3scale, whose webhook reaches one replica: every replica displays it at once. The operator's token has
 * another owner than the portal's, but both are admins of the tenant.
 */
const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const settings = { REDIS_URL: redis.url }
const [here, there]: RunningPortal[] = [
  await stack.portal(settings),
  await stack.portal({ ...settings, PORT: portBeside(stack) }),
]
const api = createApi(stack)
t.setTimeout(300_000)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const OPERATOR = 'demo-wide-token'

/** A call of the operator. Resolves when all webhooks that it caused are delivered. */
async function operator(method: string, path: string, values: Record<string, string> = {}) {
  const answer = await fetch(`${stack.threescale}/admin/api/${path}.json`, {
    method,
    body: new URLSearchParams({ access_token: OPERATOR, ...values }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  await delivered()
}

async function delivered(): Promise<void> {
  await until('all webhooks are delivered', async () => (await webhooks()).pending === 0)
}

async function webhooks() {
  return (await (await fetch(`${stack.threescale}/_demo/webhooks`)).json()) as Record<
    'delivered' | 'failed' | 'pending',
    number
  >
}

const { access_token: _, ...settingsOfWebhooks } = demoWebhooks(demoEnvironment(stack.port, {}))
await operator(
  'PUT',
  'webhooks',
  Object.fromEntries(Object.entries(settingsOfWebhooks).map(([name, value]) => [name, String(value)])),
)

await api.person({ username: 'olga', org_name: 'Olga & Partners' })
const olga = createVisitor(stack)
await olga.signIn('olga')
const admin = await api.token({ username: 'olga', expires_in: 3600 })
const { body: me } = await api.get<{ account: { id: number } }>('/me', admin)
const account = `accounts/${me.account.id}`

async function application(name: string): Promise<number> {
  const { body } = await api.post<{ id: number }>('/applications', admin, {
    model: 'nomic-embed',
    name,
    fields: { purpose: 'Experiment' },
  })
  await delivered()
  return body.id
}

/** How many calls to 3scale the work causes, without those for the catalogue. */
async function callsFor(work: () => Promise<unknown>): Promise<number> {
  await stack.resetCalls()
  await work()
  const calls = Object.entries(await stack.calls()).filter(([call]) => call.includes('/accounts/'))
  return calls.reduce((sum, [, count]) => sum + count, 0)
}

/** The text of a page on each replica. */
const pages = async (path: string) =>
  Promise.all([here, there].map(async (portal) => (await olga.at(portal?.url ?? '')(path)).text))

/** Events in quick succession are merged, so the last one takes effect a moment after its delivery; the caches last a minute. */
async function show(path: string, holds: (text: string) => boolean): Promise<void> {
  await until(`${path} on each replica`, async () => (await pages(path)).every(holds), 20)
}

t.test('what the portal itself writes is reported too, and delivered', async (t) => {
  const before = await webhooks()
  await application('first')
  const after = await webhooks()
  t.ok(after.delivered > before.delivered)
  t.equal(after.failed, 0)
})

t.test('an application that the operator suspends, renames or deletes changes on every replica', async (t) => {
  const id = await application('Billing')
  for (const text of await pages(`/applications/${id}`)) t.match(text, /Billing/)
  await until('the list is cached', async () => (await callsFor(() => pages('/applications'))) === 0)

  await operator('PUT', `${account}/applications/${id}/suspend`)
  await show(`/applications/${id}`, (text) => text.includes('Suspended'))
  await operator('PUT', `${account}/applications/${id}/resume`)
  await show(`/applications/${id}`, (text) => !text.includes('Suspended'))
  await operator('PUT', `${account}/applications/${id}`, { name: 'Invoices' })
  await show('/applications', (text) => text.includes('Invoices') && !text.includes('Billing'))
  await operator('DELETE', `${account}/applications/${id}`)
  await show('/applications', (text) => !text.includes('Invoices'))
})

t.test('an account that the operator renames has its new name on every replica', async (t) => {
  for (const text of await pages('/account')) t.match(text, /Olga &amp; Partners/)
  await operator('PUT', account, { org_name: 'Olga and Friends' })
  await show('/account', (text) => text.includes('Olga and Friends'))
})

t.test('a user that the operator suspends or removes loses access on every replica', async (t) => {
  for (const [username, change] of [
    ['milo', 'suspend'],
    ['nina', 'remove'],
  ] as const) {
    await api.person({ username })
    await api.post('/members', admin, { email: `${username}@example.com`, role: 'member' })
    const member = createVisitor(stack)
    const form = await member.submit(await member.get('/login'), /interaction/, { username, password: 'demo' })
    await member.submit(form, /sign-up/, { 'user.job_title': 'Lead', accept_terms: '2026-01' })
    const token = await api.token({ username, expires_in: 3600 })
    const replicas = [here, there].map((portal) => portal?.url ?? '')
    for (const url of replicas) {
      t.equal((await member.at(url)('/applications')).status, 200)
      t.equal((await createApi(stack, url).get('/applications', token)).status, 200)
    }
    const users = await stack.list('users')
    const id = users.find(({ email }) => email === `${username}@example.com`)?.id
    await delivered()

    if (change === 'suspend') await operator('PUT', `${account}/users/${id}/suspend`)
    else await operator('DELETE', `${account}/users/${id}`)
    for (const url of replicas) {
      const hasNoAccess = async () => {
        const page = await member.at(url)('/applications')
        const isStopped = change === 'suspend' ? page.text.includes('Your account is suspended') : page.status === 303
        return isStopped && (await createApi(stack, url).get('/applications', token)).status === 403
      }
      await until(`${username} has no access`, hasNoAccess, 20)
    }
  }
  const { items } = (await api.get<{ items: Member[] }>('/members', admin)).body
  t.notOk(items.some(({ email }) => email === 'nina@example.com'))
})

t.test('one event, sent a thousand times, costs a few calls to 3scale', async (t) => {
  const id = await application('Replayed')
  const body =
    '<?xml version="1.0" encoding="UTF-8"?><event><action>updated</action><type>application</type><object><application>' +
    `<id>${id}</id><state>live</state><user_account_id>${me.account.id}</user_account_id></application></object></event>`
  const { username, password, origin, pathname } = new URL(settingsOfWebhooks.url)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const send = () =>
    fetch(`${origin}${pathname}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/xml' },
      body,
    })
  await until('the list is cached', async () => (await callsFor(() => pages('/applications'))) === 0)
  const statuses = new Set<number>()
  const calls = await callsFor(async () => {
    for (let round = 0; round < 20; round++)
      for (const { status } of await Promise.all(Array.from({ length: 50 }, send))) statuses.add(status)
  })
  t.same([...statuses], [204])
  t.equal(calls, 0, 'an event itself causes no call')
  const callsOfPages = await callsFor(async () => {
    for (let view = 0; view < 5; view++) for (const text of await pages('/applications')) t.match(text, /Replayed/)
  })
  // Both replicas read the list after the first event, and once more after the last one.
  t.ok(callsOfPages <= 4, `${callsOfPages} calls for 10 pages after 1000 events`)
  const text = await (await fetch(`${here?.metrics}/metrics`)).text()
  t.match(text, /maas_webhook_events_total\{type="application",outcome="accepted"\} 1\d\d\d/)
})

t.test('without a webhook, a change is displayed when the cached state expires', async (t) => {
  const id = await application('Unreported')
  await operator('PUT', 'webhooks', { provider_actions: 'false' })
  for (const text of await pages('/applications')) t.match(text, /Unreported/)
  await operator('PUT', `${account}/applications/${id}`, { name: 'Renamed by the operator' })
  await until(
    'the name changed on every replica',
    async () => (await pages('/applications')).every((text) => text.includes('Renamed by the operator')),
    90,
  )
  await operator('PUT', 'webhooks', { provider_actions: 'true' })
})

t.test('without a secret in its settings, the portal has no such address', async (t) => {
  const portal = await stack.portal({ PORT: String(stack.port + 51), WEBHOOK_SECRET: '' })
  t.teardown(() => portal.stop())
  for (const path of ['/webhooks/3scale', '/webhooks/catalogue'])
    t.equal((await fetch(`${portal.url}${path}`, { method: 'POST' })).status, 404)
})
