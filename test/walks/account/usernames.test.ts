import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DEMO_USERNAME_SECRET } from '../../../src/cli/demo-settings.js'
import { legacyClaimAccountUsername, legacyUsername } from '../../../src/features/account/usernames/legacy-usernames.js'
import { createApi, type Member } from '../../helper/api.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'
import { createVisitor } from '../../helper/visitor.js'

/** Usernames that people can choose in 3scale's own portal are never trusted; usernames of the portal identify their users. */
interface Me {
  signed_up: boolean
  account: { id: number; name: string; role: string } | null
  joining_account: { name: string; role: string; by: string } | null
}
const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
let main = await stack.portal({ REDIS_URL: redis.url })
const api = createApi(stack)
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
const joinAnswers = { fields: { job_title: 'Scientist' }, accept_terms: '2026-01' }
const names = namesOf(stack)
const OLD = 'an-older-username-secret-of-32-bytes-or-more'

const users = async () => (await stack.state()).users
const userOf = async (email: string) => (await users()).find((user) => user.email === email)
const subjectOf = (token: string) => (JSON.parse(atob(token.split('.')[1] ?? '')) as { sub: string }).sub
const findCalls = async () => (await stack.calls())['GET /admin/api/accounts/find.xml'] ?? 0

async function admin(method: string, path: string, body: Record<string, string> = {}) {
  const answer = await fetch(`${stack.threescale}/admin/api/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa('demo-token:')}` },
    body: new URLSearchParams(body),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

async function person(username: string, more: object = {}): Promise<string> {
  await api.person({ username, ...more })
  return api.token({ username })
}

async function owner(username: string): Promise<string> {
  const token = await person(username)
  const { status, text } = await api.post('/me', token, answers)
  if (status !== 201) throw new Error(`${username}: ${status} ${text}`)
  return token
}

/** An account that signed up in 3scale's own portal, with any name: its users choose theirs there. */
async function stockAccount(username: string, email = `${username}@example.com`): Promise<number> {
  await admin('POST', 'signup.json', {
    org_name: `${username} stock`,
    username,
    email,
    department: 'Sales',
    job_title: 'Stock',
    terms_version: '2026-01',
  })
  const created = await userOf(email)
  if (!created) throw new Error(`${username} is not there`)
  await admin('PUT', `accounts/${created.account_id}/approve.json`)
  await admin('PUT', `accounts/${created.account_id}/users/${created.id}/activate.json`)
  return created.account_id
}

/** A plain member of an account of 3scale's own portal. */
async function stockMember(accountId: number, username: string): Promise<number> {
  const email = `${username}@example.com`
  await admin('POST', `accounts/${accountId}/users.json`, { username, email, terms_version: '2026-01', job_title: 'x' })
  const { id } = (await userOf(email)) ?? { id: 0 }
  await admin('PUT', `accounts/${accountId}/users/${id}/activate.json`)
  return id
}

t.test('a legacy member with the username of an invitation remains a member', async (t) => {
  const home = await stockAccount('mallorys-firm')
  const elsewhere = await owner('wanda')
  const invited = await api.post<Member>('/members', elsewhere, { email: 'invited@example.com', role: 'admin' })
  const copied = (await userOf('invited@example.com'))?.username ?? ''
  t.equal((await api.call('DELETE', `/members/${invited.body.id}`, { token: elsewhere })).status, 204)

  const own = { accountId: home, email: 'mallory-own@example.com', role: 'admin', idempotencyKey: 'k' } as const
  const plausible: [string, string][] = [
    ['mallory-a', `invite-a-${'a'.repeat(31)}`],
    ['mallory-m', `invite-m-${'b'.repeat(31)}`],
    ['mallory-tag', namesOf(stack, [OLD]).invitationUsername({ ...own, email: 'mallory-tag@example.com' })],
    ['mallory-copied', copied],
    ['mallory-letter', copied.replace('invite-a-', 'invite-m-')],
    ['mallory-own', names.invitationUsername(own)],
  ]
  for (const [who, name] of plausible) {
    const id = await stockMember(home, who)
    await admin('PUT', `accounts/${home}/users/${id}.json`, { username: name })
    const token = await person(who)
    t.match((await api.get<Me>('/me', token)).body, { signed_up: false, account: null }, `${who}: GET /me`)
    await api.post<Me>('/me', token, joinAnswers)
    const visitor = createVisitor(stack)
    await visitor.signIn(who, '/account')
    const roles = (await users()).filter((user) => user.id === id).map((user) => (user as { role?: string }).role)
    t.same(roles, ['member'], `${who}: ${name}`)
  }
})

t.test('a username that is derived from public values is not accepted', async (t) => {
  const victim = await person('victim')
  const squatted = await stockAccount(
    legacyUsername('person', stack.identity, subjectOf(victim)),
    'squatter@example.com',
  )
  const me = await api.get<Me>('/me', victim)
  t.match(me.body, { signed_up: false, account: null })
  const created = await api.post<Me>('/me', victim, answers)
  t.equal(created.status, 201, created.text)
  t.not(created.body.account?.id, squatted)
  const page = createVisitor(stack)
  await page.signIn('victim', '/account')
  t.notMatch((await page.get('/account')).text, 'stock</')

  const robot = await api.token({ client_id: 'demo-service' })
  const taken = await stockAccount(
    legacyUsername('service', stack.identity, 'demo-service'),
    `${'a'.repeat(31)}@service.invalid`,
  )
  const service = await api.post<Me>('/me', robot, answers)
  t.match([service.status, service.body.account?.role], [201, 'admin'], service.text)
  t.not(service.body.account?.id, taken, 'nor for a service')
})

t.test('the usernames of claim accounts cannot be chosen', async (t) => {
  const file = join(t.testdir({}), 'claims.yaml')
  writeFileSync(
    file,
    'claim_accounts: { claim: org_name, admin_groups: [maas-admins] }\nterms: { version: "2026-01", field: terms_version }\n',
  )
  const portal = await stack.portal({ REDIS_URL: redis.url, PORTAL_CONFIG: file, PORT: portBeside(stack) })
  const here = createApi(stack, portal.url)
  await stockAccount(legacyClaimAccountUsername(stack.identity, 'org_name', 'Acme Ltd'), 'anchor-thief@example.com')
  const token = await person('carol', { org_name: 'Acme Ltd' })
  const created = await here.post<Me>('/me', token, answers)
  t.match([created.status, created.body.account?.name], [201, 'Acme Ltd'], 'a squatted name does not block sign-up')
  const members = (await here.get<{ items: Member[] }>('/members', token)).body.items
  t.same(
    members.map(({ email }) => email),
    ['carol@example.com'],
    'and is not in the account',
  )

  const anchorId = (await users()).find(
    ({ username }) => username === names.claimAccountUsernames('org_name', 'Acme Ltd')[0],
  )?.id
  const anchorIs = (username = '') => stack.put(`/_demo/users/${anchorId}`, { username })
  const usernameNow = async () => (await users()).find(({ id }) => id === anchorId)?.username
  // The squatter of an earlier build's username has lost it: the account of that build has it.
  const thief = await userOf('anchor-thief@example.com')
  await stack.put(`/_demo/users/${thief?.id}`, { username: 'thief' })
  await anchorIs(legacyClaimAccountUsername(stack.identity, 'org_name', 'Acme Ltd'))
  const dave = await person('dave', { org_name: 'Acme Ltd' })
  const early = await here.post<{ type: string; detail: string }>('/me', dave, answers)
  t.match([early.status, early.body.detail], [403, /cannot be joined yet/], 'an organization is not split in two')
  await portal.stop()

  const rotated = await stack.portal({
    ...{ REDIS_URL: redis.url, PORTAL_CONFIG: file, PORT: portBeside(stack) },
    USERNAME_SECRET: `${DEMO_USERNAME_SECRET},${OLD}`,
  })
  await anchorIs(namesOf(stack, [OLD]).claimAccountUsernames('org_name', 'Acme Ltd')[0])
  const agreed = { ...joinAnswers, join: created.body.account?.id }
  const joined = await createApi(stack, rotated.url).post<Me>('/me', dave, agreed)
  t.match([joined.status, joined.body.account?.id], [201, created.body.account?.id], joined.text)
  t.equal(await usernameNow(), names.claimAccountUsernames('org_name', 'Acme Ltd')[0], 'renamed to the first secret')
  await rotated.stop()
})

t.test('a session ends when no secret verifies the username of its user', async (t) => {
  const [kim, token] = [createVisitor(stack), await owner('kim')]
  t.equal((await kim.signIn('kim', '/account')).status, 200)
  const user = await userOf('kim@example.com')
  await stack.put(`/_demo/users/${user?.id}`, {
    username: legacyUsername('person', stack.identity, subjectOf(token)),
  })
  await main.stop()
  // Without Redis: no earlier copy.
  main = await stack.portal()
  t.match(await kim.raw('/account'), { status: 303, location: /\/login/ })
})

t.test('a pending invitation of an earlier build is replaced', async (t) => {
  const ida = await owner('ida')
  const home = (await api.get<Me>('/me', ida)).body.account?.id ?? 0
  const email = 'older@example.com'
  const old = `invite-a-${'c'.repeat(31)}`
  await admin('POST', `accounts/${home}/users.json`, { username: old, email })
  const shown = (await api.get<{ items: Member[] }>('/members', ida)).body.items.find((one) => one.email === email)
  t.match(shown, { state: 'pending', role: 'member' }, 'is an ordinary user of 3scale')
  const other = await person('older')
  t.match(
    (await api.get<Me>('/me', other)).body.joining_account,
    { by: 'link', role: 'member' },
    'the owner of the address must consent',
  )

  const again = await api.post<Member>('/members', ida, { email, role: 'admin' })
  t.match(
    [again.status, again.body],
    [201, { id: shown?.id, state: 'invited', role: 'admin' }],
    'invited again by an admin',
  )
  t.match((await api.get<Me>('/me', other)).body.joining_account, { role: 'admin' })
  await createVisitor(stack).signIn('older', '/account')
  t.match(await userOf(email), { account_id: home, username: names.usernameFor('person', subjectOf(other)) })
})

t.test('with a new secret every user is found, and each is renamed once', async (t) => {
  const both = namesOf(stack, [DEMO_USERNAME_SECRET, OLD])
  const under = async (email: string) => both.originOf({ ...(await found(email)) })?.secret
  const rolledOut = async (left: string, right: string) => {
    await main.stop()
    await beside.stop()
    // Without Redis: nothing is cached.
    main = await stack.portal({ USERNAME_SECRET: left })
    beside = await stack.portal({ USERNAME_SECRET: right, PORT: portBeside(stack) })
    return createApi(stack, beside.url)
  }
  await main.stop()
  main = await stack.portal({ USERNAME_SECRET: OLD })
  let beside = await stack.portal({ USERNAME_SECRET: OLD, PORT: portBeside(stack) })
  for (const who of ['gil', 'hugo', 'idle']) await owner(who)
  const [gil, idle] = [await api.token({ username: 'gil' }), await api.token({ username: 'idle' })]
  const first = createVisitor(stack)
  t.equal((await first.signIn('gil', '/account')).status, 200)
  t.equal(await under('gil@example.com'), 'older')

  await rolledOut(`${OLD},${DEMO_USERNAME_SECRET}`, `${OLD},${DEMO_USERNAME_SECRET}`)
  let there = await rolledOut(`${DEMO_USERNAME_SECRET},${OLD}`, `${OLD},${DEMO_USERNAME_SECRET}`)
  await stack.resetCalls()
  t.equal((await api.get('/applications', idle)).status, 200)
  t.equal(await findCalls(), 2, 'by token: one call more until a user is renamed')
  t.equal((await api.get('/applications', idle)).status, 200)
  t.equal(await findCalls(), 2, 'and then found directly')
  t.equal((await first.raw('/account')).status, 200, 'a session continues')
  t.same([await under('gil@example.com'), await under('idle@example.com')], ['older', 'older'], 'it renames no one')

  const again = createVisitor(stack)
  t.equal((await again.signIn('gil', '/account')).status, 200)
  t.equal(await under('gil@example.com'), 'first', 'renamed at a sign-in')
  t.equal((await there.get('/applications', gil)).status, 200, 'a replica with the secrets in the other order')
  there = await rolledOut(`${DEMO_USERNAME_SECRET},${OLD}`, `${OLD},${DEMO_USERNAME_SECRET}`)
  t.equal((await first.raw('/account')).status, 200, 'the earlier session continues')
  t.equal((await first.at(beside.url)('/account')).status, 200, 'on both')

  await stack.resetCalls()
  t.equal((await createVisitor(stack).signIn('gil', '/account')).status, 200)
  t.same([await findCalls(), await renames()], [1, 0], 'one call for a known user, and no write')

  for (const drop of ['before', 'after'] as const) {
    const who = `hugo-${drop}`
    await stack.put(`/_demo/users/${(await found('hugo@example.com')).id}`, {
      username: namesOf(stack, [OLD]).usernameFor('person', subjectOf(await api.token({ username: 'hugo' }))),
    })
    await stack.faults([{ match: 'PUT /admin/api/accounts/*/users/*.json', drop, times: 1 }])
    t.equal(
      (await createVisitor(stack).signIn('hugo', '/account')).status,
      200,
      `${who}: 3scale fails while it renames`,
    )
    await stack.faults([])
    t.equal((await createVisitor(stack).signIn('hugo', '/account')).status, 200)
    t.equal(await under('hugo@example.com'), 'first', who)
  }

  await rolledOut(DEMO_USERNAME_SECRET, DEMO_USERNAME_SECRET)
  t.equal((await first.raw('/account')).status, 200)
  t.match((await api.get<Me>('/me', gil)).body, { signed_up: true })
  t.match(
    (await api.get<Me>('/me', idle)).body,
    { signed_up: false },
    'a user who was not renamed before the previous secret was removed',
  )
  await beside.stop()
})

t.test('without USERNAME_SECRET the session secrets create usernames, and a warning is logged', async (t) => {
  const output = join(t.testdir({}), 'portal.log')
  const session = 'a-session-secret-of-at-least-32-bytes-here'
  const settings = { USERNAME_SECRET: '', SESSION_SECRET: session, LOG_LEVEL: 'warn', PORT: portBeside(stack) }
  const portal = await stack.portal(settings, { output })
  const ivy = await person('ivy')
  t.equal((await createApi(stack, portal.url).post('/me', ivy, answers)).status, 201)
  t.equal((await found('ivy@example.com')).username, namesOf(stack, [session]).usernameFor('person', subjectOf(ivy)))
  t.match(readFileSync(output, 'utf8'), 'USERNAME_SECRET is not set')
  await portal.stop()
})

const renames = async () =>
  Object.entries(await stack.calls())
    .filter(([call]) => call.startsWith('PUT ') && call.includes('/users/'))
    .reduce((sum, [, count]) => sum + count, 0)

async function found(email: string) {
  const user = await userOf(email)
  if (!user) throw new Error(`nobody has ${email}`)
  return { id: user.id, accountId: user.account_id, username: user.username, email, state: 'active' as const }
}
