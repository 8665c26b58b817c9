// A repeated POST reports that it created nothing, the location of the result, its creation time, and its later deletion.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

type Json = Record<string, unknown> & { id: number; key_id: string; value: string; created_at: string }
type Api = ReturnType<typeof createApi>

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const settings = { REDIS_URL: redis.url }
await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
const lonely = await stack.portal({ PORT: String(Number(portBeside(stack)) + 1) })
const [api, there, alone] = [createApi(stack), createApi(stack, beside.url), createApi(stack, lonely.url)]
t.setTimeout(600_000)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const flush = () => spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
let counter = 0
async function person(): Promise<string> {
  const username = `repeater-${++counter}`
  await api.person({ username })
  return api.token({ username })
}
const token = await person()
await api.post('/me', token, answers)

const models = { user_key: 'mistral-chat', app_id: 'nomic-embed', oidc: 'oidc-chat' }
type Mode = keyof typeof models
const modes = Object.keys(models) as Mode[]
const newApplication = (mode: Mode) => ({
  model: models[mode],
  name: `replayed ${++counter}`,
  fields: { purpose: 'Experiment' },
})
interface Sending {
  path: string
  body: object
  key: string
  by: string
}
function send({ path, body, key, by }: Sending, at: Api = api, headers: Record<string, string> = {}) {
  return at.post<Json>(path, by, body, { 'idempotency-key': key, ...headers })
}
const sending = (path: string, body: object, by = token): Sending => ({ path, body, key: `replay-${++counter}`, by })
const isReplayed = ({ headers }: ApiAnswer<unknown>) => headers.get('idempotency-replayed')
const applicationOf = async (mode: Mode) => {
  const { status, body, text } = await api.post<Json>('/applications', token, newApplication(mode))
  if (status !== 201) throw new Error(text)
  return body.id
}

/** Each POST that creates something, by route and variant. */
const every: Record<string, () => Promise<Sending>> = {
  'POST /me': async () => sending('/me', answers, await person()),
  'POST /members': async () => sending('/members', { email: `replayed-${++counter}@example.com`, role: 'member' }),
  ...Object.fromEntries(
    modes.map((mode) => [`POST /applications, ${mode}`, async () => sending('/applications', newApplication(mode))]),
  ),
  'POST /applications/:id/keys': async () => sending(`/applications/${await applicationOf('app_id')}/keys`, {}),
  'POST /applications/:id/keys, a chosen value': async () =>
    sending(`/applications/${await applicationOf('app_id')}/keys`, { value: `chosen-key-value-${++counter}` }),
  ...Object.fromEntries(
    modes.map((mode) => [
      `POST /applications/:id/rotate, ${mode}`,
      async () => sending(`/applications/${await applicationOf(mode)}/rotate`, {}),
    ]),
  ),
}

t.test('this test covers every POST of the router except the repair', async (t) => {
  const portal = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
  await portal.app.ready()
  const posts = portal.routes
    .filter(({ method, url }) => method === 'POST' && url.startsWith('/api/v1/'))
    .map(({ method, url }) => `${method} ${url.replace('/api/v1', '')}`)
  await portal.stop()
  const here = Object.keys(every).map((name) => name.split(',')[0])
  t.same([...new Set([...here, 'POST /applications/:id/repair'])].sort(), posts.sort())
})

t.test('a repeated request has the replay header at every replica; the first response does not', async (t) => {
  for (const [name, prepare] of Object.entries(every)) {
    const sent = await prepare()
    const first = await send(sent)
    t.same([Math.floor(first.status / 100), isReplayed(first)], [2, null], `${name}: ${first.text}`)
    for (const at of [api, there, alone]) t.equal(isReplayed(await send(sent, at)), 'true', name)
    flush()
    t.equal(isReplayed(await send(sent, alone)), 'true', `${name} with empty caches`)
    const other = await prepare()
    const unkeyed = await api.post(other.path, other.by, other.body)
    const again = await api.post(other.path, other.by, other.body)
    t.same([isReplayed(unkeyed), isReplayed(again)], [null, null], `${name} without a key`)
    const refused = await send({ ...sent, body: { ...sent.body, nonsense: 1 } })
    t.same([refused.status, isReplayed(refused)], [422, null])
  }
})

t.test('all but one of several simultaneous requests have the replay header', async (t) => {
  for (const [name, prepare] of Object.entries(every)) {
    const sent = await prepare()
    const all = await Promise.all([send(sent), send(sent, there), send(sent), send(sent, there)])
    t.same(
      all
        .map((one) => [Math.floor(one.status / 100), isReplayed(one)])
        .sort()
        .reverse(),
      [
        [2, 'true'],
        [2, 'true'],
        [2, 'true'],
        [2, null],
      ],
      name,
    )
  }
})

t.test('simultaneous invitations at replicas without Redis: all but one have the replay header', async (t) => {
  for (let round = 0; round < 5; round++) {
    const sent = sending('/members', { email: `replayed-${++counter}@example.com`, role: 'member' })
    const both = await Promise.all([send(sent, alone), send(sent)])
    t.same(both.map(isReplayed).sort(), [null, 'true'].sort(), `${both.map(({ text }) => text)}`)
    t.equal(both[0].body.id, both[1].body.id)
  }
})

t.test('a result that the portal finds after a lost response of 3scale is not a replay', async (t) => {
  for (const [name, write] of [
    ['POST /members', 'POST *users.json'],
    ['POST /applications, app_id', 'POST *applications.json'],
    ['POST /applications/:id/keys', 'POST *keys.json'],
  ] as const) {
    const sent = await (every[name] as () => Promise<Sending>)()
    await stack.faults([{ match: write, drop: 'after', times: 1 }])
    const first = await send(sent)
    await stack.faults([])
    if (first.status < 300) t.equal(isReplayed(first), null, name)
    else t.equal(first.status, 503, `${name}: ${first.text}`)
    t.equal(isReplayed(await send(sent)), 'true', name)
  }
})

t.test('with respond-async, the operation is the replay', async (t) => {
  const sent = await (every['POST /applications, app_id'] as () => Promise<Sending>)()
  const early = { prefer: 'respond-async' }
  const first = await send(sent, api, early)
  t.same([first.status, isReplayed(first)], [202, null])
  const again = await send(sent, there, early)
  t.same([again.status, isReplayed(again), again.body.id], [202, 'true', first.body.id])
})

t.test('every 201 has a readable Location, and created_at is the same in every response', async (t) => {
  for (const [name, prepare] of Object.entries(every)) {
    const sent = await prepare()
    const first = await send(sent)
    if (first.status !== 201) continue
    const path = (first.headers.get('location') ?? '').replace('/api/v1', '')
    const found = await api.get<Json>(path, sent.by)
    t.equal(found.status, 200, `${name}: ${path}`)
    t.equal(found.body.created_at, first.body.created_at, name)
    const again = await send(sent, there)
    t.equal(again.body.created_at, first.body.created_at, `${name}, repeated`)
  }
  const rotated = (await send(await (every['POST /applications/:id/rotate, oidc'] as () => Promise<Sending>)())).body
  const { key, id } = rotated as unknown as { key: Json; id: number }
  t.match(key.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.equal((await api.get<Json>(`/applications/${id}/keys/${key.key_id}`, token)).body.created_at, key.created_at)
})

t.test('a single key is returned without its value, and with it for the reveal scope', async (t) => {
  const id = await applicationOf('app_id')
  const { body, headers } = await api.post<Json>(`/applications/${id}/keys`, token, {})
  const path = (headers.get('location') ?? '').replace('/api/v1', '')
  const plain = await api.get<Json>(path, token)
  t.same([plain.status, plain.body.key_id, plain.body.value], [200, body.key_id, undefined])
  const revealed = await api.get<Json>(`${path}?reveal=true`, token)
  t.same([revealed.body.value, revealed.headers.get('cache-control')], [body.value, 'no-store'])
  const reader = await api.token({ username: 'repeater-1', scope: 'maas:read' })
  t.equal((await api.get(`${path}?reveal=true`, reader)).status, 403)
  t.equal((await api.get(path, reader)).status, 200)
  t.equal((await api.get(path.replace(String(id), String(await applicationOf('app_id'))), token)).status, 404)
  t.equal((await api.get(`/applications/${id}/keys/${'0'.repeat(16)}`, token)).status, 404)
  const single = await applicationOf('user_key')
  const { items } = (await api.get<{ items: Json[] }>(`/applications/${single}/keys`, token)).body
  t.equal((await api.get(`/applications/${single}/keys/${items[0]?.key_id}`, token)).status, 200)
  t.equal((await api.call('DELETE', path, { token })).status, 200)
  t.equal((await api.get(path, token)).status, 404)
})

async function isReported(t: Tap, name: string, sent: Sending, at: Api[], isPossible = true): Promise<void> {
  await stack.resetCalls()
  for (const each of at) {
    const late = await send(sent, each)
    t.match([late.status, late.body.type, isReplayed(late)], [409, /:result_deleted$/, null], `${name}: ${late.text}`)
    t.match(late.body.title, /Idempotency-Key/)
  }
  const written = Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET '))
  t.same(written, [], `${name}: nothing is created`)
  if (!isPossible) return
  const next = await send({ ...sent, key: `${sent.key}-next` })
  t.same([Math.floor(next.status / 100), isReplayed(next)], [2, null], `${name}, with a new key: ${next.text}`)
}
type Tap = Pick<typeof t, 'match' | 'same'>
const removeApplication = (id: number, at: Api) => at.call('DELETE', `/applications/${id}`, { token })

t.test('a POST repeated after its application was deleted by any means reports the deletion', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('repeater-1')
  for (const mode of modes) {
    for (const by of ['API', 'page', '3scale', 'API, after its key was replaced'] as const) {
      const sent = sending('/applications', newApplication(mode))
      const { id } = (await send(sent)).body
      if (by === 'API, after its key was replaced') await api.post(`/applications/${id}/rotate`, token, {})
      if (by === 'page') {
        const page = await visitor.get(`/applications/${id}/delete`)
        await visitor.submit(page, /delete/, { confirm: (sent.body as { name: string }).name })
      } else if (by === '3scale') {
        const account = (await stack.state()).applications.find((one) => one.id === id)?.account_id
        await fetch(
          `${stack.threescale}/admin/api/accounts/${account}/applications/${id}.json?access_token=demo-token`,
          {
            method: 'DELETE',
          },
        )
      } else t.equal((await removeApplication(id, there)).status, 204)
      t.equal((await api.get(`/applications/${id}`, token)).status, 404, `${mode}, ${by}`)
      await isReported(t, `${mode}, ${by}`, sent, [api, there])
    }
  }
})

t.test('a deletion is reported without Redis by the same process, and with Redis after a flush', async (t) => {
  for (const mode of modes) {
    const sent = sending('/applications', newApplication(mode))
    const { id } = (await send(sent, alone)).body
    t.equal((await removeApplication(id, alone)).status, 204)
    await isReported(t, `${mode}, one process`, sent, [alone])
    const early = sending('/applications', newApplication(mode))
    const created = await send(early, alone)
    t.equal((await removeApplication(created.body.id, there)).status, 204)
    await isReported(t, `${mode}, created elsewhere`, early, [api])
  }
})

t.test('a POST repeated after its key was removed or replaced reports the deletion', async (t) => {
  for (const value of [undefined, `chosen-and-gone-value-${++counter}`]) {
    const id = await applicationOf('app_id')
    await api.post(`/applications/${id}/keys`, token, {})
    const body = value === undefined ? {} : { value }
    for (const deed of ['keys', 'rotate'] as const) {
      const sent = sending(`/applications/${id}/${deed}`, value === undefined ? {} : { value: `${value}-${deed}` })
      const first = await send(sent)
      const key = deed === 'keys' ? first.body : (first.body as unknown as { key: Json }).key
      t.equal((await there.call('DELETE', `/applications/${id}/keys/${key.key_id}`, { token })).status, 200)
      await isReported(t, `${deed} ${JSON.stringify(body)}`, sent, [api, there])
    }
    for (const mode of ['user_key', 'oidc'] as const) {
      const single = await applicationOf(mode)
      const sent = sending(`/applications/${single}/rotate`, value === undefined ? {} : { value: `${value}${mode}` })
      t.equal((await send(sent)).status, 200)
      const later = await api.post<{ key: Json }>(`/applications/${single}/rotate`, token, {})
      t.equal(later.status, 200)
      await stack.resetCalls()
      const late = await send(sent, there)
      t.match([late.status, late.body.type], [409, /:result_deleted$/], `${mode}: ${late.text}`)
      const current = await api.get<{ items: Json[] }>(`/applications/${single}/keys`, token)
      t.same(
        current.body.items.map(({ key_id }) => key_id),
        [later.body.key.key_id],
        'the later key is still present',
      )
    }
  }
})

t.test('a POST repeated after its invitation or member was removed by any means reports the removal', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('repeater-1')
  const account = (await api.get<{ account: { id: number } }>('/me', token)).body.account.id
  const invited = async (at = api) => {
    const username = `invited-${++counter}`
    const sent = sending('/members', { email: `${username}@example.com`, role: 'member' })
    const first = await send(sent, at)
    t.equal(first.status, 201, first.text)
    return { sent, username, id: first.body.id }
  }
  const join = async (username: string, more: object) => {
    await api.person({ username })
    const theirs = await api.token({ username })
    const done = await api.post('/me', theirs, { ...answers, join: account, ...more })
    t.equal(done.status, 201, done.text)
    return theirs
  }
  const removals: Record<string, (invitation: Awaited<ReturnType<typeof invited>>) => Promise<unknown>> = {
    API: async ({ id }) => t.equal((await there.call('DELETE', `/members/${id}`, { token })).status, 204),
    page: async ({ id }) => visitor.submit(await visitor.get(`/account/members/${id}`), /remove$/),
    '3scale': async ({ id }) =>
      fetch(`${stack.threescale}/admin/api/accounts/${account}/users/${id}.json?access_token=demo-token`, {
        method: 'DELETE',
      }),
    'the person, who declined': async ({ username }) => join(username, { join: undefined, decline: true }),
    'the person, who left': async ({ username, id }) => {
      const theirs = await join(username, {})
      t.equal((await api.call('DELETE', `/members/${id}`, { token: theirs })).status, 204)
    },
  }
  for (const [by, remove] of Object.entries(removals)) {
    const invitation = await invited()
    await remove(invitation)
    t.equal((await api.get(`/members/${invitation.id}`, token)).status, 404, by)
    // A person who declined has an account of their own.
    await isReported(t, by, invitation.sent, [api, there], !by.endsWith('declined'))
  }
  const early = await invited(alone)
  await api.call('DELETE', `/members/${early.id}`, { token })
  await isReported(t, 'without Redis, in the process that invited', early.sent, [alone])
  const changed = await invited()
  await join(changed.username, {})
  await stack.put(`/_demo/users/${changed.id}`, { email: `${changed.username}-married@example.com` })
  const late = await send(changed.sent)
  t.match([late.status, isReplayed(late), late.body.id], [201, 'true', changed.id], 'with a changed address')
})

t.test('a form resubmitted after its result was deleted is returned with a new idempotency key', async (t) => {
  const visitor = createVisitor(stack)
  await visitor.signIn('repeater-1')
  const values = { name: 'by form', 'fields.purpose': 'Experiment' }
  const form = await visitor.get('/applications/new?model=nomic-embed')
  const created = await visitor.submit(form, /^\/applications$/, values)
  const id = Number(/\/applications\/(\d+)/.exec(created.url)?.[1])
  t.equal((await removeApplication(id, api)).status, 204)
  const late = await visitor.submit(form, /^\/applications$/, values)
  t.equal(late.status, 409)
  t.match(late.text, 'was deleted, so nothing was created')
  t.match((await visitor.submit(late, /^\/applications$/, values)).url, /\/applications\/\d+$/)
  const keyed = await applicationOf('app_id')
  const keyForm = await visitor.get(`/applications/${keyed}/keys/new`)
  await visitor.submit(keyForm, /\/keys$/)
  const { items } = (await api.get<{ items: Json[] }>(`/applications/${keyed}/keys`, token)).body
  await api.call('DELETE', `/applications/${keyed}/keys/${items.at(-1)?.key_id}`, { token })
  const returned = await visitor.submit(keyForm, /\/keys$/)
  t.match([returned.url, returned.text], [/\/keys\/new$/, /was deleted, so nothing was created/])
})
