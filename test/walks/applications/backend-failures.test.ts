import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type Shown, statuses, statusOf, watchForOpen } from '../../helper/accepted.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack, type TenantState } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/**
 * 3scale's back-end is stopped at each write of each operation: the row is stored, the response is 500, and 3scale never repeats
 * the write that its back-end missed. After the back-end restarts and the request is repeated, every displayed key works.
 */
const redis = await startRedis()
const stack = await startStack()
const api = createApi(stack)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
t.setTimeout(900_000)

interface BackendState extends TenantState {
  applications: (TenantState['applications'][number] & { plan_id: number })[]
  services: (TenantState['services'][number] & { backend_version: string; flags: object })[]
  backend: { applications: Record<string, { keys: string[]; plan_id: number; state: string }> }
}
const state = async () => (await stack.state()) as BackendState

const services = (await state()).services
const chat = services.find(({ system_name }) => system_name === 'granite-chat')
await stack.put(`/_demo/services/${chat?.id}`, { flags: { ...chat?.flags, buyer_plan_change_permission: 'direct' } })
let portal = await stack.portal()
const beside = await stack.portal({ PORT: portBeside(stack), REDIS_URL: redis.url })
const token = await api.token({ username: 'mary' })
const mary = createVisitor(stack)
await mary.signIn('mary')

const models = { user_key: 'mistral-chat', app_id: 'nomic-embed', oidc: 'oidc-chat' } as const
type Mode = keyof typeof models
let counter = 0

async function created(model: string): Promise<Shown> {
  const body = { model, name: `back-end ${++counter}`, fields: { purpose: 'Experiment' } }
  const answer = await api.post<Shown>('/applications', token, {
    ...body,
    ...(model === 'granite-chat' ? { plan: 'basic' } : {}),
  })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body
}
const shown = async (id: number) =>
  (await api.get<Shown & { name: string; repair_required: boolean }>(`/applications/${id}?reveal=true`, token)).body

/** A repeatable request and the application that it changes. */
interface Operation {
  writes: string[]
  prepare(): Promise<{
    send(at?: typeof api): Promise<ApiAnswer>
    id(): Promise<number | undefined>
    /** A key that is invalid after the request. */
    gone?: string | undefined
  }>
}

function create(mode: Mode): Operation {
  return {
    writes: ['POST /admin/api/accounts/*/applications.json'],
    async prepare() {
      const name = `back-end-${++counter}`
      const body = { model: models[mode], name, fields: { purpose: 'Experiment' } }
      return {
        send: (at = api) => at.post('/applications', token, body, { 'idempotency-key': name }),
        id: async () => (await stack.list('applications')).find((one) => one.name === name)?.id,
      }
    },
  }
}

function change(
  writes: string[],
  model: string,
  request: (id: number, key: string) => Parameters<typeof api.call>,
  before: (id: number) => Promise<unknown> = async () => {},
): Operation {
  return {
    writes,
    async prepare() {
      const { id, credentials } = await created(model)
      await before(id)
      const [method, path, options] = request(id, `back-end-${++counter}`)
      const removed = path.endsWith('/rotate') ? credentials.user_key : undefined
      return { send: (at = api) => at.call(method, path, { token, ...options }), id: async () => id, gone: removed }
    },
  }
}
const keyed = (path: string) => (id: number, key: string) =>
  ['POST', `/applications/${id}/${path}`, { body: {}, headers: { 'idempotency-key': key } }] as Parameters<
    typeof api.call
  >
const ADD = 'POST /admin/api/accounts/*/keys*'
const PUT = 'PUT /admin/api/accounts/*/applications/*'

const operations: Record<string, Operation> = {
  // The first matching fault applies, and PUT matches this call, too.
  'change the plan': change(['PUT *change_plan*'], 'granite-chat', (id) => [
    'PATCH',
    `/applications/${id}`,
    { body: { plan: 'unlimited' } },
  ]),
  'create, user_key': create('user_key'),
  'create, app_id': create('app_id'),
  'create, oidc': create('oidc'),
  'rotate, user_key': change([PUT], models.user_key, keyed('rotate')),
  'rotate, app_id': change([ADD], models.app_id, keyed('rotate')),
  'rotate, oidc': change([ADD], models.oidc, keyed('rotate')),
  'add a key': change([ADD], models.app_id, keyed('keys')),
  'rename, app_id': change([PUT], models.app_id, (id) => [
    'PATCH',
    `/applications/${id}`,
    { body: { name: `renamed ${id}` } },
  ]),
  'rename, user_key': change([PUT], models.user_key, (id) => [
    'PATCH',
    `/applications/${id}`,
    { body: { name: `renamed ${id}` } },
  ]),
}
const every = Object.entries(operations).flatMap(([name, operation]) =>
  operation.writes.map((match) => ({ name: `${name}, ${match}`, operation, match })),
)
const hit = async () => ((await stack.readFaults())[0]?.hits ?? 0) > 0

type Tap = Pick<typeof t, 'equal' | 'same' | 'ok' | 'notOk' | 'match'>
/** Keys that the portal shows are accepted, all others are rejected, and 3scale's back-end is consistent. */
async function works(t: Tap, name: string, id: number | undefined, removed?: string): Promise<void> {
  if (id === undefined) return void t.ok(false, `${name}: there is no application`)
  await stack.settled()
  const application = await shown(id)
  t.notOk(application.repair_required, `${name}: nothing to repair`)
  if (name.startsWith('rename')) t.equal(application.name, `renamed ${id}`, `${name}: the new name is stored`)
  const { mode, app_id = '' } = application.credentials
  const { applications, backend } = await state()
  const row = applications.find((one) => one.id === id)
  const known = backend.applications[`${row?.service_id}|${row?.application_id}`]
  t.equal(known?.plan_id, row?.plan_id, `${name}: the plan is in effect`)
  if (mode === 'oidc') return
  const all = await statuses(application)
  t.ok(all.length > 0 && all.every((status) => status === 200), `${name}: every key works: ${all}`)
  if (removed !== undefined) {
    const old = await statusOf(application.base_url, application.credentials, { key: removed })
    t.equal(old, 403, `${name}: the replaced key is rejected`)
  }
  if (mode !== 'app_id') return
  const wrong = await statusOf(application.base_url, application.credentials, { id: app_id, key: `wrong-${id}` })
  t.equal(wrong, 403, `${name}: another key is rejected`)
}

t.test('a request that failed at the back-end succeeds when it is repeated at the same portal', async (t) => {
  const watch = await watchForOpen(stack)
  for (const { name, operation, match } of every) {
    const { send, id, gone: removed } = await operation.prepare()
    await stack.faults([{ match, hold: true, times: 1 }])
    const first = send()
    await until(`${name} is sent`, hit)
    await stack.behave({ backend: 'stopped' })
    await stack.faults([])
    const lost = await first
    t.match([lost.status, lost.text], [503, /key_not_usable/], name)
    const stored = await id()
    t.equal(lost.body.application, stored, `${name}: the problem names the application`)
    t.ok((await shown(stored ?? 0)).repair_required, `${name}: the application reports the failure`)
    t.match((await mary.get('/applications')).text, 'Needs repair')
    t.match((await mary.get(`/applications/${stored}`)).text, 'The key cannot be used yet')
    const again = await send()
    t.equal(again.status, 503, `${name}: a repeat fails while the back-end is stopped`)
    await stack.behave({ backend: 'running' })
    const repeated = await send()
    t.ok(repeated.status < 300, `${name}: ${repeated.status} ${repeated.text}`)
    await works(t, name, stored, removed)
  }
  t.same(await watch.end(), [], 'no application was without keys')
})

const stores: Record<string, Record<string, string>> = { 'without Redis': {}, 'with Redis': { REDIS_URL: redis.url } }
for (const [name, settings] of Object.entries(stores)) {
  t.test(`after the portal is killed before its responses, ${name}, repeated requests succeed`, async (t) => {
    await portal.stop()
    portal = await stack.portal(settings)
    const watch = await watchForOpen(stack)
    const started = []
    for (const { name, operation, match } of every) started.push({ name, match, ...(await operation.prepare()) })
    await stack.faults(started.map(({ match }) => ({ match, hang: 'after', times: 1 })))
    await stack.behave({ backend: 'stopped' })
    const cut = started.map(({ send }) => send().catch(() => undefined))
    const areStored = async () => (await stack.readFaults()).every(({ hits }) => hits === 1)
    await until('all are stored', areStored)
    await sleep(100)
    await portal.stop('SIGKILL')
    await Promise.all(cut)
    await stack.faults([])
    await stack.behave({ backend: 'running' })
    portal = await stack.portal(settings)
    for (const { name, send, id, gone: removed } of started) {
      const repeated = await send()
      t.ok(repeated.status < 300, `${name}: ${repeated.status} ${repeated.text}`)
      // Only Redis knows which key was replaced.
      await works(t, name, await id(), settings.REDIS_URL ? removed : undefined)
    }
    t.same(await watch.end(), [], 'no application was without keys')
  })
}

t.test('keys removed while the back-end is stopped are rejected after it restarts', async (t) => {
  const application = await created(models.app_id)
  const { id, base_url, credentials } = application
  const { app_id = '', app_keys: [first = ''] = [] } = credentials
  const added = await api.post<{ key_id: string; value: string }>(`/applications/${id}/keys`, token, {})
  const removed = await created(models.user_key)
  await stack.settled()
  await stack.behave({ backend: 'stopped' })
  const path = `/applications/${id}/keys/${added.body.key_id}`
  t.equal((await api.call('DELETE', path, { token })).status, 200)
  t.equal((await api.call('DELETE', `/applications/${removed.id}`, { token })).status, 204)
  await stack.behave({ backend: 'running' })
  await stack.settled()
  t.equal(await statusOf(base_url, credentials, { id: app_id, key: added.body.value }), 403, 'the removed key')
  t.equal(await statusOf(base_url, credentials, { id: app_id, key: first }), 200, 'the remaining key')
  t.same(await statuses(removed), [403], 'the key of the deleted application')
})

t.test('after the portal is killed at each call of a repair, a repeated request succeeds', async (t) => {
  const watch = await watchForOpen(stack)
  for (const mode of ['user_key', 'app_id'] as const) {
    for (let nth = 0; ; nth++) {
      const { send, id } = await create(mode).prepare()
      await stack.behave({ backend: 'stopped' })
      t.equal((await send()).status, 503)
      await stack.behave({ backend: 'running' })
      await stack.faults([
        { match: '* /admin/api/accounts/*/applications/*', latency_ms: 1, times: nth },
        { match: '* /admin/api/accounts/*/applications/*', hang: 'after', times: 1 },
      ])
      let hasResponded = false
      const cut = send()
        .catch(() => undefined)
        .finally(() => {
          hasResponded = true
        })
      const isCut = async () => (await stack.readFaults())[1]?.hits === 1
      await until('cut or complete', async () => hasResponded || (await isCut()))
      if (hasResponded) break
      await sleep(50)
      await portal.stop('SIGKILL')
      await cut
      await stack.faults([])
      portal = await stack.portal()
      const repeated = await send()
      t.ok(repeated.status < 300, `${mode}, call ${nth}: ${repeated.status} ${repeated.text}`)
      await works(t, `${mode}, call ${nth}`, await id())
    }
    await stack.faults([])
  }
  t.same(await watch.end(), [], 'no application was without keys')
})

t.test('the page of an application that failed at the back-end has a repair button on every replica', async (t) => {
  await portal.stop()
  portal = await stack.portal({ REDIS_URL: redis.url })
  for (const mode of ['user_key', 'app_id'] as const) {
    const name = `by page ${mode}`
    const page = await mary.get(`/applications/new?model=${models[mode]}`)
    await stack.behave({ backend: 'stopped' })
    const stored = await mary.submit(page, /applications$/, { name, 'fields.purpose': 'Experiment' })
    t.match(stored.text, 'The key cannot be used yet')
    const still = await mary.submit(stored, /repair$/)
    t.match(still.text, 'The gateway is still unreachable')
    await stack.behave({ backend: 'running' })
    const id = (await stack.list('applications')).find((one) => one.name === name)?.id
    const there = await mary.at(beside.url)(`/applications/${id}`)
    t.match(there.text, 'The key cannot be used yet', 'the other replica reports the failure')
    const repaired = await mary.submit(still, /repair$/)
    t.match(repaired.text, 'Application repaired.')
    t.notMatch(repaired.text, 'cannot be used yet')
    await works(t, name, id)
    t.notMatch((await mary.at(beside.url)(`/applications/${id}`)).text, 'cannot be used yet')
    const complete = await api.post<{ repair_required: boolean }>(`/applications/${id}/repair`, token, undefined)
    t.same([complete.status, complete.body.repair_required], [200, false], 'working applications are unchanged')
    await works(t, `${name}, repaired again`, id)
  }
})

t.test('a repair also writes changes that another program stored while the back-end was stopped', async (t) => {
  const lose = async (method: string, path: string, form: Record<string, string>) => {
    const { account_id } = (await stack.list('applications')).find((one) => path.startsWith(`${one.id}`)) ?? {}
    await stack.settled()
    await stack.behave({ backend: 'stopped' })
    const answer = await fetch(`${stack.threescale}/admin/api/accounts/${account_id}/applications/${path}`, {
      method,
      headers: { authorization: `Basic ${btoa('demo-token:')}` },
      body: new URLSearchParams(form),
    })
    await stack.behave({ backend: 'running' })
    t.equal(answer.status, 500)
  }
  for (const mode of ['user_key', 'app_id'] as const) {
    const { id } = await created(models[mode])
    t.notOk((await shown(id)).repair_required, 'the portal has no failure on record')
    if (mode === 'user_key') await lose('PUT', `${id}.json`, { user_key: `written-elsewhere-${id}` })
    else await lose('POST', `${id}/keys.json`, { key: `written-elsewhere-${id}` })
    t.ok((await statuses(await shown(id))).includes(403), `${mode}: a key is rejected`)
    t.equal((await api.post(`/applications/${id}/repair`, token, undefined)).status, 200)
    await stack.settled()
    // A rejected application key is rejected for another minute.
    await stack.behave({ backend: 'stopped' })
    await stack.behave({ backend: 'running' })
    await works(t, `${mode}, written by another program`, id)
  }
})

t.test('applications that 3scale created during an interrupted sign-up work after the repair', async (t) => {
  const { plans } = (await stack.state()) as unknown as { plans: { id: number; service_id: number }[] }
  for (const model of [models.user_key, models.app_id]) {
    const service = services.find(({ system_name }) => system_name === model)?.id
    const plan = plans.find(({ service_id }) => service_id === service)?.id
    const answer = await fetch(
      `${stack.threescale}/admin/api/services/${service}/application_plans/${plan}/default.json`,
      { method: 'PUT', headers: { authorization: `Basic ${btoa('demo-token:')}` } },
    )
    t.equal(answer.status, 200)
  }
  const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
  for (const isKilled of [false, true]) {
    const username = `half-signed-up-${isKilled}`
    await api.person({ username })
    const newcomer = await api.token({ username })
    await stack.behave({ backend: 'stopped' })
    if (isKilled) await stack.faults([{ match: 'POST /admin/api/signup.json', hang: 'after', times: 1 }])
    const first = api.post('/me', newcomer, answers).catch(() => undefined)
    if (isKilled) {
      await until('the sign-up is stored', hit)
      await portal.stop('SIGKILL')
    }
    await first
    await stack.faults([])
    await stack.behave({ backend: 'running' })
    if (isKilled) portal = await stack.portal()
    t.ok((await api.post('/me', newcomer, answers)).status < 300)
    await stack.settled()
    const { items } = (await api.get<{ items: { id: number }[] }>('/applications', newcomer)).body
    t.ok(items.length >= 2, 'the default plans created applications')
    for (const { id } of items) {
      const { body: application } = await api.get<Shown>(`/applications/${id}?reveal=true`, newcomer)
      const all = await statuses(application)
      t.ok(all.length > 0 && all.every((status) => status === 200), `application ${id} works: ${all}`)
    }
  }
})
