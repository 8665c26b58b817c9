// One address in several spellings: 3scale compares them by case, so they may belong to different users of its own portal.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
const audit = join(t.testdir({}), 'audit.jsonl')
const log = join(t.testdir({ log: {} }), 'portal.log')
await stack.portal({ AUDIT_LOG: audit, LOG_LEVEL: 'warn' }, { output: log })
const api = createApi(stack)
t.teardown(() => stack.close())

/** An active user of 3scale's own portal, with an account of their own. */
async function stock(username: string, email: string): Promise<{ account: number; user: number }> {
  const headers = { authorization: `Basic ${btoa('demo-token:')}` }
  const form = { org_name: `Org ${username}`, username, email, password: 'a long enough password' }
  const body = new URLSearchParams({ ...form, department: 'Sales', job_title: 'x' })
  const created = await fetch(`${stack.threescale}/admin/api/signup.json`, { method: 'POST', headers, body })
  const { account } = (await created.json()) as { account: { id: number } }
  const user = (await stack.state()).users.find((each) => each.username === username)
  return { account: account.id, user: user?.id ?? 0 }
}

const finds = async () => (await stack.calls())['GET /admin/api/accounts/find.xml'] ?? 0

async function arrive(username: string) {
  const visitor = createVisitor(stack)
  const login = await visitor.get('/login?return_to=/account')
  return { visitor, page: await visitor.submit(login, /interaction/, { username, password: 'demo' }) }
}

t.test('an address is found in its own spelling and in lower case', async (t) => {
  const cases = [
    ['as-it-came', 'Ada.Lovelace@Example.com', 'Ada.Lovelace@Example.com'],
    ['lower', 'mary.somerville@example.com', 'Mary.Somerville@Example.com'],
    ['both-lower', 'emmy.noether@example.com', 'emmy.noether@example.com'],
  ] as const
  for (const [username, stored, email] of cases) {
    const { account } = await stock(`stock-${username}`, stored)
    await api.person({ username, email })
    const token = await api.token({ username })
    await stack.resetCalls()
    const joined = await api.post<{ account: { id: number } }>('/me', token, { accept_terms: '2026-01', join: account })
    t.equal(joined.status, 201, `${stored} in 3scale, ${email} in the sign-in: ${joined.text}`)
    t.equal(joined.body.account.id, account, 'the account is unchanged')
    t.ok((await finds()) > 0)
  }
})

t.test('two users in two spellings are not linked, and operator and person are notified', async (t) => {
  const one = await stock('stock-one', 'Grace.Hopper@Example.com')
  const two = await stock('stock-two', 'grace.hopper@example.com')
  await api.person({ username: 'hopper', email: 'Grace.Hopper@Example.com' })
  const before = await stack.state()
  await stack.resetCalls()
  const { visitor, page } = await arrive('hopper')
  t.equal(page.status, 409)
  t.match(page.text, 'Several users have your e-mail address')
  t.match(page.text, 'models@example.com', 'the contact')
  t.match(page.text, /correct one of the addresses/)
  t.notMatch(page.text, /stock-one|stock-two/, 'nothing of the others is shown')
  t.equal((await visitor.raw('/account')).status, 303, 'not signed in')
  const token = await api.token({ username: 'hopper' })
  for (const answer of [await api.get('/me', token), await api.post('/me', token, { accept_terms: '2026-01' })]) {
    t.equal(answer.status, 409)
    t.match(answer.body.type, 'email_conflict')
    t.match(answer.body.detail, /Ask the contact of this portal to correct one of them/)
    t.notMatch(answer.text, new RegExp(`stock-|${one.account}/`))
  }
  t.same(
    Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET')),
    [],
    'no write',
  )
  t.same((await stack.state()).users, before.users)

  const candidates = `${one.account}/${one.user}, ${two.account}/${two.user}`
  const lines = (file: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const events = lines(audit).filter(({ code }) => code === 'email_conflict')
  t.same(
    events.map(({ event, outcome, source, detail }) => [event, outcome, source, detail]),
    [
      ['sign_in', 'refused', 'page', { candidates }],
      ['link', 'refused', 'page', { candidates }],
      ['sign_up', 'refused', 'api', { candidates }],
    ],
  )
  const warned = lines(log).filter(({ code }) => code === 'email_conflict')
  t.ok(warned.length >= 3, 'a warning each time, independent of the audit log')
  for (const { cause } of warned) t.match(cause, candidates)
  t.notMatch(readFileSync(log, 'utf8') + readFileSync(audit, 'utf8'), /hopper@/i, 'neither has an address')

  await stack.put(`/_demo/users/${two.user}`, { email: 'g.hopper@example.com' })
  const corrected = await api.post('/me', token, { accept_terms: '2026-01', join: one.account })
  t.equal(corrected.status, 201, 'after the correction, sign-in works')
  t.equal((await arrive('hopper')).page.status, 200)
})

t.test('an invitation and a legacy user in two spellings are a conflict too', async (t) => {
  await createVisitor(stack).signIn('mary')
  await stock('stock-three', 'Alan.Turing@Example.com')
  const mary = await api.token({ username: 'mary' })
  const invited = await api.post('/members', mary, { email: 'alan.turing@example.com', role: 'member' })
  t.equal(invited.status, 201)
  await api.person({ username: 'turing', email: 'Alan.Turing@Example.com' })
  t.equal((await arrive('turing')).page.status, 409)
})

t.test('an address that 3scale cannot store leads to an error page with the reason', async (t) => {
  const cases: [string, RegExp][] = [
    [`${'a'.repeat(250)}@example.com`, /Use at most 255 characters/],
    ['nul\u0000@example.com', /Remove the control character U\+0000/],
  ]
  for (const [index, [email, sentence]] of cases.entries()) {
    const username = `odd-${index}`
    await api.person({ username, email })
    const { page } = await arrive(username)
    t.equal(page.status, 403)
    t.match(page.text, sentence)
    const token = await api.token({ username })
    const answer = await api.post('/me', token, { accept_terms: '2026-01' })
    t.same([answer.status, answer.body.type], [403, 'urn:maas-portal:problem:sign_up_refused'])
  }
})
