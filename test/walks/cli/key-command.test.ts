import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { generateKey } from '../../../src/features/applications/keys/key-format.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { entriesOf, runKey } from '../../helper/key-command.js'
import { cli, startStack } from '../../helper/stack.js'

/** `maas-portal key`, run as in a pipeline: repeated runs have one application and one Secret. */
interface Application {
  id: number
  name: string
  state: string
}
interface Key {
  key_id: string
  value: string
}
interface Report {
  changed: boolean
  created: boolean
  rotated: boolean
  removed_keys: string[]
  application: Application
  key_id: string
  values: Record<string, string>
}

const stack = await startStack(['threescale', 'identity', 'gateway'])
// No refresh of the catalogue occurs between two counts.
const portal = await stack.portal({
  API_CLIENTS: 'demo-service,robot',
  CATALOG_TTL: '3600',
  CATALOG_DETAIL_TTL: '3600',
})
const api = createApi(stack)
const SECRET = 'demo-service-secret'
const service = { MAAS_PORTAL_URL: stack.url, MAAS_CLIENT_ID: 'demo-service', MAAS_CLIENT_SECRET: SECRET }
const signUp = ['--sign-up', '--accept-terms', '2026-01']
const profile = ['--account-field', 'department=Research', '--account-field', 'job_title=Pipeline']
const purpose = ['--field', 'purpose=Experiment']
t.teardown(() => stack.close())

/** Runs the command and checks that credentials appear in standard output only. */
async function key(t: Test, args: string[], env: Record<string, string> = service) {
  const run = await runKey(args, env)
  const { applications } = await stack.state()
  const known = applications.flatMap(({ user_key, keys }) => [user_key, ...keys.map(({ value }) => value)])
  for (const text of [SECRET, env.MAAS_TOKEN, ...known])
    if (text) t.notOk(run.stderr.includes(text), 'no credential in messages')
  if (run.status !== 0) t.equal(run.stdout, '', 'nothing on standard output')
  return run
}

async function report(t: Test, args: string[], env?: Record<string, string>): Promise<Report> {
  const run = await key(t, [...args, '--output', 'json'], env)
  t.equal(run.status, 0, run.stderr)
  return JSON.parse(run.stdout) as Report
}

const tokenOfService = () => api.token({ client_id: 'demo-service' })
const applicationsNamed = async (name: string) => (await stack.state()).applications.filter((one) => one.name === name)
const writes = async () => Object.entries(await stack.calls()).filter(([call]) => !call.startsWith('GET '))
const models = { user_key: 'mistral-chat', app_id: 'nomic-embed', oidc: 'oidc-chat', bearer: 'granite-chat' }
const planOf = (model: string) => (model === 'granite-chat' ? ['--plan', 'basic'] : [])
const make = (model: string, name: string) => ['--model', model, '--name', name, ...planOf(model), ...purpose]

t.test('all invalid settings and options are reported together, with exit code 1', async (t) => {
  const folder = t.testdir({ empty: '\n' })
  const required = ['--model', 'granite-chat', '--name', 'x']
  const none = await key(t, required, {})
  t.equal(none.status, 1)
  for (const words of ['--portal: is missing', 'MAAS_CLIENT_ID: is missing', 'MAAS_CLIENT_SECRET: is missing'])
    t.match(none.stderr, words)
  const cases: [string, string[], Record<string, string>][] = [
    ['must be https', [], { ...service, MAAS_PORTAL_URL: 'http://models.example.com' }],
    ['is not a web address', ['--portal', 'models.example.com'], service],
    ['without a path', ['--portal', `${stack.url}/api/v1`], service],
    ['without a path', ['--portal', stack.url.replace('//', '//user:password@')], service],
    ['not both', [], { ...service, MAAS_TOKEN: 'x' }],
    ['MAAS_CLIENT_SECRET', [], { ...service, MAAS_CLIENT_SECRET: '', MAAS_CLIENT_SECRET_FILE: join(folder, 'empty') }],
    ['cannot read', [], { ...service, MAAS_CLIENT_SECRET: '', MAAS_CLIENT_SECRET_FILE: join(folder, 'none') }],
    ['is not an access token', [], { MAAS_PORTAL_URL: stack.url, MAAS_TOKEN: 'two words' }],
    ['EXTRA_CA_FILE', [], { ...service, EXTRA_CA_FILE: join(folder, 'empty') }],
    ['--overlap: must be shorter', ['--rotate-after', '1h', '--overlap', '1h'], service],
    ['Use a duration such as 45s', ['--rotate-after', 'monthly'], service],
    ['Use name=value', ['--field', 'purpose'], service],
    ['Use the ID of an account', ['--join', 'research'], service],
    ['Allowed choices', ['--output', 'xml'], service],
    ['requires a pod', ['--apply'], service],
    ['The name is empty', ['--model', ' '], service],
    ['--secret: is not a Kubernetes name', ['--secret', 'Granite Chat'], service],
    ['--secret: is not a Kubernetes name', ['--secret', 'granite_chat'], service],
    ['--secret: is not a Kubernetes name', ['--secret', 'a..b'], service],
    ['--secret: is not a Kubernetes name', ['--secret', '-x'], service],
    ['--secret: is not a Kubernetes name', ['--secret', ''], service],
    ['--secret: is not a Kubernetes name', ['--secret', 'a'.repeat(254)], service],
    ['--namespace: is not a Kubernetes name', ['--namespace', 'team.a'], service],
    ['--namespace: is not a Kubernetes name', ['--namespace', 'team-a/../other'], service],
    ['--namespace: is not a Kubernetes name', ['--namespace', 'a'.repeat(64)], service],
  ]
  for (const [words, args, env] of cases) {
    const run = await key(t, [...required, ...args], env)
    t.equal(run.status, 1, words)
    t.match(run.stderr, words)
  }
})

t.test('a client without an account is signed up only on request, with the required terms and fields', async (t) => {
  const required = make('granite-chat', 'first')
  const requested = await key(t, required)
  t.equal(requested.status, 1)
  for (const words of ['--sign-up', '--join', '--accept-terms 2026-01', '/terms', '--account-field department=VALUE'])
    t.match(requested.stderr, words)
  const bare = await key(t, [...required, '--sign-up'])
  t.equal(bare.status, 1)
  t.match(bare.stderr, /accept_terms: .*department.*job_title/)
  t.match((await key(t, [...required, '--sign-up', '--accept-terms', '1999-12', ...profile])).stderr, 'accept_terms')
  t.same(await applicationsNamed('first'), [])
  const first = await report(t, [...required, ...signUp, ...profile])
  t.match(first, { changed: true, signed_up: true, created: true, rotated: false })
  t.match(await report(t, [...required, ...signUp, ...profile]), { changed: false, signed_up: false, created: false })
})

t.test('a service joins the account that invited it, by its id', async (t) => {
  await api.person({ username: 'owner' })
  const owner = await api.token({ username: 'owner' })
  const body = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
  const account = (await api.post<{ account: { id: number } }>('/me', owner, body)).body.account.id
  await api.post('/members', owner, { client_id: 'robot', role: 'admin' })
  const env = { MAAS_PORTAL_URL: stack.url, MAAS_TOKEN: await api.token({ client_id: 'robot' }) }
  const joined = [...make('granite-chat', 'joined'), '--join', String(account), '--accept-terms', '2026-01', ...profile]
  t.match(await report(t, joined, env), { signed_up: true, created: true })
  const [result] = await applicationsNamed('joined')
  t.equal(result?.account_id, account)
})

for (const [mode, model] of Object.entries(models)) {
  t.test(`${mode}: the Secret has the names of the portal's manifest, and a second run writes nothing`, async (t) => {
    const required = make(model, `pipeline ${mode}`)
    const first = await key(t, required)
    t.equal(first.status, 0, first.stderr)
    t.match(first.stderr, 'application created')
    await stack.resetCalls()
    const again = await key(t, required)
    t.equal(again.stdout, first.stdout)
    t.match(again.stderr, 'unchanged')
    t.same(await writes(), [])
    const [result] = await applicationsNamed(`pipeline ${mode}`)
    const query = `client=kubernetes-secret&application_id=${result?.id}&reveal=true`
    const { body } = await api.get<{ items: { with_key: string }[] }>(
      `/models/${model}/snippets?${query}`,
      await tokenOfService(),
    )
    const copied = parse(body.items[0]?.with_key ?? '') as { metadata: { name: string }; stringData: object }
    t.same(entriesOf(first.stdout), copied.stringData)
    t.match(parse(first.stdout), {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name: copied.metadata.name,
        labels: { 'app.kubernetes.io/managed-by': 'maas-portal' },
        annotations: { 'maas-portal/application-id': String(result?.id) },
      },
    })
    const named = await key(t, [...required, '--secret', 'other', '--namespace', 'team-a'])
    t.match(parse(named.stdout), { metadata: { name: 'other', namespace: 'team-a' } })

    const environment = await key(t, [...required, '--output', 'env'])
    const file = join(t.testdir(), 'model.env')
    writeFileSync(file, environment.stdout)
    const shell = spawnSync('bash', ['-c', `set -a; . ${file}; node -p 'JSON.stringify(process.env)'`], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    t.match(JSON.parse(shell.stdout), entriesOf(first.stdout))
  })
}

t.test('an unchanged run costs a fixed number of calls to 3scale', async (t) => {
  await key(t, make('granite-chat', 'pipeline bearer'))
  await stack.resetCalls()
  await key(t, make('granite-chat', 'pipeline bearer'))
  t.same(await stack.calls(), {
    'GET /admin/api/accounts/find.xml': 1,
    'GET /admin/api/accounts/{id}/applications.json': 2,
  })
})

t.test('an error of the portal is printed, with exit code 1', async (t) => {
  const cases: [RegExp, string[]][] = [
    [/This model does not exist/, ['--model', 'nonsense', '--name', 'x']],
    [/plan: /, ['--model', 'granite-chat', '--name', 'no plan', ...purpose]],
    [/plan: /, ['--model', 'granite-chat', '--name', 'odd plan', '--plan', 'nonsense', ...purpose]],
    [/purpose/, ['--model', 'mistral-chat', '--name', 'no field']],
    [/purpose/, ['--model', 'mistral-chat', '--name', 'odd field', '--field', 'purpose=Nonsense']],
    [/nonsense/, ['--model', 'mistral-chat', '--name', 'unknown field', ...purpose, '--field', 'nonsense=1']],
  ]
  for (const [words, args] of cases) {
    const run = await key(t, args)
    t.equal(run.status, 1, run.stderr)
    t.match(run.stderr, words)
    t.match(run.stderr, /request [\w-]{8,}/, 'the request id for support')
  }
  const unusual = await report(t, [...make('granite-chat', 'pipeline bearer'), '--plan', 'unlimited'])
  t.equal(unusual.changed, false)
  t.match(
    (await key(t, [...make('granite-chat', 'pipeline bearer'), '--plan', 'unlimited'])).stderr,
    'has the plan basic',
  )
})

t.test('an application is found by its exact name and model', async (t) => {
  const one = await report(t, make('mistral-chat', 'Exact'))
  const others = await Promise.all(['exact', 'Exact 2', 'Exactly'].map((name) => report(t, make('mistral-chat', name))))
  const elsewhere = await report(t, make('nomic-embed', 'Exact'))
  const ids = [one, ...others, elsewhere].map(({ application }) => application.id)
  t.equal(new Set(ids).size, 5)
  for (const name of ['Exact', ' Exact '])
    t.equal((await report(t, make('mistral-chat', name))).application.id, one.application.id)
  const token = await tokenOfService()
  await api.post('/applications', token, { model: 'mistral-chat', name: 'Exact', fields: { purpose: 'Experiment' } })
  const doubled = await key(t, make('mistral-chat', 'Exact'))
  t.equal(doubled.status, 1)
  t.match(doubled.stderr, new RegExp(`Several applications have this name and model .*${one.application.id}`))
})

t.test('simultaneous runs and a lost response leave one application', async (t) => {
  const runs = await Promise.all(Array.from({ length: 4 }, () => key(t, make('nomic-embed', 'at once'))))
  t.same(new Set(runs.map(({ status }) => status)), new Set([0]))
  t.equal(new Set(runs.map(({ stdout }) => stdout)).size, 1)
  t.equal((await applicationsNamed('at once')).length, 1)
  await stack.faults([{ match: 'POST /admin/api/accounts/*/applications.json', drop: 'after', times: 1 }])
  t.equal((await key(t, make('nomic-embed', 'lost'))).status, 0)
  t.equal((await applicationsNamed('lost')).length, 1)
})

t.test('a deleted application is created again, each time', async (t) => {
  const ids = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const { application, created } = await report(t, make('mistral-chat', 'deleted'))
    t.ok(created)
    ids.add(application.id)
    await api.call('DELETE', `/applications/${application.id}`, { token: await tokenOfService() })
  }
  t.equal(ids.size, 3)
})

t.test('app_id: a key past its age is rotated, and removed after the overlap with its successor', async (t) => {
  const required = [...make('nomic-embed', 'rotated'), '--rotate-after', '30m', '--overlap', '10m']
  const first = await report(t, required)
  t.match(await report(t, required), { changed: false, key_id: first.key_id })
  await stack.age()
  const second = await report(t, required)
  t.match(second, { changed: true, rotated: true, removed_keys: [] })
  t.not(second.values.MAAS_APP_KEY, first.values.MAAS_APP_KEY)
  t.same((await listed(first.application.id)).length, 2, 'both are valid')
  t.match(await report(t, required), { changed: false, key_id: second.key_id })
  await stack.age()
  const third = await report(t, required)
  t.match(third, { rotated: true, removed_keys: [first.key_id] })
  const current = (await listed(first.application.id)).map(({ key_id }) => key_id)
  t.same(new Set(current), new Set([second.key_id, third.key_id]))

  // A rotation also works at the limit of five keys.
  const token = await tokenOfService()
  for (let count = 0; count < 3; count++) await api.post(`/applications/${first.application.id}/keys`, token, {})
  t.equal((await listed(first.application.id)).length, 5)
  await stack.age()
  t.match(await report(t, required), { rotated: true, removed_keys: { length: 4 } })
  t.equal((await listed(first.application.id)).length, 2)

  const plain = make('nomic-embed', 'rotated')
  await stack.age()
  t.match(await report(t, plain), { changed: false }, 'nothing is rotated or removed without --rotate-after')
})

t.test('an interrupted rotation and two simultaneous ones create one key', async (t) => {
  const required = [...make('nomic-embed', 'cut off'), '--rotate-after', '30m', '--overlap', '10m']
  const { application } = await report(t, required)
  await stack.age()
  await stack.faults([{ match: 'POST /admin/api/accounts/*/keys*', drop: 'after', times: 1 }])
  t.equal((await key(t, required)).status, 0)
  t.equal((await listed(application.id)).length, 2)
  await stack.faults([])
  await stack.age()
  const runs = await Promise.all([1, 2, 3].map(() => key(t, required)))
  t.same(
    runs.map(({ status }) => status),
    [0, 0, 0],
  )
  t.equal((await listed(application.id)).length, 2)
})

t.test('a key that was deleted manually after its rotation is rotated again', async (t) => {
  const required = [...make('nomic-embed', 'by hand'), '--rotate-after', '30m', '--overlap', '10m']
  const { application } = await report(t, required)
  const deleted = new Set<string>()
  for (let round = 0; round < 2; round++) {
    await stack.age()
    const { key_id, rotated } = await report(t, required)
    t.ok(rotated)
    deleted.add(key_id)
    await api.call('DELETE', `/applications/${application.id}/keys/${key_id}`, { token: await tokenOfService() })
  }
  t.equal((await listed(application.id)).length, 1)
  t.equal(deleted.size, 2, 'the deleted key is not restored')
})

t.test('user_key and client secret are replaced immediately, by the date that the key itself states', async (t) => {
  const required = [...make('mistral-chat', 'single'), '--rotate-after', '1h', '--overlap', '1m']
  const first = await report(t, required)
  await stack.age()
  t.match(await report(t, required), { changed: false }, 'a key of today is not older than today')
  const old = generateKey({ account: 1, attempt: 'x' }, new Date(Date.now() - 3 * 86_400_000))
  await stack.put(`/_demo/applications/${first.application.id}`, { user_key: old })
  const second = await report(t, required)
  t.match(second, { rotated: true, removed_keys: [] })
  t.notSame(second.values.MAAS_API_KEY, old)
  t.match(await report(t, required), { changed: false, key_id: second.key_id })
  // A key in another format is at most as old as the application.
  await stack.put(`/_demo/applications/${first.application.id}`, { user_key: 'a-key-of-their-own' })
  t.match(await report(t, [...make('mistral-chat', 'single'), '--rotate-after', '90d']), { changed: false })
  t.match(await report(t, required), { rotated: true })

  const secret = [...make('oidc-chat', 'client'), '--rotate-after', '30m', '--overlap', '1m']
  const before = await report(t, secret)
  await stack.age()
  const after = await report(t, secret)
  t.match(after, { rotated: true, removed_keys: [] })
  t.equal(after.values.MAAS_CLIENT_ID, before.values.MAAS_CLIENT_ID)
  t.not(after.values.MAAS_CLIENT_SECRET, before.values.MAAS_CLIENT_SECRET)
  t.equal((await listed(before.application.id)).length, 1)

  // Deleted, and the portal cannot create the next one.
  await stack.age()
  await stack.faults([{ match: 'POST /admin/api/accounts/*/keys*', drop: 'before', times: 100 }])
  t.equal((await key(t, [...secret, '--timeout', '1s'])).status, 2)
  await stack.faults([])
  t.same(await listed(before.application.id), [])
  const repaired = await report(t, make('oidc-chat', 'client'))
  t.match(repaired, { rotated: true, values: { MAAS_CLIENT_SECRET: /^maas_/ } })
  t.match(await report(t, secret), { changed: false })
})

t.test('an application awaiting approval exits with code 3, and a suspended one with code 1', async (t) => {
  const required = make('phi-approval', 'approval')
  for (const _ of ['created', 'found']) {
    const waiting = await key(t, required)
    t.equal(waiting.status, 3, waiting.stderr)
    t.match(waiting.stderr, 'is waiting for approval by the operator')
  }
  const [result] = await applicationsNamed('approval')
  await stack.put(`/_demo/applications/${result?.id}`, { state: 'live' })
  t.equal((await key(t, required)).status, 0)
  await stack.put(`/_demo/applications/${result?.id}`, { state: 'suspended' })
  const suspended = await key(t, required)
  t.equal(suspended.status, 1)
  t.match(suspended.stderr, 'is suspended')
})

t.test('an account awaiting approval exits with code 3', async (t) => {
  const [result] = await applicationsNamed('joined')
  await stack.put(`/_demo/accounts/${result?.account_id}`, { state: 'pending' })
  const env = { MAAS_PORTAL_URL: stack.url, MAAS_TOKEN: await api.token({ client_id: 'robot' }) }
  const waiting = await key(t, make('granite-chat', 'joined'), env)
  t.match([waiting.status, waiting.stderr], [3, /account is waiting for approval/])
})

t.test('invalid credentials exit with code 1', async (t) => {
  const required = make('granite-chat', 'first')
  const wrong = await key(t, required, { ...service, MAAS_CLIENT_SECRET: 'another-secret' })
  t.equal(wrong.status, 1)
  t.match(wrong.stderr, 'issued no access token (invalid_client')
  t.notMatch(wrong.stderr, 'another-secret')
  const token = (submission: object) => api.token({ client_id: 'demo-service', ...submission })
  const cases: [RegExp, string][] = [
    [/access token|token/, await token({ expires_in: -60 })],
    [/access token|token/, await token({ aud: 'another-api' })],
    [/scope/, await token({ scope: 'maas:read maas:write' })],
    [/access token|token/, 'not-a-token'],
  ]
  for (const [words, MAAS_TOKEN] of cases) {
    const run = await key(t, required, { MAAS_PORTAL_URL: stack.url, MAAS_TOKEN })
    t.equal(run.status, 1, run.stderr)
    t.match(run.stderr, words)
  }
  const elsewhere = await key(t, [...required, '--portal', stack.threescale.replace('127.0.0.1', 'localhost')])
  t.equal(elsewhere.status, 1)
  t.match(elsewhere.stderr, 'names no identity provider')
  const otherName = await key(t, [...required, '--portal', stack.url.replace('localhost', '127.0.0.1')])
  t.equal(otherName.status, 1)
  t.match(otherName.stderr, `belongs to ${stack.url}`)
  const scopes = await key(t, [...required, '--scope', 'maas:read maas:write'])
  t.match([scopes.status, scopes.stderr], [1, /scope/])
})

t.test('a closed output pipe exits with code 1 and one sentence', async (t) => {
  const words = make('granite-chat', 'first').map((word) => `'${word}'`)
  const line = `'${process.execPath}' '${cli}' key ${words.join(' ')} | true; exit "\${PIPESTATUS[0]}"`
  const shell = spawn('bash', ['-c', line], { env: { ...process.env, ...service } })
  let stderr = ''
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = await once(shell, 'close')
  t.equal(status, 1)
  t.match(stderr, /^The credentials could not be written to standard output \(EPIPE\)\.$/m)
  t.notMatch(stderr, /\bat .*:\d+:\d+/)
})

t.test('secrets and tokens are read from files', async (t) => {
  const folder = t.testdir({ secret: `${SECRET}\n`, token: `${await tokenOfService()}\n` })
  const required = make('granite-chat', 'first')
  const direct = await key(t, required)
  const { MAAS_CLIENT_SECRET: _, ...rest } = service
  const byFile = await key(t, required, { ...rest, MAAS_CLIENT_SECRET_FILE: join(folder, 'secret') })
  t.equal(byFile.stdout, direct.stdout, byFile.stderr)
  const byToken = await key(t, required, { MAAS_PORTAL_URL: stack.url, MAAS_TOKEN_FILE: join(folder, 'token') })
  t.equal(byToken.stdout, direct.stdout, byToken.stderr)
})

t.test('an unavailable service exits with code 2, and a short outage is retried', async (t) => {
  const required = make('granite-chat', 'first')
  const short = [...required, '--timeout', '1s']
  await stack.faults([{ match: 'GET /admin/api/accounts/*/applications.json', status: 503, times: 1 }])
  t.equal((await key(t, required)).status, 0)
  await api.faults([{ match: '*', status: 503 }])
  const identity = await key(t, short)
  t.match([identity.status, identity.stderr], [2, /Run the command again later/])
  await api.faults([])
  await stack.parts.threescale?.stop()
  const threescale = await runKey(short, service)
  t.match([threescale.status, threescale.stderr], [2, /Run (it|the command) again/])
  await portal.stop()
  const down = await runKey(short, service)
  t.match([down.status, down.stderr], [2, /could not be reached/])
})

async function listed(id: number): Promise<Key[]> {
  const answer: ApiAnswer<{ items: Key[] }> = await api.get(`/applications/${id}/keys`, await tokenOfService())
  return answer.body.items
}
