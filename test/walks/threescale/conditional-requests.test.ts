import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { type Stack, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const APPLICATIONS = 'GET /admin/api/accounts/{id}/applications.json'
const KEYS = 'GET /admin/api/accounts/{id}/applications/{id}/keys.json'
const USERS = 'GET /admin/api/accounts/{id}/users.json'
const PLANS = 'GET /admin/api/application_plans.json'

interface Row {
  id: number
  system_name: string
  name: string
}
interface Plan extends Row {
  service_id: number
}
interface Tenant {
  services: (Row & { backend_version: string; metrics: Row[] })[]
  plans: Plan[]
  users: { id: number; account_id: number; email?: string }[]
  applications: { id: number; account_id: number; service_id: number; keys: { value: string }[] }[]
  fields: object[]
}
interface Shown {
  id: number
  name: string
  state: string
  model_name: string
  plan: string
  plan_name: string
  credentials: { app_keys?: string[]; client_secret?: string }
}

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const tenant = async () => (await stack.state()) as unknown as Tenant
const start = await tenant()
const granite = serviceNamed('granite-chat')
const [plan] = start.plans.filter(({ service_id }) => service_id === granite.id)
const graniteplan = plan?.id ?? 0

/** Changes something in 3scale directly, as an operator or another program does. */
async function change(
  method: string,
  path: string,
  form: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${stack.threescale}/admin/api${path}.json`, {
    method,
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams(form),
  })
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}`)
  const text = await answer.text()
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

async function createMany(account: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += 25) {
    const create = (_: unknown, at: number) =>
      change('POST', `/accounts/${account}/applications`, {
        plan_id: String(graniteplan),
        name: `Robot ${done + at}`,
        description: 'one of many',
        purpose: 'Experiment',
      })
    await Promise.all(Array.from({ length: Math.min(25, count - done) }, create))
  }
}

t.test('a repeated visit to an account page costs 3scale little when nothing has changed', async (t) => {
  const portal = await stack.portal({ CATALOG_TTL: '3600' })
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const api = createApi(stack)
  const token = await api.token({ username: 'mary' })
  const account = accountOf('mary', await tenant())
  let count = (await tenant()).applications.filter(({ account_id }) => account_id === account).length
  for (const [required, part] of [
    [10, 1 / 2],
    [150, 1 / 10],
  ] as const) {
    await createMany(account, required - count)
    count = required
    const { id = 0 } = (await tenant()).applications.find(({ account_id }) => account_id === account) ?? {}
    await stack.age()
    for (const [path, lists] of [
      ['/applications', [APPLICATIONS]],
      [`/applications/${id}`, [APPLICATIONS]],
      ['/account', [USERS]],
      [`/api/v1/applications/${id}`, [APPLICATIONS]],
    ] as const) {
      const visit = async () =>
        path.startsWith('/api')
          ? (await api.get(path.slice('/api/v1'.length), token)).status
          : (await mary.get(path)).status
      t.equal(await visit(), 200, path)
      await stack.resetCalls()
      t.equal(await visit(), 200, path)
      const costs = await stack.costs()
      t.same(Object.keys(costs), lists, `${path} requests nothing else`)
      const before = await unconditionally(account, lists)
      const now = sum(costs)
      t.ok(
        now.bytes <= before.bytes * part,
        `${path}: ${now.bytes} of ${before.bytes} bytes with ${required} applications`,
      )
      t.ok(now.rows <= before.rows * part, `${path}: ${now.rows} of ${before.rows} records`)
    }
  }
  await portal.stop()

  /** The cost of the same lists when 3scale renders them, as without conditional requests. */
  async function unconditionally(account: number, lists: readonly string[]) {
    await stack.resetCalls()
    for (const list of lists)
      await fetch(`${stack.threescale}${list.replace('GET ', '').replace('{id}', String(account))}`, {
        headers: { authorization: `Basic ${btoa('demo-token:')}` },
      })
    return sum(await stack.costs())
  }
})

t.test('a change in 3scale is on the next page', async (t) => {
  const portal = await stack.portal({ CATALOG_TTL: '3600' })
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const api = createApi(stack)
  const token = await api.token({ username: 'mary' })
  const account = accountOf('mary', await tenant())
  const of = async (service: Row) =>
    (await tenant()).applications.find(
      ({ account_id, service_id }) => account_id === account && service_id === service.id,
    )?.id ?? 0
  const id = await of(granite)
  const path = `/accounts/${account}/applications/${id}`
  const page = `/applications/${id}`
  const read = async (reveal = false, of = id) =>
    (await api.get(`/applications/${of}${reveal ? '?reveal=true' : ''}`, token)).body as unknown as Shown
  /** Visits the pages until the list is cached and requested with its ETag. */
  const stored = async (pages: string[], call: string) => {
    await stack.age()
    for (const one of pages) await mary.get(one)
    await stack.resetCalls()
    for (const one of pages) await mary.get(one)
    const cost = (await stack.costs())[call]
    t.ok(cost !== undefined && cost.not_modified === cost.calls, `${call} returns 304`)
  }

  await stored([page, '/applications'], APPLICATIONS)
  await change('PUT', path, { name: 'Renamed in 3scale' })
  t.ok((await mary.get(page)).text.includes('Renamed in 3scale'))
  t.ok((await mary.get('/applications?q=Renamed')).text.includes('Renamed in 3scale'))
  t.equal((await read()).name, 'Renamed in 3scale')
  await change('PUT', path, { name: 'Renamed within a second' })
  t.ok(
    (await mary.get(page)).text.includes('Renamed within a second'),
    'MySQL stores the same timestamp for both changes',
  )

  await stored([page], APPLICATIONS)
  await change('PUT', `${path}/suspend`)
  t.equal((await read()).state, 'suspended')
  await change('PUT', `${path}/resume`)
  t.equal((await read()).state, 'live')

  await stored(['/account'], USERS)
  await change('POST', `/accounts/${account}/users`, { username: 'added-in-3scale', email: 'added@example.com' })
  t.ok((await mary.get('/account')).text.includes('added@example.com'))

  const { application_plan: another } = (await change('POST', `/services/${granite.id}/application_plans`, {
    name: 'Another plan',
    state_event: 'publish',
  })) as { application_plan: Plan }
  await stored([page], APPLICATIONS)
  await change('PUT', `${path}/change_plan`, { plan_id: String(another.id) })
  t.match((await read()).plan_name, 'Another plan')

  const created = await api.post('/applications', token, {
    model: start.services.find(({ backend_version }) => backend_version === '2')?.system_name,
    name: 'With keys',
    fields: { purpose: 'Experiment' },
  })
  const keyed = (created.body as unknown as Shown).id
  t.equal(created.status, 201, created.text)
  await stored([`/applications/${keyed}`], KEYS)
  await change('POST', `/accounts/${account}/applications/${keyed}/keys`, { key: 'key-added-in-3scale' })
  t.ok((await read(true, keyed)).credentials.app_keys?.includes('key-added-in-3scale'))
  await portal.stop()
})

t.test('the client secret of an OpenID Connect application is the one in its list of keys', async (t) => {
  const portal = await stack.portal({ CATALOG_TTL: '3600' })
  const api = createApi(stack)
  const token = await api.token({ username: 'mary' })
  const account = accountOf('mary', await tenant())
  const service = (await tenant()).services.find(
    (row) => (row as { backend_version?: string }).backend_version === 'oidc',
  )
  const created = await api.post('/applications', token, {
    model: service?.system_name,
    name: 'With a secret',
    fields: { purpose: 'Experiment' },
  })
  t.equal(created.status, 201, created.text)
  const { id, credentials } = created.body as unknown as Shown
  const secret = async () =>
    ((await api.get(`/applications/${id}?reveal=true`, token)).body as unknown as Shown).credentials.client_secret
  await stack.age()
  t.equal(await secret(), credentials.client_secret)
  const keys = `/accounts/${account}/applications/${id}/keys`
  await change('DELETE', `${keys}/${credentials.client_secret}`)
  t.equal(await secret(), '', 'removed, although the row of the application is unchanged')
  await change('POST', keys, { key: 'secret-added-in-3scale' })
  t.equal(await secret(), 'secret-added-in-3scale')
  await portal.stop()
})

t.test('an application of another account and a deleted application are not found', async (t) => {
  const portal = await stack.portal({ CATALOG_TTL: '3600' })
  const api = createApi(stack)
  const token = await api.token({ username: 'mary' })
  const state = await tenant()
  const account = accountOf('mary', state)
  const other = state.applications.find(({ account_id }) => account_id !== account)
  const own = state.applications.find(({ account_id }) => account_id === account)
  t.equal((await api.get(`/applications/${own?.id}`, token)).status, 200)
  for (const id of [other?.id, 999_999]) t.equal((await api.get(`/applications/${id}`, token)).status, 404)
  await change('DELETE', `/accounts/${account}/applications/${own?.id}`)
  t.equal((await api.get(`/applications/${own?.id}`, token)).status, 404)
  await portal.stop()
})

t.test('a change in 3scale is in the catalogue after its next refresh', async (t) => {
  const portal = await stack.portal({ CATALOG_TTL: '2', CATALOG_DETAIL_TTL: '2' })
  const token = await createApi(stack).token({ username: 'mary' })
  const api = createApi(stack)
  type Model = {
    name: string
    plans: { name: string; system_name: string; default: boolean; limits: { value: number }[] | null }[]
    application_fields: { label: string }[]
  }
  const model = async () => (await api.get('/models/granite-chat', token)).body as unknown as Model
  await model()
  await until(async () => {
    await stack.resetCalls()
    await sleep(2500)
    const costs = await stack.costs()
    return Object.entries(costs).every(
      ([call, { calls, not_modified }]) => /settings|metrics/.test(call) || calls === not_modified,
    )
  }, 'a refresh of a catalogue that does not change is answered 304')

  const product = `/services/${granite.id}`
  await change('PUT', product, { name: 'Granite renamed' })
  await until(async () => (await model()).name === 'Granite renamed', 'a product renamed')

  const { application_plan: created } = (await change('POST', `${product}/application_plans`, {
    name: 'Plan to rename',
    state_event: 'publish',
  })) as { application_plan: Plan }
  const planShown = async () => (await model()).plans.find(({ system_name }) => system_name === created.system_name)
  await until(async () => (await planShown())?.name === 'Plan to rename', 'a plan created')
  await stack.age()
  await change('PUT', `${product}/application_plans/${created.id}`, { name: 'Plan renamed' })
  await until(async () => (await planShown())?.name === 'Plan renamed', 'a plan renamed')

  t.equal((await planShown())?.default, false)
  await stack.age()
  await until(async () => {
    await stack.resetCalls()
    await sleep(2500)
    return ((await stack.costs())[PLANS]?.not_modified ?? 0) > 0
  }, 'plans are answered 304')
  await change('PUT', `${product}/application_plans/${created.id}/default`)
  await until(async () => (await planShown())?.default === true, 'a default plan set, which moves no tag of plans')
  await stack.age()
  await change('PUT', `${product}/application_plans/${graniteplan}/default`)
  await until(async () => (await planShown())?.default === false, 'and set to another one')

  const metric = granite.metrics[0]?.id
  const limits = `/application_plans/${created.id}/metrics/${metric}/limits`
  const { limit } = (await change('POST', limits, { period: 'year', value: '4711' })) as { limit: Row }
  const values = async () => (await planShown())?.limits?.map(({ value }) => value) ?? []
  await until(async () => (await values()).includes(4711), 'a limit added')
  await stack.age()
  await change('PUT', `${limits}/${limit.id}`, { value: '4712' })
  await until(async () => (await values()).includes(4712), 'a limit changed')

  const { fields_definition: field } = (await change('POST', '/fields_definitions', {
    target: 'Cinstance',
    name: 'cost_centre',
    label: 'Cost centre',
  })) as { fields_definition: Row }
  const labels = async () => (await model()).application_fields.map(({ label }) => label)
  await until(async () => (await labels()).includes('Cost centre'), 'a field added')
  await stack.age()
  await change('PUT', `/fields_definitions/${field.id}`, { label: 'Cost unit' })
  await until(async () => (await labels()).includes('Cost unit'), 'a field changed')

  const account = accountOf('mary', await tenant())
  const result = await createMany(account, 1).then(tenant)
  const application = result.applications.filter(({ account_id }) => account_id === account).at(-1)
  const shown = async () => (await api.get(`/applications/${application?.id}`, token)).body as unknown as Shown
  await shown()
  await stack.age()
  await shown()
  await change('PUT', product, { name: 'Granite again' })
  await change('PUT', `${product}/application_plans/${graniteplan}`, { name: 'Basic again' })
  await until(
    async () => (await model()).name === 'Granite again' && (await shown()).plan_name === 'Basic again',
    'names inside of an application, which move no tag of it',
  )
  t.match(await shown(), { model_name: 'Granite again', plan_name: 'Basic again' })
  await portal.stop()

  async function until(done: () => Promise<boolean>, what: string): Promise<void> {
    for (let attempt = 0; attempt < 60; attempt++) {
      if (await done()) return void t.pass(what)
      await sleep(500)
    }
    t.fail(what)
  }
})

t.test('a refresh of an unchanged catalogue of 200 products costs 3scale a fraction of the first one', async (t) => {
  const bare = await startStack(['threescale'])
  t.teardown(() => bare.close())
  await fetch(`${bare.threescale}/_demo/products?count=200`, { method: 'POST' })
  await bare.age()
  const portal = await bare.portal({
    OIDC_ISSUER: 'http://localhost:9',
    LOG_LEVEL: 'silent',
    CATALOG_TTL: '10',
    CATALOG_DETAIL_TTL: '3600',
  })
  // The first refresh consists of the same reads without an ETag.
  const first = await refreshed(bare)
  await quiet(bare)
  await bare.resetCalls()
  const second = await refreshed(bare)
  const bulk = ([call]: [string, unknown]) => !/\{id\}/.test(call)
  const before = sum(Object.fromEntries(Object.entries(first).filter(bulk)))
  const now = sum(Object.fromEntries(Object.entries(second).filter(bulk)))
  t.ok(before.rows > 600, `${before.rows} records in the first refresh`)
  t.ok(now.rows <= before.rows / 10, `${now.rows} records`)
  t.ok(now.bytes <= before.bytes / 10, `${now.bytes} of ${before.bytes} bytes`)
  t.equal(second[PLANS]?.not_modified, 1, 'plans included')
  await portal.stop()
})

/** Measures the cost until the six bulk calls of a refresh are answered. */
async function refreshed(of: Stack): ReturnType<Stack['costs']> {
  for (;;) {
    const costs = await of.costs()
    if (Object.entries(costs).filter(([call]) => !/\{id\}/.test(call)).length >= 6 && costs[PLANS]) return costs
    await sleep(100)
  }
}

async function quiet(of: Stack): Promise<void> {
  for (let last = -1; ; await sleep(1000)) {
    const calls = Object.values(await of.calls()).reduce((all, count) => all + count, 0)
    if (calls === last) return
    last = calls
  }
}

function sum(costs: Awaited<ReturnType<Stack['costs']>>) {
  const all = Object.values(costs)
  return {
    rows: all.reduce((rows, cost) => rows + cost.rows, 0),
    bytes: all.reduce((bytes, cost) => bytes + cost.bytes, 0),
  }
}

function serviceNamed(name: string) {
  const found = start.services.find(({ system_name }) => system_name === name)
  if (!found) throw new Error(`no product ${name}`)
  return found
}

function accountOf(person: string, { users }: Tenant): number {
  return users.find(({ email }) => email === `${person}@example.com`)?.account_id ?? 0
}
