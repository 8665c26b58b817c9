import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { planChangeWay } from '../../../src/features/applications/plan-changes/plan-selection.js'
import { policyNames } from '../../../src/policies.js'
import { projectRoot } from '../../../src/project-root.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { startMailbox } from '../../helper/mailbox.js'
import { startStack } from '../../helper/stack.js'
import { type Answer, createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
await addPlan('two-plans-noselect', 'Enterprise')
const open = await stack.portal()
const api = createApi(stack)
const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
const fields = { purpose: 'Experiment' }

const mailbox = await startMailbox()
const posted: Record<string, unknown>[] = []
let webhookStatus = 204
const webhook = createServer((request, response) => {
  let text = ''
  request.on('data', (piece: Buffer) => {
    text += piece.toString()
  })
  request.on('end', () => {
    if (webhookStatus < 300) posted.push(JSON.parse(text) as Record<string, unknown>)
    response.writeHead(webhookStatus).end()
  })
})
await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port
const letterBox = {
  SMTP_URL: mailbox.url,
  MAIL_FROM: 'portal@example.com',
  OPERATOR_MAIL: 'operator@example.com',
}
t.teardown(async () => {
  await stack.close()
  webhook.close()
  await mailbox.close()
})

async function make(model: string, plan?: string): Promise<number> {
  const body = { model, name: `for ${model}`, fields, ...(plan ? { plan } : {}) }
  const created = await api.post<{ id: number }>('/applications', token, body)
  if (created.status !== 201) throw new Error(`${model}: ${created.status}`)
  return created.body.id
}

async function addPlan(systemName: string, name: string): Promise<void> {
  const id = (await stack.state()).services.find(({ system_name }) => system_name === systemName)?.id
  const answer = await fetch(`${stack.threescale}/admin/api/services/${id}/application_plans.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams({ name, system_name: name.toLowerCase(), state_event: 'publish' }),
  })
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`)
}

async function change(list: 'services' | 'subscriptions', systemName: string, to: object): Promise<void> {
  const state = (await stack.state()) as unknown as {
    services: { id: number; system_name: string; flags: object }[]
    subscriptions: { id: number; service_id: number }[]
    users: { email?: string; account_id: number }[]
  }
  const service = state.services.find(({ system_name }) => system_name === systemName)
  const account = state.users.find(({ email }) => email === 'mary@example.com')?.account_id
  const rows = state.subscriptions as { id: number; service_id: number; account_id?: number }[]
  const record =
    list === 'services' ? service : rows.find((row) => row.service_id === service?.id && row.account_id === account)
  const body = list === 'services' ? { flags: { ...service?.flags, ...to } } : to
  await stack.put(`/_demo/${list}/${record?.id}`, body)
}

const config = (lines: string[]) => `${t.testdir({ 'portal.yaml': lines.join('\n') })}/portal.yaml`
const seen = new Set<string>()

/** The same rejection by page and API, each with the name of the policy. */
async function refused(
  t: Test,
  rule: string,
  status: number,
  byApi: Promise<ApiAnswer> | undefined,
  byPage: Promise<Answer>,
): Promise<void> {
  seen.add(rule)
  const page = await byPage
  if (byApi) {
    const answer = await byApi
    t.same([answer.status, answer.body.policy], [status, rule], `${rule} by API`)
    t.match(answer.headers.get('content-type'), 'application/problem+json')
    t.match(answer.body.detail, /^[A-Z].*\.$/, `${rule} has a sentence`)
  }
  t.equal(page.status, status, `${rule} by page`)
  t.match(page.text, `<code>${rule}</code>`, `the page names ${rule}`)
}

t.test('each plan-change permission of porta leads to one of five outcomes', async (t) => {
  const rows: [Parameters<typeof planChangeWay>[0]['permission'], boolean, boolean, boolean, string][] = [
    ['direct', false, false, false, 'direct'],
    ['request', true, true, true, 'request'],
    ['request', true, true, false, 'no_contact'],
    ['credit_card', false, true, false, 'direct'],
    ['credit_card', true, false, true, 'request'],
    ['credit_card', false, false, false, 'no_contact'],
    ['request_credit_card', true, false, false, 'direct'],
    ['request_credit_card', false, true, false, 'direct'],
    ['request_credit_card', false, false, true, 'no_card'],
    ['none', true, true, true, 'no'],
  ]
  for (const [permission, free, cardStored, operatorReachable, way] of rows)
    t.equal(
      planChangeWay({ permission, free, cardStored, operatorReachable }),
      way,
      `${permission} ${free} ${cardStored}`,
    )
})

t.test('requests that 3scale forbids are rejected by page and API with the name of the policy', async (t) => {
  const id = {
    apps: await make('mistral-chat'),
    keys: await make('nomic-embed'),
    single: await make('qwen-coder'),
    own: await make('llama-chat'),
    secret: await make('oidc-chat'),
    last: await make('bge-reranker'),
    plan: await make('granite-chat', 'basic'),
    asked: await make('two-plans-noselect'),
    paused: await make('two-plans-noselect'),
    waiting: await make('deepseek-v1'),
  }
  const submission = (model: string, plan = '') => ({ model, name: 'one more', fields, ...(plan ? { plan } : {}) })
  const form = (model: string, plan = '') => ({
    ...{ model, plan, name: 'one more', 'fields.purpose': 'Experiment' },
  })
  await change('services', 'mistral-chat', { buyers_manage_apps: false })
  await change('services', 'nomic-embed', { buyers_manage_keys: false })
  await change('services', 'qwen-coder', { buyer_key_regenerate_enabled: false, referrer_filters_required: true })
  await change('services', 'llama-chat', { custom_keys_enabled: false })
  await change('services', 'oidc-chat', { buyer_key_regenerate_enabled: false })
  // 3scale then allows the last key to be deleted, and its back-end accepts any key of an application without keys.
  await change('services', 'bge-reranker', { mandatory_app_key: false })
  await change('services', 'granite-chat', { buyer_plan_change_permission: 'none' })
  await change('subscriptions', 'deepseek-v1', { state: 'pending' })
  await stack.put(`/_demo/applications/${id.paused}`, { state: 'suspended' })
  await open.stop()
  const file = config([`operator_webhook: http://127.0.0.1:${portOf(webhook)}/wish`])
  const portal = await stack.portal({ PORTAL_CONFIG: file, ...letterBox })
  const at = (key: keyof typeof id) => `/applications/${id[key]}`
  const keyId = async (key: keyof typeof id) =>
    (await api.get<{ items: { key_id: string }[] }>(`${at(key)}/keys`, token)).body.items[0]?.key_id
  const { post } = mary
  const before = await stack.state()

  const apps = 'buyers_manage_apps'
  const patch = (path: string, body: object) => api.call('PATCH', path, { token, body })
  await refused(
    t,
    apps,
    403,
    api.post('/applications', token, submission('mistral-chat')),
    post('/applications', form('mistral-chat')),
  )
  await refused(t, apps, 403, patch(at('apps'), { name: 'x' }), post(at('apps'), { name: 'x' }))
  await refused(
    t,
    apps,
    403,
    api.call('DELETE', at('apps'), { token }),
    post(`${at('apps')}/delete`, { confirm: 'for mistral-chat' }),
  )
  await refused(t, apps, 403, api.post(`${at('apps')}/rotate`, token, {}), post(`${at('apps')}/rotate`, {}))
  for (const path of ['/delete', '/rotate']) await refused(t, apps, 403, undefined, mary.get(at('apps') + path))
  await refused(t, apps, 403, undefined, mary.get('/applications/new?model=mistral-chat'))

  const keys = 'buyers_manage_keys'
  const current = await keyId('keys')
  await refused(t, keys, 403, api.post(`${at('keys')}/keys`, token, {}), post(`${at('keys')}/keys`, {}))
  await refused(t, keys, 403, api.post(`${at('keys')}/rotate`, token, {}), post(`${at('keys')}/rotate`, {}))
  await refused(
    t,
    keys,
    403,
    api.call('DELETE', `${at('keys')}/keys/${current}`, { token }),
    post(`${at('keys')}/keys/${current}/revoke`, {}),
  )
  await refused(t, keys, 403, undefined, mary.get(`${at('keys')}/keys/new`))

  const renew = 'buyer_key_regenerate_enabled'
  for (const key of ['single', 'secret'] as const)
    await refused(t, renew, 403, api.post(`${at(key)}/rotate`, token, {}), post(`${at(key)}/rotate`, {}))

  const value = 'a-value-of-my-own'
  for (const deed of ['keys', 'rotate'])
    await refused(
      t,
      'custom_keys_enabled',
      403,
      api.post(`${at('own')}/${deed}`, token, { value }),
      post(`${at('own')}/${deed}`, { value }),
    )
  t.notMatch((await mary.get(`${at('own')}/keys/new`)).text, 'name="value"', 'the page does not offer it')

  const last = await keyId('last')
  await refused(
    t,
    'last_key',
    403,
    api.call('DELETE', `${at('last')}/keys/${last}`, { token }),
    post(`${at('last')}/keys/${last}/revoke`, {}),
  )
  await refused(t, 'last_key', 403, undefined, mary.get(`${at('last')}/keys/${last}/revoke`))
  for (let each = 0; each < 4; each++) t.equal((await api.post(`${at('last')}/keys`, token, {})).status, 201)
  await refused(t, 'key_limit', 409, api.post(`${at('last')}/keys`, token, {}), post(`${at('last')}/keys`, {}))
  await refused(t, 'credential_mode', 409, api.post(`${at('plan')}/keys`, token, {}), post(`${at('plan')}/keys`, {}))

  await refused(
    t,
    'buyer_plan_change_permission',
    403,
    patch(at('plan'), { plan: 'unlimited' }),
    post(`${at('plan')}/plan`, { plan: 'unlimited' }),
  )
  await refused(
    t,
    'application_live',
    403,
    patch(at('paused'), { plan: 'department' }),
    post(`${at('paused')}/plan`, { plan: 'department' }),
  )
  await refused(
    t,
    'buyer_can_select_plan',
    403,
    api.post('/applications', token, submission('two-plans-noselect', 'department')),
    post('/applications', form('two-plans-noselect', 'department')),
  )
  await refused(
    t,
    'service_subscription',
    403,
    api.post('/applications', token, submission('deepseek-v1')),
    post('/applications', form('deepseek-v1')),
  )

  const unusual = { ...submission('kokoro-tts'), fields: { purpose: 'Fun' } }
  const answer = await api.post('/applications', token, unusual)
  t.same([answer.status, Object.keys(answer.body.errors as object)], [422, ['fields.purpose']])
  const page = await post('/applications', { ...form('kokoro-tts'), 'fields.purpose': 'Fun' })
  t.equal(page.status, 422)
  t.match(page.text, 'must be one of: ', 'the error is next to the field')
  seen.add('fields_definitions')

  t.match(
    (await mary.get('/applications/new?model=phi-approval')).text,
    'The operator must approve new applications on the plan',
  )
  t.match((await mary.get(at('single'))).text, 'only from addresses that the operator has listed')
  for (const rule of ['plan_approval', 'referrer_filters_required']) seen.add(rule)

  const after = await stack.state()
  const names = ({ applications }: typeof after) => applications.map(({ id, name, user_key }) => [id, name, user_key])
  t.same(names(after), names(before), 'nothing was created, renamed, replaced or deleted')

  await t.test('a plan-change request notifies the operator by e-mail and webhook, once', async (t) => {
    t.match((await mary.get(`${at('asked')}/plan?plan=department`)).text, 'Send request')
    for (const status of [202, 202]) t.equal((await patch(at('asked'), { plan: 'department' })).status, status)
    t.equal((await post(`${at('asked')}/plan`, { plan: 'department' })).status, 303)
    t.equal(mailbox.letters.length, 1, 'sent three times, notified once')
    t.match(mailbox.letters[0], 'To: operator@example.com')
    t.match(mailbox.letters[0], 'Department')
    t.equal(posted.length, 1)
    t.match(posted[0], { schema: 1, event: 'plan_change_requested', application: id.asked, plan: 'department' })
    t.match((await mary.get(`${at('asked')}/plan`)).text, 'You requested the Department plan')
    t.equal((await api.get(at('asked'), token)).body.plan, 'team', 'the plan is unchanged')
    for (const plan of ['enterprise', 'department', 'enterprise', 'department']) {
      const again = await patch(at('asked'), { plan })
      t.equal(again.status, plan === 'department' ? 202 : 429, plan)
      if (again.status === 429) t.ok(Number(again.headers.get('retry-after')) > 3600)
    }
    const page = await post(`${at('asked')}/plan`, { plan: 'enterprise' })
    t.equal(page.status, 429)
    t.match(page.text, 'one plan-change request a day')
    t.same([mailbox.letters.length, posted.length], [1, 1], 'alternating plans send no further notification')
    t.match((await mary.get(`${at('asked')}/plan`)).text, 'You requested the Department plan')
    await portal.stop()
  })
})

t.test('a plan-change request returns 503 when the operator cannot be notified, and can be repeated', async (t) => {
  const port = String(stack.port + 52)
  const file = config([`operator_webhook: http://127.0.0.1:${portOf(webhook)}/wish`])
  const log = join(t.testdir({}), 'audit.jsonl')
  const portal = await stack.portal({ PORT: port, PORTAL_CONFIG: file, AUDIT_LOG: log })
  const there = createApi(stack, portal.url)
  const { items } = (await there.get<{ items: { id: number; name: string; state: string }[] }>('/applications', token))
    .body
  const id = items.find(({ name, state }) => name === 'for two-plans-noselect' && state === 'live')?.id
  const submission = () => there.call('PATCH', `/applications/${id}`, { token, body: { plan: 'department' } })
  webhookStatus = 500
  const reported = posted.length
  const down = await submission()
  t.equal(down.status, 503)
  t.match(down.body.type, 'operator_unreachable')
  const body = new URLSearchParams({ plan: 'department' })
  const page = await mary.at(portal.url)(`/applications/${id}/plan`, { method: 'POST', body })
  t.equal(page.status, 503)
  t.match(page.text, 'Try again')
  webhookStatus = 204
  t.equal((await submission()).status, 202)
  t.equal(posted.length, reported + 1)
  const events = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  t.match(JSON.parse(events.at(-1) ?? ''), {
    event: 'application.request_plan',
    outcome: 'ok',
    target: { application: id },
  })
  await portal.stop()
})

t.test('a plan whose permission is direct changes immediately', async (t) => {
  await change('services', 'granite-chat', { buyer_plan_change_permission: 'direct' })
  const log = join(t.testdir({}), 'audit.jsonl')
  const portal = await stack.portal({ PORT: String(stack.port + 53), AUDIT_LOG: log })
  const there = createApi(stack, portal.url)
  const { items } = (
    await there.get<{ items: { id: number; model: string }[] }>('/applications?model=granite-chat', token)
  ).body
  const at = `/applications/${items[0]?.id}`
  const page = await mary.at(portal.url)(`${at}/plan`)
  for (const words of ['1,000 a day', 'No limit', '49.90 a month', 'The new plan takes effect immediately'])
    t.match(page.text, words, 'the page shows the differences in advance')
  const changed = await there.call('PATCH', at, { token, body: { plan: 'unlimited' } })
  t.same([changed.status, changed.body.plan], [200, 'unlimited'])
  t.equal(
    (await there.call('PATCH', at, { token, body: { plan: 'unlimited' } })).status,
    200,
    'a repeat is neither an error nor an event',
  )
  t.equal((await there.call('PATCH', at, { token, body: { plan: 'nothing' } })).status, 422)
  const back = await mary.at(portal.url)(`${at}/plan`, { method: 'POST', body: new URLSearchParams({ plan: 'basic' }) })
  t.equal(back.status, 303)
  t.equal((await there.get(at, token)).body.plan, 'basic')
  const events = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  const reported = events.map(
    (line) => JSON.parse(line) as { event: string; outcome: string; source: string; target: object },
  )
  const application = items[0]?.id
  t.match(
    reported
      .filter(({ event }) => event === 'application.change_plan')
      .map(({ outcome, source, target }) => [outcome, source, target]),
    [
      ['ok', 'api', { application }],
      ['refused', 'api', { application }],
      ['ok', 'page', { application }],
    ],
    'a request that changed nothing is not an event',
  )
  await portal.stop()
})

t.test('PORTAL_CONFIG sets policies that the API of 3scale does not return', async (t) => {
  for (const [index, [setting, rows]] of Object.entries({
    multiple_applications: [
      ['qwen-coder', 'one_application_per_plan'],
      ['kokoro-tts', 'multiple_applications'],
    ],
    multiple_services: [['kokoro-tts', 'multiple_services']],
  }).entries()) {
    const portal = await stack.portal({
      PORT: String(stack.port + 54 + index),
      PORTAL_CONFIG: config([`${setting}: false`]),
    })
    const there = createApi(stack, portal.url)
    for (const [model = '', rule = ''] of rows) {
      const body = new URLSearchParams({ model, name: 'one more', 'fields.purpose': 'Experiment' })
      await refused(
        t,
        rule,
        403,
        there.post('/applications', token, { model, name: 'one more', fields }),
        mary.at(portal.url)('/applications', { method: 'POST', body }),
      )
    }
    await portal.stop()
  }
})

t.test('requests are rejected while sign-up is closed or the account is not approved', async (t) => {
  const portal = await stack.portal()
  await api.person({ username: 'rosa' })
  const rosa = createVisitor(stack)
  await stack.put('/_demo/settings', { signups_enabled: false })
  const page = await rosa.signIn('rosa')
  t.equal(page.status, 403)
  t.match(page.text, 'Sign-up is closed')
  seen.add('signups_enabled')
  const account = (await stack.state()).users.find(({ email }) => email === 'mary@example.com')?.account_id
  await stack.put(`/_demo/accounts/${account}`, { state: 'suspended' })
  await portal.stop()
  const fresh = await stack.portal()
  const stopped = await api.get('/applications', token)
  t.same([stopped.status, stopped.body.policy], [403, 'account_state'])
  const again = createVisitor(stack)
  const stop = await again.signIn('mary')
  t.equal(stop.status, 403)
  t.match(stop.text, /suspended/)
  seen.add('account_state')
  await fresh.stop()
})

t.test("members are changed by admins only, within the operator's policies, and never without an admin", async (t) => {
  const portal = await stack.portal()
  await stack.put('/_demo/settings', { signups_enabled: true })
  const closed = await stack.portal({ PORT: String(stack.port + 57), PORTAL_CONFIG: config(['multiple_users: false']) })
  await Promise.all([api.person({ username: 'zoe' }), api.person({ username: 'yul' })])
  const zoe = createVisitor(stack)
  await zoe.signIn('zoe')
  const admin = await api.token({ username: 'zoe' })
  const invited = await api.post<{ id: number }>('/members', admin, { email: 'yul@example.com', role: 'member' })
  const required = { email: 'somebody@example.com', role: 'member' }
  const there = createApi(stack, closed.url)
  const form = (body: object) => ({ method: 'POST', body: new URLSearchParams({ ...body }) })
  const at = zoe.at(closed.url)
  await refused(
    t,
    'multiple_users',
    403,
    there.post('/members', admin, required),
    at('/account/members', form(required)),
  )
  const path = `/members/${invited.body.id}`
  for (const byApi of [
    there.call('PATCH', path, { token: admin, body: { role: 'admin' } }),
    there.call('DELETE', path, { token: admin }),
  ])
    t.match(await byApi, { status: 403, body: { policy: 'multiple_users' } })
  const page = await at('/account')
  t.match(page.text, 'An account can have only one user.')
  t.notMatch(page.text, 'Invite a person')
  t.match((await at(`/account${path}`)).text, 'An account can have only one user.')

  const yul = createVisitor(stack)
  await yul.signIn('yul')
  const member = await api.token({ username: 'yul' })
  await refused(
    t,
    'admins_manage_members',
    403,
    api.post('/members', member, required),
    yul.post('/account/members', required),
  )
  const mine = (await api.get<{ items: { id: number; you: boolean }[] }>('/members', admin)).body.items
  const own = mine.find(({ you }) => you)?.id
  await refused(
    t,
    'last_admin',
    403,
    api.call('PATCH', `/members/${own}`, { token: admin, body: { role: 'member' } }),
    zoe.post(`/account/members/${own}/remove`, {}),
  )
  await stack.put('/_demo/settings', { useraccountarea_enabled: false })
  await refused(
    t,
    'useraccountarea_enabled',
    403,
    api.call('PATCH', path, { token: admin, body: { role: 'admin' } }),
    zoe.post(`/account${path}/remove`, {}),
  )
  t.match(await api.call('DELETE', path, { token: member }), {
    status: 403,
    body: { policy: 'useraccountarea_enabled' },
  })
  t.match((await zoe.get(`/account${path}`)).text, 'Only the operator can change accounts and their members')
  t.match((await zoe.get('/account')).text, 'Only the operator can change accounts and their members')
  await stack.put('/_demo/settings', { useraccountarea_enabled: true })
  await Promise.all([portal.stop(), closed.stop()])
})

t.test('this test covers every policy, and docs/policies.md has a row for each', async (t) => {
  t.same([...seen].sort(), [...policyNames].sort())
  const rows = readFileSync(join(projectRoot, 'docs', 'policies.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name))
  t.same(rows.sort(), [...policyNames].sort())
})
