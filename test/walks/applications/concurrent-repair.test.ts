// While another replica repairs a rotation, a key can be absent or an earlier key present: neither is a deletion.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { portBeside, startStack } from '../../helper/stack.js'

type Json = Record<string, unknown> & { id: number; key_id: string; value: string; key: { value: string } }
type Api = ReturnType<typeof createApi>

const stack = await startStack()
t.setTimeout(300_000)
t.teardown(() => stack.close())
await stack.portal()
const beside = await stack.portal({ PORT: portBeside(stack) })
const [one, other] = [createApi(stack), createApi(stack, beside.url)]
await one.person({ username: 'mender' })
const token = await one.token({ username: 'mender' })
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const account = (await one.post<{ account: { id: number } }>('/me', token, answers)).body.account.id
let counter = 0

const models = { user_key: 'mistral-chat', app_id: 'nomic-embed', oidc: 'oidc-chat' }
async function application(mode: keyof typeof models) {
  const body = { model: models[mode], name: `mended ${++counter}`, fields: { purpose: 'Experiment' } }
  const { status, text, body: created } = await one.post<Json>('/applications', token, body)
  if (status !== 201) throw new Error(text)
  return { id: created.id, path: `/applications/${created.id}`, keys: (await heldBy(created.id)) as [string] }
}
async function heldBy(id: number, at: Api = one): Promise<string[]> {
  const { body } = await at.get<{ items: Json[] }>(`/applications/${id}/keys?reveal=true`, token)
  return body.items.map(({ value }) => value)
}
function send(at: Api, path: string, key: string, body: object = {}) {
  return at.post<Json>(path, token, body, { 'idempotency-key': key })
}
const isReplayed = ({ headers }: { headers: Headers }) => headers.get('idempotency-replayed')

/** Writes as 3scale's own pages and other programs do; these calls are counted too. */
async function inThreescale(method: string, path: string, values: Record<string, string> = {}): Promise<void> {
  const body = method === 'DELETE' ? null : new URLSearchParams(values)
  const url = `${stack.threescale}/admin/api/accounts/${account}/applications/${path}?access_token=demo-token`
  const { status } = await fetch(url, { method, body })
  if (status >= 300) throw new Error(`${method} ${path} answered ${status}`)
}
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20)
}
const hits = async (at: number) => (await stack.readFaults())[at]?.hits ?? 0
const readsOf = async (path: RegExp) =>
  Object.entries(await stack.calls()).reduce((sum, [call, times]) => sum + (path.test(call) ? times : 0), 0)
const READS = /^GET .*\/applications\/[^/]+(\/keys)?(\.json)?$/

/**
 * Two replicas rotate with one Idempotency-Key. The write of `other` fails once it is stored, so it repairs the key: it restores
 * the previous key and waits before it writes the new one again.
 */
async function repairing(id: number, path: string, attempt: string, body: object) {
  const write = `PUT *applications/${id}.json`
  await stack.faults([{ match: write, hold: true, status_after: 500, times: 1 }])
  const theirs = send(other, path, attempt, body)
  await until(async () => (await hits(0)) === 1)
  const first = await send(one, path, attempt, body)
  await stack.faults([
    { match: write, times: 1 },
    { match: write, hold: true, times: 1 },
  ])
  await until(async () => (await hits(1)) === 1)
  return { first, theirs }
}

for (const body of [{}, { value: 'a-key-that-was-chosen-0123456789' }])
  for (const isSoon of [true, false])
    t.test(`a rotation repeated during a repair, ${JSON.stringify({ ...body, isSoon })}`, async (t) => {
      const { id, path, keys } = await application('user_key')
      const required = 'value' in body ? { value: `${body.value}-${isSoon}` } : {}
      const attempt = `rotate-${id}`
      const { first, theirs } = await repairing(id, `${path}/rotate`, attempt, required)
      t.equal(first.status, 200, first.text)
      t.same(await heldBy(id), keys, 'the previous key is restored')
      await stack.resetCalls()
      const again = send(one, `${path}/rotate`, attempt, required)
      // The repair ends while the repeat reads again, or after it.
      const looked = until(async () => (await readsOf(READS)) > 1)
      await Promise.race([again, isSoon ? looked : again])
      await stack.faults([])
      for (const { status, text, body } of [await again, await theirs])
        t.same([status, body.key?.value], [200, first.body.key.value], text)
      t.equal(isReplayed(await again), 'true')
      t.same(await heldBy(id), [first.body.key.value])
      const late = await send(one, `${path}/rotate`, attempt, required)
      t.same([late.body.key?.value, isReplayed(late)], [first.body.key.value, 'true'])
    })

t.test('a rotation succeeds when the previous key is restored before it is read', async (t) => {
  for (const to of ['old', 'another'] as const) {
    const { id, path, keys } = await application('user_key')
    const read = `GET *applications/${id}.json`
    await stack.faults([
      { match: read, times: 1 },
      { match: read, hold: true, times: 1 },
    ])
    const sent = send(one, `${path}/rotate`, `rotate-${id}`)
    await until(async () => (await hits(1)) === 1)
    const userKey = to === 'old' ? keys[0] : `of-another-program-${id}`
    await inThreescale('PUT', `${id}.json`, { user_key: userKey })
    await stack.faults([])
    const { status, body, text } = await sent
    if (to === 'old') t.same([status, [body.key?.value]], [200, await heldBy(id)], text)
    else t.match([status, body.type, await heldBy(id)], [409, /:conflict$/, [userKey]], text)
    t.not((await heldBy(id))[0], keys[0])
  }
})

t.test('a key that a repair removes is not reported as deleted, and one removed in 3scale is', async (t) => {
  for (const [mode, deed] of [
    ['app_id', 'keys'],
    ['app_id', 'rotate'],
    ['oidc', 'rotate'],
  ] as const)
    for (const isBack of [true, false])
      for (const body of mode === 'app_id' ? [{}, { value: `a-key-that-was-chosen-${++counter}` }] : [{}]) {
        const name = JSON.stringify({ mode, deed, isBack, ...body })
        const { id, path } = await application(mode)
        const attempt = `${deed}-${id}`
        const first = await send(one, `${path}/${deed}`, attempt, body)
        t.equal(Math.floor(first.status / 100), 2, `${name}: ${first.text}`)
        const value = deed === 'keys' ? first.body.value : first.body.key.value
        await inThreescale('DELETE', `${id}/keys/${value}.json`)
        await stack.resetCalls()
        const again = send(one, `${path}/${deed}`, attempt, body)
        if (isBack) {
          await Promise.race([again, until(async () => (await readsOf(/\/keys(\.json)?$/)) > 1)])
          await inThreescale('POST', `${id}/keys.json`, { key: value })
        }
        const late = await again
        const current = await heldBy(id)
        if (isBack) {
          t.equal(late.status, first.status, `${name}: ${late.text}`)
          t.same([late.body.value ?? late.body.key.value, isReplayed(late)], [value, 'true'], name)
          t.same([current.includes(value), current.length], [true, mode === 'oidc' ? 1 : 2], name)
        } else {
          t.match([late.status, late.body.type, late.text], [409, /:conflict$/, /is not listed/], name)
          t.notOk(current.includes(value), `${name}: it is not reactivated`)
        }
      }
})

t.test('a rotation repeated after its key was replaced elsewhere leaves the new key', async (t) => {
  for (const mode of ['user_key', 'oidc'] as const) {
    const { id, path } = await application(mode)
    t.equal((await send(one, `${path}/rotate`, `rotate-${id}`)).status, 200)
    const later = await other.post<Json>(`${path}/rotate`, token, {})
    t.equal(later.status, 200, later.text)
    const late = await send(one, `${path}/rotate`, `rotate-${id}`)
    t.match([late.status, late.body.type], [409, /:conflict$/], late.text)
    t.same(await heldBy(id), [later.body.key.value])
  }
})

t.test('a rotation that 3scale rejected is not recorded as the deletion of a key', async (t) => {
  const { id, path } = await application('user_key')
  const first = await send(one, `${path}/rotate`, `rotate-${id}`)
  const value = first.body.key.value
  const [taken] = (await application('user_key')).keys
  const rejected = await one.post(`${path}/rotate`, token, { value: taken })
  t.equal(rejected.status, 422, rejected.text)
  await inThreescale('PUT', `${id}.json`, { user_key: `put-there-for-a-moment-${id}` })
  await stack.resetCalls()
  const again = send(one, `${path}/rotate`, `rotate-${id}`)
  await Promise.race([again, until(async () => (await readsOf(READS)) > 1)])
  await inThreescale('PUT', `${id}.json`, { user_key: value })
  const { status, text, body } = await again
  t.same([status, body.key?.value, isReplayed(await again)], [200, value, 'true'], text)
})

t.test('a key that was removed through the portal is reported immediately by every lookup', async (t) => {
  const { id, path } = await application('app_id')
  const first = await send(one, `${path}/keys`, 'removed')
  t.equal((await one.call('DELETE', `${path}/keys/${first.body.key_id}`, { token })).status, 200)
  await stack.resetCalls()
  const late = await send(one, `${path}/keys`, 'removed')
  t.match([late.status, late.body.type], [409, /:result_deleted$/])
  t.equal(await readsOf(/\/keys(\.json)?$/), 1, 'one read')
  t.equal((await heldBy(id)).length, 1)
})
