// The table of cases of reference sso.md, section 7, by its numbers. Left out here: 28 to 30 and 57 (such names no longer
// exist), 42's clock alert, 45, 55, 56, 58, 61, 64 (tokens of the API: api.test, and what needs Keycloak: test:keycloak).
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createSignInService } from '../../helper/sign-in-service.js'
import { startRedis, startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, type Visitor } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ REDIS_URL: redis.url, CATALOG_TTL: '3600' })
const other = await stack.portal({ REDIS_URL: redis.url, CATALOG_TTL: '3600', PORT: String(stack.port + 50) })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const identity = `http://127.0.0.1:${stack.port + 2}`
const { tell, forge } = createSignInService(stack)
const breakIdentity = (faults: object[]) => tell('PUT', '/_demo/faults', faults)

let count = 0
/** A person whom neither the portal nor the identity provider has seen. */
async function newcomer(claims: Record<string, unknown> = {}) {
  const username = `case${++count}`
  const person = { username, sub: `sub-${username}`, email: `${username}@example.com`, email_verified: true, ...claims }
  await tell('POST', '/_demo/people', { name: `Case ${count}`, org_name: `Org ${username}`, ...person })
  const { email } = person
  const users = async () =>
    (await stack.state()).users.filter((user) => user.email?.toLowerCase() === email?.toLowerCase())
  const accountOf = async () => {
    const [user] = await users()
    return (await stack.state()).accounts.find(({ id }) => id === user?.account_id)
  }
  return { username, email, users, accountOf, visitor: createVisitor(stack) }
}

/** Signs in at the identity provider and stops before the completion form. */
async function arrive(visitor: Visitor, username: string, returnTo = '/account'): Promise<Answer> {
  const login = await visitor.get(`/login?return_to=${encodeURIComponent(returnTo)}`)
  if (!login.text.includes('name="password"')) return login
  return visitor.submit(login, /interaction/, { username, password: 'demo' })
}

/** Paths of the writes that 3scale received. */
async function writes(): Promise<string[]> {
  return Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET'))
}

async function signedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.raw('/account')).status === 200
}

t.test('1, 2, 3: an account is created once and found by username, also with an empty Redis', async (t) => {
  const { username, users, accountOf, visitor } = await newcomer()
  await stack.resetCalls()
  const page = await visitor.signIn(username, '/account')
  t.equal(page.status, 200)
  t.match(page.url, /\/account$/, 'returns to the requested page')
  const [user, ...more] = await users()
  t.equal(more.length, 0)
  t.equal(user?.state, 'active')
  t.equal((await accountOf())?.state, 'approved')
  const first = await stack.calls()
  t.equal(first['POST /admin/api/signup.json'], 1)
  const cookie = visitor.jar.get('maas_session')
  for (const state of ['kept', 'flushed']) {
    if (state === 'flushed') await flush()
    await stack.resetCalls()
    const again = createVisitor(stack)
    await again.signIn(username, '/models')
    t.same(await stack.calls(), { 'GET /admin/api/accounts/find.xml': 1 }, `${state}: one call`)
    t.not(again.jar.get('maas_session'), cookie, 'a session of its own')
  }
})

t.test('4, 5, 9, 10: without a verified address no account is created, and existing users sign in', async (t) => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ email_verified: false }, /e-mail address is not verified/],
    [{ email_verified: 'false' }, /e-mail address is not verified/],
    [{ email_verified: '1' }, /e-mail address is not verified/],
    [{ email_verified: undefined }, /does not state whether your e-mail address is verified/],
    [{ email: undefined }, /no e-mail address/],
  ]
  for (const [claims, words] of cases) {
    const { username, visitor } = await newcomer(claims)
    await stack.resetCalls()
    const page = await arrive(visitor, username)
    t.equal(page.status, 403, JSON.stringify(claims))
    t.match(page.text, words)
    t.notMatch(
      page.text,
      /\blink in\b|[Ff]ollow the link|inbox|mailbox|e-mail (was|has been) sent/,
      'the mailbox may have received nothing',
    )
    t.match(page.text, 'models@example.com', 'the contact')
    t.same(await writes(), [])
    t.notOk(await signedIn(visitor))
  }
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  for (const claims of [{ email_verified: false }, { email: null }]) {
    await tell('PUT', `/_demo/people/${username}`, claims)
    const again = createVisitor(stack)
    t.equal((await arrive(again, username)).status, 200, `the name identifies the person: ${JSON.stringify(claims)}`)
  }
})

t.test('6, 13: of two people with one address, the second is rejected and the first unchanged', async (t) => {
  const first = await newcomer()
  await first.visitor.signIn(first.username)
  const second = await newcomer({ email: first.email })
  await stack.resetCalls()
  const page = await arrive(second.visitor, second.username)
  t.equal(page.status, 403)
  t.match(page.text, 'already in use')
  t.same(await writes(), [])
  const twins = [await newcomer({ email: 'twins@example.com' }), await newcomer({ email: 'twins@example.com' })]
  const ends = await Promise.all(twins.map(({ visitor, username }) => visitor.signIn(username, '/account')))
  t.same(ends.map(({ status }) => status).sort(), [200, 403])
  t.equal((await twins[0]?.users())?.length, 1)
})

t.test('7, 8: legacy users are linked after consent, whatever the case of their address', async (t) => {
  const state = await stack.state()
  const stock = state.users.find(({ email }) => email === 'linus@example.com')
  await tell('PUT', '/_demo/people/linus', { email: 'Linus@Example.com' })
  const visitor = createVisitor(stack)
  const requested = await arrive(visitor, 'linus')
  t.match(requested.text, stock?.username ?? '', 'the previous name is shown before it is replaced')
  t.match(requested.text, /password no longer/, 'and that its password stops working')
  await visitor.submit(requested, /sign-up/, { accept_terms: '2026-01' })
  t.ok(await signedIn(visitor))
  const now = (await stack.state()).users.filter(({ email }) => email?.toLowerCase() === 'linus@example.com')
  t.equal(now.length, 1, 'not duplicated')
  t.equal(now[0]?.id, stock?.id)
  t.match(now[0]?.username, /^sso-/)
  t.match((await visitor.get('/applications')).text, 'stock chat')
  await tell('PUT', '/_demo/people/linus', { email: 'linus@example.com' })
})

t.test('11, 12: two tabs and two replicas sign in to one account', async (t) => {
  for (const way of ['tabs', 'replicas'] as const) {
    const { username, users } = await newcomer()
    await stack.resetCalls()
    const visitors = [createVisitor(stack), createVisitor(stack)]
    const pages = await Promise.all(visitors.map((visitor) => arrive(visitor, username)))
    const sent = pages.map((page, index) => {
      const visitor = visitors[index] as Visitor
      const form = { 'account.department': 'Research', 'user.job_title': 'Scientist', accept_terms: '2026-01' }
      if (way === 'replicas' && index === 1)
        return visitor.at(other.url)('/sign-up', { method: 'POST', body: new URLSearchParams(form) })
      return visitor.submit(page, /sign-up/, form)
    })
    const ends = await Promise.all(sent)
    for (const end of ends) t.ok([200, 303].includes(end.status), `${way}: ${end.status}`)
    for (const visitor of visitors) t.ok(await signedIn(visitor), way)
    t.equal((await users()).length, 1, way)
    t.equal((await stack.calls())['POST /admin/api/signup.json'], 1, `${way}: one sign-up reached 3scale`)
  }
})

t.test('14, 15, 19: a sign-up that is interrupted after any write is completed by the next sign-in', async (t) => {
  for (const call of ['POST /admin/api/signup.json', 'PUT *approve*', 'PUT *activate*']) {
    for (const fault of [{ drop: 'after' }, { drop: 'before' }, { status: 500 }]) {
      const { username, users, accountOf, visitor } = await newcomer()
      await stack.faults([{ match: call, ...fault, times: 2 }])
      await visitor.signIn(username, '/account')
      t.ok((await stack.readFaults())[0]?.hits, `${call} ${JSON.stringify(fault)}: the fault was injected`)
      await stack.faults([])
      const again = createVisitor(stack)
      const page = await again.signIn(username, '/account')
      t.equal(page.status, 200, `${call} ${JSON.stringify(fault)}: the next sign-in succeeds`)
      t.equal((await users()).length, 1)
      t.equal((await users())[0]?.state, 'active')
      t.equal((await accountOf())?.state, 'approved')
    }
  }
})

t.test('16, 17, 18: while 3scale is down, the form returns 503 and preserves the input', async (t) => {
  const { username, users, visitor } = await newcomer()
  const form = await arrive(visitor, username)
  await stack.faults([{ match: '* /admin/api/*', status: 503 }])
  const lost = await visitor.submit(form, /sign-up/, {
    'account.department': 'Research',
    'user.job_title': 'Kept',
    accept_terms: '2026-01',
  })
  t.equal(lost.status, 503)
  t.ok(lost.headers.get('retry-after'))
  t.match(lost.text, 'Kept')
  t.equal((await users()).length, 0)
  const early = await newcomer()
  const stopped = await arrive(early.visitor, early.username)
  t.equal(stopped.status, 503, 'a first sign-in')
  t.match(stopped.text, 'Try again')
  await stack.faults([])
  const before = await identityCalls()
  t.equal(
    (await visitor.submit(lost, /sign-up/, { 'account.department': 'Research', accept_terms: '2026-01' })).status,
    200,
  )
  t.equal((await early.visitor.get('/sign-up')).status, 200, 'resumes after the interruption')
  t.equal(await identityCalls(), before, 'no one was sent to the identity provider again')
  await stack.faults([{ match: '* /admin/api/*', status: 503 }])
  t.equal((await arrive(createVisitor(stack), username)).status, 503, 'a later sign-in')
  t.equal((await visitor.raw('/models')).status, 200, 'signed-in users continue')
  await stack.faults([])
})

t.test('20, 21: a pending account sees an error page until the operator approves it', async (t) => {
  await stack.put('/_demo/authentication_provider', { automatically_approve_accounts: false })
  await stack.put('/_demo/settings', { account_approval_required: true })
  const { username, accountOf, visitor } = await newcomer()
  const page = await visitor.signIn(username, '/account')
  t.equal(page.status, 403)
  t.match(page.text, 'pending approval')
  t.notOk(await signedIn(visitor))
  await stack.put('/_demo/authentication_provider', { automatically_approve_accounts: true })
  await stack.put('/_demo/settings', { account_approval_required: false })
  t.not((await accountOf())?.state, 'approved')
  await stack.put(`/_demo/accounts/${(await accountOf())?.id}`, { state: 'approved' })
  t.equal((await createVisitor(stack).signIn(username, '/account')).status, 200)
})

t.test('22 to 25: decisions of the operator are never reverted', async (t) => {
  const cases: [string, object, RegExp][] = [
    ['account', { state: 'rejected' }, /not approved/],
    ['account', { state: 'suspended' }, /suspended/],
    ['account', { state: 'scheduled_for_deletion' }, /suspended|closed/],
    ['user', { state: 'suspended' }, /suspended/],
  ]
  for (const [what, state, words] of cases) {
    const { username, users, accountOf, visitor } = await newcomer()
    await visitor.signIn(username)
    const id = what === 'user' ? (await users())[0]?.id : (await accountOf())?.id
    await stack.put(`/_demo/${what}s/${id}`, state)
    await stack.resetCalls()
    const page = await arrive(createVisitor(stack), username)
    t.equal(page.status, 403, JSON.stringify(state))
    t.match(page.text, words)
    t.match(page.text, 'models@example.com')
    t.same(await writes(), [], 'nothing is approved, activated or created again')
  }
})

t.test('26, 27: a deleted account is created again, and a rejected access token is an error', async (t) => {
  const { username, users, accountOf, visitor } = await newcomer()
  await visitor.signIn(username)
  const auth = { authorization: `Basic ${btoa(':demo-token')}` }
  await fetch(`${stack.threescale}/admin/api/accounts/${(await accountOf())?.id}.json`, {
    method: 'DELETE',
    headers: auth,
  })
  t.equal((await users()).length, 0)
  t.equal((await createVisitor(stack).signIn(username, '/account')).status, 200)
  t.equal((await users()).length, 1)
  for (const status of [401, 403]) {
    const unknown = await newcomer()
    await stack.faults([{ match: '* /admin/api/*', status }])
    await stack.resetCalls()
    const page = await arrive(unknown.visitor, unknown.username)
    t.equal(page.status, 503, String(status))
    t.same(await writes(), [])
    await stack.faults([])
  }
})

t.test('31 to 33: unusual organization names are adapted, and a rejected address shows a page', async (t) => {
  const cases: [unknown, RegExp][] = [
    ['x'.repeat(300), /^x{200,255}$/],
    ['Caf\u00e9 <script>\u0000\u0007 & Co', /^Caf\u00e9 <script> *& Co$/],
    ['', /@example\.com$|case/],
    [undefined, /@example\.com$|case/],
  ]
  for (const [org_name, expected] of cases) {
    const { username, accountOf, visitor } = await newcomer({ org_name })
    t.equal((await visitor.signIn(username, '/account')).status, 200, String(org_name).slice(0, 20))
    t.match((await accountOf())?.org_name, expected)
    t.notMatch((await visitor.get('/account')).text, '<script>')
  }
  const refused = await newcomer({ email: `${'a'.repeat(250)}@example.com` })
  const page = await refused.visitor.signIn(refused.username, '/account')
  t.ok(page.status === 403 || page.status === 422, String(page.status))
  t.notOk(await signedIn(refused.visitor))
})

t.test('34: required fields are requested once, validated, and preserved after an error', async (t) => {
  const { username, accountOf, visitor } = await newcomer()
  const form = await arrive(visitor, username)
  t.match(form.text, /name="account\.department"[\s\S]*Research/)
  const bad = await visitor.submit(form, /sign-up/, {
    'account.department': 'Nonsense',
    'user.job_title': 'Kept title',
  })
  t.equal(bad.status, 422)
  t.match(bad.text, 'must be one of')
  t.match(bad.text, 'Kept title')
  t.match(bad.text, 'Accept the terms')
  t.equal(await accountOf(), undefined, 'nothing is created before the terms are accepted')
  await visitor.submit(bad, /sign-up/, { 'account.department': 'Research', accept_terms: '2026-01' })
  t.equal((await accountOf())?.fields.department, 'Research')
})

t.test('35, 36, 37: while the identity provider is down, sign-in returns 503 and the portal works', async (t) => {
  const { username, visitor } = await newcomer()
  for (const fault of [{ status: 500 }, { drop: 'before' }, { hang: true }]) {
    const again = createVisitor(stack)
    const login = await again.get('/login')
    await breakIdentity([{ match: 'POST /token', ...fault }])
    const page = await again.submit(login, /interaction/, { username, password: 'demo' })
    t.equal(page.status, 503, JSON.stringify(fault))
    t.match(page.text, 'is not responding')
    await breakIdentity([])
  }
  t.equal((await visitor.signIn(username, '/account')).status, 200, 'and then sign-in works')
  await stack.parts.identity?.stop('SIGKILL')
  const late = await stack.portal({ PORT: String(stack.port + 51), CATALOG_TTL: '3600' })
  const stranger = createVisitor(stack)
  const down = await stranger.at(late.url)('/login')
  t.equal(down.status, 503, 'a portal that started without it')
  t.ok(down.headers.get('retry-after'))
  t.equal((await stranger.at(late.url)('/models')).status, 200, 'serves the catalogue')
  t.equal((await visitor.raw('/applications')).status, 200, 'signed-in users continue')
  await stack.part('identity')
  await sleep(1100)
  t.equal((await stranger.at(late.url)('/login')).status, 303, 'and reaches it without a restart')
  await late.stop()
})

t.test('38 to 41: a callback of another sign-in is rejected', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  const old = '/login/callback?code=used&state=used'
  t.equal((await visitor.raw(old)).status, 303, 'the Back button of a signed-in user')
  t.ok(await signedIn(visitor), 'the session is unchanged')
  const victim = createVisitor(stack)
  await stack.resetCalls()
  t.equal((await victim.raw(old)).status, 400, "an attacker's address")
  t.same(await stack.calls(), {}, '3scale receives no request')
  const callbacks: [string, Record<string, string | null>, RegExp][] = [
    ['state altered', { state: 'altered' }, /no longer valid|did not work/],
    ['state missing', { state: null }, /no longer valid|did not work/],
    ['iss altered', { iss: 'https://evil.example' }, /no longer valid|did not work/],
    ['iss missing', { iss: null }, /no longer valid|did not work/],
    ['denied', { error: 'access_denied', error_description: '<b>evil</b>', code: null }, /cancelled/],
    ['busy', { error: 'temporarily_unavailable', code: null }, /is not responding/],
  ]
  for (const [name, callback, words] of callbacks) {
    const person = await newcomer()
    await forge({ callback })
    const before = await identityCalls('POST /token')
    const page = await arrive(person.visitor, person.username)
    t.ok(page.status >= 400, `${name}: ${page.status}`)
    t.match(page.text, words, name)
    t.notMatch(page.text, '<b>evil')
    t.equal(await identityCalls('POST /token'), before, `${name}: no code was sent`)
    t.notOk(await signedIn(person.visitor))
  }
  await forge({})
})

t.test('40, 42, 56: an ID token with any invalid part is rejected, with 30 seconds of clock tolerance', async (t) => {
  const cases: [string, object][] = [
    ['another nonce', { set: { nonce: 'other' } }],
    ['no nonce', { drop: ['nonce'] }],
    ['another audience', { set: { aud: 'somebody' } }],
    ['another issuer', { set: { iss: 'https://evil.example' } }],
    ['expired', { shift_seconds: -7200 }],
    ['two minutes off', { shift_seconds: 4000, set: { nbf: Math.floor(Date.now() / 1000) + 4000 } }],
    ['signed by a stranger', { sign: 'stranger' }],
    ['not signed', { sign: 'none' }],
    ['signed with the public key', { sign: 'hs256' }],
    ['no subject', { drop: ['sub'] }],
    ['a changed subject, signed by a stranger', { set: { sub: 'admin' }, sign: 'stranger' }],
  ]
  for (const [name, id_token] of cases) {
    const { username, visitor } = await newcomer()
    await forge({ id_token })
    await stack.resetCalls()
    const page = await arrive(visitor, username)
    t.ok(page.status >= 400 && page.status < 500, `${name}: ${page.status}`)
    t.same(await stack.calls(), {}, `${name}: 3scale receives no request`)
    t.notOk(await signedIn(visitor), name)
  }
  for (const shift_seconds of [-25, 25]) {
    const { username, visitor } = await newcomer()
    await forge({ id_token: { shift_seconds } })
    t.equal((await visitor.signIn(username, '/account')).status, 200, `${shift_seconds} s`)
  }
  await forge({})
})

t.test('46 to 48, 50: back-channel logout', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  const post = async (logout_token: string, origin = portal.url) =>
    (await fetch(`${origin}/logout/backchannel`, { method: 'POST', body: new URLSearchParams({ logout_token }) }))
      .status
  const mint = async (body: object) =>
    ((await (await tell('POST', '/_demo/sign-out', body)).json()) as { logout_token: string }).logout_token
  for (const bad of [
    { username, aud: 'somebody' },
    { username, iss: 'https://evil.example' },
    { username, stranger: true },
    { username, typ: 'at+jwt' },
    { username, claims: { events: {} } },
    { username, claims: { nonce: 'x' } },
    { username, claims: { exp: 1 } },
    {},
  ])
    t.equal(await post(await mint(bad)), 400, JSON.stringify(bad))
  t.ok(await signedIn(visitor), 'nothing was revoked')
  const token = await mint({ username })
  t.equal(await post(token), 200)
  t.equal(await post(token), 200, 'a repeat has no further effect')
  t.notOk(await signedIn(visitor))
  for (let tries = 0; tries < 50 && (await visitor.at(other.url)('/account')).status === 200; tries++) await sleep(20)
  t.equal((await visitor.at(other.url)('/account')).status, 303, 'on the other replica too')
})

t.test('49: a sign-out without Redis takes effect here immediately and everywhere once Redis is back', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  const stored = new Map(visitor.jar)
  redis.freeze()
  const body = JSON.stringify({ username, url: `${portal.url}/logout/backchannel` })
  const reported = (await (await fetch(`${identity}/_demo/sign-out`, { method: 'POST', body })).json()) as {
    status: number
  }
  t.equal(reported.status, 200)
  t.notOk(await signedIn(visitor))
  redis.thaw()
  const status = async () => {
    for (const [name, value] of stored) visitor.jar.set(name, value)
    return (await visitor.at(other.url)('/account')).status
  }
  for (let tries = 0; tries < 200 && (await status()) === 200; tries++) await sleep(50)
  t.equal(await status(), 303, 'the other replica was notified')
})

t.test('51, 53, 59: a sign-out ends only this session, also while the identity provider is down', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  const elsewhere = createVisitor(stack)
  await arrive(elsewhere, username)
  t.ok(await signedIn(elsewhere))
  t.equal((await visitor.post('/logout', {})).status, 200)
  t.notOk(await signedIn(visitor))
  t.ok(await signedIn(elsewhere), 'the other browser continues')
  const next = await newcomer()
  elsewhere.jar.clear()
  t.equal((await elsewhere.signIn(next.username, '/account')).status, 200)
  t.match((await elsewhere.get('/account')).text, next.email ?? '', 'another person in the same browser')
  t.notMatch((await elsewhere.get('/account')).text, `${username}@example.com`)
})

t.test('54: the identity provider rotates its keys between two sign-ins', async (t) => {
  const { username } = await newcomer()
  t.equal((await createVisitor(stack).signIn(username, '/account')).status, 200)
  await tell('POST', '/_demo/keys', { withdraw: true })
  t.equal((await createVisitor(stack).signIn(username, '/account')).status, 200)
  await tell('DELETE', '/_demo/keys', {})
})

t.test('60, 63: a changed address changes no account, and a browser without cookies sees an error page', async (t) => {
  const { username, users } = await newcomer()
  await createVisitor(stack).signIn(username)
  const [before] = await users()
  await tell('PUT', `/_demo/people/${username}`, { email: 'moved@example.com' })
  const visitor = createVisitor(stack)
  t.equal((await visitor.signIn(username, '/account')).status, 200)
  const state = await stack.state()
  t.equal(state.users.filter(({ id }) => id === before?.id).length, 1, 'the same user')
  const bare = createVisitor(stack)
  const login = await bare.raw('/login')
  const parameters = new URL(login.location ?? '').searchParams
  bare.jar.clear()
  const page = await bare.raw(`/login/callback?code=x&state=${parameters.get('state')}`)
  t.equal(page.status, 400)
  t.match(page.text, 'must accept cookies')
})

t.test('closed or limited sign-up shows a page with a contact and writes nothing', async (t) => {
  await stack.put('/_demo/settings', { signups_enabled: false })
  const { username, visitor } = await newcomer()
  await stack.resetCalls()
  const page = await arrive(visitor, username)
  t.equal(page.status, 403)
  t.match(page.text, 'Sign-up is closed')
  t.same(await writes(), [])
  await stack.put('/_demo/settings', { signups_enabled: true })

  const file = `${t.testdir({
    'portal.yaml': [
      'contact: { email: help@example.com }',
      'terms: { version: "1", url: "https://example.com/terms", field: terms_version }',
      'sign_up:',
      '  email_domains: [good.example]',
      '  groups: [staff]',
      '  claims: [{ name: badge, values: [blue] }]',
    ].join('\n'),
  })}/portal.yaml`
  const strict = await stack.portal({ PORT: String(stack.port + 52), PORTAL_CONFIG: file, PUBLIC_URL: stack.url })
  const cases: [Record<string, unknown>, number][] = [
    [{ email: 'a@bad.example', groups: ['staff'], badge: 'blue' }, 403],
    [{ email: 'b@good.example', groups: ['others'], badge: 'blue' }, 403],
    [{ email: 'c@good.example', groups: ['staff'], badge: 'red' }, 403],
    [{ email: 'd@good.example', groups: ['staff'] }, 403],
    [{ email: 'e@Good.Example', groups: ['staff'], badge: 'blue' }, 303],
    [{ email: `${'f'.repeat(240)}@good.example.evil.org`, groups: ['staff'], badge: 'blue' }, 403],
    [{ email: `${'g'.repeat(250)}@good.example`, groups: ['staff'], badge: 'blue' }, 403],
    [{ email: '"h@evil.org"@good.example', groups: ['staff'], badge: 'blue' }, 403],
    [{ email: 'i@evil.org\u0000@good.example', groups: ['staff'], badge: 'blue' }, 403],
    [{ email: 'j\u200b@good.example', groups: ['staff'], badge: 'blue' }, 403],
    [{ email: 'k@good.example.', groups: ['staff'], badge: 'blue' }, 403],
    [{ email: 'l,m@good.example', groups: ['staff'], badge: 'blue' }, 403],
  ]
  for (const [claims, status] of cases) {
    const { badge, ...rest } = claims
    const person = await newcomer(rest)
    // A mapper of the identity provider would add it.
    await forge(badge ? { id_token: { set: { badge } } } : {})
    const at = person.visitor.at(strict.url)
    const began = await at('/login')
    const form = await person.visitor.get(began.location ?? '')
    const back = form.text.includes('name="password"')
      ? await lastRedirect(person.visitor, form, person.username)
      : form.url
    await stack.resetCalls()
    const callback = new URL(back)
    const end = await at(callback.pathname + callback.search)
    t.equal(end.status, status, JSON.stringify(claims))
    if (status === 403) {
      t.match(end.text, 'help@example.com')
      t.same(await writes(), [])
    }
  }
  await forge({})
  await strict.stop()
})

/** The address of the callback, without following it: the host name in front of the portals is that of the first one. */
async function lastRedirect(visitor: Visitor, form: Answer, username: string): Promise<string> {
  const action = /<form[^>]*action="([^"]*)"/.exec(form.text)?.[1] ?? ''
  let answer = await visitor.raw(new URL(action, form.url).href, {
    method: 'POST',
    body: new URLSearchParams({ username, password: 'demo' }),
  })
  for (let hops = 0; hops < 8 && answer.location && !answer.location.includes('/login/callback'); hops++)
    answer = await visitor.raw(new URL(answer.location, answer.url).href)
  return answer.location ?? ''
}

async function identityCalls(call?: string): Promise<number> {
  const calls = (await (await fetch(`${identity}/_demo/calls`)).json()) as Record<string, number>
  if (call) return calls[call] ?? 0
  return Object.values(calls).reduce((sum, number) => sum + number, 0)
}

async function flush(): Promise<void> {
  const { spawnSync } = await import('node:child_process')
  spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
}
