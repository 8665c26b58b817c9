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
interface ReceiptPath {
  method: string
  path: string
  asked: string
  calls: number
  let_through: number
  refused_in_a_row: number
  refused: boolean
}
interface Rotation {
  id: number
  key: Key
  still_valid: string[]
  receipt: { key_id: string; paths: ReceiptPath[]; not_probed: object[]; note: string } | null
  credentials: Record<string, unknown>
}

const redis = await startRedis()
const stack = await startStack()
await stack.portal({ REDIS_URL: redis.url })
const beside = await stack.portal({ PORT: portBeside(stack), REDIS_URL: redis.url })
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
    t.equal(gone.body.receipt?.key_id, key_id)
    t.ok(gone.body.receipt?.paths.length, 'paths were asked')
    t.ok(gone.body.receipt?.paths.every(({ refused, refused_in_a_row: row }) => refused && row === 5))
    t.notMatch(gone.text, value ?? 'missing', 'the receipt holds no key')
  }
  const last = await api.call('DELETE', `/applications/${id}/keys/${stays?.key_id}`, { token })
  t.same([last.status, last.body.rule], [403, 'last_key'])
  t.equal((await mary.get(`/applications/${id}/keys/${stays?.key_id}/retire`)).status, 403)
  t.equal((await api.call('DELETE', `/applications/${id}/keys/${'0'.repeat(16)}`, { token })).status, 404)
})

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
  t.equal((await stack.calls())['PUT /admin/api/accounts/{id}/applications/{id}.json'], 2)
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
        const victim = await stack.portal({ PORT: port, REDIS_URL: redis.url })
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

t.test(
  'the receipt: two gateway pods that remember let the old key through, and one probe would be wrong',
  async (t) => {
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
    const rotated = await rotate(id)
    const models = rotated.body.receipt?.paths.find(({ path }) => path === '/v1/models')
    t.ok((models?.let_through ?? 0) >= 1, 'the old key was let through at first')
    t.ok((models?.calls ?? 0) >= 6, 'so it was asked again')
    t.match(models, { refused: true, refused_in_a_row: 5 })
    t.match(rotated.body.receipt?.note, 'may let one more call per path through')
    t.equal((await call(rotated.body.key.value ?? '')).status, 200, 'the new key works')

    const form = await mary.get(`/applications/${id}/rotate`)
    t.match(form.text, 'replaces the old one at once', 'it says so first')
    t.match(form.text, `/applications/new?model=mistral-chat`)
    t.match(form.text, 'yours is doubled until', 'a second application is offered, with what that does to the quota')
    const receipt = await mary.submit(form, /\/rotate$/)
    t.match(receipt.url, /\/receipt$/)
    t.match(receipt.text, 'Refused 5 times running')
    t.match(receipt.text, 'may let one more call per path through')
    t.notMatch(receipt.text, /dead|everywhere/)
    t.notMatch(receipt.text, rotated.body.key.value ?? 'missing')
    const [now] = await held(id, modes.user_key.model)
    t.notMatch(receipt.text, now ?? 'missing')
  },
)

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

t.test('the receipt of a key beside others that is retired while two pods remember it', async (t) => {
  const { model } = modes.app_id
  await pods({ pods: 2 })
  t.teardown(() => pods({ pods: 1 }))
  const retire = async () => {
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
    const page = await mary.get(`/applications/${id}/keys/${old?.key_id}/retire`)
    const receipt = await mary.submit(page, /\/retire$/)
    t.match(receipt.text, 'What the gateway said')
    t.match(receipt.text, /data-label="Still let through">[1-9]/, 'a single probe would have been wrong')
    t.match(receipt.text, 'may let one more call per path through')
    t.equal((await call(app_keys.find((key) => key !== old?.value))).status, 200, 'the other one works')
    return receipt
  }
  const remembered = await retire()
  t.match(remembered.text, /was still let through on \d+ of \d+ paths/, 'the back-end remembers a key for a minute')
  t.match(remembered.text, 'may need some minutes')

  await stack.behave({ app_key_memory_seconds: 0 })
  t.teardown(() => stack.behave({ app_key_memory_seconds: 60 }))
  const followed = await retire()
  t.match(followed.text, 'Refused 5 times running')
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
    t.match(receipt?.paths, [{ method: 'POST', path, refused: true, refused_in_a_row: 5 }])
    t.ok(receipt?.not_probed.length, 'the gateway itself takes tokens, and is not asked')
    t.match(receipt?.note, 'go on working until they expire')
    t.notMatch(JSON.stringify(receipt), client_secret, 'the receipt holds no secret')
    t.notMatch(text, /dead|everywhere/)
    t.equal((await ask(client_secret)).status, 401)
    await until('the new secret is known there', async () => (await ask(body.key.value ?? '')).status === 200)

    const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
    t.match(page.text, 'The secret is replaced')
    t.match(page.text, 'What the sign-in service said')
    t.match(page.text, 'go on working until they expire')

    const [last] = await keysOf(id)
    const gone = await api.call<{ receipt: Rotation['receipt'] }>(
      'DELETE',
      `/applications/${id}/keys/${last?.key_id}`,
      {
        token,
      },
    )
    t.match(gone.body.receipt, { key_id: last?.key_id, paths: [{ path, refused: true }] })
    t.match(String((await ask(last?.value ?? '')).status), /^40[01]$/)
    t.same(await keysOf(id), [])
    const again = await rotate(id)
    t.same([again.status, again.body.receipt], [200, null], 'there was none to ask about')
    await until('the application works again', async () => (await ask(again.body.key.value ?? '')).status === 200)
  },
)

t.test(
  'a gateway that answers no more while the receipt is made: not called refused, and not called open',
  async (t) => {
    const id = await make(modes.user_key.model)
    const faults = (list: object[]) =>
      fetch(`http://127.0.0.1:${stack.port + 4}/_demo/faults`, { method: 'PUT', body: JSON.stringify(list) })
    t.teardown(() => faults([]))
    // each path shows first what a refusal looks like
    await faults([
      { match: '*', latency_ms: 1, times: 3 },
      { match: '*', status: 500 },
    ])
    const page = await mary.submit(await mary.get(`/applications/${id}/rotate`), /\/rotate$/)
    t.match(page.text, 'No clear answer')
    t.match(page.text, 'gave no clear answer on')
    t.notMatch(page.text, /Refused 5 times running|data-label="At the end">[^/]*Still let through/)
  },
)

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
