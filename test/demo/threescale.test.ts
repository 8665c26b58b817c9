import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startStack } from '../helper/stack.js'

/**
 * Behaviour that single recorded answers (`recorded.test.ts`) do not show: the checklist of the Account API's reference, item by
 * item, and the demo's own controls.
 */
const stack = await startStack()
t.teardown(() => stack.close())

const TENANT = stack.threescale
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const DENIED = { error: 'Access denied' }
const WRONG_PERMISSION = { error: 'Your access token does not have the correct permissions' }
const NOT_FOUND = { status: 'Not found' }
const PLAIN = /^text\/plain/
/** The prefix of each secret that no portal may show. */
const CANARY = /1ea15ec2e7/
const LINUS = 501
const OTHER = 503

type Json = Record<string, unknown>
interface Answer {
  status: number
  text: string
  json: Json
  headers: Headers
  type: string
}

/** Definitions that 3scale creates with each tenant. */
const BUILT_IN = ['org_name', 'username', 'email', 'name', 'description']

let sequence = 0
const unique = (prefix: string) => `${prefix}${process.pid}x${++sequence}`

t.test('1: credentials: parameter, then Basic; scopes and permissions; 403 and never 401', async (t) => {
  const path = '/admin/api/settings.json'
  const ask = async (url: string, init: RequestInit = {}) => {
    const answer = await send(url, { token: '', ...init })
    return [answer.status, answer.json.settings ? 'ok' : answer.json]
  }
  const with_ = (authorization: string) => ({ headers: { authorization } })
  t.same(await ask(`${path}?access_token=demo-token`), [200, 'ok'], 'in the query')
  t.same(await ask(path, with_(basic('demo-token:'))), [200, 'ok'], 'as Basic user name')
  t.same(await ask(path, with_(basic(':demo-token'))), [200, 'ok'], 'as Basic password')
  t.same(await ask(path), [403, DENIED], 'nothing')
  t.same(await ask(path, with_(basic('wrong:'))), [403, DENIED], 'unknown')
  t.same(await ask(`${path}?access_token=`, with_(basic('demo-token:'))), [403, DENIED], 'empty disables Basic')
  t.same(await ask(path, with_('Bearer demo-token')), [403, DENIED], 'Bearer is not supported')
  t.same(await ask('/admin/api/nothing.json', {}), [404, {}], 'an unknown path returns a page, for any caller')

  const change = (init: RequestInit) => ask('/admin/api/settings.json', { method: 'PUT', ...init })
  t.same(await change({ body: new URLSearchParams({ access_token: 'demo-token', public_search: '0' }) }), [200, 'ok'])
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ access_token: 'demo-token', public_search: false })
  t.same(await change({ headers, body }), [200, 'ok'], 'in a JSON body')

  t.same((await get('/admin/api/settings.json', 'demo-stats-token')).json, WRONG_PERMISSION)
  const stats = `/stats/applications/3001/usage.json?metric_name=hits&period=day`
  t.equal((await get(stats, 'demo-stats-token')).status, 200)
  const narrow = await get(stats, 'demo-accounts-token')
  t.same([narrow.status, narrow.json], [403, WRONG_PERMISSION])
  const sso = await get('/admin/api/account/proxy_configs/production.json?version=latest&token=x')
  t.same([sso.status, sso.json], [403, { error: 'Your token is invalid' }], 'a parameter named token')
})

t.test('1: a read-only token: only requests that would write are rejected, after validation', async (t) => {
  const token = 'demo-readonly-token'
  const url = `/admin/api/accounts/${OTHER}.json`
  t.equal((await get(url, token)).status, 200)
  const before = await get(url)
  t.same((await put(url, { org_name: 'Taken over' }, token)).json, WRONG_PERMISSION)
  t.equal((await put(url, { org_name: '' }, token)).status, 422, 'validation comes first')
  t.equal((await put(url, { org_name: 'Other Corp' }, token)).status, 200, 'nothing changes')
  t.equal((await put('/admin/api/accounts/99999.json', { org_name: 'x' }, token)).status, 404)
  t.same((await post('/admin/api/signup.json', person(), token)).json, WRONG_PERMISSION)
  t.same((await remove(url, token)).json, WRONG_PERMISSION)
  t.same((await get(url)).json, before.json, 'nothing has changed')
})

t.test(
  '1: an action that the owner of a token may not perform is another 403, and a suspended tenant an empty one',
  async (t) => {
    const token = 'demo-member-token'
    t.equal((await get(`/admin/api/accounts/${OTHER}/users.json`, token)).status, 200)
    for (const refused of [
      await post(`/admin/api/accounts/${OTHER}/users.json`, { username: 'abc', email: 'abc@example.com' }, token),
      await put(`/admin/api/accounts/${OTHER}/approve.json`, {}, token),
      await remove(`/admin/api/accounts/${OTHER}.json`, token),
      await get('/admin/api/active_docs.json', token),
      await get(`/admin/api/accounts/${OTHER}/service_subscriptions.json`, token),
    ])
      t.same([refused.status, refused.json], [403, { status: 'Forbidden' }])

    await stack.put('/_demo/provider', { state: 'suspended' })
    const suspended = await get('/admin/api/settings.json')
    await stack.put('/_demo/provider', { state: 'approved' })
    t.same([suspended.status, suspended.text], [403, ''])
  },
)

t.test('2: without .json a response is XML, or 406 if there is none', async (t) => {
  const xml = await get(`/admin/api/accounts/${LINUS}`)
  t.match(xml.type, /^application\/xml/)
  t.match(xml.text, /^<\?xml version="1.0" encoding="UTF-8"\?><account><id>501<\/id>/)
  const accept = await send(`/admin/api/accounts/${LINUS}?format=json`, { headers: { accept: 'application/json' } })
  t.match(accept.type, /^application\/xml/, 'neither Accept nor format= changes that')
  const settings = await get('/admin/api/settings')
  t.same([settings.status, settings.json], [406, { error: 'The server does not understand "xml" request.' }])
  t.equal((await get('/admin/api/services/7/proxy/configs/production/latest')).status, 406)
  t.equal((await get('/admin/api/settings.php')).status, 406)
  t.equal((await get('/admin/api/account/proxy_configs/production?version=latest')).status, 200, 'JSON by default')
  t.equal((await get(`/admin/api/accounts/${OTHER}/service_subscriptions`)).status, 200, 'JSON by default')
  const missing = await get('/admin/api/accounts/find.xml?username=nobody')
  t.same([missing.status, missing.text], [404, ''])
  t.match((await send('/admin/api/accounts.xml', { token: '' })).text, '<error>Access denied</error>')
})

t.test('2: XML contains more than JSON: users, plans, keys, metrics, product ids, and it is escaped', async (t) => {
  const account = (await get('/admin/api/accounts/find.xml?username=linus-stock')).text
  t.match(account, '<org_name>Linus Labs</org_name><extra_fields><department>Research</department></extra_fields>')
  t.match(account, /<plans><plan default="true"><id>\d+<\/id><name>Default<\/name><type>account_plan<\/type>/)
  t.match(account, /<users><user><id>901<\/id>.*<username>linus-stock<\/username><email>linus@example.com<\/email>/)
  const application = (await get(`/admin/api/accounts/${LINUS}/applications/3003.xml`)).text
  t.match(application, '<user_account_id>501</user_account_id><first_traffic_at/>')
  t.match(application, '<keys><key>0cc175b9c0f1b6a831c399e269772661</key>')
  t.match((await get('/admin/api/application_plans.xml')).text, /<plan custom="false" default="false">.*<service_id>7</)
  const services = (await get('/admin/api/services.xml')).text
  t.match(services, '<name>&lt;script&gt;alert(1)&lt;/script&gt; &quot;Quotes&quot; &amp; Co</name>')
  t.match(services, /<metrics><metric><id>51<\/id><name>hits<\/name>.*<method><id>52<\/id>.*<metric_id>51<\/metric_id>/)
  t.match((await get('/admin/api/accounts.xml?per_page=1')).text, /<accounts per_page="1" total_entries="\d+"/)
  const invalid = await put(`/admin/api/accounts/${OTHER}/approve.xml`, {})
  t.match(invalid.text, /<errors><error>State cannot transition via .*approve.*<\/error><\/errors>/)
})

t.test('3: success and rejection, by method', async (t) => {
  const created = await post('/admin/api/signup.json?access_token=demo-token&note=1', person(), '')
  t.equal(created.status, 201)
  const { id } = created.json.account as { id: number }
  t.equal(
    created.headers.get('location'),
    `https://127.0.0.1/admin/api/signup?access_token=demo-token&note=1&id=${id}`,
    'Location echoes the query, including the token',
  )
  t.match(created.type, 'application/json; charset=utf-8')
  t.equal((await put(`/admin/api/accounts/${id}.json`, { org_name: 'B' })).status, 200)
  t.equal((await patch(`/admin/api/accounts/${id}.json`, { org_name: 'C' })).status, 200, 'PATCH is equivalent to PUT')
  const removed = await remove(`/admin/api/accounts/${id}.json`)
  t.same([removed.status, removed.text], [200, ''], 'only a status of 200')
  const again = await remove(`/admin/api/accounts/${id}.json`)
  t.same([again.status, again.json], [404, NOT_FOUND])
  t.equal((await post(`/admin/api/accounts/${LINUS}/approve.json`, {})).status, 404, 'member actions are PUT')

  const bare = await post('/admin/api/services/7/metrics.json', {})
  t.same([bare.status, bare.text], [400, 'Required parameter missing: metric'])
  t.match(bare.type, PLAIN)
  const scalar = await post('/admin/api/services/7/metrics.json', { metric: '5' })
  t.same([scalar.status, scalar.text], [422, 'Wrong type for parameter: metric'], 'not JSON')
  t.match(scalar.type, 'application/json', 'although the header says so')
  const broken = await send('/admin/api/signup.json', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"org_name":',
  })
  t.equal(broken.status, 400)
  const plan = (await list('/admin/api/services/7/application_plans.json', 'plans', 'application_plan'))[0]
  const used = await remove(`/admin/api/services/7/application_plans/${plan?.id}.json`)
  t.equal(used.status, 403)
  t.match(used.json, { errors: { base: [/At least one application depends on it/] } })
})

t.test('4: pages have 1 to 500 items, otherwise 500, with metadata only if there are more', async (t) => {
  const all = (await get('/admin/api/services.json')).json as { services: Json[]; metadata?: Json }
  const total = all.services.length
  t.notOk(all.metadata, 'all on one page')
  const third = (await get('/admin/api/services.json?per_page=5&page=3')).json as typeof all
  t.equal(third.services.length, 5)
  t.same(third.metadata, { per_page: 5, total_entries: total, total_pages: Math.ceil(total / 5), current_page: 3 })
  t.same(third.services[0], all.services[10], 'by id')
  for (const unusual of ['per_page=0', 'per_page=501', 'per_page=-1', 'per_page=x', `per_page=${total}`])
    t.notOk(((await get(`/admin/api/services.json?${unusual}`)).json as typeof all).metadata, unusual)
  for (const unusual of ['page=0', 'page=-3', 'page=x']) {
    const answer = (await get(`/admin/api/services.json?per_page=2&${unusual}`)).json as typeof all
    t.match(answer.metadata, { current_page: 1 }, unusual)
  }
  const past = (await get('/admin/api/services.json?per_page=5&page=99')).json as typeof all
  t.same([past.services, past.metadata?.current_page], [[], 99])
  for (const [path, root] of [
    ['/admin/api/application_plans.json', 'plans'],
    ['/admin/api/active_docs.json', 'api_docs'],
    [`/admin/api/accounts/${LINUS}/applications.json`, 'applications'],
    [`/admin/api/accounts/${LINUS}/users.json`, 'users'],
    ['/admin/api/services/7/metrics.json', 'metrics'],
    ['/admin/api/fields_definitions.json', 'fields_definitions'],
  ] as const) {
    const complete = (await get(path)).json
    t.same((await get(`${path}?page=9&per_page=1`)).json, complete, `${path} has no pages`)
    t.ok(Array.isArray(complete[root]))
  }
  t.match((await get('/admin/api/applications.json?per_page=1')).json.metadata, { per_page: 1 })
})

t.test('5: formats: absent instead of null, flat fields, numbers and strings, times without fractions', async (t) => {
  const { application } = (await get(`/admin/api/accounts/${LINUS}/applications/3001.json`)).json as {
    application: Json
  }
  t.equal(application.first_daily_traffic_at, null, 'null is returned here')
  t.equal(application.description, '', 'an empty string is returned')
  t.equal(application.purpose, 'Production', 'an extra field is at the level of the columns')
  t.notOk('cost_center' in application, 'and is omitted if it was never set')
  t.notOk('extra_fields' in application)
  t.equal(application.account_id, LINUS)
  t.match(application.created_at, /^2026-03-01T10:00:00\+01:00$/, 'in the zone of the tenant')
  const { account } = (await get(`/admin/api/accounts/${LINUS}.json`)).json as { account: Json }
  t.same(account.annotations, {})
  t.notOk('users' in account || 'plans' in account)
  const { service } = (await get('/admin/api/services/7.json')).json as { service: Json }
  t.notOk('default_application_plan_id' in service || 'account_id' in service || 'terms' in service)
  t.match(service, { id: 7, backend_version: '1', annotations: {}, buyer_plan_change_permission: 'request' })
  const [plan] = await list('/admin/api/application_plans.json', 'plans', 'application_plan')
  t.notOk(plan && ('service_id' in plan || 'description' in plan))
  t.match(plan, { cost_per_month: 0, trial_period_days: 0, links: [{ rel: 'service', href: /\/services\/7$/ }, {}] })
  const docs = await list('/admin/api/active_docs.json', 'api_docs', 'api_doc')
  t.type(docs[0]?.body, 'string', 'a spec is a text')
  const [subscription] = await list(
    `/admin/api/accounts/${LINUS}/service_subscriptions.json`,
    'service_subscriptions',
    'service_subscription',
  )
  t.match(subscription, { setup_fee: '0.0', user_account_id: LINUS, type: 'ServiceContract', state: 'live' })
})

t.test('6: flat families ignore nested members, wrapped ones accept both, in the body only', async (t) => {
  const url = `/admin/api/accounts/${OTHER}/applications.json`
  const plan = await planOf('granite-chat')
  const nested = await sendJson('POST', url, { plan_id: plan, application: { name: 'nested' } })
  t.equal(nested.status, 201)
  t.notOk('name' in (nested.json.application as Json), 'without a name and without an error')
  const flat = await sendJson('POST', url, { plan_id: plan, name: 'flat' })
  t.match(flat.json, { application: { name: 'flat' } })
  const merged = await post(`${url}?name=query`, { plan_id: String(plan), name: 'body' })
  t.match(merged.json, { application: { name: 'query' } }, 'the query has precedence over the body')

  const metrics = '/admin/api/services/7/metrics.json'
  const wrapped = await sendJson('POST', metrics, { metric: { friendly_name: unique('A '), unit: 'x', odd: 1 } })
  t.equal(wrapped.status, 201)
  t.equal((await post(metrics, { 'metric[friendly_name]': unique('B '), 'metric[unit]': 'x' })).status, 201)
  t.equal((await post(metrics, { friendly_name: unique('C '), unit: 'x' })).status, 201)
  const inQuery = await post(`${metrics}?friendly_name=D&unit=x`, {})
  t.same([inQuery.status, inQuery.text], [400, 'Required parameter missing: metric'])
})

t.test('7: sign-up: states, default plans, merged errors', async (t) => {
  const pending = await post('/admin/api/signup.json', person())
  const { account } = pending.json as { account: Json }
  t.match(account, { state: 'created', department: 'Research' })
  const [user] = await users(Number(account.id))
  t.match(user, { state: 'pending', role: 'admin', job_title: 'Scientist' })
  const created = await list(`/admin/api/accounts/${account.id}/applications.json`, 'applications', 'application')
  t.same(
    created.map(({ name, service_name }) => [name, service_name]),
    [['API signup', 'SmolLM2 Starter']],
    'one for each default application plan',
  )
  const active = await post('/admin/api/signup.json', { ...person(), password: 'a password of fifteen' })
  const { account: approved } = active.json as { account: Json }
  t.equal(approved.state, 'approved')
  t.match(await users(Number(approved.id)), [{ state: 'active' }])
  await stack.put('/_demo/settings', { account_approval_required: true })
  const waiting = await post('/admin/api/signup.json', { ...person(), password: 'a password of fifteen' })
  await stack.put('/_demo/settings', { account_approval_required: false })
  t.match(waiting.json, { account: { state: 'created' } })

  const errors = async (fields: Record<string, string>) => {
    const answer = await post('/admin/api/signup.json', { ...person(), ...fields })
    t.equal(answer.status, 422)
    return answer.json.errors
  }
  t.same(await errors({ org_name: '' }), {
    org_name: ["can't be blank", 'must contain at least one alphanumeric character'],
  })
  t.same(await errors({ org_name: '!!' }), { org_name: ['must contain at least one alphanumeric character'] })
  t.same(await errors({ username: 'ab' }), {
    username: ['is too short (minimum is 3 characters)'],
    users: ['invalid'],
  })
  t.match(await errors({ username: 'a b c' }), { username: ['use only letters, numbers, and .-_@+ please.'] })
  t.match(await errors({ username: 'linus-stock' }), { username: ['has already been taken'], users: ['invalid'] })
  t.match(await errors({ email: 'linus@example.com' }), { email: ['has already been taken'] })
  t.match(await errors({ password: 'a password of fifteen', password_confirmation: 'another one' }), {
    password_confirmation: ["doesn't match Password"],
  })
  t.match(await errors({ department: '' }), { department: ["can't be blank"] })
  t.match(await errors({ job_title: '' }), { job_title: ["can't be blank"], users: ['invalid'] })
  const nameless = await post('/admin/api/signup.json', { ...person(), email: '' })
  t.equal(nameless.status, 201, 'an address is optional')
  const lax = await post('/admin/api/signup.json', { ...person(), department: 'Elsewhere', password: 'short' })
  t.equal(lax.status, 201, 'neither choices nor the length of a password are validated')
})

t.test('8: users: activation returns the account; both formats of an invalid transition', async (t) => {
  const account = await signUp()
  const [user] = await users(account)
  const at = (event: string) => `/admin/api/accounts/${account}/users/${user?.id}/${event}.json`
  const early = await put(at('suspend'), {})
  t.equal(early.status, 422)
  t.match(early.json, {
    error: {
      from: 'pending',
      event: 'suspend',
      error: 'State cannot transition via "suspend"',
      object: { user: { id: user?.id } },
    },
  })
  t.match((await put(at('activate'), {})).json, { user: { state: 'active' } })
  t.match((await get(`/admin/api/accounts/${account}.json`)).json, { account: { state: 'approved' } })
  t.equal((await put(at('activate'), {})).status, 200, 'repeating it succeeds')
  t.match((await put(at('suspend'), {})).json, { user: { state: 'suspended' } })
  t.equal((await put(at('suspend'), {})).status, 200)
  t.match((await put(at('activate'), {})).json, { error: { from: 'suspended', event: 'activate' } })
  t.match((await put(at('unsuspend'), {})).json, { user: { state: 'active' } })
  const soft = await put(at('unsuspend'), {})
  t.same([soft.status, soft.json], [422, { errors: { state: ['cannot transition via "unsuspend"'] } }])
  t.same([(await put(at('member'), {})).status, (await put(at('member'), {})).json], [403, { status: 'Forbidden' }])
  const last = await remove(`/admin/api/accounts/${account}/users/${user?.id}.json`)
  t.same([last.status, last.json], [403, { errors: { base: ["Can't delete last admin"] } }])

  const url = `/admin/api/accounts/${account}/users.json`
  const name = unique('member-')
  const second = await post(url, { username: name, email: `${name}@example.com`, role: 'admin', state: 'active' })
  t.match(second.json, { user: { role: 'member', state: 'pending' } }, 'role and state are ignored')
  const { id } = second.json.user as { id: number }
  const own = `/admin/api/accounts/${account}/users/${id}`
  t.match((await post(url, { username: unique('u'), email: 'no' })).json, {
    errors: { email: ['is too short (minimum is 6 characters)', 'should look like an email address'] },
  })
  t.match((await post(url, { username: name, email: unique('x@') })).json, {
    errors: { username: ['has already been taken'] },
  })
  t.match((await put(`${own}.json`, { username: `${name}2`, job_title: 'Lead', role: 'admin' })).json, {
    user: { username: `${name}2`, job_title: 'Lead', role: 'member' },
  })
  t.match((await put(`${own}/admin.json`, {})).json, { user: { role: 'admin' } })
  t.equal((await put(at('member'), {})).status, 200, 'with two admins one can become a member')
  t.equal((await put(`${own}/activate.json`, {})).status, 200)
  t.same((await get(`${url}?role=admin&state=active`)).json.users, [(await get(`${own}.json`)).json])
  t.equal(((await get(`${url}?roel=admin`)).json.users as Json[]).length, 2, 'an invalid filter returns all')
  t.equal((await get(`/admin/api/accounts/${OTHER}/users/${id}.json`)).status, 404, 'of another account')
  t.equal((await get(`/admin/api/accounts/${account}/invitations.json`)).status, 404, 'there are no invitations')
})

t.test('8: accounts and applications allow only valid transitions', async (t) => {
  const account = await signUp()
  const steps: [string, number, string][] = [
    ['make_pending', 200, 'pending'],
    ['make_pending', 422, 'pending'],
    ['approve', 200, 'approved'],
    ['approve', 422, 'approved'],
    ['reject', 200, 'rejected'],
    ['reject', 422, 'rejected'],
    ['approve', 200, 'approved'],
  ]
  for (const [event, status, state] of steps) {
    const answer = await put(`/admin/api/accounts/${account}/${event}.json`, {})
    t.equal(answer.status, status, event)
    if (status === 422) t.same(answer.json, { errors: { state: [`cannot transition via "${event}"`] } })
    t.match((await get(`/admin/api/accounts/${account}.json`)).json, { account: { state } })
  }
  t.equal((await put(`/admin/api/accounts/${account}/suspend.json`, {})).status, 404, 'no call suspends an account')

  const id = await apply(account, { plan_id: String(await planOf('phi-approval')) })
  const at = (event: string) => `/admin/api/accounts/${account}/applications/${id}/${event}.json`
  const moves: [string, number, string][] = [
    ['suspend', 422, 'pending'],
    ['resume', 422, 'pending'],
    ['accept', 200, 'live'],
    ['accept', 422, 'live'],
    ['suspend', 200, 'suspended'],
    ['suspend', 422, 'suspended'],
    ['resume', 200, 'live'],
  ]
  for (const [event, status, state] of moves) {
    const answer = await put(at(event), {})
    t.equal(answer.status, status, event)
    t.match((await get(`/admin/api/accounts/${account}/applications/${id}.json`)).json, {
      application: { state, enabled: state === 'live' },
    })
  }
})

t.test('9: applications: members by mode, values generated or given, unique in their product', async (t) => {
  const account = await signUp()
  const url = `/admin/api/accounts/${account}/applications.json`
  const plan = String(await planOf('granite-chat'))
  const created = await post(url, { plan_id: plan, name: 'one' })
  const one = created.json.application as Json
  t.match(one, { state: 'live', user_key: /^[0-9a-f]{32}$/, provider_verification_key: CANARY, service_id: 7 })
  t.notOk('application_id' in one, 'not in this mode')
  const subscribed = await list(
    `/admin/api/accounts/${account}/service_subscriptions.json`,
    'service_subscriptions',
    'service_subscription',
  )
  t.ok(
    subscribed.some(({ service_id }) => service_id === 7),
    'subscribed as well',
  )
  const input = { user_key: unique('KEY.'), application_id: unique('app-') }
  t.match((await post(url, { plan_id: plan, ...input })).json, { application: { user_key: input.user_key } })
  const again = await post(url, { plan_id: plan, ...input })
  t.equal(again.status, 422)
  t.same(again.json.errors, {
    application_id: ['has already been taken'],
    user_key: ['has already been taken'],
  })
  t.equal((await post(url, { plan_id: String(await planOf('sdxl-image')), ...input })).status, 201, 'another product')
  t.match((await post(url, { plan_id: plan, user_key: 'not/allowed' })).json, { errors: { user_key: ['invalid'] } })
  t.match((await post(url, { plan_id: plan, application_id: 'abc' })).json, {
    errors: { application_id: ['is too short (minimum is 4 characters)'] },
  })
  t.same((await post(url, { plan_id: '999999' })).json, NOT_FOUND)
  t.same((await post(url, {})).json, NOT_FOUND)

  const own = `/admin/api/accounts/${account}/applications/${one.id}.json`
  const rotated = await put(own, {
    user_key: unique('NEW'),
    plan_id: '1',
    application_id: 'ignored',
    purpose: 'Experiment',
  })
  t.match(rotated.json, { application: { user_key: /^NEW/, plan_id: Number(plan), purpose: 'Experiment' } })
  t.equal((await put(own, { user_key: input.user_key })).status, 422)
  t.equal((await get(`/admin/api/accounts/${OTHER}/applications/${one.id}.json`)).status, 404, 'of another account')

  const v2 = await post(url, { plan_id: String(await planOf('llama-chat')) })
  t.match(v2.json, { application: { application_id: /^[0-9a-f]{8}$/ } })
  t.notOk(/user_key|client_secret|keys"/.test(JSON.stringify({ ...(v2.json.application as Json), links: [] })))
  const keys = `/admin/api/accounts/${account}/applications/${(v2.json.application as Json).id}/keys.json`
  t.match(await list(keys, 'keys', 'key'), [{ value: /^[0-9a-f]{32}$/ }], 'the first key is generated')
  const two = await sendJson('POST', url, {
    plan_id: await planOf('llama-chat'),
    application_key: ['key-one', 'key-two'],
  })
  const { id: twoId } = two.json.application as { id: number }
  t.same(
    (await list(`/admin/api/accounts/${account}/applications/${twoId}/keys.json`, 'keys', 'key')).map(
      ({ value }) => value,
    ),
    ['key-one', 'key-two'],
  )

  const oidc = await post(url, { plan_id: String(await planOf('oidc-chat')), redirect_url: 'https://a.example/cb' })
  const { application: client } = oidc.json as { application: Json }
  t.match(client, {
    client_id: client.application_id,
    client_secret: /^[0-9a-f]{32}$/,
    redirect_url: 'https://a.example/cb',
    oidc_configuration: { service_accounts_enabled: true },
  })
  const secret = `/admin/api/accounts/${account}/applications/${client.id}/keys`
  t.same((await post(`${secret}.json`, { key: 'another-secret' })).json, { errors: { base: ['Limit reached'] } })
  t.equal((await remove(`${secret}/${client.client_secret}.json`)).status, 200)
  t.equal((await post(`${secret}.json`, { key: 'another-secret' })).status, 201)
  const regenerated = await get(`/admin/api/accounts/${account}/applications/${client.id}.json`)
  t.match(regenerated.json, { application: { client_secret: 'another-secret' } })
  const deleted = await remove(`/admin/api/accounts/${account}/applications/${client.id}.json`)
  t.same([deleted.status, deleted.text], [200, ''])
})

t.test("9: finding applications: one criterion, by the product's mode", async (t) => {
  const find = async (query: string) => (await get(`/admin/api/applications/find.json?${query}`)).json
  t.match(await find('user_key=5d41402abc4b2a76b9719d911017c592'), { application: { id: 3001 } })
  t.match(await find('app_id=9f86d081&service_id=8'), { application: { id: 3003 } })
  t.match(await find('application_id=3001'), { application: { id: 3001 } }, 'here it is the number')
  t.match(await find('id=3001'), { application: { id: 3001 } })
  t.same(await find('app_id=5d41402a'), NOT_FOUND, 'the product has application keys')
  t.same(await find('user_key=9f86d081884c7d659a2feaa0c55ad015'), NOT_FOUND)
  t.same(await find(''), NOT_FOUND)
  t.same(await find('app_id=9f86d081&service_id=7'), NOT_FOUND)
  const own = (account: number, query: string) => get(`/admin/api/accounts/${account}/applications/find.json?${query}`)
  t.match((await own(LINUS, 'app_id=9f86d081')).json, { application: { id: 3003 } })
  t.equal((await own(OTHER, 'app_id=9f86d081')).status, 404)
  const filtered = await list(
    `/admin/api/applications.json?account=${LINUS}&service_id=7`,
    'applications',
    'application',
  )
  t.same(
    filtered.map(({ id }) => id),
    [3001],
  )
  const mistyped = await list(`/admin/api/applications.json?account_id=${LINUS}`, 'applications', 'application')
  t.ok(mistyped.length > 2, 'an unknown filter returns everything')
})

t.test('10: plans: the product states the default; lists contain hidden and customized ones', async (t) => {
  const plans = () => list('/admin/api/application_plans.json', 'plans', 'application_plan')
  t.ok((await plans()).some(({ state, name }) => state === 'hidden' && name === 'Internal'))
  t.same(
    (await plans()).filter((plan) => plan.default).map(({ name }) => name),
    ['Starter'],
  )
  const [basicPlan, unlimited] = await list('/admin/api/services/7/application_plans.json', 'plans', 'application_plan')
  const id = await apply(OTHER, { plan_id: String(basicPlan?.id) })
  const at = (event: string) => `/admin/api/accounts/${OTHER}/applications/${id}/${event}.json`
  const custom = await put(at('customize_plan'), {})
  t.match(custom.json, { application_plan: { custom: true, state: 'hidden', name: 'Basic (custom)' } })
  const { id: customId } = custom.json.application_plan as { id: number }
  t.ok((await plans()).some((plan) => plan.id === customId && plan.custom === true))
  t.match((await put(at('customize_plan'), {})).json, { application_plan: { id: customId } }, 'once is sufficient')
  t.match((await put(at('decustomize_plan'), {})).json, { application_plan: { id: basicPlan?.id } })
  t.notOk((await plans()).some((plan) => plan.id === customId))

  const same = await put(at('change_plan'), { plan_id: String(basicPlan?.id) })
  t.equal(same.status, 200, 'the same plan again')
  const changed = await put(at('change_plan'), { plan_id: String(unlimited?.id) })
  t.match(changed.json, { application_plan: { id: unlimited?.id } }, '11: returns the plan')
  t.match((await get(`/admin/api/accounts/${OTHER}/applications/${id}.json`)).json, {
    application: { plan_id: unlimited?.id, plan_name: 'Unlimited' },
  })
  const foreign = await put(at('change_plan'), { plan_id: String(await planOf('llama-chat')) })
  t.same([foreign.status, foreign.json], [422, { errors: { plan: ['not allowed in this context'] } }])
  t.equal((await put(at('change_plan'), { plan_id: '999999' })).status, 404)

  const base = '/admin/api/services/7/application_plans'
  const draft = await post(`${base}.json`, { name: 'Draft', cost_per_month: '9.5', approval_required: 'true' })
  t.match(draft.json, {
    application_plan: { state: 'hidden', cost_per_month: 9.5, approval_required: true, system_name: 'draft' },
  })
  const { id: draftId } = draft.json.application_plan as { id: number }
  t.match((await put(`${base}/${draftId}.json`, { state_event: 'publish' })).json, {
    application_plan: { state: 'published' },
  })
  t.match((await put(`${base}/${draftId}.json`, { state_event: 'publish' })).json, {
    errors: { state: ['cannot transition via "publish"'] },
  })
  t.match((await put(`${base}/${draftId}.json`, { name: '' })).json, { errors: { name: ["can't be blank"] } })
  t.match((await put(`${base}/${draftId}.json`, { cost_per_month: 'x' })).json, {
    errors: { cost_per_month: ['is not a number'] },
  })
  t.match((await post(`${base}.json`, { name: 'Draft' })).json, { errors: { system_name: ['has already been taken'] } })
  t.equal((await remove(`${base}/${draftId}.json`)).status, 200)
  t.equal((await get(`/admin/api/application_plans/${basicPlan?.id}.json`)).status, 404, 'only below its product')
})

t.test('10: limits and prices of a plan', async (t) => {
  const plan = await planOf('granite-chat')
  const [hits, method] = await list('/admin/api/services/7/metrics.json', 'metrics', 'metric')
  const seeded = await list(`/admin/api/application_plans/${plan}/limits.json`, 'limits', 'limit')
  t.match(seeded, [
    { period: 'day', value: 1000, metric_id: hits?.id, plan_id: plan },
    { period: 'month', value: 20000 },
  ])
  const limits = `/admin/api/application_plans/${plan}/metrics/${method?.id}/limits`
  const created = await post(`${limits}.json`, { period: 'hour', value: '7' })
  t.match(created.json, { limit: { period: 'hour', value: 7, plan_id: plan } })
  const { id } = created.json.limit as { id: number }
  t.match((await post(`${limits}.json`, { period: 'hour', value: '8' })).json, {
    errors: { period: ['has already been taken'] },
  })
  t.match((await post(`${limits}.json`, { period: 'fortnight', value: '8' })).json, {
    errors: { period: ['is invalid'] },
  })
  t.match((await put(`${limits}/${id}.json`, { value: '-3' })).json, { limit: { value: 0 } }, 'a negative number is 0')
  const second = (await list('/admin/api/services/7/application_plans.json', 'plans', 'application_plan'))[1]
  const trap = `/admin/api/application_plans/${second?.id}/metrics/${method?.id}/limits.json`
  t.match(await list(trap, 'limits', 'limit'), [{ id, plan_id: plan }], 'the limits of that metric in all plans')
  t.equal((await remove(`${limits}/${id}.json`)).status, 200)

  const rules = `/admin/api/application_plans/${plan}/metrics/${method?.id}/pricing_rules`
  const rule = await post(`${rules}.json`, { cost_per_unit: '0.002', min: '1', max: '1000' })
  t.match(rule.json, { pricing_rule: { cost_per_unit: '0.002', min: 1, max: 1000, metric_id: method?.id } })
  const open = await post(`${rules}.json`, { cost_per_unit: '0.001', min: '1001' })
  t.notOk('max' in (open.json.pricing_rule as Json), 'without an end, the member is absent')
  t.match((await post(`${rules}.json`, { cost_per_unit: 'x' })).json, {
    errors: { cost_per_unit: ['is not a number'] },
  })
  t.equal(
    (await list(`/admin/api/application_plans/${plan}/pricing_rules.json`, 'pricing_rules', 'pricing_rule')).length,
    2,
  )
  for (const each of [rule, open]) await remove(`${rules}/${(each.json.pricing_rule as { id: number }).id}.json`)
  t.same(await list(`/admin/api/application_plans/${plan}/features.json`, 'features', 'feature'), [])
})

t.test('10: metrics and methods', async (t) => {
  const metrics = await list('/admin/api/services/7/metrics.json', 'metrics', 'metric')
  const [hits] = metrics
  t.match(hits, { system_name: 'hits', name: 'hits', friendly_name: 'Hits', unit: 'hit' })
  const methods = await list(`/admin/api/services/7/metrics/${hits?.id}/methods.json`, 'methods', 'method')
  t.same(
    methods.map(({ id }) => id),
    metrics.filter(({ parent_id }) => parent_id === hits?.id).map(({ id }) => id),
    'methods are rows with a parent',
  )
  t.notOk(methods.some((method) => 'unit' in method))
  t.ok(metrics.filter(({ parent_id }) => parent_id).every(({ unit }) => unit === 'hit'))
  const method = await post(`/admin/api/services/7/metrics/${hits?.id}/methods.json`, {
    friendly_name: unique('Extra '),
  })
  t.match(method.json, { method: { parent_id: hits?.id } })
  const tokens = metrics.find(({ system_name }) => system_name === 'total_tokens')
  t.match((await post(`/admin/api/services/7/metrics/${tokens?.id}/methods.json`, { friendly_name: 'X' })).json, {
    errors: { parent_id: ["You can only create methods under 'hits'"] },
  })
  const url = '/admin/api/services/7/metrics'
  t.match((await post(`${url}.json`, { friendly_name: '', unit: '' })).json, {
    errors: { friendly_name: ["can't be blank"], unit: ["can't be blank"] },
  })
  t.match((await post(`${url}.json`, { friendly_name: 'Hits', unit: 'x', system_name: 'other' })).json, {
    errors: { friendly_name: ['has already been taken'] },
  })
  t.match((await remove(`${url}/${hits?.id}.json`)).json, { errors: { base: ['The Hits metric cannot be deleted'] } })
  t.match((await remove(`${url}/${methods[0]?.id}.json`)).json, { errors: { base: [/^Method is used by/] } })
  t.equal((await remove(`${url}/${(method.json.method as Json).id}.json`)).status, 200)
})

t.test('11: keys and referrer filters: creating one returns the application, without the value', async (t) => {
  const id = await apply(OTHER, { plan_id: String(await planOf('llama-chat')), application_key: 'first-key' })
  const url = `/admin/api/accounts/${OTHER}/applications/${id}`
  const values = async () => (await list(`${url}/keys.json`, 'keys', 'key')).map(({ value }) => value)
  const created = await post(`${url}/keys.json`, { key: 'second-key' })
  t.equal(created.status, 201)
  t.match(created.json, { application: { id } })
  t.notMatch(created.text, 'second-key')
  t.equal((await post(`${url}/keys.json`, {})).status, 201)
  t.match(await values(), ['first-key', 'second-key', /^[0-9a-f]{32}$/])
  t.match((await post(`${url}/keys.json`, { key: '' })).json, {
    errors: { value: ['invalid', 'is too short (minimum is 5 characters)'] },
  })
  t.match((await post(`${url}/keys.json`, { key: 'FIRST-KEY' })).json, {
    errors: { value: ['has already been taken'] },
  })
  for (const key of ['a/b/c', 'ends.json']) t.equal((await post(`${url}/keys.json`, { key })).status, 201)
  t.match((await post(`${url}/keys.json`, { key: 'one-too-many' })).json, { errors: { base: ['Limit reached'] } })
  t.equal((await remove(`${url}/keys/a%2Fb%2Fc.json`)).status, 404, 'no slash in a path')
  t.equal((await remove(`${url}/keys/x.json?key=a%2Fb%2Fc`)).status, 200, 'the parameter has precedence')
  t.equal((await remove(`${url}/keys/ends.json`)).status, 404, 'read as the format')
  t.equal((await remove(`${url}/keys/ends.json.json`)).status, 200, 'twice')
  t.equal((await remove(`${url}/keys/nothing.json`)).status, 404)
  for (const key of (await values()) as string[]) t.equal((await remove(`${url}/keys/${key}.json`)).status, 200)
  t.same(await values(), [], 'the last one can be deleted')

  const filter = await post(`${url}/referrer_filters.json`, { referrer_filter: '*.example.org' })
  t.match(filter.json, { application: { id } })
  const [row] = await list(`${url}/referrer_filters.json`, 'referrer_filters', 'referrer_filter')
  t.match(row, { value: '*.example.org' })
  t.match((await post(`${url}/referrer_filters.json`, { referrer_filter: 'a b' })).json, {
    errors: { value: ['invalid'] },
  })
  t.equal((await remove(`${url}/referrer_filters/${row?.id}.json`)).status, 200)
})

t.test('11: subscriptions', async (t) => {
  const account = await signUp()
  const url = `/admin/api/accounts/${account}/service_subscriptions`
  const plans = await list('/admin/api/service_plans.json', 'plans', 'service_plan')
  const planFor = (service: number) =>
    plans.find(({ links }) => (links as { href: string }[])[0]?.href.endsWith(`/services/${service}`))
  t.notOk(plans[0] && ('custom' in plans[0] || 'system_name' in plans[0]))
  const created = await post(`${url}.json`, { plan_id: String(planFor(7)?.id) })
  t.match(created.json, { service_subscription: { state: 'live', service_id: 7, user_account_id: account } })
  const { id } = created.json.service_subscription as { id: number }
  t.match((await post(`${url}.json`, { plan_id: String(planFor(7)?.id) })).json, {
    errors: { base: ['already subscribed to this service'] },
  })
  t.equal((await post(`${url}.json`, { plan_id: '1' })).status, 404)
  t.match((await put(`${url}/${id}/approve.json`, {})).json, { errors: { state: [/cannot transition/] } })
  t.match((await put(`${url}/${id}/change_plan.json`, { plan_id: String(planFor(8)?.id) })).json, {
    errors: { plan: ['must belong to the same product'] },
  })
  const application = await apply(account, { plan_id: String(await planOf('granite-chat')) })
  t.same((await remove(`${url}/${id}.json`)).json, {
    errors: { base: ['There is 1 unsuspended application subscribed to the service'] },
  })
  await put(`/admin/api/accounts/${account}/applications/${application}/suspend.json`, {})
  t.equal((await remove(`${url}/${id}.json`)).status, 200)
  t.equal((await get(`/admin/api/accounts/${account}/applications/${application}.json`)).status, 404, 'deleted with it')

  await stack.put(`/_demo/service_plans/${planFor(9)?.id}`, { approval_required: true })
  const waiting = await post(`${url}.json`, { plan_id: String(planFor(9)?.id) })
  t.match(waiting.json, { service_subscription: { state: 'pending' } })
  const { id: pending } = waiting.json.service_subscription as { id: number }
  t.match((await put(`${url}/${pending}/approve.json`, {})).json, { service_subscription: { state: 'live' } })
  await stack.put(`/_demo/service_plans/${planFor(9)?.id}`, { approval_required: false })
})

t.test('12: deployed configurations: latest or all versions, with a canary in every secret', async (t) => {
  const url = '/admin/api/account/proxy_configs'
  const configs = (query: string) => list(`${url}/production.json${query}`, 'proxy_configs', 'proxy_config')
  const latest = await configs('?version=latest')
  const staged = await list(`${url}/sandbox.json`, 'proxy_configs', 'proxy_config')
  t.ok(staged.length > latest.length, 'without version=latest: all of them')
  t.ok(
    latest.every(({ version }) => version === 3),
    'each with its version in staging',
  )
  const text = JSON.stringify(latest)
  const content = latest[0]?.content as { proxy: Json } & Json
  t.match(content, {
    id: 7,
    backend_version: '1',
    default_application_plan_id: null,
    backend_authentication_type: 'service_token',
  })
  t.match(content, { backend_authentication_value: CANARY, proxy: { secret_token: CANARY } })
  t.match(content.proxy, {
    endpoint: `http://localhost:${stack.port + 10}`,
    credentials_location: 'authorization',
    error_status_auth_missing: 403,
    error_limits_exceeded: 'Usage limit exceeded',
    policy_chain: [{ name: 'cors' }, { name: 'llm-metrics' }, { name: 'apicast' }],
    proxy_rules: [
      { http_method: 'POST', pattern: '/v1/chat/completions', metric_system_name: 'v1-chat-completions' },
      {},
      {},
      {},
    ],
  })
  const oidc = latest.find(({ content: each }) => (each as Json).system_name === 'oidc-chat')?.content as typeof content
  t.match(oidc, { backend_version: 'oauth', proxy: { authentication_method: 'oidc' } }, 'the column says oauth')
  t.notOk(text.includes('"never-promoted"'))
  t.ok(JSON.stringify((await get(`${url}/sandbox.json?version=latest`)).json).includes('"never-promoted"'))
  const unusual = await get(`${url}/nowhere.json`)
  t.same([unusual.status, unusual.json], [422, { error: 'invalid environment' }])
  const single = await get('/admin/api/services/7/proxy/configs/nowhere.json')
  t.same([single.status, single.json], [400, { error: 'invalid environment' }])
  t.match((await get('/admin/api/services/7/proxy/configs/production/latest.json')).json, {
    proxy_config: { version: 3 },
  })
  t.match((await get('/admin/api/services/7/proxy/configs/sandbox/2.json')).json, { proxy_config: { version: 2 } })
  const never = await serviceNamed('never-promoted')
  t.equal((await get(`/admin/api/services/${never.id}/proxy/configs/production/latest.json`)).status, 404)
  t.match((await get('/admin/api/services/7/proxy.json')).json, { proxy: { secret_token: CANARY, lock_version: 1 } })
  t.equal((await list('/admin/api/services/7/proxy/mapping_rules.json', 'mapping_rules', 'mapping_rule')).length, 4)
  t.match((await get('/admin/api/provider.json')).json, { account: { site_access_code: CANARY } })
  t.match((await get('/admin/api/authentication_providers.json')).json, {
    authentication_providers: [
      { authentication_provider: { client_secret: CANARY, automatically_approve_accounts: true } },
    ],
  })
})

t.test('13: usage: rolling and fixed windows, filled with zeros, in any time zone', async (t) => {
  const id = await apply(OTHER, { plan_id: String(await planOf('granite-chat')), name: 'counted' })
  const url = `/stats/applications/${id}/usage.json`
  const ask = async (query: string) => (await get(`${url}?${query}`)).json as unknown as Usage
  const at = (when: string, amount: number, metric = 'v1-chat-completions') => ({
    application: id,
    metric,
    at: when,
    amount,
  })
  const recorded = await send('/_demo/usage', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([
      at(new Date().toISOString(), 2),
      at('2026-02-28T22:30:00Z', 3),
      at('2026-02-28T23:30:00Z', 4),
      at('2026-03-15T12:00:00Z', 5),
      at('2026-03-15T12:00:00Z', 70, 'total_tokens'),
    ]),
  })
  t.equal(recorded.status, 201)

  const day = await ask('metric_name=hits&period=day')
  t.ok([24, 25].includes(day.values.length), 'rolling: one more bucket, except at the full hour')
  t.equal(day.values.at(-1), 2)
  t.same(day.metric, { id: 51, name: 'Hits', system_name: 'hits', unit: 'hit' }, 'methods count as hits')
  t.match(day.period, { name: 'day', granularity: 'hour', timezone: 'Europe/Madrid' })
  t.match(day.application, { id, name: 'counted', plan: { name: 'Basic' }, account: { id: OTHER }, service: { id: 7 } })
  t.notOk('change' in day)
  const month = await ask('metric_name=hits&period=month')
  t.ok(month.values.length >= 29 && month.values.length <= 32)
  const week = await ask('metric_name=hits&period=week')
  t.ok([28, 29].includes(week.values.length))
  t.equal(week.period.granularity, 21600)
  const year = await ask('metric_name=hits&period=year')
  t.ok([12, 13].includes(year.values.length))
  t.equal(year.period.granularity, 'month')

  const fixed = await ask('metric_name=hits&period=day&since=2026-03-01')
  t.equal(fixed.values.length, 24)
  t.equal(fixed.values[0], 4, 'half past midnight in Madrid')
  t.equal(fixed.period.since, '2026-03-01T00:00:00+01:00')
  t.equal(fixed.period.until, '2026-03-01T23:59:59+01:00')
  const march = await ask('metric_name=hits&period=month&since=2026-03-01&skip_change=false')
  t.equal(march.values.length, 31)
  t.same([march.total, march.values[14]], [9, 5])
  t.same([march.previous_total, march.change], [3, 200])
  const utc = await ask('metric_name=hits&granularity=day&since=2026-02-28&until=2026-03-01&timezone=UTC')
  t.same([utc.values, utc.period.name, utc.period.timezone], [[7, 0], null, 'Etc/UTC'])
  const madrid = await ask('metric_name=hits&granularity=day&since=2026-02-28&until=2026-03-01&timezone=Madrid')
  t.same([madrid.values, madrid.period.timezone], [[3, 4], 'Europe/Madrid'], 'the Rails name of the time zone')
  t.equal((await ask('metric_name=total_tokens&period=month&since=2026-03-01')).total, 70, 'not part of hits')
  t.equal((await ask('metric_name=v1-models&period=month')).total, 0)

  const wrong = async (query: string, path = url) => {
    const answer = await get(`${path}?${query}`)
    return [answer.status, answer.json.error ?? answer.text]
  }
  t.same(await wrong('period=day'), [400, 'Required parameter missing: metric_name'])
  t.same(await wrong('metric_name=hits'), [400, 'Required parameter missing: granularity'])
  t.same(await wrong('metric_name=hits&granularity=day'), [400, 'Required parameter missing: since'])
  t.same(await wrong('metric_name=nope&period=day'), [400, 'metric nope not found'])
  t.same(await wrong('metric_name=hits&period=decade'), [
    400,
    'Period must be one of ["year", "month", "week", "day"] not "decade"',
  ])
  t.same(await wrong('metric_name=hits&period=day&since=yesterdayish'), [500, 'Internal Server Error'])
  t.same(await wrong('metric_name=hits&granularity=hour&since=2026-01-01&until=2026-06-01'), [
    400,
    'Time range for the granularity must be less than 90 days',
  ])
  t.equal((await get(`${url}?metric_name=hits&period=day&timezone=Nowhere`)).status, 500)
  t.same(await wrong('metric_name=hits&period=day', '/stats/applications/1/usage.json'), [404, 'Application not found'])
  t.same(await wrong('metric_name=hits&period=day', '/stats/services/1/usage.json'), [404, 'Service not found'])

  const service = await get('/stats/services/7/usage.json?metric_name=hits&period=month&since=2026-03-01')
  t.equal(service.json.total, 9)
  t.notOk('application' in service.json)
  const top = await get('/stats/services/7/top_applications.json?metric_name=hits&period=month&since=2026-03-20')
  t.match(top.json, { applications: [{ id, value: '9' }], period: { since: '2026-03-01T00:00:00+01:00' } })
  t.equal((await get('/stats/services/7/top_applications.json?metric_name=hits&period=month')).status, 400)
  const codes = await get(`/stats/applications/${id}/usage_response_code.json?response_code=2XX&period=day`)
  t.match(codes.json, { response_code: { code: '2XX' }, total: 0 })
  await remove(`/admin/api/accounts/${OTHER}/applications/${id}.json`)
  t.same(await wrong('metric_name=hits&period=day'), [404, 'Application not found'], 'deleted with its application')
})

t.test('14: names and addresses are case-sensitive; one criterion, the first present', async (t) => {
  const find = async (query: string) => (await get(`/admin/api/accounts/find.json?${query}`)).json
  t.match(await find('username=linus-stock'), { account: { id: LINUS } })
  t.same(await find('username=Linus-Stock'), NOT_FOUND)
  t.match(await find('email=linus%40example.com'), { account: { id: LINUS } })
  t.same(await find('email=Linus%40example.com'), NOT_FOUND)
  t.match(await find('user_id=901'), { account: { id: LINUS } })
  t.same(await find('username=&email=linus%40example.com'), NOT_FOUND, 'an empty name counts as present')
  t.same(await find(''), NOT_FOUND)
  t.equal((await post('/admin/api/signup.json', { ...person(), username: 'LINUS-stock' })).status, 201)
})

t.test(
  '15: faults match method and path, are temporary or permanent, and apply before or after the work',
  async (t) => {
    t.teardown(() => stack.faults([]))
    const url = `/admin/api/accounts/${OTHER}/applications.json`
    const count = async () => (await list(url, 'applications', 'application')).length
    const before = await count()
    const plan_id = String(await planOf('granite-chat'))
    await stack.faults([
      { match: 'POST /admin/api/accounts/*/applications.json', drop: 'after', times: 1 },
      { match: 'POST /admin/api/accounts/*', status: 500 },
      { match: 'GET /admin/api/services*', latency_ms: 150, times: 1 },
      { match: 'GET /admin/api/settings.json', hang: true, times: 1 },
      { match: 'GET /admin/api/*provider.json', drop: 'before' },
    ])
    await t.rejects(post(url, { plan_id }), 'no response')
    t.equal(await count(), before + 1, 'but the work was done')
    const refused = await post(url, { plan_id })
    t.equal(refused.status, 500)
    t.match(refused.text, '<h1>500</h1>', 'a page, as from an ingress')
    t.equal(await count(), before + 1, 'a status is returned before the work')
    const order: string[] = []
    await Promise.all([
      get('/admin/api/services.json').then(({ status }) => order.push(`services ${status}`)),
      get('/admin/api/application_plans.json').then(({ status }) => order.push(`plans ${status}`)),
    ])
    t.same(order, ['plans 200', 'services 200'], 'late, and correct')
    const hung = send('/admin/api/settings.json', { signal: AbortSignal.timeout(300) })
    await t.rejects(hung)
    t.equal((await get('/admin/api/settings.json')).status, 200, 'once only')
    await t.rejects(get('/admin/api/provider.json'))
    await t.rejects(get('/admin/api/provider.json'), 'permanent')
    t.same(
      (await stack.readFaults()).map(({ hits }) => hits),
      [1, 1, 1, 1, 2],
    )
    t.equal((await get('/_demo/faults')).status, 200, 'the controls are never affected')
    await stack.faults([{ match: 'POST *', status_after: 500 }])
    const failed = await post(url, { plan_id })
    t.same([failed.status, await count()], [500, before + 2], 'a failure after the work')
    await stack.faults([])
    t.equal((await get('/admin/api/provider.json')).status, 200)
    t.same(await stack.readFaults(), [])
  },
)

t.test('15: calls are counted without ids and keys, and without those of the demo itself', async (t) => {
  await stack.resetCalls()
  await get(`/admin/api/accounts/${LINUS}/applications.json`)
  await get(`/admin/api/accounts/${OTHER}/applications.json?state=live`)
  await remove(`/admin/api/accounts/${LINUS}/applications/3003/keys/nothing-of-the-kind.json`)
  await get('/admin/api/accounts/find.xml?username=x')
  await get('/admin/api/settings.json', 'demo-gateway-token')
  await get('/_demo/state')
  t.same(await stack.calls(), {
    'GET /admin/api/accounts/{id}/applications.json': 2,
    'DELETE /admin/api/accounts/{id}/applications/{id}/keys/{key}': 1,
    'GET /admin/api/accounts/find.xml': 1,
  })
  await stack.resetCalls()
  t.same(await stack.calls(), {})
})

t.test('contract: the products of the demo', async (t) => {
  const services = await list('/admin/api/services.json', 'services', 'service')
  const configs = await list(
    '/admin/api/account/proxy_configs/production.json?version=latest',
    'proxy_configs',
    'proxy_config',
  )
  const plans = await list('/admin/api/application_plans.json', 'plans', 'application_plan')
  const docs = await list('/admin/api/active_docs.json', 'api_docs', 'api_doc')
  const contents = configs.map(({ content }) => content as { system_name: string; id: number; proxy: Proxy })
  const plansOf = (name: string) => {
    const service = services.find(({ system_name }) => system_name === name)
    return plans.filter(({ links }) => (links as { href: string }[])[0]?.href.endsWith(`/services/${service?.id}`))
  }
  t.ok(services.length >= 14, `${services.length} products`)
  const modes = contents.map(({ proxy }) => `${proxy.authentication_method} ${proxy.credentials_location}`)
  for (const version of ['1', '2'])
    for (const location of ['query', 'headers', 'authorization'])
      t.ok(modes.includes(`${version} ${location}`), `${version} ${location}`)
  t.ok(contents.some(({ proxy }) => proxy.authentication_method === 'oidc'))
  const patterns = contents.flatMap(({ proxy }) => proxy.proxy_rules.map(({ pattern }) => pattern))
  for (const path of [
    'chat/completions',
    'completions',
    'embeddings',
    'rerank',
    'images/generations',
    'audio/transcriptions',
    'audio/speech',
  ])
    t.ok(patterns.includes(`/v1/${path}`), `a model for ${path}`)
  t.ok(patterns.includes('/predict'), 'a model of its own type')
  const bare = contents.find(({ system_name }) => system_name === 'deepseek-v1')?.proxy
  t.match(bare?.api_backend, /\/v1$/, '/v1 in the backend')
  t.ok(
    bare?.proxy_rules.every(({ pattern }) => !pattern.startsWith('/v1')),
    'and not in its rules',
  )
  t.ok(contents.some(({ proxy }) => proxy.endpoint.endsWith(':443')))

  t.same(
    plansOf('granite-chat').map(({ state }) => state),
    ['published', 'published'],
    'two plans',
  )
  t.match(plansOf('phi-approval'), [{ approval_required: true }])
  t.match(plansOf('hidden-plan'), [{ state: 'hidden' }])
  t.match(plansOf('starter-default'), [{ default: true }])
  const five = `/admin/api/application_plans/${plansOf('tiny-limited')[0]?.id}/limits.json`
  t.match(await list(five, 'limits', 'limit'), [{ period: 'minute', value: 5 }])
  t.notOk(contents.some(({ system_name }) => system_name === 'never-promoted'))
  const documented = new Set(docs.map(({ service_id }) => service_id))
  t.ok(
    contents.some(({ id }) => !documented.has(id)),
    'some without a spec',
  )
  t.ok(
    services.some(({ system_name }) => system_name === 'restricted-research'),
    'named in deploy/demo-portal.yaml',
  )
  const hostile = services.find(({ system_name }) => system_name === 'hostile-name')
  t.match(hostile, { name: /<script>/, description: /<iframe.*javascript:|javascript:[\s\S]*<iframe/ })

  const ids = docs.map(({ body }) => /"model":"([^"]+)"/.exec(String(body))?.[1]).filter((id) => id !== undefined)
  const tiny = await apply(OTHER, { plan_id: String(plansOf('tiny-limited')[0]?.id), user_key: unique('tiny') })
  const { application } = (await get(`/admin/api/accounts/${OTHER}/applications/${tiny}.json`)).json as {
    application: Json
  }
  const endpoint = contents.find(({ system_name }) => system_name === 'tiny-limited')?.proxy.endpoint
  await stack.settled()
  const models = await fetch(`${endpoint}/v1/models`, { headers: { authorization: `Bearer ${application.user_key}` } })
  t.match(await models.json(), { data: [{ id: '/mnt/models' }] })
  t.ok(
    ids.length >= 3 && ids.every((id) => !services.some(({ system_name }) => system_name === id)),
    'no system name is a model id',
  )

  const fields = await list('/admin/api/fields_definitions.json', 'fields_definitions', 'fields_definition')
  for (const target of ['Account', 'User', 'Cinstance'])
    t.equal(
      fields.filter((field) => field.target === target && field.required && !BUILT_IN.includes(String(field.name)))
        .length,
      1,
      `one required extra field of ${target}`,
    )
})

t.test('contract: an added product responds through the gateway immediately', async (t) => {
  const created = await send('/_demo/products?count=3', { method: 'POST' })
  t.equal(created.status, 201)
  const { products } = created.json as { products: { system_name: string; endpoint: string }[] }
  t.equal(products.length, 3)
  t.same(Object.keys(products[0] ?? {}).sort(), ['endpoint', 'system_name'])
  for (const { system_name, endpoint } of products) {
    const plan_id = String(await planOf(system_name))
    const id = await apply(OTHER, { plan_id, user_key: unique('added') })
    const { application } = (await get(`/admin/api/accounts/${OTHER}/applications/${id}.json`)).json as {
      application: Json
    }
    await stack.settled()
    const answer = await fetch(`${endpoint}/v1/models`, {
      headers: { authorization: `Bearer ${application.user_key}` },
    })
    t.equal(answer.status, 200, endpoint)
    t.match(await answer.text(), 'demo-org/Added-')
  }
})

t.test(
  'contract: an application of the OpenID Connect product is registered with the identity provider within a second',
  async (t) => {
    const id = await apply(OTHER, { plan_id: String(await planOf('oidc-chat')), application_id: unique('client-') })
    const { application } = (await get(`/admin/api/accounts/${OTHER}/applications/${id}.json`)).json as {
      application: Json
    }
    const ask = () =>
      fetch(`${stack.identity}/token`, {
        method: 'POST',
        headers: { authorization: basic(`${application.client_id}:${application.client_secret}`) },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
    const started = Date.now()
    let answer = await ask()
    while (answer.status !== 200 && Date.now() - started < 10_000) {
      await sleep(50)
      answer = await ask()
    }
    t.equal(answer.status, 200)
    const { access_token } = (await answer.json()) as { access_token: string }
    await stack.settled()
    const called = await fetch(`${(await serviceNamed('oidc-chat')).endpoint}/v1/models`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    t.equal(called.status, 200, 'and its token is accepted by the gateway')
  },
)

t.test('contract: an account can be set to any state', async (t) => {
  const account = await signUp()
  await stack.put(`/_demo/accounts/${account}`, { state: 'suspended' })
  t.match((await get(`/admin/api/accounts/${account}.json`)).json, { account: { state: 'suspended' } })
  await t.rejects(stack.put('/_demo/accounts/1', { state: 'suspended' }))
})

t.test('contract: a restarted part has the same state as before, if it has a file', async (t) => {
  await stack.parts.threescale?.stop()
  await stack.part('threescale')
  const again = await list('/admin/api/accounts.json', 'accounts', 'account')
  t.same(
    again.map(({ id, org_name }) => [id, org_name]),
    [
      [501, 'Linus Labs'],
      [502, 'Pat Ltd'],
      [503, 'Other Corp'],
    ],
  )
  t.equal((await get('/admin/api/services.json', 'demo-token')).status, 200, 'the same token')
  const called = await fetch(`http://localhost:${stack.port + 10}/v1/models`, {
    headers: { authorization: 'Bearer 5d41402abc4b2a76b9719d911017c592' },
  })
  t.equal(called.status, 200, 'the gateway continues with the same service token')

  await stack.parts.threescale?.stop()
  const folder = mkdtempSync(join(tmpdir(), 'maas-demo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = ['--state', join(folder, 'state.json')]
  await stack.part('threescale', file)
  const account = await signUp()
  await stack.parts.threescale?.stop('SIGKILL')
  await stack.part('threescale', file)
  t.match((await get(`/admin/api/accounts/${account}.json`)).json, { account: { id: account } })
})

interface Usage {
  metric: Json
  period: { name: string | null; since: string; until: string; timezone: string; granularity: unknown }
  total: number
  values: number[]
  application: Json
  previous_total?: number
  change?: number
}

interface Proxy {
  endpoint: string
  api_backend: string
  authentication_method: string
  credentials_location: string
  proxy_rules: { pattern: string }[]
}

async function send(
  path: string,
  { token = 'demo-token', ...init }: RequestInit & { token?: string } = {},
): Promise<Answer> {
  const headers = new Headers(init.headers)
  if (token && !headers.has('authorization')) headers.set('authorization', basic(`${token}:`))
  const answer = await fetch(TENANT + path, { ...init, headers })
  const text = await answer.text()
  return {
    status: answer.status,
    text,
    json: parse(text),
    headers: answer.headers,
    type: answer.headers.get('content-type') ?? '',
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return {}
  }
}

function get(path: string, token?: string): Promise<Answer> {
  return send(path, token === undefined ? {} : { token })
}

function withForm(method: string) {
  return (path: string, fields: Record<string, string>, token?: string): Promise<Answer> =>
    send(path, { method, body: new URLSearchParams(fields), ...(token === undefined ? {} : { token }) })
}

function post(path: string, fields: Record<string, string>, token?: string): Promise<Answer> {
  return withForm('POST')(path, fields, token)
}

function put(path: string, fields: Record<string, string>, token?: string): Promise<Answer> {
  return withForm('PUT')(path, fields, token)
}

function patch(path: string, fields: Record<string, string>): Promise<Answer> {
  return withForm('PATCH')(path, fields)
}

function remove(path: string, token?: string): Promise<Answer> {
  return send(path, { method: 'DELETE', ...(token === undefined ? {} : { token }) })
}

function sendJson(method: string, path: string, body: object): Promise<Answer> {
  return send(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

async function list(path: string, root: string, item: string): Promise<Json[]> {
  const answer = await get(path)
  return ((answer.json[root] as Json[] | undefined) ?? []).map((row) => row[item] as Json)
}

function users(account: number): Promise<Json[]> {
  return list(`/admin/api/accounts/${account}/users.json`, 'users', 'user')
}

function person(): Record<string, string> {
  const username = unique('sso-')
  return {
    org_name: 'New Labs',
    username,
    email: `${username}@example.com`,
    department: 'Research',
    job_title: 'Scientist',
  }
}

async function signUp(): Promise<number> {
  const { account } = (await post('/admin/api/signup.json', person())).json as { account: { id: number } }
  return account.id
}

async function apply(account: number, fields: Record<string, string>): Promise<number> {
  const { application } = (await post(`/admin/api/accounts/${account}/applications.json`, fields)).json as {
    application: { id: number }
  }
  return application.id
}

async function serviceNamed(name: string): Promise<{ id: number; endpoint: string }> {
  const { services } = (await stack.state()) as unknown as {
    services: { id: number; system_name: string; endpoint: string }[]
  }
  return services.find(({ system_name }) => system_name === name) ?? { id: 0, endpoint: '' }
}

async function planOf(product: string): Promise<number> {
  const { id } = await serviceNamed(product)
  const [plan] = await list(`/admin/api/services/${id}/application_plans.json`, 'plans', 'application_plan')
  return Number(plan?.id)
}
