// People and services become members only of an account that they have agreed to join, by page and by API.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createApi, type Member } from '../../helper/api.js'
import { readiness, until } from '../../helper/faults.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, decode } from '../../helper/visitor.js'

interface Joins {
  id: number | null
  name: string
  role: string
  by: string
  username: string | null
  can_decline: boolean
}
interface Me {
  signed_up: boolean
  account: { id: number; name: string; role: string } | null
  joining_account: Joins | null
  required: { fields: { name: string }[]; terms: { version: string } | null }
}
interface Problem {
  type: string
  detail: string
  joining_account?: Joins
  errors?: Record<string, string>
}
const stack = await startStack()
const folder = t.testdir({})
const audit = join(folder, 'audit.log')
const clients = 'demo-service,robot,own,shy,cut,late,pump'
await stack.portal({ AUDIT_LOG: audit, API_CLIENTS: clients })
const api = createApi(stack)
t.teardown(() => stack.close())

const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const personal = { fields: { job_title: 'Scientist' }, accept_terms: '2026-01' }
const typed = { 'user.job_title': 'Scientist', accept_terms: '2026-01' }

async function person(username: string, more: object = {}): Promise<string> {
  await api.person({ username, ...more })
  return api.token({ username })
}

/** A person with an account of their own. */
async function owner(username: string): Promise<{ token: string; id: number; name: string }> {
  const token = await person(username)
  const { status, body, text } = await api.post<Me>('/me', token, answers)
  if (status !== 201 || !body.account) throw new Error(`${username}: ${status} ${text}`)
  return { token, id: body.account.id, name: body.account.name }
}

/** An active user of 3scale's own portal, with an account of their own. */
async function stock(username: string, email: string): Promise<number> {
  const answer = await fetch(`${stack.threescale}/admin/api/signup.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams({ org_name: `${username} Ltd`, username, email, department: 'Sales', job_title: 'x' }),
  })
  const { account } = (await answer.json()) as { account: { id: number } }
  const user = (await stack.state()).users.find((one) => one.account_id === account.id)
  for (const path of [`${account.id}/approve.json`, `${account.id}/users/${user?.id}/activate.json`])
    await fetch(`${stack.threescale}/admin/api/accounts/${path}`, {
      method: 'PUT',
      headers: { authorization: `Basic ${btoa('demo-token:')}` },
    })
  return account.id
}

const invite = (token: string, body: object) =>
  api.post<Member & Problem>('/members', token, { role: 'member', ...body })
const listed = async (token: string) => (await api.get<{ items: Member[] }>('/members', token)).body.items
const usersOf = async (email: string) => (await stack.state()).users.filter((user) => user.email === email)
const events = () =>
  readFileSync(audit, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; outcome: string; account: number; target?: { member: string } })

/** Asserts that nothing is written in 3scale during the work. */
async function nothingWritten(t: Pick<typeof import('tap').t, 'same'>, work: () => Promise<unknown>): Promise<void> {
  await stack.resetCalls()
  await work()
  const writes = Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET '))
  t.same(writes, [], 'nothing was written')
}

t.test('an invitation does not affect a service and reveals nothing about it', async (t) => {
  const mallory = await owner('mallory')
  const own = await api.token({ client_id: 'own' })
  t.equal((await api.post('/me', own, answers)).status, 201, 'a service with an account')
  const added = await Promise.all(
    ['demo-service', 'own', 'unknown-to-all', 'x'.repeat(120)].map((client_id) => invite(mallory.token, { client_id })),
  )
  const shapeOf = ({ status, body }: (typeof added)[number]) => [
    status,
    { ...body, id: 0, client_id: '', created_at: '' },
  ]
  for (const answer of added) t.same(shapeOf(answer), shapeOf(added[0] ?? answer), 'the same response for each')
  t.match(added[0], {
    status: 201,
    body: { kind: 'service', state: 'invited', client_id: 'demo-service', email: null },
  })
  const shown = (await listed(mallory.token)).slice(1)
  t.same(
    shown.map(({ kind, state, client_id }) => [kind, state, client_id]).sort(),
    ['demo-service', 'own', 'unknown-to-all', 'x'.repeat(120)].map((client) => ['service', 'invited', client]).sort(),
  )

  const service = await api.token({ client_id: 'demo-service' })
  t.match((await api.get<Me>('/me', service)).body, { signed_up: false, account: null, joining_account: null })
  const created = await api.post<Me>('/me', service, answers)
  t.match(
    [created.status, created.body.account],
    [201, { name: 'demo-service', role: 'admin' }],
    'an account of its own',
  )
  t.not(created.body.account?.id, mallory.id)
  const body = { model: 'granite-chat', plan: 'basic', name: 'private', fields: { purpose: 'Experiment' } }
  const application = await api.post<{ id: number }>('/applications', service, body)
  t.equal(application.status, 201, application.text)
  t.equal((await api.get(`/applications/${application.body.id}?reveal=true`, mallory.token)).status, 404)
  const theirs = (await api.get<{ items: { name: string }[] }>('/applications', mallory.token)).body.items
  t.notOk(theirs.some(({ name }) => name === 'private'))
})

t.test('a service joins the account that it names with its own token, at the cost of one call', async (t) => {
  const { token, id } = await owner('alma')
  const { body: invitation } = await invite(token, { client_id: 'robot', role: 'admin' })
  const robot = await api.token({ client_id: 'robot' })
  const other = await owner('berta')
  for (const account of [other.id, 999_999])
    await nothingWritten(t, async () => {
      const refused = await api.post<Problem>('/me', robot, { ...personal, join: account })
      t.same([refused.status, Object.keys(refused.body.errors ?? {})], [422, ['join']], `${account}`)
    })
  await nothingWritten(t, async () => {
    const lacking = await api.post<Problem>('/me', robot, { join: id })
    t.match([lacking.status, lacking.body.errors], [422, { 'fields.job_title': /./, accept_terms: /./ }])
  })
  await stack.resetCalls()
  const joined = await api.post<Me>('/me', robot, { ...personal, join: id })
  t.match([joined.status, joined.body.account], [201, { id, role: 'admin' }], joined.text)
  const calls = await stack.calls()
  t.equal(calls['GET /admin/api/accounts/find.xml'], 3, 'by name, again by name, and by address')
  t.same(Object.keys(calls).filter((call) => !call.startsWith('GET ')).length, 3, 'role, name and state')
  t.match(await listed(token), [{}, { id: invitation.id, state: 'active', role: 'admin', client_id: 'robot' }])
  const again = await api.post<Me>('/me', robot, { ...personal, join: id })
  t.match([again.status, again.body.account], [200, { id }], 'a repeat')
  const elsewhere = await api.post<Problem>('/me', robot, { join: other.id })
  t.match([elsewhere.status, elsewhere.body], [409, { type: /:conflict$/, detail: /already belong to account \d+/ }])
  const declining = await api.post<Problem>('/me', robot, { join: id, decline: true })
  t.match([declining.status, declining.body.detail], [409, /cannot be declined/])
})

t.test('a service declines and gets its own account, or stays in the one it has', async (t) => {
  const { token, id } = await owner('clara')
  const { body: first } = await invite(token, { client_id: 'shy' })
  const shy = await api.token({ client_id: 'shy' })
  const own = await api.post<Me>('/me', shy, { ...answers, join: id, decline: true })
  t.equal(own.status, 201, own.text)
  t.not(own.body.account?.id, id)
  t.equal((await listed(token)).length, 1, 'the invitation is removed')
  t.equal((await api.post('/me', shy, { ...answers, join: id, decline: true })).status, 200, 'a repeat')

  const { body: second } = await invite(token, { client_id: 'shy' })
  t.equal((await api.post<Problem>('/me', shy, { join: id })).status, 409, 'it belongs to one account')
  t.equal((await listed(token)).length, 2, 'the invitation is unchanged')
  t.match((await api.post<Me>('/me', shy, { join: id, decline: true })).body.account, { id: own.body.account?.id })
  t.equal((await listed(token)).length, 1)
  for (const member of [first.id, second.id])
    t.ok(
      events().some(
        ({ event, account, target }) =>
          event === 'member.remove' && account === id && target?.member === String(member),
      ),
      'in the audit log',
    )
})

t.test('an invitation of a service is valid in its current state only', async (t) => {
  const [dora, elsa] = [await owner('dora'), await owner('elsa')]
  const late = await api.token({ client_id: 'late' })
  const { body: withdrawn } = await invite(dora.token, { client_id: 'late', role: 'admin' })
  await api.call('DELETE', `/members/${withdrawn.id}`, { token: dora.token })
  t.equal((await api.post('/me', late, { ...personal, join: dora.id })).status, 422)
  await invite(dora.token, { client_id: 'late', role: 'admin' })
  const { body: changed } = await invite(elsa.token, { client_id: 'late', role: 'admin' })
  await api.call('PATCH', `/members/${changed.id}`, { token: elsa.token, body: { role: 'member' } })
  const joined = await api.post<Me>('/me', late, { ...personal, join: elsa.id })
  t.match(joined.body.account, { id: elsa.id, role: 'member' })
  t.match(
    await listed(dora.token),
    [{}, { state: 'invited', role: 'admin' }],
    "the other account's invitation is unchanged",
  )
  const unlisted = await api.token({ client_id: 'stranger' })
  await invite(dora.token, { client_id: 'stranger' })
  t.equal((await api.post('/me', unlisted, { ...personal, join: dora.id })).status, 403, 'the operator lists services')
})

t.test('POST /me of an invited person writes nothing without `join`', async (t) => {
  const mallory = await owner('mallory-two')
  await invite(mallory.token, { email: 'victim@example.com' })
  const victim = await person('victim')
  const open = {
    id: mallory.id,
    name: mallory.name,
    role: 'member',
    by: 'invitation',
    username: null,
    can_decline: true,
  }
  await nothingWritten(t, async () => {
    for (const body of [answers, personal, {}]) {
      const requested = await api.post<Problem>('/me', victim, body)
      t.match([requested.status, requested.body.type], [409, 'urn:maas-portal:problem:join_required'])
      t.same(requested.body.joining_account, open)
      t.match(requested.body.detail, `"join": ${mallory.id}`)
    }
    t.same((await api.get<Me>('/me', victim)).body.joining_account, open)
    const other = await api.post<Problem>('/me', victim, { ...answers, join: 501 })
    t.match([other.status, other.body.joining_account], [409, open], 'another account is not this one')
    t.equal((await api.get('/applications', victim)).status, 403)
  })
  const key = { 'idempotency-key': 'consent-victim' }
  t.equal((await api.post('/me', victim, answers, key)).status, 409)
  const own = await api.post<Me>('/me', victim, { ...answers, decline: true }, key)
  t.equal(own.status, 201, 'a rejected key can be used again')
  t.not(own.body.account?.id, mallory.id)
  t.same([(await usersOf('victim@example.com')).length, (await listed(mallory.token)).length], [1, 1])
  const repeated = await api.post<Me>('/me', victim, { ...answers, decline: true }, key)
  t.match([repeated.status, repeated.body.account], [200, own.body.account])
  t.equal((await api.post('/me', victim, { join: mallory.id })).status, 409, 'the account now exists')

  await invite(mallory.token, { email: 'friend@example.com', role: 'admin' })
  const friend = await person('friend')
  const joined = await api.post<Me>('/me', friend, { ...answers, join: mallory.id })
  t.match([joined.status, joined.body.account], [201, { id: mallory.id, role: 'admin' }])
})

t.test('POST /me rejects invalid joins, declines and bodies', async (t) => {
  const visitor = await person('nobody')
  await nothingWritten(t, async () => {
    for (const account of [501, 999_999]) {
      const refused = await api.post<Problem>('/me', visitor, { ...answers, join: account })
      t.match([refused.status, refused.body.errors], [422, { join: 'This account does not invite you.' }])
    }
    for (const body of [
      { join: 0 },
      { join: '501' },
      { join: 1.5 },
      { join: null },
      { decline: 501 },
      { joining_account: 501 },
    ])
      t.equal((await api.post('/me', visitor, { ...answers, ...body })).status, 422, JSON.stringify(body))
    const lacking = await api.post<Problem>('/me', visitor, { decline: true })
    t.equal(lacking.status, 422)
  })
  const none = await api.post<Me>('/me', visitor, { ...answers, decline: true })
  t.equal(none.status, 201, 'a decline without an invitation is not an error')

  const { token } = await owner('frida')
  await invite(token, { email: 'unsure@example.com' })
  const unsure = await person('unsure')
  await nothingWritten(t, async () => {
    t.equal((await api.post('/me', unsure, { decline: true })).status, 422, 'the fields are validated first')
  })
  t.equal((await listed(token)).length, 2, 'the invitation is unchanged')
  await stack.put('/_demo/settings', { signups_enabled: false })
  t.equal((await api.post('/me', unsure, { ...answers, decline: true })).status, 403)
  await stack.put('/_demo/settings', { signups_enabled: true })
  t.equal((await listed(token)).length, 2, 'no other request joins it')
})

t.test('a decline is completed after a lost response and after a simultaneous second one', async (t) => {
  const { token } = await owner('gerda')
  await invite(token, { email: 'cut-off@example.com' })
  const cut = await person('cut-off')
  await stack.faults([{ match: 'DELETE *', drop: 'after', times: 1 }])
  t.equal((await api.post('/me', cut, { ...answers, decline: true })).status, 503)
  await stack.faults([])
  t.equal((await api.post('/me', cut, { ...answers, decline: true })).status, 201)
  const { body: raced } = await invite(token, { email: 'raced@example.com' })
  const racing = await person('raced')
  await stack.faults([{ match: 'DELETE *', latency_ms: 1500, times: 1 }])
  const declining = api.post('/me', racing, { ...answers, decline: true })
  await until('the invitation is being removed', async () => (await stack.readFaults())[0]?.hits === 1)
  const [user] = await usersOf('raced@example.com')
  await fetch(`${stack.threescale}/admin/api/accounts/${user?.account_id}/users/${raced.id}.json`, {
    method: 'DELETE',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
  })
  t.equal((await declining).status, 201, 'removed by another request meanwhile')
  await stack.faults([])
  await invite(token, { email: 'twice@example.com' })
  const twice = await person('twice')
  const ports = [51, 52].map((offset) => String(stack.port + offset))
  const replicas = await Promise.all(ports.map((PORT) => stack.portal({ PORT })))
  const both = await Promise.all(
    replicas.map(({ url }) => createApi(stack, url).post<Me>('/me', twice, { ...answers, decline: true })),
  )
  t.ok(
    both.every(({ status }) => status === 200 || status === 201),
    both.map(({ text }) => text).join(),
  )
  t.equal((await usersOf('twice@example.com')).length, 1)
  await Promise.all(replicas.map((replica) => replica.stop()))
})

t.test('a legacy user is linked by `join` only, whether 3scale has verified the address or not', async (t) => {
  const account = await stock('squatter', 'target@example.com')
  const target = await person('target')
  const open = {
    id: account,
    name: 'squatter Ltd',
    role: 'admin',
    by: 'link',
    username: 'squatter',
    can_decline: false,
  }
  await nothingWritten(t, async () => {
    const me = (await api.get<Me>('/me', target)).body
    t.same([me.joining_account, me.required.fields, me.required.terms?.version], [open, [], '2026-01'])
    const requested = await api.post<Problem>('/me', target, answers)
    t.same([requested.status, requested.body.joining_account], [409, open])
    const declined = await api.post<Problem>('/me', target, { ...answers, decline: true })
    t.match([declined.status, declined.body], [409, { type: /link_declined$/, detail: /only once/ }])
    t.equal((await api.post('/me', target, { join: account })).status, 422, 'the terms are not accepted')
  })
  const linked = await api.post<Me>('/me', target, { accept_terms: '2026-01', join: account })
  t.match([linked.status, linked.body.account], [201, { id: account, role: 'admin' }])

  const off = await stack.portal({ PORT: String(stack.port + 53), LINK_BY_EMAIL: 'off' })
  await stock('squatter-two', 'target-two@example.com')
  const second = await person('target-two')
  const there = createApi(stack, off.url)
  t.equal((await there.get<Me>('/me', second)).body.joining_account, null)
  const taken = await there.post<Problem>('/me', second, { ...answers, join: account })
  t.match([taken.status, taken.body.type], [403, /email_taken$/])
  t.equal((await there.post('/me', second, { ...answers, decline: true })).status, 403)
  await off.stop()
})

t.test('the first person of a claim creates its account, also after an interruption; others consent', async (t) => {
  const file = join(folder, 'claims.yaml')
  writeFileSync(
    file,
    'claim_accounts: { claim: org_name, admin_groups: [maas-admins] }\nterms: { version: "2026-01", field: terms_version }\n',
  )
  const claims = await stack.portal({ PORT: String(stack.port + 54), PORTAL_CONFIG: file })
  await until('the portal is ready', async () => (await readiness(claims)).status === 'ready')
  const there = createApi(stack, claims.url)
  const says = { org_name: 'Gamma Ltd' }
  const first = await person('gamma-one', says)
  t.match((await there.get<Me>('/me', first)).body.joining_account, { id: null, name: 'Gamma Ltd', by: 'claim' })
  await stack.faults([{ match: 'POST *users.json', drop: 'before', times: 1 }])
  t.equal((await there.post('/me', first, answers)).status, 503, 'the account exists and has no members')
  await stack.faults([])
  const empty = (await there.get<Me>('/me', first)).body.joining_account
  t.match(empty, { name: 'Gamma Ltd', by: 'claim' })
  const other = await there.post<Problem>('/me', first, { ...answers, join: (empty?.id ?? 0) + 1 })
  t.match(
    [other.status, other.body.errors],
    [422, { join: /./ }],
    'it has no other member, and another account is not accepted',
  )
  const created = await there.post<Me>('/me', first, { ...answers, ...(empty?.id ? { join: empty.id } : {}) })
  t.match([created.status, created.body.account?.id], [201, empty?.id], 'the account that GET /me names')
  const id = created.body.account?.id
  const second = await person('gamma-two', says)
  const open = { id, name: 'Gamma Ltd', role: 'member', by: 'claim', can_decline: false }
  await nothingWritten(t, async () => {
    t.match((await there.get<Me>('/me', second)).body.joining_account, open)
    for (const body of [answers, { ...answers, decline: true }, { ...answers, join: 501 }]) {
      const requested = await there.post<Problem>('/me', second, body)
      t.match([requested.status, requested.body.joining_account], [409, open], JSON.stringify(body))
    }
  })
  t.match((await there.post<Me>('/me', second, { ...personal, join: id })).body.account, { id, role: 'member' })
  await claims.stop()
})

t.test('the page shows what a link means before anything is written, and can be declined', async (t) => {
  const account = await stock('paper', 'reader@example.com')
  await person('reader')
  const page = createVisitor(stack)
  await nothingWritten(t, async () => {
    const form = await page.submit(await page.get('/login'), /interaction/, { username: 'reader', password: 'demo' })
    t.match(form.url, /\/sign-up$/)
    for (const text of ['paper Ltd', 'paper', 'Admin', 'Link account', 'Do not link']) t.match(decode(form.text), text)
    const bare = await page.post('/sign-up', { accept_terms: '2026-01' })
    t.equal(bare.status, 409, 'a form without an offer consents to nothing')
    const declined = await page.submit(form, /sign-up/, { decline: 'yes' })
    t.equal(declined.status, 409)
    t.match(declined.text, 'The existing user was not linked')
    t.match(declined.text, 'only once')
    t.equal((await page.get('/applications')).url.endsWith('/sign-up'), true, 'there is no session')
  })
  const again = await page.get('/sign-up')
  t.match(again.text, 'Link account', 'it can be reviewed')
  const inside = await page.submit(again, /sign-up/, { accept_terms: '2026-01' })
  t.equal(new URL(inside.url).pathname, '/applications')
  t.match(await usersOf('reader@example.com'), [{ account_id: account, username: /^sso-/ }])
})

t.test('consent is valid for the displayed offer only', async (t) => {
  const [hanna, ines] = [await owner('hanna'), await owner('ines')]
  const { body: shown } = await invite(hanna.token, { email: 'judge@example.com' })
  await person('judge')
  const page = createVisitor(stack)
  const form = await page.submit(await page.get('/login'), /interaction/, { username: 'judge', password: 'demo' })
  t.match(form.text, `Join ${hanna.name}`)

  await api.call('PATCH', `/members/${shown.id}`, { token: hanna.token, body: { role: 'admin' } })
  await nothingWritten(t, async () => {
    const other = await page.submit(form, /sign-up/, typed)
    t.equal(other.status, 409, 'another role')
    t.match(other.text, 'has changed since you opened it')
    t.match(other.text, 'value="Scientist"', 'the input is preserved')
  })
  await api.call('DELETE', `/members/${shown.id}`, { token: hanna.token })
  await nothingWritten(t, async () => {
    const removed = await page.submit(form, /sign-up/, typed)
    t.equal(removed.status, 409, 'withdrawn: no account is created instead')
    t.match(removed.text, 'account.department')
  })
  await invite(ines.token, { email: 'judge@example.com' })
  await nothingWritten(t, async () => {
    const exchanged = await page.submit(form, /sign-up/, typed)
    t.match([exchanged.status, exchanged.text], [409, `Join ${ines.name}`])
    const declined = await page.submit(form, /sign-up/, { decline: 'yes' })
    t.match(declined.text, `Join ${ines.name}`, 'the decline was for the other invitation')
  })
  t.equal((await listed(ines.token)).length, 2)
  const current = await page.get('/sign-up')
  await page.submit(current, /sign-up/, typed)
  t.match(await usersOf('judge@example.com'), [{ account_id: ines.id, state: 'active', role: 'member' }])
})

t.test('an invitation or a legacy user that appears while the sign-up form is open is a conflict', async (t) => {
  const { token, name } = await owner('karla')
  for (const [username, appears, text] of [
    ['surprise', () => invite(token, { email: 'surprise@example.com' }), `Join ${name}`],
    ['trap', () => stock('trapper', 'trap@example.com'), 'Link your existing account'],
  ] as const) {
    await person(username)
    const page = createVisitor(stack)
    const form = await page.submit(await page.get('/login'), /interaction/, { username, password: 'demo' })
    t.match(form.text, 'account.department')
    await appears()
    await nothingWritten(t, async () => {
      const requested = await page.submit(form, /sign-up/, { ...typed, 'account.department': 'Research' })
      t.match([requested.status, requested.text], [409, text])
    })
  }
  const linkForm = async (page: ReturnType<typeof createVisitor>, username: string) =>
    page.submit(await page.get('/login'), /interaction/, { username, password: 'demo' })
  const before = await stock('swap-one', 'swap@example.com')
  await person('swap')
  const page = createVisitor(stack)
  const form = await linkForm(page, 'swap')
  t.match(form.text, 'swap-one Ltd')
  const admin = { authorization: `Basic ${btoa('demo-token:')}` }
  await fetch(`${stack.threescale}/admin/api/accounts/${before}.json`, { method: 'DELETE', headers: admin })
  await stock('swap-two', 'swap@example.com')
  await nothingWritten(t, async () => {
    const requested = await page.submit(form, /sign-up/, { accept_terms: '2026-01' })
    t.match([requested.status, requested.text], [409, 'swap-two Ltd'])
  })
})

t.test('an invitation to an inactive account can be declined but not accepted', async (t) => {
  const { token, id, name } = await owner('rejected-boss')
  for (const username of ['by-page', 'by-api']) await invite(token, { email: `${username}@example.com` })
  await fetch(`${stack.threescale}/admin/api/accounts/${id}/reject.json`, {
    method: 'PUT',
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
  })
  const invitee = await person('by-api')
  await nothingWritten(t, async () => {
    t.match((await api.post<Problem>('/me', invitee, answers)).body, { joining_account: { id, can_decline: true } })
    const refused = await api.post<Problem>('/me', invitee, { ...personal, join: id })
    t.match([refused.status, refused.body.type], [403, /account_rejected$/])
  })
  t.equal((await api.post('/me', invitee, { ...answers, decline: true })).status, 201)

  await person('by-page')
  const page = createVisitor(stack)
  const form = await page.submit(await page.get('/login'), /interaction/, { username: 'by-page', password: 'demo' })
  t.match(form.text, `Join ${name}`)
  await nothingWritten(t, async () => t.equal((await page.submit(form, /sign-up/, typed)).status, 403))
  const requested = await page.get('/login')
  t.match(requested.text, `Join ${name}`)
  const own = await page.submit(requested, /sign-up/, { decline: 'yes' })
  t.match(own.text, 'account.department')
  t.same(await usersOf('by-page@example.com'), [], 'the invitation is removed')
})

t.test('an invitation that is withdrawn between read and write is a conflict', async (t) => {
  const { token, id } = await owner('hasty')
  const invitee = await person('tardy')
  /** The response to a person who accepts while the invitation is withdrawn. */
  async function withdrawnMeanwhile<T>(accept: () => Promise<T>): Promise<T> {
    const [user] = await usersOf('tardy@example.com')
    const write = `PUT */users/${user?.id}.json`
    await stack.faults([{ match: write, latency_ms: 1000, times: 1 }])
    const accepted = accept()
    await until('the write is sent', async () => (await stack.readFaults()).some(({ hits }) => hits > 0))
    t.equal((await api.call('DELETE', `/members/${user?.id}`, { token })).status, 204)
    return accepted.finally(() => stack.faults([]))
  }
  await invite(token, { email: 'tardy@example.com' })
  const refused = await withdrawnMeanwhile(() => api.post<Problem>('/me', invitee, { ...personal, join: id }))
  t.match([refused.status, refused.body], [409, { type: /:conflict$/, detail: /Try again/ }])

  await invite(token, { email: 'tardy@example.com' })
  const page = createVisitor(stack)
  const form = await page.submit(await page.get('/login'), /interaction/, { username: 'tardy', password: 'demo' })
  const stopped = await withdrawnMeanwhile(() => page.submit(form, /sign-up/, typed))
  t.match([stopped.status, stopped.text], [409, 'Something changed while you signed in'])
  t.match((await page.get('/sign-up')).text, 'account.department', 'without a new sign-in')
})

t.test('an admin cannot find out which addresses have an account', async (t) => {
  const { token } = await owner('lotte')
  const other = await owner('marga')
  await invite(other.token, { email: 'invited-there@example.com' })
  await stock('stocky', 'stocky@example.com')
  const sentences = await Promise.all(
    ['marga@example.com', 'invited-there@example.com', 'stocky@example.com'].map(async (email) => {
      const { status, body } = await invite(token, { email })
      return `${status} ${body.errors?.email}`
    }),
  )
  t.same(
    [...new Set(sentences)].length,
    1,
    "members, invitations and users of 3scale's own portal are treated the same",
  )
  t.match(sentences[0], '422 This address cannot be invited.')
  t.notMatch(sentences[0], /account|exist|already|belongs/)
})
