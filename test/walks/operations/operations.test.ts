import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'

/** `Prefer: respond-async`: 202 immediately, and an operation that every replica can report through Redis. */
interface Operation {
  id: string
  status: string
  location: string | null
  finished_at: string | null
  problem: { type: string; status: number; errors?: Record<string, string> } | null
}
const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const auditLog = join(t.testdir(), 'audit.log')
const settings = { REDIS_URL: redis.url, AUDIT_LOG: auditLog }
const portal = await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const [here, there] = [createApi(stack), createApi(stack, beside.url)]
const early = { prefer: 'respond-async' }
const fields = { purpose: 'Experiment' }
await here.person({ username: 'early' })
const token = await here.token({ username: 'early', expires_in: 3600 })
const events = () =>
  readFileSync(auditLog, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; outcome: string; target?: { application?: number } })

function isAccepted(t: Tap.Test, answer: ApiAnswer<Operation>): string {
  t.equal(answer.status, 202, answer.text)
  t.equal(answer.body.status, 'running')
  t.equal(answer.headers.get('preference-applied'), 'respond-async')
  t.ok(Number(answer.headers.get('retry-after')) >= 1)
  t.equal(answer.headers.get('location'), `/api/v1/operations/${answer.body.id}`)
  return `/operations/${answer.body.id}`
}

namespace Tap {
  export type Test = { equal(...args: unknown[]): unknown; ok(...args: unknown[]): unknown }
}

async function ended(path: string, api = there): Promise<Operation> {
  let operation: Operation | undefined
  await until('it has ended', async () => {
    const answer = await api.get<Operation>(path, token)
    operation = answer.body
    return answer.status === 200 && operation.status !== 'running'
  })
  if (!operation) throw new Error(path)
  return operation
}

t.test(
  'sign-up, creation, and deletion with respond-async return an operation that every replica reports',
  async (t) => {
    await stack.behave({ write_ms: 300 })
    const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
    const signUp = await ended(isAccepted(t, await here.post<Operation>('/me', token, answers, early)))
    t.match(signUp, { status: 'succeeded', location: '/api/v1/me', problem: null })
    t.ok(signUp.finished_at)
    t.match((await here.get('/me', token)).body, { signed_up: true })

    const body = { model: 'granite-chat', plan: 'basic', name: 'early', fields }
    const keyed = { ...early, 'idempotency-key': 'early-1' }
    const creating = isAccepted(t, await here.post<Operation>('/applications', token, body, keyed))
    const created = await ended(creating)
    t.match(created.location, /^\/api\/v1\/applications\/\d+$/)
    const own = created.location?.replace('/api/v1', '') ?? ''
    t.match(await there.get(own, token), { status: 200, body: { name: 'early' } })

    t.comment('one key, one operation and one application, with and without the preference, on either replica')
    const again = await there.post<Operation>('/applications', token, body, keyed)
    t.equal(`/operations/${again.body.id}`, creating)
    const waits = await there.post('/applications', token, body, { 'idempotency-key': 'early-1' })
    t.equal(waits.status, 201)
    t.equal(`/applications/${waits.body.id}`, own)
    t.equal((await stack.state()).applications.filter(({ name }) => name === 'early').length, 1)
    t.equal((await there.post('/applications', token, { ...body, name: 'other' }, keyed)).status, 422)

    const stranger = await here.token({ username: 'mary' })
    t.equal((await here.get(creating, stranger)).status, 404, 'another user cannot read it')
    t.equal((await here.get('/operations/AAAAAAAAAAAAAAAAAAAAAA', token)).status, 404)

    const deleting = await here.call<Operation>('DELETE', own, { token, headers: early })
    t.match(await ended(isAccepted(t, deleting)), { status: 'succeeded', location: null })
    t.equal((await here.get(own, token)).status, 404)

    const names = events()
      .filter(({ outcome }) => outcome === 'ok')
      .map(({ event }) => event)
    for (const [name, count] of Object.entries({ sign_up: 1, 'application.delete': 1 }))
      t.equal(names.filter((event) => event === name).length, count, `${name} is audited when it is done`)
    t.ok(
      events().some(({ event, target }) => event === 'application.create' && own.endsWith(String(target?.application))),
    )
  },
)

t.test('a rejected request is reported by its operation, and its idempotency key can be reused', async (t) => {
  const body = { model: 'no-such-model', name: 'refused' }
  const keyed = { ...early, 'idempotency-key': 'early-2' }
  const refused = await ended(isAccepted(t, await here.post<Operation>('/applications', token, body, keyed)), here)
  t.match(refused, { status: 'failed', location: null, problem: { type: /not_found$/, status: 404 } })
  const better = { model: 'granite-chat', plan: 'basic', name: 'accepted', fields }
  const accepted = await ended(isAccepted(t, await here.post<Operation>('/applications', token, better, keyed)), here)
  t.equal(accepted.status, 'succeeded')
  t.equal((await here.post('/applications', token, {}, early)).status, 422, 'an invalid body is rejected immediately')
})

t.test(
  'operations in Redis are encrypted, and an operation whose portal was killed is reported as failed',
  async (t) => {
    const found = spawnSync('redis-cli', ['-p', String(redis.port), '--scan', '--pattern', '*operations*'], {
      encoding: 'utf8',
    })
    const keys = found.stdout.trim().split('\n')
    // A busy Redis may not have stored each of them.
    t.ok(keys.some((key) => key !== ''))
    for (const key of keys) {
      const { stdout } = spawnSync('redis-cli', ['-p', String(redis.port), 'get', key], { encoding: 'utf8' })
      t.notMatch(stdout, /early|applications|status|problem/)
    }
    await stack.faults([{ match: 'POST */applications.json', hang: true, times: 1 }])
    const body = { model: 'granite-chat', plan: 'basic', name: 'killed', fields }
    const keyed = { ...early, 'idempotency-key': 'early-3' }
    const path = isAccepted(t, await here.post<Operation>('/applications', token, body, keyed))
    await until('3scale has it', async () => (await stack.readFaults())[0]?.hits === 1)
    await portal.stop('SIGKILL')
    t.equal((await there.get<Operation>(path, token)).body.status, 'running')
    const killed = await ended(path)
    t.match(killed, { status: 'failed', problem: { type: /threescale_unavailable$/, status: 503 } })
    const again = await ended(isAccepted(t, await there.post<Operation>('/applications', token, body, keyed)))
    t.equal(again.status, 'succeeded', 'the repeated request succeeds')
    t.equal((await stack.state()).applications.filter(({ name }) => name === 'killed').length, 1)
  },
)
