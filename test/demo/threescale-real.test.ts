import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startStack } from '../helper/stack.js'

/** Behaviour of a real 3scale that only several calls show: `porta-recorded` as measured, on both databases. */
const stack = await startStack(['threescale'])
t.teardown(() => stack.close())

const TENANT = stack.threescale
const BACKEND = `http://127.0.0.1:${stack.port + 7}`
const authorization = `Basic ${Buffer.from('demo-token:').toString('base64')}`
const LINUS = 501
const { services } = (await stack.state()) as unknown as {
  services: { id: number; system_name: string; service_token: string }[]
}
const granite = serviceNamed('granite-chat')
const llama = serviceNamed('llama-chat')
const plans = { granite: await planOf(granite.id), llama: await planOf(llama.id) }

type Json = Record<string, unknown>
let sequence = 0
const unique = (prefix: string) => `${prefix}${process.pid}x${++sequence}`

for (const database of ['postgresql', 'mysql'] as const) {
  t.test(`two concurrent sign-ups with one name both succeed on ${database}`, async (t) => {
    await stack.behave({ database })
    const same = person()
    const answers = await twice(() => send('POST', '/signup', same))
    t.same(
      answers.map(({ status }) => status),
      [201, 201],
    )
    const third = await send('POST', '/signup', { ...same, email: `${unique('u')}@example.com` })
    t.same([third.status, third.json], [422, { errors: { users: ['invalid'], username: ['has already been taken'] } }])
  })

  t.test(`two concurrent creations of a user with one name both succeed on ${database}`, async (t) => {
    await stack.behave({ database })
    const username = unique('user-')
    const answers = await twice(() =>
      send('POST', `/accounts/${LINUS}/users`, { username, email: `${username}@example.com` }),
    )
    t.same(
      answers.map(({ status }) => status),
      [201, 201],
    )
  })
}

t.test('two concurrent applications with one user_key are both stored on PostgreSQL', async (t) => {
  await stack.behave({ database: 'postgresql' })
  const user_key = unique('key-')
  const answers = await twice(() => create(plans.granite, { user_key }))
  t.same(
    answers.map(({ status }) => status),
    [201, 201],
  )
  t.equal((await applicationsWith('user_key', user_key)).length, 2)
})

for (const name of ['user_key', 'application_id'] as const)
  t.test(
    `with two concurrent applications of one ${name}, MySQL rejects one with 500 and does not store it`,
    async (t) => {
      await stack.behave({ database: 'mysql' })
      const value = unique('value-')
      const answers = await twice(() => create(name === 'user_key' ? plans.granite : plans.llama, { [name]: value }))
      t.same(answers.map(({ status }) => status).sort(), [201, 500])
      t.same(answers.find(({ status }) => status === 500)?.json, { status: 500, error: 'Internal Server Error' })
      t.equal((await applicationsWith(name, value)).length, 1)
    },
  )

t.test('two concurrent creations of one application key return 201 and 409 without a body', async (t) => {
  const id = await createdId(plans.llama)
  const key = unique('key-')
  const answers = await twice(() => send('POST', `/accounts/${LINUS}/applications/${id}/keys`, { key }))
  t.same(answers.map(({ status, text }) => [status, text === '']).sort(), [
    [201, false],
    [409, true],
  ])
})

t.test('twelve concurrent application keys never exceed the limit of five', async (t) => {
  const id = await createdId(plans.llama)
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      send('POST', `/accounts/${LINUS}/applications/${id}/keys`, { key: unique(`k${n}-`) }),
    ),
  )
  t.equal(answers.filter(({ status }) => status === 201).length, 4, 'in addition to the first one')
  t.equal((await keysOf(id)).length, 5)
})

t.test('applications of several products can share a value, and each is deleted separately', async (t) => {
  const user_key = unique('ring-')
  const other = serviceNamed('mistral-chat')
  const first = await createdId(plans.granite, { user_key })
  await createdId(await planOf(other.id), { user_key })
  await stack.settled()
  t.same([await authorize(granite, { user_key }), await authorize(other, { user_key })], ['ok', 'ok'])
  await send('DELETE', `/accounts/${LINUS}/applications/${first}`)
  await stack.settled()
  t.same([await authorize(granite, { user_key }), await authorize(other, { user_key })], ['user_key_invalid', 'ok'])
})

t.test('if two applications share a user_key, deleting one invalidates it for both until a PUT', async (t) => {
  await stack.behave({ database: 'postgresql' })
  const user_key = unique('shared-')
  const [one, two] = (await twice(() => create(plans.granite, { user_key }))).map(({ json }) => idOf(json))
  await stack.settled()
  t.equal(await authorize(granite, { user_key }), 'ok')
  await send('DELETE', `/accounts/${LINUS}/applications/${one}`)
  await stack.settled()
  t.equal(await authorize(granite, { user_key }), 'user_key_invalid', 'although the other is listed as live')
  t.equal((await send('PUT', `/accounts/${LINUS}/applications/${two}`, { user_key })).status, 200)
  await stack.settled()
  t.equal(await authorize(granite, { user_key }), 'ok')
})

t.test('a change reaches the backend a moment after its response', async (t) => {
  await stack.behave({ backend_delay_ms: 400 })
  const user_key = unique('late-')
  await create(plans.granite, { user_key })
  t.equal(await authorize(granite, { user_key }), 'user_key_invalid')
  await stack.settled()
  t.equal(await authorize(granite, { user_key }), 'ok')
  await stack.behave({ backend_delay_ms: 200 })
})

t.test('an application without keys accepts any key', async (t) => {
  const application_id = unique('open-')
  const id = await createdId(plans.llama, { application_id, application_key: 'the-only-key' })
  await stack.settled()
  t.equal(await authorize(llama, { app_id: application_id, app_key: 'another-key' }), 'application_key_invalid')
  t.equal(
    (await send('DELETE', `/accounts/${LINUS}/applications/${id}/keys/the-only-key`)).status,
    200,
    'also the last one',
  )
  await stack.settled()
  t.equal(await authorize(llama, { app_id: application_id, app_key: 'a-third-key' }), 'ok')
  t.equal(await authorize(llama, { app_id: application_id }), 'ok')
})

t.test('an accepted or rejected application key is cached until the cache of the backend expires', async (t) => {
  const application_id = unique('memory-')
  const id = await createdId(plans.llama, { application_id, application_key: 'first-key' })
  await stack.settled()
  const ask = (app_key: string) => authorize(llama, { app_id: application_id, app_key })
  t.equal(await ask('first-key'), 'ok')
  t.equal(await ask('coming-key'), 'application_key_invalid', 'requested before it exists')
  await send('POST', `/accounts/${LINUS}/applications/${id}/keys`, { key: 'coming-key' })
  await send('DELETE', `/accounts/${LINUS}/applications/${id}/keys/first-key`)
  await stack.settled()
  t.equal(await ask('coming-key'), 'application_key_invalid', 'it exists now')
  t.equal(await ask('first-key'), 'ok', 'it is deleted')
  await stack.behave({ app_key_memory_seconds: 0, backend: 'stopped' })
  await stack.behave({ backend: 'running' })
  t.same([await ask('coming-key'), await ask('first-key')], ['ok', 'application_key_invalid'])
  await stack.behave({ app_key_memory_seconds: 60 })
})

t.test('while the backend is stopped, writes return 500 after they are stored and never reach it', async (t) => {
  await stack.behave({ database: 'postgresql' })
  const byKey = { id: await createdId(plans.granite, { user_key: unique('up-') }), user_key: unique('down-') }
  const application_id = unique('app-')
  const byId = await createdId(plans.llama, { application_id, application_key: 'old-key-of-it' })
  await stack.settled()
  await stack.behave({ backend: 'stopped' })
  await t.rejects(fetch(`${BACKEND}/status`), 'connections are rejected')
  const at = `/accounts/${LINUS}/applications`
  const created = unique('created-')
  const answers = [
    await create(plans.granite, { user_key: created }),
    await send('PUT', `${at}/${byKey.id}`, { user_key: byKey.user_key }),
    await send('PUT', `${at}/${byKey.id}`, { name: 'Renamed' }),
    await send('POST', `${at}/${byId}/keys`, { key: 'added-meanwhile' }),
    await send('PUT', `${at}/${byId}/suspend`),
    await send('POST', '/signup', person()),
  ]
  for (const { status, json } of answers) t.same([status, json], [500, { status: 500, error: 'Internal Server Error' }])
  t.match(await applicationsWith('user_key', created), [{ state: 'live' }], 'stored nevertheless')
  t.match(await applicationsWith('user_key', byKey.user_key), [{ name: 'Renamed' }])
  t.ok((await keysOf(byId)).includes('added-meanwhile'))
  t.equal((await send('GET', at)).status, 200, 'reads succeed')
  t.equal((await send('DELETE', `${at}/${byKey.id}`)).status, 200, 'and so do deletions')

  await stack.behave({ backend: 'running' })
  await stack.settled()
  t.equal(await authorize(granite, { user_key: created }), 'user_key_invalid', 'a lost write is not retried')
  const [dead] = await applicationsWith('user_key', created)
  await send('PUT', `${at}/${dead?.id}`, { name: 'Written again' })
  await stack.settled()
  t.equal(await authorize(granite, { user_key: created }), 'ok', 'a PUT writes it again')
})

t.test(
  'a PUT restores an app_id application without its keys, which accepts any key until one is added again',
  async (t) => {
    const application_id = unique('lost-')
    await stack.behave({ backend: 'stopped' })
    await create(plans.llama, { application_id, application_key: 'lost-key-one' })
    await stack.behave({ backend: 'running', app_key_memory_seconds: 0 })
    const [row] = await applicationsWith('application_id', application_id)
    const at = `/accounts/${LINUS}/applications/${row?.id}`
    const ask = (app_key: string) => authorize(llama, { app_id: application_id, app_key })
    t.equal(await ask('lost-key-one'), 'application_not_found')
    await send('PUT', at, { name: 'Written again' })
    await stack.settled()
    t.same([await ask('lost-key-one'), await ask('any-key-at-all')], ['ok', 'ok'])
    await send('POST', `${at}/keys`, { key: 'second-key' })
    await stack.settled()
    t.same(
      [await ask('lost-key-one'), await ask('second-key')],
      ['application_key_invalid', 'ok'],
      'the stored one is not accepted',
    )
    await send('DELETE', `${at}/keys/lost-key-one`)
    await send('POST', `${at}/keys`, { key: 'lost-key-one' })
    await stack.settled()
    t.equal(await ask('lost-key-one'), 'ok', 'it is after it is removed and added again')
    await stack.behave({ app_key_memory_seconds: 60 })
  },
)

t.test('lists return 304 until their rows change', async (t) => {
  await stack.behave({ database: 'postgresql' })
  t.teardown(() => stack.behave({ database: 'mysql' }))
  const id = await createdId(plans.llama)
  const at = `/accounts/${LINUS}/applications`
  await unchangedUntil(t, at, () => send('PUT', `${at}/${id}`, { name: unique('renamed ') }))
  await unchangedUntil(t, at, () => send('PUT', `${at}/${id}/suspend`))
  await unchangedUntil(t, at, () => send('PUT', `${at}/${id}/resume`))
  await unchangedUntil(t, at, () => create(plans.granite))
  await unchangedUntil(t, `${at}/${id}/keys`, () => send('POST', `${at}/${id}/keys`, { key: unique('k-') }))
  const username = unique('etag-')
  await unchangedUntil(t, `/accounts/${LINUS}/users`, () =>
    send('POST', `/accounts/${LINUS}/users`, { username, email: `${username}@example.com` }),
  )
  const described = () => send('PUT', `/services/${granite.id}`, { description: unique('About ') })
  await unchangedUntil(t, '/services', described)
  const plan = `/services/${granite.id}/application_plans/${plans.granite}`
  await unchangedUntil(t, '/application_plans', () => send('PUT', plan, { name: unique('Plan ') }))
  const other = await send('POST', `/services/${granite.id}/application_plans`, { name: unique('Other ') })
  const { id: otherId } = (other.json as { application_plan: { id: number } }).application_plan
  const makeDefault = () => send('PUT', `/services/${granite.id}/application_plans/${otherId}/default`)
  await unchangedUntil(t, '/services', makeDefault)
  await unchangedUntil(t, `/application_plans/${plans.granite}/limits`, async () => {
    const { metrics } = (await send('GET', `/services/${granite.id}/metrics`)).json as { metrics: { metric: Json }[] }
    return send('POST', `/application_plans/${plans.granite}/metrics/${metrics[0]?.metric.id}/limits`, {
      period: 'year',
      value: '9',
    })
  })
  await unchangedUntil(t, '/fields_definitions', () =>
    send('POST', '/fields_definitions', { target: 'Cinstance', name: unique('f'), label: 'F' }),
  )
  await unchangedUntil(t, '/account/proxy_configs/production', async () => {
    await send('POST', `/services/${granite.id}/proxy/deploy`)
    const latest = await send('GET', `/services/${granite.id}/proxy/configs/sandbox/latest`)
    const { version } = (latest.json as { proxy_config: { version: number } }).proxy_config
    return send('POST', `/services/${granite.id}/proxy/configs/sandbox/${version}/promote`, { to: 'production' })
  })
})

t.test('on MySQL a second change of a row within one second does not change the ETag', async (t) => {
  const id = await createdId(plans.llama)
  const path = `/accounts/${LINUS}/applications`
  const second = Date.UTC(2026, 2, 1, 10, 0, 7)
  const renamedAt = (updated_at: number) =>
    stack.put(`/_demo/applications/${id}`, { name: unique('renamed '), updated_at })
  await renamedAt(second)
  await staleAfter(t, path, () => renamedAt(second + 999))
  await unchangedUntil(t, path, () => renamedAt(second + 1000))
})

t.test('the cost of a list is counted in records and bytes, and 304 costs nothing', async (t) => {
  const path = `/accounts/${LINUS}/applications`
  await stack.resetCalls()
  const { etag, text, json } = await send('GET', path)
  await send('GET', path, {}, { headers: { 'if-none-match': String(etag) } })
  t.same((await stack.costs())['GET /admin/api/accounts/{id}/applications.json'], {
    calls: 2,
    not_modified: 1,
    rows: (json.applications as unknown[]).length,
    bytes: Buffer.byteLength(text),
  })
})

t.test('some changes do not change the ETag, although the body differs', async (t) => {
  const at = `/accounts/${LINUS}/applications`
  await staleAfter(t, at, () => send('PUT', `/services/${granite.id}`, { name: unique('Granite ') }))
  await staleAfter(t, at, () => send('PUT', `/accounts/${LINUS}`, { org_name: unique('Linus Labs ') }))
  const id = await createdId(plans.granite)
  const plan = `/services/${granite.id}/application_plans/${plans.granite}`
  await staleAfter(t, at, () => send('PUT', plan, { name: unique('Plan ') }))
  await staleAfter(t, '/application_plans', () => send('PUT', `${plan}/default`))
  for (const [path, change] of [
    [`${at}/${id}`, () => send('PUT', `${at}/${id}`, { name: unique('again ') })],
    [`/accounts/${LINUS}`, () => send('PUT', `/accounts/${LINUS}`, { org_name: unique('Labs ') })],
    ['/accounts/find', () => send('PUT', `/accounts/${LINUS}`, { org_name: unique('Labs ') }), '?username=linus-stock'],
    ['/settings', () => send('PUT', '/settings', { public_search: unique('1') })],
  ] as [string, () => Promise<unknown>, string?][])
    await staleAfter(t, path, change, path === '/accounts/find' ? '?username=linus-stock' : '')
})

t.test('a sign-up takes longer for each default plan', async (t) => {
  await stack.behave({ default_plan_ms: 300 })
  const order: string[] = []
  await Promise.all([
    send('POST', '/signup', person()).then(() => order.push('sign-up')),
    send('GET', '/settings').then(() => order.push('settings')),
  ])
  t.same(order, ['settings', 'sign-up'], 'the tenant has one product with a default plan')
})

t.test('the number of concurrent requests is that of the web workers', async (t) => {
  await stack.behave({ web_workers: 2, write_ms: 100 })
  const order: string[] = []
  const signUps = [1, 2].map(() => send('POST', '/signup', person()).then(() => order.push('sign-up')))
  await sleep(30)
  await Promise.all([...signUps, send('GET', '/settings').then(() => order.push('settings'))])
  t.equal(order[0], 'sign-up', 'a read waits until one of the two workers is free')
  await stack.behave({ web_workers: 0, write_ms: 0 })
})

t.test('an unknown or incompatible behaviour is rejected by name', async (t) => {
  await t.rejects(stack.behave({ database: 'oracle' }), /400/)
  await t.rejects(stack.behave({ nonsense: 1 }), /400/)
  await t.rejects(stack.behave({ write_ms: -1 }), /400/)
})

interface Answer {
  status: number
  text: string
  json: Json
  etag: string | null
}

async function send(
  method: string,
  path: string,
  form: Record<string, string> = {},
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await fetch(`${TENANT}/admin/api${path}.json${query}`, {
    method,
    headers: { authorization, ...headers },
    ...(method === 'GET' ? {} : { body: new URLSearchParams(form) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    text,
    json: text.startsWith('{') ? (JSON.parse(text) as Json) : {},
    etag: answer.headers.get('etag'),
  }
}

/** The same request twice at the same time. */
function twice<T>(request: () => Promise<T>): Promise<[T, T]> {
  return Promise.all([request(), request()])
}

function create(plan: number, form: Record<string, string> = {}): Promise<Answer> {
  return send('POST', `/accounts/${LINUS}/applications`, { plan_id: String(plan), name: unique('app '), ...form })
}

async function createdId(plan: number, form: Record<string, string> = {}): Promise<number> {
  return idOf((await create(plan, form)).json)
}

function idOf(json: Json): number {
  return (json as { application: { id: number } }).application.id
}

async function applicationsWith(name: 'user_key' | 'application_id', value: string): Promise<Json[]> {
  const { json } = await send('GET', `/accounts/${LINUS}/applications`)
  const rows = (json as { applications: { application: Json }[] }).applications.map(({ application }) => application)
  return rows.filter((row) => row[name] === value)
}

async function keysOf(id: number): Promise<string[]> {
  const { json } = await send('GET', `/accounts/${LINUS}/applications/${id}/keys`)
  return (json as { keys: { key: { value: string } }[] }).keys.map(({ key }) => key.value)
}

/** The backend's result for a credential: ok, or its reason. */
async function authorize(
  service: { id: number; service_token: string },
  credentials: Record<string, string>,
): Promise<string> {
  const query = new URLSearchParams({
    service_id: String(service.id),
    service_token: service.service_token,
    ...credentials,
  })
  const answer = await fetch(`${BACKEND}/transactions/authorize.xml?${query}`)
  await answer.text()
  return answer.status === 200 ? 'ok' : (answer.headers.get('3scale-rejection-reason') ?? String(answer.status))
}

async function unchangedUntil(t: Test, path: string, change: () => Promise<unknown>): Promise<void> {
  const { etag } = await send('GET', path)
  const headers = { 'if-none-match': String(etag) }
  const again = await send('GET', path, {}, { headers })
  t.same([again.status, again.text], [304, ''], `${path} is not sent twice`)
  await change()
  t.equal((await send('GET', path, {}, { headers })).status, 200, `${path} changed`)
}

async function staleAfter(t: Test, path: string, change: () => Promise<unknown>, query = ''): Promise<void> {
  const { etag, text } = await send('GET', path, {}, { query })
  await change()
  t.equal((await send('GET', path, {}, { query, headers: { 'if-none-match': String(etag) } })).status, 304, path)
  t.not((await send('GET', path, {}, { query })).text, text, `${path} has another body`)
}

function serviceNamed(name: string): { id: number; service_token: string } {
  const found = services.find(({ system_name }) => system_name === name)
  if (!found) throw new Error(`no product ${name}`)
  return found
}

async function planOf(service: number): Promise<number> {
  const { json } = await send('GET', `/services/${service}/application_plans`)
  return (json as { plans: { application_plan: { id: number } }[] }).plans[0]?.application_plan.id ?? 0
}

function person(): Record<string, string> {
  const username = unique('person-')
  return {
    org_name: 'New Labs',
    username,
    email: `${username}@example.com`,
    department: 'Research',
    job_title: 'Scientist',
  }
}
