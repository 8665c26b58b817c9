// Declarative clients: entity tags, complete objects, merge patches and concurrent changes.
import t from 'tap'
import { sharedParameters } from '../../../src/web/api/openapi/shared-components.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { changeAsOperator } from '../../helper/webhook.js'

interface Application extends Record<string, unknown> {
  id: number
  name: string
  description: string
  plan: string
  state: string
  created_at: string
  fields: Record<string, string>
  credentials: Record<string, unknown>
  errors?: Record<string, string>
}
interface Member extends Record<string, unknown> {
  id: number
  role: string
  errors?: Record<string, string>
}

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const { fields: seeded, services } = (await stack.state()) as unknown as {
  fields: Record<string, unknown>[]
  services: { id: number; system_name: string; name: string; flags: object }[]
}
await stack.put('/_demo/fields_definitions', [
  ...seeded,
  ...['team', 'notes'].map((name, at) => ({ ...seeded[0], id: 900 + at, target: 'Cinstance', ...field(name) })),
  { ...seeded[0], id: 910, target: 'Cinstance', ...field('internal'), hidden: true },
])
const chat = services.find(({ system_name }) => system_name === 'granite-chat')
await stack.put(`/_demo/services/${chat?.id}`, { flags: { ...chat?.flags, buyer_plan_change_permission: 'direct' } })
const settings = { REDIS_URL: redis.url, CATALOG_TTL: '1' }
await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
const [api, there] = [createApi(stack), createApi(stack, beside.url)]
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
t.setTimeout(600_000)

function field(name: string) {
  return { name, label: name, required: false, hidden: false, read_only: false, choices: [] }
}
await api.person({ username: 'terra' })
const token = await api.token({ username: 'terra' })
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
await api.post('/me', token, answers)

let counter = 0
async function application(model = 'granite-chat', more: object = {}): Promise<ApiAnswer<Application>> {
  const plan = model === 'granite-chat' ? { plan: 'basic' } : {}
  const body = { model, ...plan, name: `declared ${++counter}`, fields: { purpose: 'Experiment' }, ...more }
  return api.post<Application>('/applications', token, body)
}
const read = (path: string, headers: Record<string, string> = {}) => api.get<Application>(path, token, headers)
const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}, at = api) =>
  at.call<Application & Member>(method, path, { token, body, headers })
const tagOf = ({ headers }: ApiAnswer<unknown>) => headers.get('etag') ?? ''
const pathOf = ({ headers }: ApiAnswer<unknown>) => (headers.get('location') ?? '').replace('/api/v1', '')
/** Calls about applications and keys since the last reset, without those of the catalogue. */
async function calls(): Promise<number[]> {
  const all = Object.entries(await stack.calls())
  return all.filter(([call]) => call.includes('/accounts/')).map(([, count]) => count)
}
/** Writes to 3scale since the last reset. */
async function writes(): Promise<string[]> {
  return Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET '))
}

t.test('creation, read, change and every response with the application return the same ETag', async (t) => {
  const result = await application('llama-chat')
  const path = pathOf(result)
  t.match(tagOf(result), /^"[\w-]+\.[\w-]+"$/, 'strong')
  t.equal(tagOf(await read(path)), tagOf(result))
  t.equal(tagOf(await read(`${path}?reveal=true`)), tagOf(result), 'credentials are not part of the tag')
  for (const [name, post] of Object.entries({ rotate: {}, repair: {} }))
    t.equal(tagOf(await api.post(`${path}/${name}`, token, post)), tagOf(result), name)
  const changed = await send('PATCH', path, { description: 'new' })
  t.not(tagOf(changed), tagOf(result))
  t.equal(tagOf(await read(path)), tagOf(changed))
})

t.test('If-None-Match returns 304 unless credentials are requested or the application changed', async (t) => {
  const path = pathOf(await application())
  const tag = tagOf(await read(path))
  for (const sent of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const answer = await read(path, { 'if-none-match': sent })
    t.same([answer.status, answer.text, tagOf(answer)], [304, '', tag], sent)
    t.equal(answer.headers.get('cache-control'), 'no-store')
  }
  for (const sent of ['"other"', tag.slice(1, -1)])
    t.equal((await read(path, { 'if-none-match': sent })).status, 200, sent)
  const revealed = await read(`${path}?reveal=true`, { 'if-none-match': tag })
  t.ok(revealed.status === 200 && revealed.body.credentials.user_key, 'a key may have been rotated')
  const id = path.split('/').pop()
  for (const change of [{ state: 'suspended' }, { name: 'by the operator' }, { description: 'by the operator' }]) {
    const before = tagOf(await read(path))
    await changeAsOperator(stack, Number(id), change)
    await until(JSON.stringify(change), async () => (await read(path, { 'if-none-match': before })).status === 200)
    t.not(tagOf(await read(path)), before, JSON.stringify(change))
  }
})

const IF_MATCH = sharedParameters.IfMatch?.schema?.pattern ?? ''
/** Headers around a current tag that violate RFC 9110, so the expected state is undefined. */
const malformed = (tag: string) => [
  '',
  ',',
  tag.slice(1, -1),
  `'${tag.slice(1, -1)}'`,
  tag.slice(0, -1),
  `w/${tag}`,
  `W/ ${tag}`,
  `W/W/${tag}`,
  `x${tag}`,
  `${tag}x`,
  `"x"${tag}`,
  `"x" ${tag}`,
  `"${tag}"`,
  `"a b", ${tag}`,
  `*, ${tag}`,
  `${tag}, *`,
]

t.test('If-Match with a stale tag returns 412 and writes nothing, for every write', async (t) => {
  const writesOf: [string, string, unknown][] = [
    ['PATCH', '', { name: 'mine' }],
    ['PUT', '', { name: 'mine', plan: 'basic', fields: { purpose: 'Experiment' } }],
    ['POST', '/rotate', {}],
    ['DELETE', '', undefined],
  ]
  for (const [method, suffix, body] of writesOf) {
    const path = pathOf(await application())
    const stale = tagOf(await read(path))
    await send('PATCH', path, { description: 'theirs' })
    const current = tagOf(await read(path))
    await stack.resetCalls()
    for (const sent of [stale, `W/${current}`, '""', `${stale}, "other"`, `, ${stale} ,W/${current},`]) {
      const answer = await send(method, path + suffix, body, { 'if-match': sent })
      t.match(
        [answer.status, answer.body.type, answer.body.title],
        [412, 'urn:maas-portal:problem:precondition_failed', 'Precondition failed'],
        `${method} ${sent}`,
      )
    }
    for (const sent of ['*', current, `W/${current}`, `"other",${stale} , W/${current}`])
      t.match(sent, new RegExp(IF_MATCH), 'as documented')
    for (const name of ['if-match', 'if-none-match'])
      for (const sent of malformed(current)) {
        t.notMatch(sent, new RegExp(IF_MATCH), 'as documented')
        const answer = await send(method, path + suffix, body, { [name]: sent })
        t.match([answer.status, answer.body.type], [422, 'urn:maas-portal:problem:invalid_fields'], `${method} ${sent}`)
        t.match((answer.body as { errors?: object }).errors, { [name]: /with its quotation marks/ })
      }
    t.same(await writes(), [], 'nothing is written')
    t.equal((await read(path)).body.description, 'theirs')
    const excluded = await send(method, path + suffix, body, { 'if-none-match': '*' })
    t.equal(excluded.status, 412, `${method} with If-None-Match: *`)
    const done = await send(method, path + suffix, body, { 'if-match': `"other", ${current}` })
    t.ok(done.status < 300, `${method}: ${done.text}`)
    t.equal((await send(method, `/applications/999999${suffix}`, body, { 'if-match': '*' })).status, 404)
  }
  const keyed = pathOf(await application('llama-chat'))
  const key = await api.post<{ key_id: string }>(`${keyed}/keys`, token, {})
  const stale = tagOf(await read(keyed))
  await send('PATCH', keyed, { description: 'theirs' })
  const headers = { 'if-match': stale }
  t.equal((await send('POST', `${keyed}/keys`, {}, headers)).status, 412)
  t.equal((await send('DELETE', `${keyed}/keys/${key.body.key_id}`, undefined, headers)).status, 412)
  t.equal((await send('DELETE', `${keyed}/keys/${key.body.key_id}`, undefined, { 'if-match': '*' })).status, 200)
})

t.test('another error takes precedence over the precondition', async (t) => {
  const path = pathOf(await application())
  const headers = { 'if-match': '"stale"' }
  t.equal((await api.call('PATCH', path, { body: { name: 'x' }, headers })).status, 401)
  t.equal((await send('PATCH', path, { nonsense: 1 }, headers)).status, 422)
})

t.test('a catalogue change gives 200 for If-None-Match and does not fail If-Match', async (t) => {
  const path = pathOf(await application('llama-chat'))
  const before = await read(path)
  const llama = services.find(({ system_name }) => system_name === 'llama-chat')
  await stack.put(`/_demo/services/${llama?.id}`, { name: 'Llama, renamed' })
  let now = before
  for (const end = Date.now() + 20_000; Date.now() < end && now.body.model_name !== 'Llama, renamed'; )
    now = await read(path)
  t.equal(now.body.model_name, 'Llama, renamed')
  t.equal((await read(path, { 'if-none-match': tagOf(before) })).status, 200)
  t.equal((await send('PATCH', path, { name: 'still mine' }, { 'if-match': tagOf(before) })).status, 200)
})

t.test('of simultaneous changes with the same tag at two replicas, exactly one succeeds', async (t) => {
  const path = pathOf(await application())
  const tag = tagOf(await read(path))
  const all = await Promise.all(
    [0, 1, 2, 3, 4, 5].map((at) =>
      send(
        at % 2 ? 'PATCH' : 'PUT',
        path,
        at % 2 ? { name: `won ${at}` } : { name: `won ${at}`, plan: 'basic', fields: { purpose: 'Experiment' } },
        { 'if-match': tag },
        at < 3 ? api : there,
      ),
    ),
  )
  t.same(all.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412])
  t.equal((await read(path)).body.name, all.find(({ status }) => status === 200)?.body.name)
  const member = await api.post<Member>('/members', token, { email: 'raced@example.com', role: 'member' })
  const headers = { 'if-match': tagOf(member) }
  const roles = await Promise.all(
    [api, there].map((at) => send('PATCH', `/members/${member.body.id}`, { role: 'admin' }, headers, at)),
  )
  t.same(roles.map(({ status }) => status).sort(), [200, 412])
})

t.test('a change costs one read and one write, and an unchanged object writes nothing', async (t) => {
  for (const model of ['granite-chat', 'llama-chat', 'oidc-chat']) {
    const path = pathOf(await application(model, { description: 'as it is' }))
    for (const query of ['', '?reveal=true']) {
      const complete = await read(path + query)
      for (const method of ['PATCH', 'PUT']) {
        await stack.resetCalls()
        const same = await send(method, path, complete.body, { 'if-match': tagOf(complete) })
        t.same([same.status, tagOf(same)], [200, tagOf(complete)], `${method} ${model}${query}: ${same.text}`)
        t.same(await writes(), [], `${method} ${model}${query}`)
        const reads = (await calls()).reduce((sum, count) => sum + count, 0)
        t.equal(reads, query && model !== 'granite-chat' ? 2 : 1, 'reads, and one more where keys are compared')
      }
    }
    await stack.resetCalls()
    const change = { name: `${model} now`, description: 'changed', fields: { team: 'blue' } }
    t.equal((await send('PATCH', path, change)).status, 200)
    t.same(await calls(), [1, 1], 'one read, one write')
  }
  const path = pathOf(await application())
  await stack.resetCalls()
  const both = await send('PATCH', path, { plan: 'unlimited', name: 'with another plan' })
  t.match([both.status, both.body.plan, both.body.name], [200, 'unlimited', 'with another plan'], both.text)
  t.same(await calls(), [1, 1, 1], 'one read, one write for the plan and one for the texts')
})

t.test('an unchanged object is accepted after rules were added and with times in another format', async (t) => {
  const result = await application()
  const path = pathOf(result)
  const longer = 'x'.repeat(5000)
  const { fields } = (await stack.state()) as unknown as { fields: { name: string }[] }
  const stored = { purpose: 'of a former choice', team: ' spaces ', internal: 'hidden', notes: longer }
  await stack.put(`/_demo/applications/${result.body.id}`, { description: longer, fields: stored })
  t.ok(fields.length > 0)
  const complete = await read(path)
  t.same([complete.body.fields.purpose, complete.body.fields.internal], ['of a former choice', undefined])
  for (const created_at of [
    complete.body.created_at.replace('Z', '.000Z'),
    complete.body.created_at.replace('Z', '+00:00'),
  ])
    for (const method of ['PATCH', 'PUT']) {
      await stack.resetCalls()
      const same = await send(method, path, { ...complete.body, created_at })
      t.equal(same.status, 200, JSON.stringify(same.body.errors))
      t.same(await writes(), [])
    }
  const other = await send('PATCH', path, { ...complete.body, created_at: '2020-01-01T00:00:00Z' })
  t.same([other.status, Object.keys(other.body.errors ?? {})], [422, ['created_at']])
})

t.test('each read-only member with a changed value is named in the error', async (t) => {
  const path = pathOf(await application('llama-chat'))
  const { body } = await read(`${path}?reveal=true`)
  const others: Record<string, unknown> = {
    id: body.id + 1,
    state: body.state === 'live' ? 'suspended' : 'live',
    model: 'granite-chat',
    model_name: 'Another',
    plan_name: 'Another',
    base_url: 'https://elsewhere.example.com',
    model_id: 'another',
    created_at: '2020-01-01T00:00:00Z',
    repair_required: !body.repair_required,
  }
  const known = [...Object.keys(others), 'name', 'description', 'fields', 'plan', 'credentials']
  t.same(Object.keys(body).sort(), known.sort(), 'this test covers every member of an application')
  for (const method of ['PATCH', 'PUT']) {
    for (const [name, value] of Object.entries(others)) {
      const refused = await send(method, path, { ...body, [name]: value })
      t.same(
        [refused.status, Object.keys(refused.body.errors ?? {})],
        [422, [name]],
        `${method} ${name}: ${refused.text}`,
      )
      t.match(refused.body.errors?.[name], /This field is read-only/)
    }
    for (const [name, value] of Object.entries(body.credentials)) {
      const changed = typeof value === 'object' && !Array.isArray(value) ? { ...value, user_key: 'other' } : 'other'
      const refused = await send(method, path, { ...body, credentials: { ...body.credentials, [name]: changed } })
      t.equal(refused.status, 422, `${method} credentials.${name}`)
      t.match(Object.keys(refused.body.errors ?? {})[0], `credentials.${name}`)
      t.notMatch(refused.text, String(body.credentials.app_id), 'no credential is repeated')
    }
    const unknown = await send(method, path, { ...body, nmae: 'typed wrong' })
    t.same([unknown.status, unknown.body.errors], [422, { nmae: 'This field does not exist.' }])
  }
})

t.test('a merge patch removes members set to null, and PUT removes omitted members', async (t) => {
  const first = { description: 'to be removed', fields: { purpose: 'Experiment', team: 'blue', notes: 'kept' } }
  const path = pathOf(await application('granite-chat', first))
  const merge = { 'content-type': 'application/merge-patch+json' }
  const cleared = await send('PATCH', path, { description: null, fields: { team: null } }, merge)
  t.match(cleared, { status: 200, body: { description: '', fields: { purpose: 'Experiment', notes: 'kept' } } })
  t.notOk('team' in cleared.body.fields)
  t.same((await read(path)).body, cleared.body)
  const upper = { 'content-type': 'Application/Merge-Patch+JSON; charset=utf-8' }
  t.match((await send('PATCH', path, { fields: { team: 'red' } }, upper)).body.fields, { team: 'red', notes: 'kept' })
  const { name, plan } = cleared.body
  const replaced = await send('PUT', path, { name, plan, fields: { purpose: 'Production' } })
  t.match([replaced.status, replaced.body.fields], [200, { purpose: 'Production' }], replaced.text)
  t.same(Object.keys(replaced.body.fields), ['purpose'])
  for (const [body, fault] of [
    [{ fields: null }, 'fields.purpose'],
    [{ fields: { purpose: null } }, 'fields.purpose'],
    [{ fields: { purpose: 'Nonsense' } }, 'fields.purpose'],
    [{ fields: { team: 'x'.repeat(2001) } }, 'fields.team'],
    [{ fields: { cost_center: 'mine' } }, 'fields.cost_center'],
    [{ fields: { internal: 'mine' } }, 'fields.internal'],
    [{ fields: { nonsense: '' } }, 'fields.nonsense'],
    [{ name: '' }, 'name'],
    [{ name: null }, 'name'],
    [{ plan: null }, 'plan'],
    [{ plan: 'nonsense' }, 'plan'],
  ] as const) {
    const refused = await send('PATCH', path, body)
    t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, [fault]], JSON.stringify(body))
  }
  t.equal((await send('PATCH', path, { fields: { nonsense: null, internal: null } })).status, 200, 'nothing to remove')
  t.equal((await send('PUT', path, { name, plan })).status, 422, 'a required field cannot be omitted')
  t.equal((await send('PUT', path, { name })).status, 422)
  const id = Number(path.split('/').pop())
  await stack.put(`/_demo/applications/${id}`, {
    fields: { purpose: 'Production', cost_center: '4711', internal: 'secret' },
  })
  const complete = await send('PUT', path, { name, plan, fields: { purpose: 'Experiment' } })
  t.same(complete.body.fields, { purpose: 'Experiment', cost_center: '4711' }, "the operator's field is unchanged")
  const { applications } = (await stack.state()) as unknown as { applications: { id: number; fields: object }[] }
  t.match(applications.find((one) => one.id === id)?.fields, { internal: 'secret' })
})

t.test('application/merge-patch+json is accepted for PATCH only', async (t) => {
  const path = pathOf(await application())
  const headers = { 'content-type': 'application/merge-patch+json' }
  const body = { name: 'x', plan: 'basic', fields: { purpose: 'Experiment' } }
  t.equal((await send('PUT', path, body, headers)).status, 415)
  t.equal((await send('POST', '/applications', { ...body, model: 'granite-chat' }, headers)).status, 415)
  t.equal((await send('PATCH', path, '{"name":', headers)).status, 400)
})

t.test('members support ETags, complete objects and PUT, and read-only values are rejected', async (t) => {
  const result = await api.post<Member>('/members', token, { email: 'declared@example.com', role: 'member' })
  const path = pathOf(result)
  const complete = await api.get<Member>(path, token)
  t.same([complete.status, complete.body, tagOf(complete)], [200, result.body, tagOf(result)])
  t.equal((await api.get(path, token, { 'if-none-match': tagOf(result) })).status, 304)
  for (const method of ['PATCH', 'PUT']) {
    await stack.resetCalls()
    const same = await send(method, path, complete.body)
    t.same([same.status, same.body, tagOf(same)], [200, complete.body, tagOf(complete)])
    t.same(await calls(), [1], 'one list of users')
    for (const [name, value] of Object.entries(complete.body).filter(([name]) => name !== 'role')) {
      const other = { id: 1, kind: 'service', state: 'active', you: true, created_at: '2020-01-01T00:00:00Z' }[name]
      const refused = await send(method, path, { ...complete.body, [name]: other ?? `not ${String(value)}` })
      t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, [name]], `${method} ${name}`)
    }
    t.equal((await send(method, '/members/999999', { role: 'admin' })).status, 404)
  }
  const stale = { 'if-match': tagOf(complete) }
  const changed = await send('PUT', path, { ...complete.body, role: 'admin' }, stale)
  t.match([changed.status, changed.body.role], [200, 'admin'])
  t.equal((await send('PATCH', path, { role: 'member' }, stale)).status, 412)
  t.equal((await send('DELETE', path, undefined, stale)).status, 412)
  t.equal((await send('DELETE', path, undefined, { 'if-match': tagOf(changed) })).status, 204)
  t.equal((await api.get(path, token)).status, 404)
})

t.test('the precondition applies to requests with Prefer: respond-async', async (t) => {
  const path = pathOf(await application())
  const headers = { prefer: 'respond-async', 'if-match': '"stale"' }
  const accepted = await send('DELETE', path, undefined, headers)
  t.equal(accepted.status, 202)
  const operation = (accepted.headers.get('location') ?? '').replace('/api/v1', '')
  let state = await api.get<{ status: string; problem: { status: number } }>(operation, token)
  for (const end = Date.now() + 20_000; Date.now() < end && state.body.status === 'running'; )
    state = await api.get(operation, token)
  t.match(state.body, { status: 'failed', problem: { status: 412 } })
  t.equal((await read(path)).status, 200)
})

t.test('a declarative client creates, reads by Location, changes, detects drift and deletes', async (t) => {
  const body = { model: 'granite-chat', plan: 'basic', name: 'journey', fields: { purpose: 'Experiment' } }
  const key = { 'idempotency-key': 'journey-1' }
  const created = await api.post<Application>('/applications', token, body, key)
  t.same([created.status, created.headers.get('idempotency-replayed')], [201, null], 'changed')
  const again = await there.post<Application>('/applications', token, body, key)
  t.same([again.status, again.headers.get('idempotency-replayed')], [201, 'true'], 'unchanged')
  const path = pathOf(again)
  const planned = await read(path)
  for (const name of Object.keys(planned.body).filter((each) => each !== 'credentials'))
    t.same(created.body[name], planned.body[name], `${name} as created`)
  const applied = await send('PUT', path, { ...planned.body, description: 'applied' }, { 'if-match': tagOf(planned) })
  t.match(applied, { status: 200, body: { description: 'applied' } })
  t.same((await read(path)).body, applied.body)
  await send('PATCH', path, { name: 'by hand' }, {}, there)
  const late = await send('PATCH', path, { ...applied.body, description: 'next' }, { 'if-match': tagOf(applied) })
  t.equal(late.status, 412, 'drift is detected')
  const fresh = await read(path)
  t.equal((await send('DELETE', path, undefined, { 'if-match': tagOf(applied) })).status, 412)
  t.equal((await send('DELETE', path, undefined, { 'if-match': tagOf(fresh) })).status, 204)
  t.equal((await read(path)).status, 404)
})
