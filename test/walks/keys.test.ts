import { spawnSync } from 'node:child_process'
import t from 'tap'
import { createApi } from '../helper/api.js'
import { until } from '../helper/faults.js'
import { portBeside, startRedis, startStack } from '../helper/stack.js'
import { createVisitor, formsOf } from '../helper/visitor.js'

interface Key {
  key_id: string
  value?: string
  made_on: string | null
}
interface Shape {
  names: { app_id: string; app_key: string }
  app_id: string
  app_keys: string[]
  client_id: string
  client_secret: string
  token_url: string
}
interface Receipt {
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
  still_valid: string[]
  receipt: Receipt | null
  credentials: Record<string, unknown>
}

const redis = await startRedis()
const stack = await startStack()
// the back-end of the stand-in caches an application key for three seconds here, and the portal knows it
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

/** one product for each mode, with the writes that its rotation makes, in order */
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
  const made = await api.post<{ id: number }>('/applications', token, body)
  if (made.status !== 201) throw new Error(`${model}: ${made.status}`)
  // the gateway knows it by the time that a person has copied it
  await stack.settled()
  return made.body.id
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

/** What 3scale has counted for an application, once the gateway has reported all of it. */
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

/** The receipt once its check has ended. */
async function completed(id: number, keyId: string, at = api): Promise<Receipt> {
  let receipt: Receipt | undefined
  await until(`the receipt of ${keyId}`, async () => {
    receipt = (await at.get<Receipt>(`/applications/${id}/keys/${keyId}/receipt`, token)).body
    return receipt.status === 'completed'
  })
  return receipt as Receipt
}

/** What 3scale holds. */
async function held(id: number, model: string): Promise<string[]> {
  const record = (await stack.state()).applications.find((one) => one.id === id)
  return model === modes.user_key.model ? [record?.user_key ?? ''] : (record?.keys ?? []).map(({ value }) => value)
}

function rotate(id: number, headers = attempt(), at = api, body: object = {}) {
  return at.post<Rotation>(`/applications/${id}/rotate`, token, body, headers)
}

async function keysOf(id: number): Promise<Key[]> {
  return (await api.get<{ items: Key[] }>(`/applications/${id}/keys?reveal=true`, token)).body.items
}

t.test('several keys: up to five, shown on request, the last one stays', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [first] = await keysOf(id)
  t.match(first?.value, /^maas_[0-9]{6}[0-9A-Za-z]{38}$/)
  t.equal(first?.made_on?.slice(2).replaceAll('-', ''), first?.value?.slice(5, 11), 'its day is read from the key')
  const plain = await api.get(`/applications/${id}/keys`, token)
  t.notMatch(plain.text, first?.value ?? 'missing')

  const added = await api.post<Key>(`/applications/${id}/keys`, token, {}, attempt())
  t.equal(added.status, 201)
  t.match(added.body.key_id, /^[0-9a-f]{16}$/)
  const own = await api.post<Key>(`/applications/${id}/keys`, token, { value: 'chosen-by-mary' }, attempt())
  t.same([own.status, own.body.value, own.body.made_on], [201, 'chosen-by-mary', null])
  for (const value of ['abc', 'with blank', 'é'.repeat(6)]) {
    const bad = await api.post(`/applications/${id}/keys`, token, { value }, attempt())
    t.same([bad.status, Object.keys((bad.body.errors as object) ?? {})], [422, ['value']], value)
  }
  for (const _ of [4, 5]) t.equal((await api.post(`/applications/${id}/keys`, token, {}, attempt())).status, 201)
  const sixth = await api.post(`/applications/${id}/keys`, token, {}, attempt())
  t.same([sixth.status, sixth.body.rule], [409, 'key_limit'])
  const rotated = await rotate(id)
  t.same([rotated.status, (rotated.body as unknown as { rule: string }).rule], [409, 'key_limit'])
  t.equal((await held(id, model)).length, 5, 'nothing was taken away for it')
  t.equal((await mary.get(`/applications/${id}/keys/new`)).status, 409, 'the page says it before')
  t.match((await mary.get(`/applications/${id}/rotate`)).text, 'no more can be kept')

  const [stays, ...rest] = await keysOf(id)
  for (const { key_id, value } of rest) {
    const gone = await api.call<{ receipt: Rotation['receipt'] }>('DELETE', `/applications/${id}/keys/${key_id}`, {
      token,
    })
    t.equal(gone.status, 200)
    t.match(gone.body.receipt, { key_id, status: 'pending', refused: null, requests: 0 })
    t.notMatch(gone.text, value ?? 'missing', 'the receipt holds no key')
  }
  for (const { key_id, value } of rest) {
    const receipt = await completed(id, key_id)
    t.match(receipt, { refused: true, reason: null, request: { method: 'GET', path: '/v1/models' } })
    t.ok(receipt.requests <= 3)
    t.notMatch(JSON.stringify(receipt), value ?? 'missing')
  }
  const last = await api.call('DELETE', `/applications/${id}/keys/${stays?.key_id}`, { token })
  t.same([last.status, last.body.rule], [403, 'last_key'])
  t.equal((await mary.get(`/applications/${id}/keys/${stays?.key_id}/retire`)).status, 403)
  t.equal((await api.call('DELETE', `/applications/${id}/keys/${'0'.repeat(16)}`, { token })).status, 404)
})

t.test(
  'all keys of an application removed at the same moment, on two replicas: one stays, with and without Redis',
  async (t) => {
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
        const left = await held(id, modes.app_id.model)
        t.ok(left.length > 0, `${name}: a key is left`)
        const done = answers.filter((answer) => answer?.status === 200)
        t.ok(done.length < answers.length, `${name}: one is refused`)
        t.equal(left.length, answers.length - done.length, `${name}: what was refused is there`)
        for (const answer of answers) if (answer?.status !== 200) t.match(answer?.body, { rule: 'last_key' }, name)
      }
    }
  },
)

t.test('one key, one secret: nothing to add or take away', async (t) => {
  for (const { model } of [modes.user_key, modes.oidc]) {
    const id = await make(model)
    const before = await held(id, model)
    const [key] = await keysOf(id)
    t.equal(key?.value, before[0], model)
    t.equal((await api.post(`/applications/${id}/keys`, token, {}, attempt())).status, 409, `${model} add`)
    t.equal((await mary.post(`/applications/${id}/keys`, {})).status, 409, `${model} add by page`)
    if (model === modes.user_key.model) {
      const gone = await api.call('DELETE', `/applications/${id}/keys/${key?.key_id}`, { token })
      t.same([gone.status, gone.body.rule], [409, 'credential_mode'])
      t.equal((await mary.post(`/applications/${id}/keys/${key?.key_id}/retire`, {})).status, 409)
    }
    t.same(await held(id, model), before, `${model}: untouched`)
  }
})

t.test('3scale stores a user_key and fails all the same: it is sent again, so that the gateway knows it', async (t) => {
  const id = await make(modes.user_key.model)
  const [write] = modes.user_key.writes
  await stack.faults([{ match: write, status_after: 500, times: 1 }])
  await stack.resetCalls()
  const { status, body } = await rotate(id)
  await stack.faults([])
  t.equal(status, 200)
  t.same(await held(id, modes.user_key.model), [body.key.value])
  // once in vain, then from the old key to the new one again, so that the gateway forgets the old one
  t.equal((await stack.calls())['PUT /admin/api/accounts/{id}/applications/{id}.json'], 3)
  t.match((await mary.post(`/applications/${id}/test`, {})).text, 'The model answered')

  await stack.faults([{ match: write, status: 500, times: 1 }])
  t.equal((await rotate(id)).status, 503, 'not stored, not told as done')
  await stack.faults([])
  t.same(await held(id, modes.user_key.model), [body.key.value], 'the key is as it was')
})

t.test("another account's keys are not there", async (t) => {
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
    await api.get(`/applications/${id}/keys/${key?.key_id}/receipt`, stranger),
  ])
    t.equal(answer.status, 404)
  t.equal((await held(id, modes.app_id.model)).length, 1)
})

/** The calls to 3scale of a rotation, in order; the first ones in which its steps can be cut off. */
async function stepsOf(model: string): Promise<{ call: string; nth: number }[]> {
  const id = await make(model)
  await stack.resetCalls()
  await rotate(id)
  return Object.entries(await stack.calls())
    .filter(([call]) => /\/accounts\/\{id\}\/applications\//.test(call))
    .flatMap(([call, times]) => Array.from({ length: times }, (_, nth) => ({ call, nth })))
}

t.test('a portal killed at any call of a rotation: sent again, a working key and no orphan', async (t) => {
  const port = String(Number(portBeside(stack)) + 1)
  for (const [mode, { model, writes, left }] of everyMode) {
    const steps = await stepsOf(model)
    t.ok(steps.length > writes.length, `${mode}: ${steps.map(({ call }) => call).join(', ')}`)
    for (const { call, nth } of steps) {
      // a read is cut off before its answer; a write before it is done, and after that before its answer
      for (const hang of call.startsWith('GET') ? [true] : [true, 'after']) {
        const name = `${mode}, ${call} (${nth + 1}), ${hang === true ? 'before' : 'after'}`
        const victim = await stack.portal({ ...settings, PORT: port })
        const id = await make(model)
        const [old] = await held(id, model)
        const key = attempt()
        const match = call.replace(/\{\w+\}/g, '*')
        await stack.faults([
          { match, latency_ms: 1, times: nth },
          { match, hang, times: 1 },
        ])
        const cut = rotate(id, key, createApi(stack, victim.url)).catch(() => undefined)
        await until(name, async () => (await stack.readFaults())[1]?.hits === 1)
        if (hang === 'after') await until(`${name} is done`, async () => !unchanged(await held(id, model), old))
        await victim.stop('SIGKILL')
        await cut
        await stack.faults([])
        flush()
        const between = await held(id, model)
        if (mode !== 'oidc') t.ok(between.length > 0, `${name}: a key is there`)
        if (mode === 'app_id') t.ok(between.includes(old ?? 'missing'), `${name}: the old key still works`)
        const mended = await rotate(id, key)
        t.equal(mended.status, 200)
        const now = await held(id, model)
        t.equal(now.length, left, `${name}: no orphan`)
        t.ok(now.includes(mended.body.key.value ?? 'missing'), `${name}: the key that was told is there`)
        t.notOk(mode !== 'app_id' && now.includes(old ?? 'missing'), `${name}: the old one is not`)
        await until(`${name}: calls go through`, async () =>
          /The model answered/.test((await mary.post(`/applications/${id}/test`, {})).text),
        )
      }
    }
  }
})
const unchanged = (now: string[], old: string | undefined) => now.length === 1 && now[0] === old

t.test('the receipt of a replaced key, with two gateway pods that have the old one in their caches', async (t) => {
  const id = await make(modes.user_key.model)
  const shown = await api.get<{ base_url: string; credentials: { user_key: string } }>(
    `/applications/${id}?reveal=true`,
    token,
  )
  const { base_url, credentials } = shown.body
  const call = (key: string) => fetch(`${base_url}/models`, { headers: { 'X-API-Key': key } })
  await pods({ pods: 2 })
  t.teardown(() => pods({ pods: 1 }))
  for (let each = 0; each < 4; each++) t.equal((await call(credentials.user_key)).status, 200, 'both pods know it')
  const before = await usageOf(id)
  const counted = await countGateway()
  const rotated = await rotate(id)
  t.equal(await counted(), 0, 'the caller waited for no call to the gateway')
  const { receipt } = rotated.body
  t.match(receipt, { status: 'pending', refused: null, checked_at: null, requests: 0 })
  t.equal(Date.parse(receipt?.accepted_until ?? '') - Date.parse(receipt?.removed_at ?? ''), 2000)
  const done = await completed(id, receipt?.key_id ?? 'missing')
  t.match(done, { refused: true, reason: null, requests: 3, request: { method: 'GET', path: '/v1/models' } })
  t.match(done.note, 'may accept one more request per path')
  t.equal(await counted(), 4, 'an unknown key, then three requests with the old one')
  await gatewayFaults([])
  t.equal(
    (await usageOf(id)) - before,
    0,
    'two were accepted, but 3scale refuses to count what a removed key is reported for',
  )
  t.equal((await call(rotated.body.key.value ?? '')).status, 200, 'the new key works')

  const form = await mary.get(`/applications/${id}/rotate`)
  t.match(form.text, 'replaces the old one at once', 'it says so first')
  t.match(form.text, `/applications/new?model=mistral-chat`)
  t.match(form.text, 'yours is doubled until', 'a second application is offered, with what that does to the quota')
  const page = await mary.submit(form, /\/rotate$/)
  t.match(page.url, /\/keys\/[0-9a-f]{16}\/receipt$/)
  t.match(page.text, 'The key is replaced')
  t.match(page.text, 'The gateway may accept the old key until')
  t.match(page.headers.get('refresh'), /^[2-5]$/, 'it loads again without scripts')
  let ended = page
  await until('the page says how it ended', async () => {
    ended = await mary.get(new URL(page.url).pathname)
    return !ended.headers.get('refresh')
  })
  t.match(ended.text, 'The gateway refuses the old key.')
  t.match(ended.text, 'may accept one more request per path')
  t.notMatch(ended.text, /dead|everywhere/)
  const [now] = await held(id, modes.user_key.model)
  for (const value of [rotated.body.key.value, now]) t.notMatch(ended.text + page.text, value ?? 'missing')
  const links = (await mary.get(`/applications/${id}`)).text.match(/keys\/[0-9a-f]{16}\/receipt/g)
  t.equal(links?.length, 2, 'the application leads to both receipts')
})

t.test('one key, moved over without a gap: a second application, both work, then the first is deleted', async (t) => {
  const { model } = modes.user_key
  const id = await make(model)
  const [old] = await keysOf(id)
  const offer = await mary.get(`/applications/${id}/rotate`)
  const link = /href="(\/applications\/new\?[^"]*from=\d+)"/.exec(offer.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  t.match(link, `from=${id}`)
  const form = await mary.get(link)
  t.match(form.text, 'yours is doubled until you delete the old one')
  const second = await mary.submit(form, /^\/applications$/)
  t.match(second.text, `<a href="/applications/${id}/delete">delete the old application</a>`)
  t.match(second.text, 'Until then both have their own quota')
  const other = Number(/applications\/(\d+)/.exec(second.url)?.[1])
  t.same(await keysOf(id), [old], 'the old one goes on as it was')
  for (const one of [id, other])
    t.match((await mary.post(`/applications/${one}/test`, {})).text, 'The model answered', `${one} works`)
  const name = (await api.get<{ name: string }>(`/applications/${id}`, token)).body.name
  t.match(
    (await mary.submit(await mary.get(`/applications/${id}/delete`), /\/delete$/, { confirm: name })).text,
    'is deleted',
  )
  t.match((await mary.post(`/applications/${other}/test`, {})).text, 'The model answered')
})

t.test(
  'a retired key of several: accepted until the back-end forgets it, then refused, and both are said',
  async (t) => {
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
    const call = (key = '') =>
      fetch(`${base_url}/models`, { headers: { [names.app_id]: app_id, [names.app_key]: key } })
    for (let each = 0; each < 4; each++) t.equal((await call(old?.value)).status, 200, 'both pods know it')
    const before = await usageOf(id)
    const counted = await countGateway()
    const page = await mary.submit(await mary.get(`/applications/${id}/keys/${old?.key_id}/retire`), /\/retire$/)
    t.equal(await counted(), 0, 'the page came without a call to the gateway')
    t.match(page.text, 'The key is retired')
    t.match(page.text, 'The gateway may accept the old key until')
    t.match(page.text, 'caches the status of an application key for up to 3 seconds')
    await gatewayFaults([])
    t.equal((await call(old?.value)).status, 200, 'it is accepted for now, as the page says')
    const after = await usageOf(id)
    t.equal(after - before, 1)
    const receipt = await completed(id, old?.key_id ?? 'missing')
    t.match(receipt, { refused: true, reason: null })
    t.equal(Date.parse(receipt.accepted_until ?? '') - Date.parse(receipt.removed_at), 8000, '3 s and a margin')
    t.ok(Date.parse(receipt.checked_at ?? '') >= Date.parse(receipt.accepted_until ?? ''))
    t.ok(receipt.requests <= 3)
    t.ok((await usageOf(id)) - after <= 3, 'at most three requests are counted in the usage')
    t.equal((await call(app_keys.find((key) => key !== old?.value))).status, 200, 'the other one works')
    t.match(
      (await mary.get(`/applications/${id}/keys/${old?.key_id}/receipt`)).text,
      'The gateway refuses the old key.',
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
      'a back-end that remembers longer is not called refusing',
    )
    t.match(open.note, 'still accepted it')
    const told = await mary.get(`/applications/${id}/keys/${another.body.key_id}/receipt`)
    t.match(told.text, 'The gateway still accepted the old key.')
  },
)

t.test('the portal that removed a key ends: another one, which finds it in Redis, checks it', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [old] = await keysOf(id)
  await rotate(id)
  await stack.settled()
  const port = String(Number(portBeside(stack)) + 2)
  const victim = await stack.portal({ ...settings, PORT: port })
  const path = `/applications/${id}/keys/${old?.key_id}`
  const gone = await createApi(stack, victim.url).call('DELETE', path, { token })
  t.equal(gone.status, 200)
  await victim.stop('SIGKILL')
  const stored = spawnSync('redis-cli', ['-p', String(redis.port), '--scan', '--pattern', '*receipts*'])
  const names = String(stored.stdout).split('\n').filter(Boolean)
  t.ok(names.length >= 1, names.join())
  for (const name of names) {
    const text = String(spawnSync('redis-cli', ['-p', String(redis.port), 'get', name]).stdout)
    t.notMatch(text + name, old?.value ?? 'missing', 'no key is in Redis in the clear')
  }
  t.match(await completed(id, old?.key_id ?? 'missing'), { refused: true, reason: null })
  flush()
  const fresh = await stack.portal({ ...settings, PORT: port })
  t.teardown(() => fresh.stop())
  t.equal((await createApi(stack, fresh.url).get(`${path}/receipt`, token)).status, 404, 'not kept anywhere any more')
})

t.test(
  'the receipt of a client secret, replaced and removed: its token endpoint is asked, and what lasts is said',
  async (t) => {
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
    const { receipt } = body
    const path = new URL(token_url).pathname
    t.match(receipt, { status: 'pending', accepted_until: null, refused: null })
    t.match(receipt?.note, 'remain valid until they expire')
    t.notMatch(text, client_secret, 'the answer holds no old secret')
    const done = await completed(id, receipt?.key_id ?? 'missing')
    t.match(done, { refused: true, reason: null, request: { method: 'POST', path } })
    t.match(done.note, 'remain valid until they expire')
    t.notMatch(JSON.stringify(done), /dead|everywhere/)
    t.notMatch(JSON.stringify(done), client_secret, 'nor does the receipt')
    t.equal((await ask(client_secret)).status, 401)
    await until('the new secret is known there', async () => (await ask(body.key.value ?? '')).status === 200)

    const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
    t.match(page.text, 'The secret is replaced')
    t.match(page.text, 'The sign-in service is checked in a few seconds.')
    t.match(page.text, 'remain valid until they expire')

    const [last] = await keysOf(id)
    const gone = await api.call<{ receipt: Rotation['receipt'] }>(
      'DELETE',
      `/applications/${id}/keys/${last?.key_id}`,
      {
        token,
      },
    )
    t.match(gone.body.receipt, { key_id: last?.key_id, status: 'pending' })
    t.match(await completed(id, last?.key_id ?? 'missing'), { refused: true, request: { path } })
    t.match(String((await ask(last?.value ?? '')).status), /^40[01]$/)
    t.same(await keysOf(id), [])
    const again = await rotate(id)
    t.same([again.status, again.body.receipt], [200, null], 'there was none to ask about')
    await until('the application works again', async () => (await ask(again.body.key.value ?? '')).status === 200)
  },
)

t.test('a gateway that does not respond to the check: neither called refused nor accepted', async (t) => {
  const id = await make(modes.user_key.model)
  t.teardown(() => gatewayFaults([]))
  // an unknown key shows what a refusal looks like; then nothing answers any more
  await gatewayFaults([
    { match: '*', latency_ms: 1, times: 1 },
    { match: '*', status: 500 },
  ])
  const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
  const [, keyId = ''] = /keys\/([0-9a-f]{16})\/receipt/.exec(page.url) ?? []
  t.match(await completed(id, keyId), { refused: null, reason: 'no_response', requests: 3 })
  const ended = await mary.get(new URL(page.url).pathname)
  t.match(ended.text, 'It is not known whether the gateway refuses the old key.')
  t.notMatch(ended.text, 'still accepted the old')
  t.notMatch(ended.text, '>The gateway refuses the old key.')
})

t.test('by page: the new key first, both work, then the old one is retired', async (t) => {
  const { model } = modes.app_id
  const id = await make(model)
  const [old] = await keysOf(id)
  const page = await mary.get(`/applications/${id}/rotate`)
  const form = formsOf(page.text).find(({ action }) => action.endsWith('/rotate'))?.values ?? {}
  for (const origin of [stack.url, beside.url, stack.url]) {
    const body = new URLSearchParams(form)
    t.equal((await mary.at(origin)(`/applications/${id}/rotate`, { method: 'POST', body })).status, 303)
  }
  t.equal((await held(id, model)).length, 2, 'sent three times, made once')
  const bad = await mary.submit(page, /\/rotate$/, { value: 'abc', attempt: 'f'.repeat(32) })
  t.equal(bad.status, 422)
  t.match(bad.text, 'at least 5 characters')
  t.match(bad.text, 'value="abc"', 'what was typed is kept')
  const shown = await mary.get(`/applications/${id}`)
  for (const { value } of await keysOf(id)) t.notMatch(shown.text, value ?? 'missing', 'hidden until asked for')
  const retire = await mary.get(`/applications/${id}/keys/${old?.key_id}/retire`)
  const receipt = await mary.submit(retire, /\/retire$/)
  t.match(receipt.url, /\/receipt$/)
  t.match(receipt.text, 'The key is retired')
  t.notOk((await held(id, model)).includes(old?.value ?? 'missing'))

  await stack.faults([{ match: modes.app_id.writes[0], status: 500, times: 1 }])
  const down = await mary.submit(await mary.get(`/applications/${id}/keys/new`), /\/keys$/)
  await stack.faults([])
  t.equal(down.status, 503, 'said with a button that sends it again')
  const again = await mary.submit(down, /\/keys$/)
  t.match(again.text, 'The key is added')
  t.equal((await held(id, model)).length, 2)
})
