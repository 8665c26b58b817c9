import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ajv } from 'ajv'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { AuditEvent } from '../../../src/web/audit/audit-event.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, formsOf } from '../../helper/visitor.js'

const file = join(t.testdir({}), 'audit.jsonl')
const stack = await startStack()
const portal = await stack.portal({ AUDIT_LOG: file })
t.teardown(() => stack.close())

type Line = AuditEvent & { level: string; time: number; msg: string }
const lines = () =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((text) => JSON.parse(text) as Line)
    : []
const since = async (work: () => Promise<unknown>) => {
  const before = lines().length
  await work()
  return lines().slice(before)
}
const names = (list: Line[]) => list.map(({ event, outcome }) => `${event} ${outcome}`)

async function tokenOf(username: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/token`, {
    method: 'POST',
    body: JSON.stringify({ username }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

t.test('sign-up, sign-in, link, rejected sign-in and sign-out: one event each, with actor and address', async (t) => {
  const ada = createVisitor(stack)
  const [in_, up, ...more] = await since(() => ada.signIn('ada'))
  t.same(
    [in_, up].map((line) => `${line?.event} ${line?.outcome}`),
    ['sign_in ok', 'sign_up ok'],
  )
  t.same(more, [])
  t.match(up, { actor: { kind: 'person', username: /^sso-/, role: 'admin' }, address: '127.0.0.1', source: 'page' })
  t.ok(Number.isInteger(up?.account))
  t.same(names(await since(() => createVisitor(stack).signIn('ada'))), ['sign_in ok'])
  const linked = await since(() => createVisitor(stack).signIn('linus'))
  t.ok(names(linked).includes('link ok'), names(linked).join())
  t.match(
    linked.find(({ event }) => event === 'link'),
    { detail: { username_before: 'linus-stock' } },
  )
  const refused = await since(() => createVisitor(stack).signIn('linus2'))
  t.same(names(refused), ['sign_in refused', 'link refused'])
  t.match(refused[0], { code: 'email_taken', actor: { kind: 'person' }, account: null })
  t.same(names(await since(() => createVisitor(stack).signIn('grace'))), ['sign_in refused'])
  t.same(names(await since(() => createVisitor(stack).raw('/login/callback?state=x'))), ['sign_in refused'])
  t.same(names(await since(() => ada.post('/logout', {}))), ['sign_out ok'])
  t.same(await since(() => createVisitor(stack).post('/logout', {})), [], 'no user signed out')
})

t.test('a write through a page: its event has the target, also if the client disconnects', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const form = formsOf((await mary.get('/applications/new?model=granite-chat')).text).find(
    ({ action }) => action === '/applications',
  )
  const [created] = await since(() => mary.post('/applications', form?.values ?? {}))
  t.match(created, { event: 'application.create', outcome: 'ok', source: 'page' })
  const id = created?.target?.application
  t.ok(Number.isInteger(id))
  t.match((await since(() => mary.post(`/applications/${id}/reveal`, {})))[0], {
    event: 'key.reveal',
    outcome: 'ok',
    target: { application: id },
  })
  const read = `${portal.url}/api/v1/applications/${id}`
  const headers = { authorization: `Bearer ${await tokenOf('mary')}` }
  t.same(await since(() => fetch(read, { headers })), [], 'a read creates no event')
  for (const path of [read, `${read}/keys`]) {
    const [shown] = await since(() => fetch(`${path}?reveal=true`, { headers }))
    t.match(shown, { event: 'key.reveal', outcome: 'ok', source: 'api', target: { application: id } }, path)
  }

  await stack.faults([{ match: `PUT /admin/api/accounts/*/applications/${id}.json`, latency_ms: 400 }])
  const before = lines().length
  await mary
    .post(`/applications/${id}`, { name: 'hung up', description: '' }, { signal: AbortSignal.timeout(150) })
    .catch(() => undefined)
  for (let waited = 0; lines().length === before && waited < 5000; waited += 50) await sleep(50)
  await stack.faults([])
  t.match(lines().at(-1), { event: 'application.update', outcome: 'ok', target: { application: id } })
})

t.test('a revoked key: one event for the revocation and one background event for its check', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const form = formsOf((await mary.get('/applications/new?model=granite-chat')).text).find(
    ({ action }) => action === '/applications',
  )
  const [created] = await since(() => mary.post('/applications', form?.values ?? {}))
  const application = created?.target?.application
  await stack.settled()
  const before = lines().length
  const rotated = await mary.post(`/applications/${application}/rotate`, {})
  const key_id = /keys\/([0-9a-f]{16})\/revocation-check/.exec(rotated.location ?? '')?.[1]
  for (let waited = 0; lines().length < before + 2 && waited < 15_000; waited += 100) await sleep(100)
  const [rotation, check, ...more] = lines().slice(before)
  t.match(rotation, { event: 'key.rotate', outcome: 'ok', source: 'page' })
  t.match(check, {
    event: 'key.check',
    outcome: 'ok',
    source: 'background',
    actor: { kind: 'person', username: rotation?.actor.username, role: 'admin' },
    account: rotation?.account,
    target: { application, key_id },
    detail: { result: 'refused' },
  })
  t.same([check?.address, check?.request_id, check?.status], [undefined, undefined, undefined], 'without a request')
  t.same(more, [])
})

t.test('every write of the router: one event, with any outcome', async (t) => {
  const inside = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
  await inside.app.ready()
  const writes = inside.routes.filter(
    ({ method, url, config }) =>
      !/^(GET|HEAD|OPTIONS)$/.test(method) && typeof config.audit === 'string' && url !== '/sign-up',
  )
  await inside.stop()
  t.ok(writes.length > 8)
  const headers = { authorization: `Bearer ${await tokenOf('mary')}`, 'content-type': 'application/json' }
  for (const { method, url, config } of writes) {
    const path = url.replace(':key_id', '0123456789abcdef').replace(/:\w+/g, '999999')
    const mary = createVisitor(stack)
    await mary.signIn('mary')
    const found = await since(() =>
      url.startsWith('/api/')
        ? fetch(portal.url + path, { method, headers, ...(method === 'DELETE' ? {} : { body: '{}' }) })
        : mary.raw(path, { method, body: new URLSearchParams({}) }),
    )
    t.equal(String(found[0]?.event), String(config.audit), `${method} ${url}`)
    t.equal(found.length, 1, `${method} ${url}: one event`)
  }
})

t.test('every line matches the schema, and none contains a key or user input', async (t) => {
  const validate = new Ajv({ strict: false }).compile(AuditEvent)
  for (const { level, time, msg, ...rest } of lines()) {
    const event = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'pid' && name !== 'hostname'))
    t.ok(validate(event), `${JSON.stringify(event)} ${JSON.stringify(validate.errors)}`)
    t.ok(level === 'info' && time > 0 && msg.startsWith(rest.event))
  }
  const text = readFileSync(file, 'utf8')
  const { applications, users } = await stack.state()
  for (const { user_key, keys, name } of applications) {
    for (const secret of [user_key, ...keys.map(({ value }) => value)]) t.notOk(text.includes(secret))
    if (name) t.notOk(text.includes(name), name)
  }
  for (const { email } of users) t.notOk(email && text.includes(email), email ?? 'none')
})
