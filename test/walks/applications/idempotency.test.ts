import { spawnSync } from 'node:child_process'
import t from 'tap'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack, type TenantState } from '../../helper/stack.js'

const SERVICES = 24
const redis = await startRedis()
const stack = await startStack()
const settings = {
  REDIS_URL: redis.url,
  API_CLIENTS: Array.from({ length: SERVICES }, (_, at) => `robot-${at}`).join(),
}
let portal = await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
const here = createApi(stack)
const there = createApi(stack, beside.url)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const flush = () => spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
async function killed(): Promise<void> {
  await portal.stop('SIGKILL')
  flush()
  portal = await stack.portal(settings)
}

/** A POST with an Idempotency-Key of the caller. */
interface Sending {
  path: string
  token: string
  body: object
  /** Bodies of different requests. */
  others: object[]
  /** The result in 3scale, in the format in which `told` returns the response. */
  made(state: TenantState): (string | number)[]
}
interface Row {
  prepare(): Promise<Sending>
  told(body: never): string | number | undefined
  /** Its writes in 3scale, in order. */
  writes: string[]
}

let counter = 0
let services = 0
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
async function stranger(): Promise<{ token: string; email: string }> {
  const username = `repeats-${++counter}`
  await here.person({ username })
  return { token: await here.token({ username, expires_in: 3600 }), email: `${username}@example.com` }
}
async function posted<T>(path: string, token: string, body: object): Promise<T> {
  const answer = await here.post<T>(path, token, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}
const owner = (await stranger()).token
const { account: home } = await posted<{ account: { id: number } }>('/me', owner, answers)

const invitation = (email: string) => ({
  path: '/members',
  token: owner,
  body: { email, role: 'member' },
  others: [
    { email, role: 'admin' },
    { email: `other-${email}`, role: 'member' },
  ],
  made: ({ users }: TenantState) => users.filter((user) => user.email === email).map(({ id }) => id),
})
const usersWith = (email: string) => (state: TenantState) =>
  state.users.filter((user) => user.email === email).map(({ account_id }) => account_id)

const models = { user_key: 'mistral-chat', app_id: 'nomic-embed', oidc: 'oidc-chat' } as const
type Mode = keyof typeof models

function application(mode: Mode): Row {
  return {
    async prepare() {
      const body = { model: models[mode], name: `repeats ${++counter}`, fields: { purpose: 'Experiment' } }
      return {
        path: '/applications',
        token: owner,
        body,
        others: [
          { ...body, name: `${body.name} or other` },
          { ...body, description: 'another one' },
          { ...body, fields: { purpose: 'Production' } },
        ],
        made: ({ applications }) => applications.filter(({ name }) => name?.startsWith(body.name)).map(({ id }) => id),
      }
    },
    told: ({ id }: { id: number }) => id,
    writes: ['POST /admin/api/accounts/*/applications.json'],
  }
}

function keyOf(deed: 'keys' | 'rotate', mode: Mode, writes: string[], reported: Row['told']): Row {
  const current = (id: number, { applications }: TenantState) => {
    const record = applications.find((one) => one.id === id)
    return mode === 'user_key' ? [record?.user_key ?? ''] : (record?.keys ?? []).map(({ value }) => value)
  }
  return {
    async prepare() {
      const body = { model: models[mode], name: `keyed ${++counter}`, fields: { purpose: 'Experiment' } }
      const { id } = await posted<{ id: number }>('/applications', owner, body)
      const before = current(id, await stack.state())
      return {
        path: `/applications/${id}/${deed}`,
        token: owner,
        body: {},
        others: [{ value: 'another-wish-entirely' }],
        made: (state) => current(id, state).filter((value) => !before.includes(value)),
      }
    },
    told: reported,
    writes,
  }
}

const rotated = ({ key }: { key: { value: string } }) => key.value
const ADD = 'POST /admin/api/accounts/*/keys*'
const rows: Record<string, Row> = {
  'POST /me': {
    async prepare() {
      const { token, email } = await stranger()
      const other = { ...answers, fields: { ...answers.fields, department: 'Sales' } }
      return { path: '/me', token, body: answers, others: [other], made: usersWith(email) }
    },
    told: ({ account }: { account: { id: number } }) => account.id,
    writes: ['POST /admin/api/signup.json', 'PUT *activate.json'],
  },
  'POST /me, invited': {
    async prepare() {
      const { token, email } = await stranger()
      await posted('/members', owner, { email, role: 'member' })
      const body = { fields: { job_title: 'Scientist' }, accept_terms: '2026-01', join: home.id }
      const other = { ...body, fields: { job_title: 'Cook' } }
      return { path: '/me', token, body, others: [other], made: usersWith(email) }
    },
    told: ({ account }: { account: { id: number } }) => account.id,
    writes: ['PUT *activate.json', 'PUT /admin/api/accounts/*/users/*.json'],
  },
  'POST /me, a declined invitation': {
    async prepare() {
      const { token, email } = await stranger()
      await posted('/members', owner, { email, role: 'member' })
      const body = { ...answers, decline: true }
      const other = { ...body, fields: { ...answers.fields, department: 'Sales' } }
      const created = (state: TenantState) => usersWith(email)(state).filter((account) => account !== home.id)
      return { path: '/me', token, body, others: [other], made: created }
    },
    told: ({ account }: { account: { id: number } }) => account.id,
    writes: ['DELETE /admin/api/accounts/*/users/*.json', 'POST /admin/api/signup.json', 'PUT *activate.json'],
  },
  'POST /me, an invited service': {
    async prepare() {
      const client_id = `robot-${services++}`
      const { id } = await posted<{ id: number }>('/members', owner, { client_id, role: 'admin' })
      const token = await here.token({ client_id, expires_in: 3600 })
      const body = { fields: { job_title: 'Scientist' }, accept_terms: '2026-01', join: home.id }
      const created = ({ users }: TenantState) =>
        users.filter((user) => user.id === id && user.state === 'active').map(({ account_id }) => account_id)
      return { path: '/me', token, body, others: [{ ...body, fields: { job_title: 'Cook' } }], made: created }
    },
    told: ({ account }: { account: { id: number } }) => account.id,
    writes: ['PUT *admin.json', 'PUT /admin/api/accounts/*/users/*.json', 'PUT *activate.json'],
  },
  'POST /members, a person': {
    prepare: async () => invitation(`guest-${++counter}@example.com`),
    told: ({ id }: { id: number }) => id,
    writes: ['POST *users.json'],
  },
  'POST /members, a service': {
    async prepare() {
      const client_id = `robot-${services++}`
      const before = (await stack.state()).users.map(({ id }) => id)
      return {
        path: '/members',
        token: owner,
        body: { client_id, role: 'admin' },
        others: [
          { client_id, role: 'member' },
          { email: `${client_id}@example.com`, role: 'admin' },
        ],
        made: ({ users }) =>
          users
            .filter(({ id, email }) => !before.includes(id) && /\.service\.invalid$/.test(email ?? ''))
            .map(({ id }) => id),
      }
    },
    told: ({ id }: { id: number }) => id,
    writes: ['POST *users.json'],
  },
  'POST /applications, user_key': application('user_key'),
  'POST /applications, app_id': application('app_id'),
  'POST /applications, oidc': application('oidc'),
  'POST /applications/{id}/keys': keyOf('keys', 'app_id', [ADD], ({ value }: { value: string }) => value),
  'POST /applications/{id}/rotate, user_key': keyOf(
    'rotate',
    'user_key',
    ['PUT /admin/api/accounts/*/applications/*'],
    rotated,
  ),
  'POST /applications/{id}/rotate, app_id': keyOf('rotate', 'app_id', [ADD], rotated),
  'POST /applications/{id}/rotate, oidc': keyOf('rotate', 'oidc', ['DELETE /admin/api/accounts/*/keys*', ADD], rotated),
}
const every = Object.entries(rows)

type Sent = Sending & { key: string; row: Row }
async function sending(row: Row): Promise<Sent> {
  return { ...(await row.prepare()), key: `repeated-${++counter}`, row }
}
function send({ path, token, body, key }: Sent, at = here, other = body, init: { signal?: AbortSignal } = {}) {
  return at.call<never>('POST', path, { token, body: other, headers: { 'idempotency-key': key }, ...init })
}
/** The request has one result in 3scale, and all of these responses return it. */
async function once(t: Tap, name: string, sent: Sent, reported: ApiAnswer<never>[]): Promise<void> {
  const created = sent.made(await stack.state())
  t.equal(created.length, 1, `${name}: one result`)
  for (const { status, body, text } of reported)
    t.same([Math.floor(status / 100), status < 300 && sent.row.told(body)], [2, created[0]], `${name}: ${text}`)
}
type Tap = Pick<typeof t, 'equal' | 'same' | 'ok' | 'match'>
const hits = async () => (await stack.readFaults()).reduce((sum, fault) => sum + fault.hits, 0)

t.test('a POST is repeated after the response to any of its writes was lost and Redis was flushed', async (t) => {
  for (const [name, row] of every) {
    for (const match of row.writes) {
      const sent = await sending(row)
      await stack.faults([{ match, drop: 'after', times: 1 }])
      const lost = await send(sent)
      t.ok(lost.status === 503 || lost.status < 300, `${name}, ${match}: ${lost.status}`)
      t.equal(await hits(), 1, `${name}, ${match}: the fault was injected`)
      await stack.faults([])
      flush()
      const answers = [await send(sent, there), await send(sent)]
      await once(t, `${name}, ${match}`, sent, lost.status < 300 ? [lost, ...answers] : answers)
    }
  }
})

t.test('a POST whose caller disconnects during processing has one result', async (t) => {
  for (const [name, row] of every) {
    const sent = await sending(row)
    await stack.faults([{ match: row.writes.at(-1), latency_ms: 500, times: 1 }])
    const hangUp = new AbortController()
    const cut = send(sent, here, sent.body, { signal: hangUp.signal }).then(
      () => 'answered',
      () => 'cut',
    )
    await until(`${name} is being done`, async () => (await hits()) === 1)
    hangUp.abort()
    t.equal(await cut, 'cut', name)
    await until(`${name} is done`, async () => sent.made(await stack.state()).length === 1)
    await stack.faults([])
    await once(t, name, sent, [await send(sent), await send(sent, there)])
  }
})

t.test('simultaneous requests with one key at two replicas have one result', async (t) => {
  for (const [name, row] of every) {
    const sent = await sending(row)
    await once(t, name, sent, await Promise.all([send(sent), send(sent, there)]))
  }
})

t.test('simultaneous requests with one key at two replicas without Redis have one result', async (t) => {
  const ports = [1, 2].map((more) => String(Number(portBeside(stack)) + more))
  const { API_CLIENTS } = settings
  const replicas = await Promise.all(ports.map((PORT) => stack.portal({ API_CLIENTS, PORT })))
  const apis = replicas.map(({ url }) => createApi(stack, url))
  for (const [name, row] of every) {
    const sent = await sending(row)
    await once(t, name, sent, await Promise.all(apis.map((api) => send(sent, api))))
  }
  await Promise.all(replicas.map((replica) => replica.stop()))
})

t.test('a key that is reused with another body is rejected at both replicas and changes nothing', async (t) => {
  for (const [name, row] of every) {
    const sent = await sending(row)
    const first = await send(sent)
    for (const other of sent.others) {
      for (const at of [here, there]) {
        const refused = await send(sent, at, other)
        t.match([refused.status, refused.text], [422, /idempotency_key_reused/], `${name} ${JSON.stringify(other)}`)
      }
    }
    await once(t, name, sent, [first, await send(sent)])
  }
})

t.test('a repeat after the portal was killed and Redis flushed returns the same result', async (t) => {
  const all: [string, Sent, ApiAnswer<never>][] = []
  for (const [name, row] of every) {
    const sent = await sending(row)
    all.push([name, sent, await send(sent)])
  }
  await killed()
  for (const [name, sent, first] of all) {
    // The record of a rejected request is discarded, so only 3scale holds the key.
    for (const other of sent.others) {
      const refused = await send(sent, here, other)
      t.match([refused.status, refused.text], [422, /idempotency_key_reused/], `${name} ${JSON.stringify(other)}`)
    }
    await once(t, name, sent, [first, await send(sent)])
  }
})

t.test('a POST is repeated after the portal was killed between a write and its response', async (t) => {
  for (const step of [0, 1, 2]) {
    const all: [string, Sent, string][] = []
    for (const [name, row] of every) {
      const match = row.writes[step]
      if (match !== undefined) all.push([name, await sending(row), match])
    }
    const cuts: Promise<unknown>[] = []
    for (const [name, sent, match] of all) {
      await stack.faults([{ match, hang: 'after', times: 1 }])
      cuts.push(send(sent).catch(() => undefined))
      await until(`${name}, ${match} is being done`, async () => (await hits()) === 1)
    }
    await killed()
    await stack.faults([])
    await Promise.all(cuts)
    for (const [name, sent, match] of all)
      await once(t, `${name}, ${match}`, sent, [await send(sent), await send(sent, there)])
  }
})

t.test('a result that was changed later is still returned for its key', async (t) => {
  const renamed = await sending(application('app_id'))
  const first = await send(renamed)
  const id = renamed.row.told(first.body)
  await here.call('PATCH', `/applications/${id}`, {
    token: owner,
    body: { name: `${(renamed.body as Named).name} now` },
  })
  await posted(`/applications/${id}/rotate`, owner, {})
  await killed()
  await once(t, 'renamed, with a second key', renamed, [await send(renamed)])
  for (const mode of ['user_key', 'oidc'] as const) {
    const replaced = await sending(application(mode))
    const created = replaced.row.told((await send(replaced)).body)
    await posted(`/applications/${created}/rotate`, owner, {})
    flush()
    const again = await send(replaced, there)
    if (mode === 'oidc') await once(t, mode, replaced, [again])
    // 3scale shows no application id there, and the identifying key is gone: nothing is created, and the response states this.
    else t.match([again.status, again.text], [409, /its key was replaced later/])
    t.equal(replaced.made(await stack.state()).length, 1, mode)
  }
})
interface Named {
  name: string
}
