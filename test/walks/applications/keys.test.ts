import { spawnSync } from 'node:child_process'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, formsOf } from '../../helper/visitor.js'

interface Key {
  key_id: string
  value?: string
  created_on: string | null
}
interface Shape {
  names: { app_id: string; app_key: string }
  app_id: string
  app_keys: string[]
  client_id: string
  client_secret: string
  token_url: string
}
interface RevocationCheck {
  key_id: string
  status: string
  removed_at: string
  accepted_until: string | null
  check_at: string
  checked_at: string | null
  refused: boolean | null
  reason: string | null
  requests: number
  request: { method: string; path: string } | null
  note: string
}
interface Rotation {
  id: number
  key: Key
  active_key_ids: string[]
  revocation_check: RevocationCheck | null
  credentials: Record<string, unknown>
}

const redis = await startRedis()
const stack = await startStack()
// The back-end of the stand-in caches an application key for three seconds here, and the portal is configured accordingly.
await stack.behave({ app_key_memory_seconds: 3 })
const settings = { REDIS_URL: redis.url, APP_KEY_CACHE: '3' }
await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
const api = createApi(stack)
const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

/** One product for each mode, with the writes of its rotation, in order. */
const modes = {
  user_key: { model: 'mistral-chat', writes: ['PUT /admin/api/accounts/*/applications/*'], left: 1 },
  app_id: { model: 'nomic-embed', writes: ['POST /admin/api/accounts/*/keys*'], left: 2 },
  oidc: {
    model: 'oidc-chat',
    writes: ['DELETE /admin/api/accounts/*/keys*', 'POST /admin/api/accounts/*/keys*'],
    left: 1,
  },
} as const
const everyMode = Object.entries(modes)
let counter = 0
const attempt = () => ({ 'idempotency-key': `attempt-${++counter}` })
const flush = () => spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])

async function make(model: string): Promise<number> {
  const body = { model, name: `keys ${++counter}`, fields: { purpose: 'Experiment' } }
  const created = await api.post<{ id: number }>('/applications', token, body)
  if (created.status !== 201) throw new Error(`${model}: ${created.status}`)
  // The gateway has the key by the time a person has copied it.
  await stack.settled()
  return created.body.id
}

/** How the demo's gateway runs. */
function pods(settings: object) {
  return fetch(`http://127.0.0.1:${stack.port + 4}/_demo/gateway`, { method: 'PUT', body: JSON.stringify(settings) })
}

function gatewayFaults(list: object[]) {
  return fetch(`http://127.0.0.1:${stack.port + 4}/_demo/faults`, { method: 'PUT', body: JSON.stringify(list) })
}

/** Counts requests to the gateway from now on. */
async function countGateway(): Promise<() => Promise<number>> {
  await gatewayFaults([{ match: '*', latency_ms: 1 }])
  return async () => {
    const faults = await fetch(`http://127.0.0.1:${stack.port + 4}/_demo/faults`)
    return ((await faults.json()) as { hits: number }[])[0]?.hits ?? 0
  }
}

/** The usage that 3scale has counted for an application, once the gateway has reported all of it. */
async function usageOf(id: number): Promise<number> {
  const query = 'metric_name=hits&period=day&access_token=demo-token'
  const read = async () => {
    await stack.settled()
    const answer = await fetch(`${stack.threescale}/stats/applications/${id}/usage.json?${query}`)
    return ((await answer.json()) as { total: number }).total
  }
  let [total, same] = [await read(), 0]
  await until('the usage no longer grows', async () => {
    const now = await read()
    same = now === total ? same + 1 : 0
    total = now
    return same === 6
  })
  return total
}

/** The revocation check, once it has finished. */
async function completed(id: number, keyId: string, at = api): Promise<RevocationCheck> {
  let check: RevocationCheck | undefined
  await until(`the revocation check of ${keyId}`, async () => {
    check = (await at.get<RevocationCheck>(`/applications/${id}/keys/${keyId}/revocation-check`, token)).body
    return check.status === 'completed'
  })
  return check as RevocationCheck
}

/** The keys in 3scale. */
async function current(id: number, model: string): Promise<string[]> {
  const record = (await stack.state()).applications.find((one) => one.id === id)
  return model === modes.user_key.model ? [record?.user_key ?? ''] : (record?.keys ?? []).map(({ value }) => value)
}

function rotate(id: number, headers = attempt(), at = api, body: object = {}) {
  return at.post<Rotation>(`/applications/${id}/rotate`, token, body, headers)
}

async function keysOf(id: number): Promise<Key[]> {
  return (await api.get<{ items: Key[] }>(`/applications/${id}/keys?reveal=true`, token)).body.items
}

t.test('an application has up to five keys, shown on request, and its last key cannot be removed', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [first] = await keysOf(id)
  t.match(first?.value, /^maas_[0-9]{6}[0-9A-Za-z]{38}$/)
  t.equal(
    first?.created_on?.slice(2).replaceAll('-', ''),
    first?.value?.slice(5, 11),
    'its creation date is read from the key',
  )
  const plain = await api.get(`/applications/${id}/keys`, token)
  t.notMatch(plain.text, first?.value ?? 'missing')

  const added = await api.post<Key>(`/applications/${id}/keys`, token, {}, attempt())
  t.equal(added.status, 201)
  t.match(added.body.key_id, /^[0-9a-f]{16}$/)
  const own = await api.post<Key>(`/applications/${id}/keys`, token, { value: 'chosen-by-mary-herself' }, attempt())
  t.same([own.status, own.body.value, own.body.created_on], [201, 'chosen-by-mary-herself', null])
  for (const value of ['abc', 'fifteen-letters', 'a'.repeat(20), 'with blank and more', 'with-an-accent-é']) {
    const bad = await api.post(`/applications/${id}/keys`, token, { value }, attempt())
    t.same([bad.status, Object.keys((bad.body.errors as object) ?? {})], [422, ['value']], value)
  }
  for (const _ of [4, 5]) t.equal((await api.post(`/applications/${id}/keys`, token, {}, attempt())).status, 201)
  const sixth = await api.post(`/applications/${id}/keys`, token, {}, attempt())
  t.same([sixth.status, sixth.body.policy], [409, 'key_limit'])
  const rotated = await rotate(id)
  t.same([rotated.status, (rotated.body as unknown as { policy: string }).policy], [409, 'key_limit'])
  t.equal((await current(id, model)).length, 5, 'no key was removed for it')
  t.equal((await mary.get(`/applications/${id}/keys/new`)).status, 409, 'the page states this in advance')
  t.match((await mary.get(`/applications/${id}/rotate`)).text, 'which is the maximum')

  const [stays, ...rest] = await keysOf(id)
  for (const { key_id, value } of rest) {
    const removed = await api.call<{ revocation_check: Rotation['revocation_check'] }>(
      'DELETE',
      `/applications/${id}/keys/${key_id}`,
      {
        token,
      },
    )
    t.equal(removed.status, 200)
    t.match(removed.body.revocation_check, { key_id, status: 'pending', refused: null, requests: 0 })
    t.notMatch(removed.text, value ?? 'missing', 'the revocation check holds no key')
  }
  for (const { key_id, value } of rest) {
    const check = await completed(id, key_id)
    t.match(check, { refused: true, reason: null, request: { method: 'GET', path: '/v1/models' } })
    t.ok(check.requests <= 3)
    t.notMatch(JSON.stringify(check), value ?? 'missing')
  }
  const last = await api.call('DELETE', `/applications/${id}/keys/${stays?.key_id}`, { token })
  t.same([last.status, last.body.policy], [403, 'last_key'])
  t.equal((await mary.get(`/applications/${id}/keys/${stays?.key_id}/revoke`)).status, 403)
  t.equal((await api.call('DELETE', `/applications/${id}/keys/${'0'.repeat(16)}`, { token })).status, 404)
})

t.test('one key remains when all keys of an application are removed at once at two replicas', async (t) => {
  const id = await make(modes.app_id.model)
  const at = (offset: number) => String(Number(portBeside(stack)) + offset)
  const alone = [await stack.portal({ PORT: at(3) }), await stack.portal({ PORT: at(4) })]
  t.teardown(() => Promise.all(alone.map((portal) => portal.stop())))
  for (const [name, urls] of [
    ['with Redis', [stack.url, beside.url]],
    ['without Redis', alone.map(({ url }) => url)],
  ] as const) {
    const apis = urls.map((url) => createApi(stack, url))
    for (let round = 0; round < 10; round++) {
      while ((await keysOf(id)).length < 2) await api.post(`/applications/${id}/keys`, token, {}, attempt())
      const remove = (keyId: string, index: number) =>
        apis[index % 2]?.call('DELETE', `/applications/${id}/keys/${keyId}`, { token })
      const answers = await Promise.all((await keysOf(id)).map(({ key_id }, index) => remove(key_id, index)))
      const left = await current(id, modes.app_id.model)
      t.ok(left.length > 0, `${name}: one key remains`)
      const done = answers.filter((answer) => answer?.status === 200)
      t.ok(done.length < answers.length, `${name}: one removal is rejected`)
      t.equal(left.length, answers.length - done.length, `${name}: the key whose removal was rejected is present`)
      for (const answer of answers) if (answer?.status !== 200) t.match(answer?.body, { policy: 'last_key' }, name)
    }
  }
})

t.test('adding and removing keys is rejected for an application with a single credential', async (t) => {
  for (const { model } of [modes.user_key, modes.oidc]) {
    const id = await make(model)
    const before = await current(id, model)
    const [key] = await keysOf(id)
    t.equal(key?.value, before[0], model)
    t.equal((await api.post(`/applications/${id}/keys`, token, {}, attempt())).status, 409, `${model} add`)
    t.equal((await mary.post(`/applications/${id}/keys`, {})).status, 409, `${model} add by page`)
    if (model === modes.user_key.model) {
      const removed = await api.call('DELETE', `/applications/${id}/keys/${key?.key_id}`, { token })
      t.same([removed.status, removed.body.policy], [409, 'credential_mode'])
      t.equal((await mary.post(`/applications/${id}/keys/${key?.key_id}/revoke`, {})).status, 409)
    }
    t.same(await current(id, model), before, `${model}: unchanged`)
  }
})

t.test('a user_key that 3scale stored before it failed is written again for the gateway', async (t) => {
  const id = await make(modes.user_key.model)
  const [write] = modes.user_key.writes
  await stack.faults([{ match: write, status_after: 500, times: 1 }])
  await stack.resetCalls()
  const { status, body } = await rotate(id)
  await stack.faults([])
  t.equal(status, 200)
  t.same(await current(id, modes.user_key.model), [body.key.value])
  // First without effect, then from the previous key to the new one again, so that the gateway discards the previous one.
  t.equal((await stack.calls())['PUT /admin/api/accounts/{id}/applications/{id}.json'], 3)
  t.match((await mary.post(`/applications/${id}/test`, {})).text, 'The model responded')

  await stack.faults([{ match: write, status: 500, times: 1 }])
  t.equal((await rotate(id)).status, 503, 'a key that is not stored is not reported as created')
  await stack.faults([])
  t.same(await current(id, modes.user_key.model), [body.key.value], 'the key is unchanged')
})

t.test('the keys of another account return 404', async (t) => {
  const noor = { username: 'noor' }
  await api.person(noor)
  await createVisitor(stack).signIn('noor')
  const stranger = await api.token(noor)
  const id = await make(modes.app_id.model)
  const [key] = await keysOf(id)
  for (const answer of [
    await api.get(`/applications/${id}/keys`, stranger),
    await api.post(`/applications/${id}/keys`, stranger, {}),
    await api.post(`/applications/${id}/rotate`, stranger, {}),
    await api.call('DELETE', `/applications/${id}/keys/${key?.key_id}`, { token: stranger }),
    await api.get(`/applications/${id}/keys/${key?.key_id}/revocation-check`, stranger),
  ])
    t.equal(answer.status, 404)
  t.equal((await current(id, modes.app_id.model)).length, 1)
})

/** The calls to 3scale of a rotation, in order, and the first ones where its steps can be interrupted. */
async function stepsOf(model: string): Promise<{ call: string; nth: number }[]> {
  const id = await make(model)
  await stack.resetCalls()
  await rotate(id)
  return Object.entries(await stack.calls())
    .filter(([call]) => /\/accounts\/\{id\}\/applications\//.test(call))
    .flatMap(([call, times]) => Array.from({ length: times }, (_, nth) => ({ call, nth })))
}

t.test('a rotation repeated after the portal was killed at any call leaves a working key and no orphan', async (t) => {
  const port = String(Number(portBeside(stack)) + 1)
  for (const [mode, { model, writes, left }] of everyMode) {
    const steps = await stepsOf(model)
    t.ok(steps.length > writes.length, `${mode}: ${steps.map(({ call }) => call).join(', ')}`)
    for (const { call, nth } of steps) {
      // A read is interrupted before its response; a write before it is stored, and then before its response.
      for (const hang of call.startsWith('GET') ? [true] : [true, 'after']) {
        const name = `${mode}, ${call} (${nth + 1}), ${hang === true ? 'before' : 'after'}`
        const victim = await stack.portal({ ...settings, PORT: port })
        const id = await make(model)
        const [old] = await current(id, model)
        const key = attempt()
        const match = call.replace(/\{\w+\}/g, '*')
        await stack.faults([
          { match, latency_ms: 1, times: nth },
          { match, hang, times: 1 },
        ])
        const cut = rotate(id, key, createApi(stack, victim.url)).catch(() => undefined)
        await until(name, async () => (await stack.readFaults())[1]?.hits === 1)
        if (hang === 'after') await until(`${name} is done`, async () => !unchanged(await current(id, model), old))
        await victim.stop('SIGKILL')
        await cut
        await stack.faults([])
        flush()
        const between = await current(id, model)
        if (mode !== 'oidc') t.ok(between.length > 0, `${name}: a key is present`)
        if (mode === 'app_id') t.ok(between.includes(old ?? 'missing'), `${name}: the previous key still works`)
        const repaired = await rotate(id, key)
        t.equal(repaired.status, 200)
        const now = await current(id, model)
        t.equal(now.length, left, `${name}: no orphan`)
        t.ok(now.includes(repaired.body.key.value ?? 'missing'), `${name}: the returned key is present`)
        t.notOk(mode !== 'app_id' && now.includes(old ?? 'missing'), `${name}: the previous key is not`)
        await until(`${name}: calls go through`, async () =>
          /The model responded/.test((await mary.post(`/applications/${id}/test`, {})).text),
        )
      }
    }
  }
})
const unchanged = (now: string[], old: string | undefined) => now.length === 1 && now[0] === old

t.test('the revocation check of a replaced key detects gateway pods that still cache it', async (t) => {
  const id = await make(modes.user_key.model)
  const shown = await api.get<{ base_url: string; credentials: { user_key: string } }>(
    `/applications/${id}?reveal=true`,
    token,
  )
  const { base_url, credentials } = shown.body
  const call = (key: string) => fetch(`${base_url}/models`, { headers: { 'X-API-Key': key } })
  await pods({ pods: 2 })
  t.teardown(() => pods({ pods: 1 }))
  for (let each = 0; each < 4; each++)
    t.equal((await call(credentials.user_key)).status, 200, 'both pods have cached it')
  const before = await usageOf(id)
  const counted = await countGateway()
  const rotated = await rotate(id)
  t.equal(await counted(), 0, 'the caller waited for no call to the gateway')
  const { revocation_check: check } = rotated.body
  t.match(check, { status: 'pending', refused: null, checked_at: null, requests: 0 })
  t.equal(Date.parse(check?.accepted_until ?? '') - Date.parse(check?.removed_at ?? ''), 2000)
  const done = await completed(id, check?.key_id ?? 'missing')
  t.match(done, { refused: true, reason: null, requests: 3, request: { method: 'GET', path: '/v1/models' } })
  t.match(done.note, 'may accept one more request per path')
  t.equal(await counted(), 4, 'an unknown key, then three requests with the previous key')
  await gatewayFaults([])
  t.equal((await usageOf(id)) - before, 0, 'two were accepted, but 3scale does not count usage of a removed key')
  t.equal((await call(rotated.body.key.value ?? '')).status, 200, 'the new key works')

  const form = await mary.get(`/applications/${id}/rotate`)
  t.match(form.text, 'replaces the current one immediately', 'the page states this in advance')
  t.match(form.text, `/applications/new?model=mistral-chat`)
  t.match(form.text, 'your quota is doubled', 'a second application is offered, with its effect on the quota')
  const page = await mary.submit(form, /\/rotate$/)
  t.match(page.url, /\/keys\/[0-9a-f]{16}\/revocation-check$/)
  t.match(page.text, 'Key replaced')
  t.match(page.text, 'The gateway may accept the previous key until')
  t.match(page.headers.get('refresh'), /^[2-5]$/, 'the page reloads without scripts')
  let ended = page
  await until('the page says how it ended', async () => {
    ended = await mary.get(new URL(page.url).pathname)
    return !ended.headers.get('refresh')
  })
  t.match(ended.text, 'The gateway rejects the previous key.')
  t.match(ended.text, 'may accept one more request per path')
  t.notMatch(ended.text, /\bdead\b|everywhere|(all|every) gateway|no longer (works|accepts|accepted|valid)/i)
  const [now] = await current(id, modes.user_key.model)
  for (const value of [rotated.body.key.value, now]) t.notMatch(ended.text + page.text, value ?? 'missing')
  const links = (await mary.get(`/applications/${id}`)).text.match(/keys\/[0-9a-f]{16}\/revocation-check/g)
  t.equal(links?.length, 2, 'the application links to both revocation checks')
})

t.test('a single credential is replaced without downtime through a second application', async (t) => {
  const { model } = modes.user_key
  const id = await make(model)
  const [old] = await keysOf(id)
  const offer = await mary.get(`/applications/${id}/rotate`)
  const link = /href="(\/applications\/new\?[^"]*from=\d+)"/.exec(offer.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  t.match(link, `from=${id}`)
  const form = await mary.get(link)
  t.match(form.text, 'Each application has its own quota')
  const second = await mary.submit(form, /^\/applications$/)
  t.match(second.text, `<a href="/applications/${id}/delete">delete the previous application</a>`)
  t.match(second.text, 'Until then, each has its own')
  const other = Number(/applications\/(\d+)/.exec(second.url)?.[1])
  t.same(await keysOf(id), [old], 'the first application is unchanged')
  for (const one of [id, other])
    t.match((await mary.post(`/applications/${one}/test`, {})).text, 'The model responded', `${one} works`)
  const name = (await api.get<{ name: string }>(`/applications/${id}`, token)).body.name
  t.match(
    (await mary.submit(await mary.get(`/applications/${id}/delete`), /\/delete$/, { confirm: name })).text,
    'was deleted',
  )
  t.match((await mary.post(`/applications/${other}/test`, {})).text, 'The model responded')
})

t.test('a removed key is rejected after the back-end cache expires, and the page reports both states', async (t) => {
  const { model } = modes.app_id
  await pods({ pods: 2 })
  t.teardown(() => pods({ pods: 1 }))
  const id = await make(model)
  const [old] = await keysOf(id)
  await rotate(id)
  await stack.settled()
  const shown = await api.get<{ base_url: string; credentials: Shape }>(`/applications/${id}?reveal=true`, token)
  const { base_url, credentials } = shown.body
  const { names, app_id, app_keys } = credentials
  const call = (key = '') => fetch(`${base_url}/models`, { headers: { [names.app_id]: app_id, [names.app_key]: key } })
  for (let each = 0; each < 4; each++) t.equal((await call(old?.value)).status, 200, 'both pods have cached it')
  const before = await usageOf(id)
  const counted = await countGateway()
  const page = await mary.submit(await mary.get(`/applications/${id}/keys/${old?.key_id}/revoke`), /\/revoke$/)
  t.equal(await counted(), 0, 'the page was rendered without a call to the gateway')
  t.match(page.text, 'Key revoked')
  t.match(page.text, 'The gateway may accept the previous key until')
  t.match(page.text, 'caches the status of an application key for up to 3 seconds')
  await gatewayFaults([])
  t.equal((await call(old?.value)).status, 200, 'it is still accepted, as the page states')
  const after = await usageOf(id)
  t.equal(after - before, 1)
  const check = await completed(id, old?.key_id ?? 'missing')
  t.match(check, { refused: true, reason: null })
  t.equal(Date.parse(check.accepted_until ?? '') - Date.parse(check.removed_at), 8000, '3 s and a margin')
  t.ok(Date.parse(check.checked_at ?? '') >= Date.parse(check.accepted_until ?? ''))
  t.ok(check.requests <= 3)
  t.ok((await usageOf(id)) - after <= 3, 'at most three requests are counted in the usage')
  t.equal((await call(app_keys.find((key) => key !== old?.value))).status, 200, 'the other key works')
  t.match(
    (await mary.get(`/applications/${id}/keys/${old?.key_id}/revocation-check`)).text,
    'The gateway rejects the previous key.',
  )

  await stack.behave({ app_key_memory_seconds: 600 })
  t.teardown(() => stack.behave({ app_key_memory_seconds: 3 }))
  const another = await api.post<Key>(`/applications/${id}/keys`, token, {}, attempt())
  await stack.settled()
  t.equal((await call(another.body.value)).status, 200)
  await api.call('DELETE', `/applications/${id}/keys/${another.body.key_id}`, { token })
  const open = await completed(id, another.body.key_id)
  t.match(
    open,
    { refused: false, reason: null, requests: 3 },
    'a back-end with a longer cache is not reported as rejecting',
  )
  t.match(open.note, 'The gateway accepted the key')
  const reported = await mary.get(`/applications/${id}/keys/${another.body.key_id}/revocation-check`)
  t.match(reported.text, 'The gateway still accepted the previous key.')
})

t.test('a revocation check continues at another replica, from Redis, after its portal has ended', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [old] = await keysOf(id)
  await rotate(id)
  await stack.settled()
  const port = String(Number(portBeside(stack)) + 2)
  const victim = await stack.portal({ ...settings, PORT: port })
  const path = `/applications/${id}/keys/${old?.key_id}`
  const removed = await createApi(stack, victim.url).call('DELETE', path, { token })
  t.equal(removed.status, 200)
  await victim.stop('SIGKILL')
  const stored = spawnSync('redis-cli', ['-p', String(redis.port), '--scan', '--pattern', '*revocation-checks*'])
  const names = String(stored.stdout).split('\n').filter(Boolean)
  t.ok(names.length >= 1, names.join())
  for (const name of names) {
    const text = String(spawnSync('redis-cli', ['-p', String(redis.port), 'get', name]).stdout)
    t.notMatch(text + name, old?.value ?? 'missing', 'no key is stored in Redis in plain text')
  }
  t.match(await completed(id, old?.key_id ?? 'missing'), { refused: true, reason: null })
  flush()
  const fresh = await stack.portal({ ...settings, PORT: port })
  t.teardown(() => fresh.stop())
  t.equal((await createApi(stack, fresh.url).get(`${path}/revocation-check`, token)).status, 404, 'removed from Redis')
})

t.test('the revocation check of a client secret asks its token endpoint and reports valid tokens', async (t) => {
  const id = await make(modes.oidc.model)
  const shown = await api.get<{ credentials: Shape }>(`/applications/${id}?reveal=true`, token)
  const { client_id, client_secret, token_url } = shown.body.credentials
  const ask = (secret: string) =>
    fetch(token_url, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
  await until('the secret is known there', async () => (await ask(client_secret)).status === 200)
  const { body, text } = await rotate(id)
  const { revocation_check: check } = body
  const path = new URL(token_url).pathname
  t.match(check, { status: 'pending', accepted_until: null, refused: null })
  t.match(check?.note, 'remain valid until they expire')
  t.notMatch(text, client_secret, 'the response holds no previous secret')
  const done = await completed(id, check?.key_id ?? 'missing')
  t.match(done, { refused: true, reason: null, request: { method: 'POST', path } })
  t.match(done.note, 'remain valid until they expire')
  t.notMatch(JSON.stringify(done), /\bdead\b|everywhere|(all|every) gateway|no longer (works|accepts|accepted|valid)/i)
  t.notMatch(JSON.stringify(done), client_secret, 'nor does the revocation check')
  t.equal((await ask(client_secret)).status, 401)
  await until('the new secret is known there', async () => (await ask(body.key.value ?? '')).status === 200)

  const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
  t.match(page.text, 'Client secret replaced')
  t.match(page.text, 'The identity provider is checked in a few seconds.')
  t.match(page.text, 'remain valid until they expire')

  const [last] = await keysOf(id)
  const removed = await api.call<{ revocation_check: Rotation['revocation_check'] }>(
    'DELETE',
    `/applications/${id}/keys/${last?.key_id}`,
    {
      token,
    },
  )
  t.match(removed.body.revocation_check, { key_id: last?.key_id, status: 'pending' })
  t.match(await completed(id, last?.key_id ?? 'missing'), { refused: true, request: { path } })
  t.match(String((await ask(last?.value ?? '')).status), /^40[01]$/)
  t.same(await keysOf(id), [])
  const again = await rotate(id)
  t.same([again.status, again.body.revocation_check], [200, null], 'there was no secret to check')
  await until('the application works again', async () => (await ask(again.body.key.value ?? '')).status === 200)
})

t.test('a revocation check reports neither accepted nor rejected when the gateway does not respond', async (t) => {
  const id = await make(modes.user_key.model)
  t.teardown(() => gatewayFaults([]))
  // An unknown key shows what a rejection looks like; then nothing responds.
  await gatewayFaults([
    { match: '*', latency_ms: 1, times: 1 },
    { match: '*', status: 500 },
  ])
  const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
  const [, keyId = ''] = /keys\/([0-9a-f]{16})\/revocation-check/.exec(page.url) ?? []
  t.match(await completed(id, keyId), { refused: null, reason: 'no_response', requests: 3 })
  const ended = await mary.get(new URL(page.url).pathname)
  t.match(ended.text, 'It is unknown whether the gateway rejects the previous key.')
  t.notMatch(ended.text, 'still accepted the previous')
  t.notMatch(ended.text, '>The gateway rejects the previous key.')
})

t.test('the page creates the second key, both work, and then the first is removed', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [old] = await keysOf(id)
  const page = await mary.get(`/applications/${id}/rotate`)
  const form = formsOf(page.text).find(({ action }) => action.endsWith('/rotate'))?.values ?? {}
  const shownKeys = new Set<string>()
  for (const origin of [stack.url, beside.url, stack.url]) {
    const body = new URLSearchParams(form)
    const sent = await mary.at(origin)(`/applications/${id}/rotate`, { method: 'POST', body })
    t.equal(sent.status, 200)
    t.equal(sent.headers.get('cache-control'), 'no-store')
    shownKeys.add(/id="new-key">(maas_[^<]+)</.exec(sent.text)?.[1] ?? 'missing')
  }
  t.equal((await current(id, model)).length, 2, 'sent three times, created once')
  t.same(
    [...shownKeys],
    (await current(id, model)).filter((value) => value !== old?.value),
    'each page shows the new key',
  )
  const bad = await mary.submit(page, /\/rotate$/, { value: 'abc', attempt: 'f'.repeat(32) })
  t.equal(bad.status, 422)
  t.match(bad.text, 'at least 16 characters')
  t.match(bad.text, 'value="abc"', 'the input is preserved')
  const shown = await mary.get(`/applications/${id}`)
  for (const { value } of await keysOf(id)) t.notMatch(shown.text, value ?? 'missing', 'concealed until requested')
  const retire = await mary.get(`/applications/${id}/keys/${old?.key_id}/revoke`)
  const check = await mary.submit(retire, /\/revoke$/)
  t.match(check.url, /\/revocation-check$/)
  t.match(check.text, 'Key revoked')
  t.notOk((await current(id, model)).includes(old?.value ?? 'missing'))

  await stack.faults([{ match: modes.app_id.writes[0], status: 500, times: 1 }])
  const down = await mary.submit(await mary.get(`/applications/${id}/keys/new`), /\/keys$/)
  await stack.faults([])
  t.equal(down.status, 503, 'reported with a button that repeats the request')
  const again = await mary.submit(down, /\/keys$/)
  t.match(again.text, 'Key added')
  t.equal((await current(id, model)).length, 2)
})
