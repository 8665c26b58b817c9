import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi, type Member } from '../../helper/api.js'
import { startMailbox } from '../../helper/mailbox.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'
import { createVisitor, decode } from '../../helper/visitor.js'

interface Problem {
  type: string
  detail: string
  policy?: string
  errors?: Record<string, string>
}
interface Me {
  signed_up: boolean
  account: { id: number; name: string; role: string } | null
  joining_account: { id: number | null; name: string; role: string; by: string } | null
  required: { fields: { name: string }[]; terms: { version: string } | null }
}

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const folder = t.testdir({})
const audit = join(folder, 'audit.log')
const settings = { REDIS_URL: redis.url, AUDIT_LOG: audit }
let portal = await stack.portal(settings)
const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
const api = createApi(stack)
const other = createApi(stack, beside.url)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const signUpBody = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const joinBody = { fields: { job_title: 'Scientist' }, accept_terms: '2026-01' }
/** Joins the account that GET /me names. */
const agree = async (token: string, at = api) => {
  const { joining_account } = (await at.get<Me>('/me', token)).body
  return at.post<Me>('/me', token, { ...joinBody, join: joining_account?.id ?? undefined })
}
let keys = 0
const keyed = () => ({ 'idempotency-key': `people-${keys++}` })
const usersOf = async (email: string) => (await stack.state()).users.filter((user) => user.email === email)

/** A new person with a token, not signed up. */
async function person(username: string, more: object = {}): Promise<string> {
  await api.person({ username, ...more })
  return api.token({ username })
}

/** A new person with an account of their own. */
async function owner(username: string, more: object = {}): Promise<string> {
  const token = await person(username, more)
  const created = await api.post<Me>('/me', token, signUpBody)
  if (created.status !== 201) throw new Error(`${username}: ${created.status} ${created.text}`)
  return token
}

const listed = async (token: string, at = api) => (await at.get<{ items: Member[] }>('/members', token)).body.items
const invite = (token: string, email: string, role = 'member', headers = {}) =>
  api.post<Member & Problem>('/members', token, { email, role }, headers)

/** A new person, invited and joined. */
async function joinAs(admin: string, username: string, role = 'member'): Promise<{ token: string; id: number }> {
  const token = await person(username)
  const { body } = await invite(admin, `${username}@example.com`, role)
  const me = await agree(token)
  if (me.status !== 201) throw new Error(`${username}: ${me.status} ${me.text}`)
  return { token, id: body.id }
}

/** PORTAL_CONFIG with a claim that maps to accounts. */
function claimsFile(): string {
  const file = join(folder, 'claims.yaml')
  writeFileSync(
    file,
    'claim_accounts: { claim: org_name, admin_groups: [maas-admins] }\nterms: { version: "2026-01", field: terms_version }\n',
  )
  return file
}

function claimed() {
  const start = (offset: number) =>
    stack.portal({ ...settings, PORTAL_CONFIG: claimsFile(), PORT: String(stack.port + offset) })
  return Promise.all([start(52), start(53)])
}

const events = async () => {
  return readFileSync(audit, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown> & { event: string })
}

t.test('sign-up by API lists its requirements, creates the account, and rejects different answers', async (t) => {
  const token = await person('una')
  const before = (await api.get<Me>('/me', token)).body
  t.match(before, {
    signed_up: false,
    account: null,
    joining_account: null,
    required: { terms: { version: '2026-01' } },
  })
  t.same(before.required.fields.map(({ name }) => name).sort(), ['department', 'job_title'])
  const lacking = await api.post<Problem>('/me', token, {})
  t.equal(lacking.status, 422)
  t.same(Object.keys(lacking.body.errors ?? {}).sort(), ['accept_terms', 'fields.department', 'fields.job_title'])
  const unusual = await api.post<Problem>('/me', token, { ...signUpBody, fields: { ...signUpBody.fields, shoe: '43' } })
  t.same([unusual.status, unusual.body.errors], [422, { 'fields.shoe': 'This field does not exist.' }])
  const choice = { ...signUpBody, fields: { ...signUpBody.fields, department: 'Kitchen' } }
  t.equal((await api.post('/me', token, choice)).status, 422)
  t.same(await usersOf('una@example.com'), [], 'nothing was created yet')

  const key = keyed()
  const created = await api.post<Me>('/me', token, signUpBody, key)
  t.match(
    [created.status, created.body],
    [201, { signed_up: true, account: { name: 'una@example.com', role: 'admin' }, required: { fields: [] } }],
  )
  const differs = { ...signUpBody, fields: { ...signUpBody.fields, department: 'Sales' } }
  t.match((await api.post<Problem>('/me', token, differs, key)).body.type, 'idempotency_key_reused')
  t.equal((await api.post('/me', token, differs)).status, 409, 'without a key it is not a repeat')
  const outdated = await api.post<Problem>('/me', token, { ...signUpBody, accept_terms: '2025-01' })
  t.match([outdated.status, outdated.body.errors], [422, { accept_terms: /./ }], 'other terms than the current ones')
})

t.test('sign-up by API returns 201 for a new account, 200 for an existing one, and detects deletion', async (t) => {
  const token = await owner('dee')
  const statusOf = async (at = api) => (await at.post<Me>('/me', token, signUpBody)).status
  t.equal(await statusOf(), 200)
  t.equal(await statusOf(other), 200)
  t.equal((await api.post('/me', token, {})).status, 200, 'no changes to report')
  const [user] = await usersOf('dee@example.com')
  const path = `/admin/api/accounts/${user?.account_id}.json`
  const admin = { authorization: `Basic ${btoa('demo-token:')}` }
  t.equal((await fetch(stack.threescale + path, { method: 'DELETE', headers: admin })).status, 200)
  for (const at of [api, other]) {
    const { body } = await at.get<Me>('/me', token)
    t.match(body, { signed_up: false, account: null })
    t.same(body.required.fields.map(({ name }) => name).sort(), ['department', 'job_title'])
  }
  t.equal((await api.post('/me', token, {})).status, 422, 'it is a new sign-up')
  const again = await api.post<Me>('/me', token, signUpBody)
  t.equal(again.status, 201)
  t.equal(again.headers.get('location'), '/api/v1/me')
  t.not(again.body.account?.id, user?.account_id)
  t.equal(await statusOf(other), 200)
  await stack.faults([{ match: '* /admin/api/*', status: 503 }])
  t.equal(
    (await api.get<Me>('/me', token)).body.account?.id,
    again.body.account?.id,
    'the cached copy, while 3scale is down',
  )
  await stack.faults([])
  await stack.resetCalls()
  t.equal((await api.get('/me', token)).status, 200)
  t.same(await stack.calls(), { 'GET /admin/api/accounts/find.xml': 1 }, 'one call')
})

t.test('an invitation to an address that 3scale rejects returns an error at the field', async (t) => {
  const admin = await owner('odette')
  const cases: [address: string, sentence: RegExp][] = [
    ['a/b@x.example.org', /only a-z, 0-9 and/],
    ['a&b@x.example.org', /only a-z, 0-9 and/],
    ['jürgen@x.example.org', /only a-z, 0-9 and/],
    ['🚀@x.example.org', /only a-z, 0-9 and/],
    ['a\u0000b@x.example.org', /only a-z, 0-9 and/],
    ['a@ü.example.org', /xn--/],
    ['a@b_c.example.org', /xn--/],
    ['a@example.x', /xn--/],
    ['a@b@example.org', /Enter an e-mail address/],
    ['@example.org', /Enter an e-mail address/],
    ['nobody', /Enter an e-mail address/],
    [`${'a'.repeat(244)}@example.org`, /at most 255 characters/],
    ['a@b.c', /xn--/],
  ]
  await stack.resetCalls()
  for (const [address, sentence] of cases) {
    const { status, body } = await invite(admin, address)
    t.same([status, Object.keys(body.errors ?? {})], [422, ['email']], JSON.stringify(address.slice(0, 20)))
    t.match(body.errors?.email, sentence, JSON.stringify(address.slice(0, 20)))
  }
  t.same(await stack.calls(), {}, 'without a call')
  for (const address of ["o'neil+x%y_z@x-y.example.org", 'A@B.cd', 'a@xn--tda.example.org'])
    t.equal((await invite(admin, address)).status, 201, address)
})

t.test('sign-up by API accepts listed services and rejects unverified people', async (t) => {
  const service = await api.token({ client_id: 'demo-service' })
  t.match((await api.get<Me>('/me', service)).body, { signed_up: false })
  t.equal((await api.post('/me', service, signUpBody)).status, 201)
  t.match((await api.get<Me>('/me', service)).body, { account: { name: 'demo-service', role: 'admin' } })
  t.match(await listed(service), [{ kind: 'service', client_id: 'demo-service', email: null, you: true }])
  t.equal((await api.get('/applications', service)).status, 200)
  t.equal((await api.post('/me', await api.token({ client_id: 'stranger' }), signUpBody)).status, 403)
  t.equal((await api.post('/me', undefined, signUpBody)).status, 401)
  const read = await api.post('/me', await api.token({ username: 'ada', scope: 'maas:read' }), signUpBody)
  t.equal(read.status, 403)
  const unverified = await api.post<Problem>('/me', await api.token({ username: 'grace' }), signUpBody)
  t.match([unverified.status, unverified.body.type], [403, /email_not_verified/])
  const linus = await agree(await api.token({ username: 'linus' }))
  t.match(
    [linus.status, linus.body.account?.name],
    [201, 'Linus Labs'],
    "users of 3scale's own portal keep their account",
  )
  await stack.put('/_demo/settings', { signups_enabled: false })
  const closed = await api.post<Problem>('/me', await person('late'), signUpBody)
  t.match([closed.status, closed.body.policy], [403, 'signups_enabled'])
  await stack.put('/_demo/settings', { signups_enabled: true })
})

t.test('an invitation is offered to its address only, and accepted or declined by page and API', async (t) => {
  const ida = await owner('ida')
  const created = await invite(ida, 'Ivo@Example.com', 'member')
  t.match(
    [created.status, created.body],
    [201, { state: 'invited', role: 'member', email: 'ivo@example.com', kind: 'person' }],
  )
  t.equal(created.headers.get('location'), `/api/v1/members/${created.body.id}`)
  const home = (await api.get<Me>('/me', ida)).body.account
  const [stored] = await usersOf('ivo@example.com')
  t.match(stored, { account_id: home?.id, state: 'pending', role: 'member' })
  const unverified = await person('ivo-unverified', { email: 'ivo@example.com', email_verified: false })
  t.equal((await api.post('/me', unverified, joinBody)).status, 403, 'an unverified address gives no access')
  const ivo = await person('ivo')
  const requested = (await api.get<Me>('/me', ivo)).body
  t.match(requested.joining_account, { name: home?.name, role: 'member', by: 'invitation' })
  t.same(
    requested.required.fields.map(({ name }) => name),
    ['job_title'],
    'the account has its fields',
  )
  const lacking = await api.post<Problem>('/me', ivo, { fields: {}, join: home?.id })
  t.match(lacking.body.errors, { 'fields.job_title': /required/ })
  t.match((await agree(ivo)).body.account, { id: home?.id, role: 'member' })
  t.match(await listed(ivo), [
    { role: 'admin', you: false },
    { id: created.body.id, state: 'active', role: 'member', you: true },
  ])
  t.match(await usersOf('ivo@example.com'), [
    { state: 'active', fields: { job_title: 'Scientist', terms_version: '2026-01' } },
  ])

  await invite(ida, 'jo@example.com', 'admin')
  await api.person({ username: 'jo' })
  const jo = createVisitor(stack)
  const login = await jo.get('/login')
  const form = await jo.submit(login, /interaction/, { username: 'jo', password: 'demo' })
  t.match(form.url, '/sign-up')
  t.match(decode(form.text), `Join ${home?.name}`)
  t.match(form.text, 'Admin: also manages members and services')
  t.notMatch(form.text, 'account.department')
  const empty = await jo.submit(form, /sign-up/, { 'user.job_title': '' })
  t.equal(empty.status, 422)
  t.match(empty.text, 'Job title is required.')
  const inside = await jo.submit(form, /sign-up/, { 'user.job_title': 'Lead', accept_terms: '2026-01' })
  t.equal(new URL(inside.url).pathname, '/')
  t.match((await jo.get('/account')).text, /Invite a person/)
  t.match(await listed(ida), [{}, {}, { email: 'jo@example.com', role: 'admin', state: 'active' }])

  await invite(ida, 'kim@example.com')
  await api.person({ username: 'kim' })
  const kim = createVisitor(stack)
  const choice = await kim.submit(await kim.get('/login'), /interaction/, { username: 'kim', password: 'demo' })
  const own = await kim.submit(choice, /sign-up/, { decline: 'yes' })
  t.match(own.text, 'account.department', 'the fields of a new account are requested')
  t.same(await usersOf('kim@example.com'), [], 'the invitation is removed')
  await kim.signIn('kim')
  t.match(await usersOf('kim@example.com'), [{ role: 'admin' }])
  t.equal((await listed(ida)).length, 3)
})

t.test('an acceptance that is interrupted at any step is completed by the next sign-in', async (t) => {
  const lea = await owner('lea')
  for (const [index, [match, drop, state]] of (
    [
      ['PUT *activate.json', 'before', 'pending'],
      ['PUT *activate.json', 'after', 'active'],
      ['PUT *admin.json', 'before', 'invited'],
      ['PUT *admin.json', 'after', 'invited'],
      ['PUT /admin/api/accounts/*/users/*.json', 'before', 'invited'],
    ] as const
  ).entries()) {
    const name = `cut${index}`
    const token = await person(name)
    await invite(lea, `${name}@example.com`, 'admin')
    await stack.faults([{ match, drop, times: 1 }])
    t.equal((await agree(token)).status, 503, `${match} ${drop}`)
    await stack.faults([])
    t.match(
      (await listed(lea)).find(({ email }) => email === `${name}@example.com`),
      { state, role: 'admin' },
      'active only with the name of the person and the role',
    )
    t.match((await agree(token)).body.account, { role: 'admin' })
  }
  const token = await person('cut-last')
  await invite(lea, 'cut-last@example.com', 'admin')
  await stack.faults([
    { match: 'PUT *activate.json', latency_ms: 0, times: 1 },
    { match: 'PUT *admin.json', latency_ms: 0, times: 1 },
    { match: 'PUT /admin/api/accounts/*/users/*.json', drop: 'after', times: 1 },
  ])
  t.match((await agree(token)).body.account, { role: 'admin' }, 'a lost response to the last write')
  await stack.faults([])
})

t.test('a repeated POST /members returns the same member, also with another key and a changed role', async (t) => {
  const mia = await owner('mia')
  const body = { email: 'nia@example.com', role: 'admin' }
  const key = keyed()
  const again = await api.post<Member>('/members', mia, body, key)
  t.equal((await usersOf('nia@example.com')).length, 1)
  t.equal((await listed(mia)).length, 2)
  t.match(
    [(await invite(mia, 'nia@example.com', 'admin')).body.id],
    [again.body.id],
    'a new key with the same body returns the same member',
  )
  const otherRole = await invite(mia, 'nia@example.com', 'member')
  t.match([otherRole.status, otherRole.body.detail], [409, /has already been invited as an admin/])
  await api.call('PATCH', `/members/${again.body.id}`, { token: mia, body: { role: 'member' } })
  t.equal(
    (await api.post('/members', mia, body, key)).status,
    201,
    'with a role that was changed since, still the same member',
  )
  const nia = await person('nia')
  t.match((await agree(nia)).body.account, { role: 'member' })
  const here = await invite(mia, 'nia@example.com', 'member')
  t.match([here.status, here.body], [201, { id: again.body.id, state: 'active' }])
})

t.test('POST /members rejects invalid invitations', async (t) => {
  const olga = await owner('olga')
  const rows: [object, string, RegExp][] = [
    [{ email: 'nobody', role: 'member' }, 'email', /Enter an e-mail/],
    [{ email: `${'a'.repeat(31)}@service.invalid`, role: 'member' }, 'email', /Enter an e-mail/],
    [{ role: 'member' }, 'email', /either an e-mail/],
    [{ email: 'a@example.com', client_id: 'demo-service', role: 'member' }, 'email', /either an e-mail/],
    [{ client_id: ' ', role: 'member' }, 'client_id', /ASCII/],
    [{ client_id: 'a b', role: 'member' }, 'client_id', /ASCII/],
    [{ client_id: 'robot\u0000', role: 'member' }, 'client_id', /ASCII/],
    [{ client_id: 'röbot', role: 'member' }, 'client_id', /ASCII/],
    [{ client_id: 'x'.repeat(121), role: 'member' }, 'client_id', /at most 120/],
    [{ email: 'mia@example.com', role: 'member' }, 'email', /^This address cannot be invited\./],
    [{ email: 'a@example.com', role: 'owner' }, 'role', /./],
    [{ email: 'a@example.com', role: 'member', more: 1 }, 'more', /does not exist/],
  ]
  for (const [body, field, words] of rows) {
    const answer = await api.post<Problem>('/members', olga, body)
    t.equal(answer.status, 422, JSON.stringify(body))
    t.match(answer.body.errors?.[field], words)
  }
  t.equal((await listed(olga)).length, 1)
  t.equal((await invite(olga, `${'x'.repeat(250)}@example.com`)).status, 422)
  const page = createVisitor(stack)
  await page.signIn('olga')
  const wrong = await page.post('/account/members', { email: 'mia@example.com', role: 'admin' })
  t.equal(wrong.status, 422)
  t.match(wrong.text, /id="email-error">This address cannot be invited/)
  t.match(wrong.text, 'value="mia@example.com"', 'the input is preserved')
})

t.test('a service is invited, joins with its own token, uses the account and is removed', async (t) => {
  const portal = await stack.portal({
    ...settings,
    PORT: String(stack.port + 51),
    API_CLIENTS: 'demo-service,robot,crawler',
  })
  const here = createApi(stack, portal.url)
  const pia = await owner('pia')
  const home = (await here.get<Me>('/me', pia)).body.account
  const key = keyed()
  await stack.faults([{ match: 'POST *users.json', drop: 'after', times: 1 }])
  await here.post('/members', pia, { client_id: 'robot', role: 'admin' }, key)
  await stack.faults([])
  const added = await here.post<Member>('/members', pia, { client_id: 'robot', role: 'admin' }, key)
  const invited = { kind: 'service', state: 'invited', role: 'admin', client_id: 'robot', email: null }
  t.match([added.status, added.body], [201, invited], added.text)
  const robot = await api.token({ client_id: 'robot' })
  t.match((await here.get<Me>('/me', robot)).body, { account: null, joining_account: null }, 'it is unchanged')
  for (const [match, drop] of [
    ['PUT *admin.json', 'before'],
    ['PUT *admin.json', 'after'],
    ['PUT /admin/api/accounts/*/users/*.json', 'before'],
    ['PUT *activate.json', 'before'],
  ] as const) {
    await stack.faults([{ match, drop, times: 1 }])
    t.equal((await here.post('/me', robot, { ...joinBody, join: home?.id })).status, 503, `${match} ${drop}`)
    await stack.faults([])
  }
  const joined = await here.post<Me>('/me', robot, { ...joinBody, join: home?.id })
  t.match([joined.status, joined.body.account], [201, { id: home?.id, role: 'admin' }], joined.text)
  t.match(await listed(pia, here), [{}, { ...invited, id: added.body.id, state: 'active' }])
  t.equal((await here.get('/applications', robot)).status, 200)
  const crawler = await here.post<Member>('/members', robot, { client_id: 'crawler', role: 'member' })
  t.equal(crawler.status, 201, 'a service that is an admin invites another')
  const page = createVisitor(stack)
  await page.signIn('pia')
  t.match((await page.get('/account')).text, 'crawler', 'a portal that does not list it')
  const token = await api.token({ client_id: 'crawler' })
  t.equal((await here.post<Me>('/me', token, { ...joinBody, join: home?.id })).status, 201)
  t.equal((await here.call('DELETE', `/members/${crawler.body.id}`, { token: pia })).status, 204)
  t.equal((await here.get('/applications', token)).status, 403, 'not signed up any more')
  await portal.stop()
})

t.test('members view, admins change, and the last admin remains, by page and API', async (t) => {
  const rita = await owner('rita')
  const sam = await joinAs(rita, 'sam')
  const rows: [string, string, object | undefined][] = [
    ['POST', '/members', { email: 'x@example.com', role: 'member' }],
    ['PATCH', `/members/${sam.id}`, { role: 'admin' }],
    ['DELETE', `/members/${(await listed(rita))[0]?.id}`, undefined],
  ]
  for (const [method, path, body] of rows) {
    const refused = await api.call<Problem>(method, path, { token: sam.token, body })
    t.match([refused.status, refused.body.policy], [403, 'admins_manage_members'], `${method} ${path}`)
  }
  t.match(await listed(sam.token), [{ role: 'admin' }, { role: 'member', you: true }])
  const me = (await listed(rita)).find(({ you }) => you)?.id
  for (const [method, body] of [
    ['PATCH', { role: 'member' }],
    ['DELETE', undefined],
  ] as const) {
    const refused = await api.call<Problem>(method, `/members/${me}`, { token: rita, body })
    t.match([refused.status, refused.body.policy], [403, 'last_admin'], method)
  }
  const page = createVisitor(stack)
  await page.signIn('rita')
  t.match((await page.get(`/account/members/${me}`)).text, 'You are the last admin')
  const left = await page.post(`/account/members/${me}/remove`, {})
  t.equal(left.status, 403)
  t.match(left.text, '<code>last_admin</code>')
  const guest = createVisitor(stack)
  await guest.signIn('sam')
  t.notMatch((await guest.get('/account')).text, 'Invite a person')
  t.equal((await guest.post('/account/members', { email: 'x@example.com', role: 'member' })).status, 403)

  const stranger = await owner('stranger-to-all')
  for (const [method, path, body] of rows.slice(1)) {
    t.equal((await api.call(method, path, { token: stranger, body })).status, 404, `${method} of another account`)
  }
  for (const id of ['0', 'x', '999999999']) {
    t.equal((await api.call('DELETE', `/members/${id}`, { token: rita })).status, 404, id)
    t.equal((await page.get(`/account/members/${id}`)).status, 404, id)
  }

  const up = await api.call<Member>('PATCH', `/members/${sam.id}`, { token: rita, body: { role: 'admin' } })
  t.match([up.status, up.body.role], [200, 'admin'])
  t.match((await api.get<Me>('/me', sam.token)).body.account, { role: 'admin' }, 'in effect immediately')
  t.match((await guest.get('/account')).text, 'Invite a person')
  const [first, second] = await Promise.all([
    api.call('PATCH', `/members/${sam.id}`, { token: rita, body: { role: 'member' } }),
    other.call('PATCH', `/members/${me}`, { token: sam.token, body: { role: 'member' } }),
  ])
  t.same(
    [first.status, second.status].sort(),
    [200, 403],
    'two admins who demote one another at two replicas: the account keeps one admin',
  )
  t.equal((await listed(rita)).filter(({ role }) => role === 'admin').length, 1)
})

t.test('of two admins at two portals without Redis, 3scale keeps the last one and reports the reason', async (t) => {
  const ports = [54, 55].map((offset) => String(stack.port + offset))
  const [left, right] = await Promise.all(ports.map((PORT) => stack.portal({ PORT })))
  if (!left || !right) throw new Error('two portals')
  const [here, there] = [createApi(stack, left.url), createApi(stack, right.url)]
  // 3scale checks before it writes: between the two it would accept both demotions.
  await stack.behave({ check_to_write_ms: 0 })
  for (const [index, [method, match, body]] of (
    [
      ['PATCH', 'PUT *member.json', { role: 'member' }],
      ['DELETE', 'DELETE *', undefined],
    ] as const
  ).entries()) {
    const one = await owner(`rival${index}`)
    const two = await joinAs(one, `second${index}`, 'admin')
    const first = (await listed(one)).find(({ you }) => you)?.id
    // Both have checked before either has written.
    await stack.faults([{ match, latency_ms: 1000, times: 2 }])
    const both = await Promise.all([
      here.call<Problem>(method, `/members/${two.id}`, { token: one, body }),
      there.call<Problem>(method, `/members/${first}`, { token: two.token, body }),
    ])
    await stack.faults([])
    t.same(both.map(({ status }) => status).sort(), [method === 'PATCH' ? 200 : 204, 403], method)
    t.equal(both.find(({ status }) => status === 403)?.body.policy, 'last_admin')
  }
  await stack.behave({ check_to_write_ms: 20 })
  await Promise.all([left.stop(), right.stop()])
})

t.test('a removed member loses access at every replica with the next request; applications remain', async (t) => {
  const tess = await owner('tess')
  const uma = await joinAs(tess, 'uma', 'admin')
  const vic = await joinAs(tess, 'vic')
  const body = { model: 'granite-chat', plan: 'basic', name: 'stays', fields: { purpose: 'Experiment' } }
  const created = await api.post<{ id: number }>('/applications', uma.token, body)
  t.equal(created.status, 201, created.text)
  const page = createVisitor(stack)
  await page.signIn('vic')
  t.equal((await page.at(beside.url)('/applications')).status, 200)
  t.equal((await api.call('DELETE', `/members/${vic.id}`, { token: tess })).status, 204)
  t.equal((await api.call('DELETE', `/members/${vic.id}`, { token: tess })).status, 404, 'removed')
  t.equal((await page.raw('/applications')).location, '/login?return_to=%2Fapplications')
  for (let tries = 0; (await page.at(beside.url)('/applications')).status !== 303 && tries < 50; tries++)
    await sleep(100)
  t.equal((await page.at(beside.url)('/applications')).status, 303, 'the other replica was notified')
  t.equal((await api.get('/applications', vic.token)).status, 403)
  t.same(await usersOf('vic@example.com'), [])

  const leaving = createVisitor(stack)
  await leaving.signIn('uma')
  const own = await leaving.get(`/account/members/${uma.id}`)
  t.match(own.text, 'The account keeps one admin')
  const out = await leaving.submit(own, /remove$/)
  t.match(out.url, '/signed-out')
  t.equal((await leaving.raw('/account')).status, 303)
  const retained = await api.get(`/applications/${created.body.id}`, tess)
  t.equal(retained.status, 200, 'it belongs to the account')
})

t.test('the pages invite, change roles and withdraw, and render while 3scale is down', async (t) => {
  await owner('wim')
  const page = createVisitor(stack)
  await page.signIn('wim')
  const account = await page.get('/account')
  t.match(account.text, 'Only you so far')
  const done = await page.submit(account, /account\/members$/, { email: 'xia@example.com', role: 'admin' })
  t.match(done.text, /xia@example.com is invited/)
  t.match(done.text, 'Invited')
  const token = await api.token({ username: 'wim' })
  const xia = (await listed(token)).find(({ email }) => email === 'xia@example.com')
  const member = await page.get(`/account/members/${xia?.id}`)
  const changed = await page.submit(member, /members\/\d+$/, { role: 'member' })
  t.match(changed.text, 'xia@example.com is now a member')
  t.equal((await page.post(`/account/members/${xia?.id}`, { role: 'owner' })).status, 422)
  await stack.faults([{ match: 'POST *users.json', drop: 'before', times: 1 }])
  const lost = await page.post('/account/members', { email: 'yan@example.com', role: 'member' })
  t.equal(lost.status, 503)
  t.match(lost.text, 'value="yan@example.com"')
  await stack.faults([{ match: '*users.json', status: 503 }])
  const down = await page.get('/account')
  t.equal(down.status, 200)
  t.match(down.text, 'members cannot be loaded')
  await stack.faults([])
  const removed = await page.submit(await page.get(`/account/members/${xia?.id}`), /remove$/)
  t.match(removed.text, 'xia@example.com was removed')
  t.equal((await page.get(`/account/members/${xia?.id}`)).status, 404)
  const malformed = await page.post('/account/members', { client_id: 'no body', role: 'member' })
  t.match([malformed.status, malformed.text], [422, /id="client-error"/])
  await page.post('/account/members', { client_id: 'nobody', role: 'member' })
  t.match(
    (await page.get('/account')).text,
    /nobody is invited\. To join, the service sends POST .*\/api\/v1\/me with (&quot;|")join/,
  )
  const foreign = await page.post(
    '/account/members',
    { email: 'a@example.com', role: 'member' },
    { headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } },
  )
  t.equal(foreign.status, 403)
})

t.test('an invitation is e-mailed once, and remains valid when the e-mail fails', async (t) => {
  const mailbox = await startMailbox()
  const mailing = await stack.portal({
    ...settings,
    PORT: String(stack.port + 56),
    SMTP_URL: mailbox.url,
    MAIL_FROM: 'portal@example.com',
    OPERATOR_MAIL: 'operator@example.com',
  })
  const here = createApi(stack, mailing.url)
  const vera = await owner('vera', { org_name: 'Vera & Co\r\nBcc: all@example.com' })
  const body = { email: 'walt@example.com', role: 'member' }
  for (const token of [vera, vera]) {
    const created = await here.post('/members', token, body)
    t.equal(created.status, 201, created.text)
  }
  t.equal(mailbox.letters.length, 1)
  t.match(mailbox.letters[0], /^To: walt@example.com/m)
  t.notMatch(mailbox.letters[0]?.split('\r\n\r\n')[0] ?? '', /^Bcc:/m, 'a name cannot add a header')
  t.match(mailbox.letters[0], `${stack.url}/account`)
  const page = createVisitor(stack)
  await page.signIn('vera')
  const at = page.at(mailing.url)
  t.match((await at('/account')).text, 'The portal sends an invitation e-mail.')
  const form = { method: 'POST', body: new URLSearchParams({ email: 'xeno@example.com', role: 'member' }) }
  t.equal((await at('/account/members', form)).status, 303)
  t.match((await at('/account')).text, 'An e-mail explains how to join.')
  t.match(mailbox.letters[0], /^Reply-To: vera@example.com/m)
  for (const email_verified of [false, 'yes']) {
    const claims = { email: 'head-of-finance@example.com', email_verified }
    const zoe = { email: `zoe-${email_verified}@example.com`, role: 'member' }
    t.equal((await here.post('/members', await api.token({ username: 'vera', claims }), zoe)).status, 201)
    t.notMatch(mailbox.letters.at(-1), /head-of-finance/, 'an unverified address is not used for Reply-To')
    t.match(mailbox.letters.at(-1), `To: ${zoe.email}`)
  }
  await mailbox.close()
  t.equal((await here.post('/members', vera, { email: 'yves@example.com', role: 'member' })).status, 201)
  t.match(
    (await listed(vera)).map(({ email }) => email),
    ['vera', 'walt', 'xeno', 'zoe-false', 'zoe-yes', 'yves'].map((name) => `${name}@example.com`),
  )
  await mailing.stop()
})

t.test('invitation e-mails are limited to one a day per address and have no link of a user', async (t) => {
  const mailbox = await startMailbox()
  const mailing = (PORT: string) =>
    stack.portal({
      ...settings,
      PORT,
      SMTP_URL: mailbox.url,
      MAIL_FROM: 'portal@example.com',
      OPERATOR_MAIL: 'operator@example.com',
    })
  const [one, two] = await Promise.all([mailing(String(stack.port + 56)), mailing(String(stack.port + 57))])
  const [here, there] = [createApi(stack, one.url), createApi(stack, two.url)]
  const evil = await owner('evan', { org_name: 'Your password expired: https://evil.example/x or evil.example' })
  const invite = (email: string, at = here, token = evil) =>
    at.post<Member>('/members', token, { email, role: 'member' })
  for (const at of [here, there, here, there, here]) {
    const created = await invite('victim@example.com', at)
    t.equal(created.status, 201, created.text)
    t.equal((await at.call('DELETE', `/members/${created.body.id}`, { token: evil })).status, 204)
  }
  t.same(mailbox.receivers, [['victim@example.com']], 'five invitations at both replicas, one e-mail')
  t.notMatch(mailbox.letters[0] ?? '', /evil\.example/)
  t.match(mailbox.letters[0] ?? '', /^Subject: Invitation to join an account at/m, 'a subject contains no user input')
  t.equal((await invite('Victim@Example.com')).status, 201, 'another spelling')
  t.equal(mailbox.letters.length, 1)

  for (let each = 0; each < 22; each++) t.equal((await invite(`guest${each}@evan.example`)).status, 201)
  t.equal(mailbox.letters.length, 20, 'of one account')
  for (let each = 0; each < 4; each++) {
    const other = await owner(`evan${each}`)
    const created = await invite('crowd@example.com', there, other)
    t.equal(created.status, 201)
    t.equal((await there.call('DELETE', `/members/${created.body.id}`, { token: other })).status, 204)
  }
  t.equal(mailbox.letters.length, 23, 'to one address of all accounts')
  const fresh = await owner('evan-fresh')
  for (const email of ['crowd+a@example.com', 'Crowd+B+c@example.com', 'crowd+@example.com'])
    t.equal((await invite(email, here, fresh)).status, 201, email)
  t.equal(mailbox.letters.length, 23, 'nor to the same mailbox with a tag after +')
  t.equal((await invite('+crowd@example.com', here, fresh)).status, 201)
  t.equal(mailbox.letters.length, 24, 'which is another mailbox')

  for (const email of [
    'a,b@x.com',
    '<c@x.com',
    'C <c@x.com>',
    'a@x.com\r\nBcc: d@x.com',
    '"a@x.com"@y.com',
    'a@\u212Ax.com',
  ])
    t.equal((await invite(email)).status, 422, email)
  const answers: number[] = []
  for (let each = 0; each < 80; each++) answers.push((await invite('evan0@example.com')).status)
  t.equal(answers[0], 422, 'an address with an account of its own')
  t.equal(answers.at(-1), 429, 'the number of requested addresses is limited')
  await Promise.all([one.stop(), two.stop(), mailbox.close()])
})

t.test('first requests at two replicas without Redis leave one working account', async (t) => {
  const ports = [56, 57].map((offset) => String(stack.port + offset))
  const replicas = await Promise.all(ports.map((PORT) => stack.portal({ PORT })))
  const apis = replicas.map(({ url }) => createApi(stack, url))
  for (let each = 0; each < 5; each++) {
    const name = `first${each}`
    const token = await person(name, { org_name: `First ${each}` })
    const before = (await stack.state()).accounts.length
    const answers = await Promise.all(apis.map((one) => one.post<Me>('/me', token, signUpBody)))
    t.ok(
      answers.every(({ status }) => status === 200 || status === 201),
      answers.map(({ text }) => text).join(),
    )
    const [here, there] = answers.map(({ body }) => body.account?.id)
    t.equal(here, there, 'both return one account')
    const { accounts } = await stack.state()
    t.equal(accounts.length, before + 1, 'and it exists')
    t.match(await usersOf(`${name}@example.com`), [{ account_id: here, state: 'active' }])
    t.equal(accounts.find(({ id }) => id === here)?.state, 'approved')
  }
  await Promise.all(replicas.map((replica) => replica.stop()))
})

t.test('a claim assigns people to one account, with admins by group, also simultaneously', async (t) => {
  const [left, right] = await claimed()
  const [here, there] = [createApi(stack, left.url), createApi(stack, right.url)]
  const names = ['amy', 'bob', 'cat', 'dan']
  const groupsOf = (name: string) => (name === 'cat' ? ['maas-admins'] : ['developers'])
  const tokens = await Promise.all(names.map((name) => person(name, { org_name: 'Acme Ltd', groups: groupsOf(name) })))
  const [amy = '', , cat = ''] = tokens
  t.match((await here.get<Me>('/me', amy)).body.joining_account, { name: 'Acme Ltd', role: 'member', by: 'claim' })
  const first = await Promise.all(tokens.map((token, at) => (at % 2 ? here : there).post<Me>('/me', token, signUpBody)))
  t.ok(
    first.every(({ status }) => status === 201 || status === 409),
    'a person joining an account with members must consent',
  )
  const created = await Promise.all(
    first.map((answer, at) => (answer.status === 201 ? answer : agree(tokens[at] ?? '', at % 2 ? here : there))),
  )
  t.same(
    created.map(({ status, body }) => [status, body.account?.role]),
    [
      [201, 'member'],
      [201, 'member'],
      [201, 'admin'],
      [201, 'member'],
    ],
    created.map(({ text }) => text).join(),
  )
  const home = created[0]?.body.account?.id
  t.ok(created.every(({ body }) => body.account?.id === home))
  t.equal((await stack.state()).accounts.filter(({ org_name }) => org_name === 'Acme Ltd').length, 1, 'one account')
  const all = await listed(cat, here)
  t.same(
    all.map(({ email }) => email).sort(),
    names.map((name) => `${name}@example.com`),
    'people, and not the user that identifies the account',
  )
  const admin = all.find(({ you }) => you)?.id
  for (const [method, body] of [
    ['PATCH', { role: 'member' }],
    ['DELETE', undefined],
  ] as const) {
    const refused = await here.call<Problem>(method, `/members/${admin}`, { token: cat, body })
    t.match(
      [refused.status, refused.body.policy],
      [403, 'last_admin'],
      `${method}: 3scale has one more admin, but no more people do`,
    )
  }

  for (const [name, match, drop] of [
    ['eve', 'POST *users.json', 'after'],
    ['fay', 'PUT *admin.json', 'before'],
    ['gus', 'PUT *activate.json', 'before'],
  ] as const) {
    const token = await person(name, { org_name: ['Acme Ltd', 'Other'], groups: ['maas-admins'] })
    t.match((await there.get<Me>('/me', token)).body.required.fields, [{ name: 'job_title' }], 'the account exists')
    await stack.faults([{ match, drop, times: 1 }])
    await agree(token, there)
    await stack.faults([])
    t.match((await agree(token, there)).body.account, { role: 'admin', id: home }, `${match} ${drop}`)
  }
  const alone = await person('hal', { org_name: '  ' })
  t.equal((await here.get<Me>('/me', alone)).body.joining_account, null, 'an empty claim maps no one')
  await person('ian', { org_name: 'Acme Ltd', email: 'ian@example.com', email_verified: false })
  t.equal((await here.post('/me', await api.token({ username: 'ian' }), joinBody)).status, 403)

  const [name = ''] = namesOf(stack).claimAccountUsernames('org_name', 'Taken Ltd')
  await fetch(`${stack.threescale}/admin/api/signup.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams({
      org_name: 'Thief',
      username: name,
      email: 'thief@example.com',
      department: 'Sales',
      job_title: 'x',
    }),
  })
  const jan = await person('jan', { org_name: 'Taken Ltd' })
  t.equal(
    (await here.post('/me', jan, joinBody)).status,
    403,
    "a username taken in 3scale's own portal gives no access",
  )
  await Promise.all([left.stop(), right.stop()])
})

t.test('a changed claim moves no member, and admins see it', async (t) => {
  await portal.stop()
  portal = await stack.portal({ ...settings, PORTAL_CONFIG: claimsFile() })
  const says = (username: string, org_name: string | null) =>
    fetch(`http://127.0.0.1:${stack.port + 2}/_demo/people/${username}`, {
      method: 'PUT',
      body: JSON.stringify({ org_name }),
    })
  const cat = await api.token({ username: 'cat' })
  const home = (await api.get<Me>('/me', cat)).body.account?.id
  const elsewhere = async (token = cat) =>
    Object.fromEntries((await listed(token)).map(({ email, claimed_organisation }) => [email, claimed_organisation]))
  const kit = createVisitor(stack)
  await api.person({ username: 'kit', org_name: 'Acme Ltd' })
  const first = await kit.submit(await kit.get('/login'), /interaction/, { username: 'kit', password: 'demo' })
  t.match(first.text, 'Your identity provider assigns you to Acme Ltd')
  t.notMatch(first.text, 'name="decline"', 'there was no offer, so there is nothing to decline')
  await kit.submit(first, /sign-up/, { 'user.job_title': 'Scientist', accept_terms: '2026-01' })
  await createVisitor(stack).signIn('amy')
  t.match(await elsewhere(), { 'kit@example.com': null, 'amy@example.com': null })
  await says('kit', 'Beta Ltd')
  await says('amy', null)
  await createVisitor(stack).signIn('kit')
  await createVisitor(stack).signIn('amy')
  t.match((await api.get<Me>('/me', await api.token({ username: 'kit' }))).body.account, { id: home }, 'still a member')
  t.match(await elsewhere(), { 'kit@example.com': 'Beta Ltd', 'amy@example.com': '' })
  t.match(await elsewhere(await api.token({ username: 'amy' })), { 'kit@example.com': null }, 'only admins see it')
  const page = createVisitor(stack)
  await page.signIn('cat')
  const { text } = await page.get('/account')
  t.match(text, 'now lists this person under Beta Ltd.')
  t.match(text, 'no longer lists this person')
  t.match(
    (await page.get(`/account/members/${(await listed(cat)).find(({ email }) => email === 'kit@example.com')?.id}`))
      .text,
    'Beta Ltd',
  )
})

t.test('the audit log has events of joins, invitations, role changes and removals', async (t) => {
  const all = await events()
  for (const event of ['sign_up', 'member.invite', 'member.join', 'member.change_role', 'member.remove', 'link'])
    t.ok(
      all.some((one) => one.event === event && one.outcome === 'ok'),
      event,
    )
  t.ok(all.some(({ event, policy }) => event === 'member.remove' && policy === 'last_admin'))
  t.match(
    all.find(({ event, source }) => event === 'member.change_role' && source === 'api'),
    {
      detail: { role: /./, role_before: /./ },
      target: { member: /^\d+$/ },
    },
  )
  const declined = all.find(({ event, detail }) => event === 'member.remove' && detail !== undefined)
  t.match(
    declined,
    { detail: { by: 'invited' }, target: { member: /^\d+$/ }, outcome: 'ok' },
    'an invitation that was declined',
  )
  t.notMatch(JSON.stringify(all), /@/, 'no e-mail address of a person')
})
