import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { completeSignUp, follow, launchBrowser } from '../helper/browser.js'
import { portBeside, type RunningPortal, startRedis, startStack } from '../helper/stack.js'
import { secrets, startKeycloak } from './keycloak.js'
import { startMailbox } from './mailbox.js'

// The portal with a real Keycloak; 3scale and the gateways are those of the demo.
const mailbox = await startMailbox()
const redis = await startRedis()
const stack = await startStack(['threescale', 'gateway'])
const keycloak = await startKeycloak({ portalUrl: stack.url, backchannelUrl: stack.url, smtpPort: mailbox.port })
const settings = {
  OIDC_ISSUER: keycloak.issuer,
  OIDC_CLIENT_SECRET: secrets.portal,
  // PORTAL_CONFIG of the demo names the role that identifies services.
  API_CLIENTS: '',
}
let portal = await startPortal()
const replica = await startPortal({ PORT: portBeside(stack) })
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await keycloak.close()
  await stack.close()
  await redis.stop()
  mailbox.close()
})

t.test('a new user registers, verifies the e-mail address, signs up and calls a model', async (t) => {
  const page = await newPage()
  await page.goto(`${stack.url}/applications/new?model=granite-chat`)
  await register(page, { username: 'ida', firstName: 'Ida', lastName: 'Rhodes', org_name: 'Bureau of Standards' })
  await page.waitForURL(`${stack.url}/sign-up`)
  await completeSignUp(page)
  t.equal(page.url(), `${stack.url}/applications/new?model=granite-chat`, 'back at the first page')
  await page.click('main button[type=submit]')
  await page.waitForURL(/\/applications\/\d+$/)
  await page.click('form[action$="/reveal"] button')
  const code = (await page.textContent('code[data-client=curl]')) ?? ''
  const ran = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.match(ran.stdout, 'chat.completion', ran.stderr)
  const { users, accounts } = await stack.state()
  const user = users.find(({ email }) => email === 'ida@example.com')
  t.match(user?.username, /^sso-[a-z2-7]{32}$/)
  t.equal(user?.state, 'active')
  const account = accounts.find(({ id }) => id === user?.account_id)
  t.match(account, { org_name: 'Bureau of Standards', state: 'approved' }, 'named by the org_name mapper')
  await page.context().close()
})

t.test('a second sign-in finds the same account and writes nothing to 3scale', async (t) => {
  await stack.resetCalls()
  const page = await signIn('ida', '/applications')
  t.equal(page.url(), `${stack.url}/applications`)
  t.equal((await page.locator('main a[href^="/applications/"][href*="/applications/"]').count()) > 0, true)
  const writes = Object.keys(await stack.calls()).filter((call) => !call.startsWith('GET '))
  t.same(writes, [])
  await page.context().close()
})

t.test('PKCE is required: a request without a challenge is rejected before the sign-in page', async (t) => {
  const query = new URLSearchParams({
    client_id: 'maas-portal',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${stack.url}/login/callback`,
  })
  const answer = await fetch(`${keycloak.issuer}/protocol/openid-connect/auth?${query}`, { redirect: 'manual' })
  t.match(answer.headers.get('location'), /error=invalid_request/)
  query.set('redirect_uri', `${stack.url}.example.com/login/callback`)
  const elsewhere = await fetch(`${keycloak.issuer}/protocol/openid-connect/auth?${query}`, { redirect: 'manual' })
  t.equal(elsewhere.status, 400, 'an unregistered address')
})

t.test(
  'a user with an unverified address is rejected with a reason, nothing is created, and verification grants access',
  async (t) => {
    const id = await keycloak.addPerson({ username: 'uma', email: 'uma@example.com', emailVerified: false })
    await keycloak.setRealm({ verifyEmail: false })
    const page = await signIn('uma')
    await page.waitForURL(`${stack.url}/**`)
    t.match(await page.textContent('h1'), 'Your e-mail address is not verified')
    const created = () => stack.state().then(({ users }) => users.some(({ email }) => email === 'uma@example.com'))
    t.equal(await created(), false)
    await keycloak.admin('PUT', `/users/${id}`, { emailVerified: true })
    await keycloak.setRealm({ verifyEmail: true })
    await page.click('a[href^="/login"]')
    await page.waitForURL(`${stack.url}/sign-up`)
    await completeSignUp(page)
    t.equal(await created(), true)
    await page.context().close()
  },
)

t.test(
  'a user with a password in the stock portal registers with the same address and has access to the same data',
  async (t) => {
    const before = await stack.state()
    const stock = before.users.find(({ username }) => username === 'linus-stock')
    const page = await newPage()
    await page.goto(`${stack.url}/admin/applications`)
    await register(page, { username: 'linus', firstName: 'Linus', lastName: 'Torvalds' })
    await page.waitForURL(`${stack.url}/sign-up`)
    t.match(await page.textContent('main'), 'linus-stock', 'informed about the previous user name and password')
    await completeSignUp(page)
    await page.goto(`${stack.url}/applications`)
    t.match(await page.textContent('main'), 'stock chat')
    const after = await stack.state()
    t.equal(after.users.length, before.users.length)
    t.match(after.users.find(({ id }) => id === stock?.id)?.username, /^sso-/)
    await page.context().close()
  },
)

t.test('sign-out ends the session at Keycloak, and the cookie is no longer valid', async (t) => {
  const page = await signIn('ida', '/account')
  const cookies = await page.context().cookies(stack.url)
  const { id = '' } = (await keycloak.findPerson('ida')) ?? {}
  const before = await sessionsOf(id)
  await page.click('.user-menu summary')
  await page.click('.user-panel button')
  await page.waitForURL(`${stack.url}/signed-out`)
  t.equal(await sessionsOf(id), before - 1)
  await page.goto(`${stack.url}/account`)
  t.equal(await asksForPassword(page), true)
  const thief = await newContext()
  await thief.addCookies(cookies)
  // Other replicas are notified within a second.
  for (const [at, tries] of [[portal, 0] as const, [replica, 10] as const]) {
    t.equal(await until(() => statusAt(at, thief), 303, tries), 303, `${at.url} rejects it`)
    const stolen = await thief.newPage()
    await stolen.goto(`${at.url}/account`)
    t.match(stolen.url(), keycloak.issuer, 'and redirects to sign-in')
  }
  await thief.close()
  await page.context().close()
})

t.test('an operator signs out a user at Keycloak: every replica is notified', async (t) => {
  const page = await signIn('ida', '/account')
  const other = await signIn('ida', '/account')
  const { id = '' } = (await keycloak.findPerson('ida')) ?? {}
  t.equal(await statusAt(replica, page.context()), 200)
  await keycloak.admin('POST', `/users/${id}/logout`)
  for (const browserSession of [page, other]) {
    t.equal(await until(() => statusAt(portal, browserSession.context()), 303), 303, 'the notified replica')
    t.equal(await until(() => statusAt(replica, browserSession.context()), 303), 303, 'and the other')
    await browserSession.goto(`${stack.url}/account`)
    t.equal(await asksForPassword(browserSession), true)
    await browserSession.context().close()
  }
})

t.test("sign-out in Keycloak's account console ends that browser's session in the portal and no other", async (t) => {
  const page = await signIn('ida', '/account')
  const other = await signIn('ida', '/account')
  const console = await page.context().newPage()
  await console.goto(`${keycloak.issuer}/account`)
  await console.click('[data-testid=options-toggle]')
  await console.click('[role=menuitem]:has-text("Sign out")')
  t.equal(await until(() => statusAt(portal, page.context()), 303), 303)
  t.equal(await statusAt(portal, other.context()), 200)
  await page.context().close()
  await other.context().close()
})

t.test('a program signs in with client credentials and uses the REST API', async (t) => {
  const required = { grant_type: 'client_credentials', client_id: 'maas-service', client_secret: secrets.service }
  const bare = await keycloak.token(required)
  t.equal((await api('/models', bare.body.access_token)).status, 403, 'without a scope')
  const { body } = await keycloak.token({ ...required, scope: 'maas:read maas:write' })
  const models = await api('/models', body.access_token)
  t.equal(models.status, 200)
  t.ok((models.body.items as unknown[]).length > 5)
  const me = await api('/me', body.access_token)
  t.match(me.body, { subject: 'maas-service', signed_up: false })
  t.equal((await keycloak.token({ ...required, client_secret: 'wrong' })).status, 401)
})

t.test(
  'a client that an administrator creates with the role of services signs up without a restart of the portal',
  async (t) => {
    const scopes = ['basic', 'profile', 'service_account', 'maas-audience', 'maas-services']
    const client = {
      clientId: 'night-build',
      secret: 'night-build-secret',
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      fullScopeAllowed: false,
      defaultClientScopes: scopes,
      optionalClientScopes: ['maas:read', 'maas:write'],
    }
    t.equal((await keycloak.admin('POST', '/clients', client)).status, 201)
    const token = async () => {
      const required = {
        grant_type: 'client_credentials',
        client_id: 'night-build',
        client_secret: 'night-build-secret',
      }
      return (await keycloak.token({ ...required, scope: 'maas:read maas:write' })).body.access_token
    }
    const refused = await api('/me', await token())
    t.match([refused.status, refused.body.detail], [403, /can assign the role maas-service/])

    const [{ id = '' } = {}] = (await (await keycloak.admin('GET', '/clients?clientId=night-build')).json()) as Named[]
    const account = (await (await keycloak.admin('GET', `/clients/${id}/service-account-user`)).json()) as Named
    const role = (await (await keycloak.admin('GET', '/roles/maas-service')).json()) as Named
    await keycloak.admin('POST', `/users/${account.id}/role-mappings/realm`, [role])
    const body = JSON.stringify({ fields: { department: 'Research', job_title: 'Robot' }, accept_terms: '2026-01' })
    const created = await api('/me', await token(), { method: 'POST', body })
    t.match([created.status, created.body.account], [201, { role: 'admin' }])
    t.match((await api('/members', await token())).body.items, [{ kind: 'service', email: null, you: true }])

    await keycloak.admin('DELETE', `/users/${account.id}/role-mappings/realm`, [role])
    t.equal((await api('/me', await token())).status, 403, 'until the role is taken away')
  },
)

t.test('a user with the role of services is still a user', async (t) => {
  const people = (await (await keycloak.admin('GET', '/users?username=ida&exact=true')).json()) as Named[]
  const role = (await (await keycloak.admin('GET', '/roles/maas-service')).json()) as Named
  await keycloak.admin('POST', `/users/${people[0]?.id}/role-mappings/realm`, [role])
  const [cli] = (await (await keycloak.admin('GET', '/clients?clientId=maas-cli')).json()) as Named[]
  const all = (await (await keycloak.admin('GET', '/client-scopes')).json()) as Named[]
  const scope = all.find(({ name }) => name === 'maas-services')
  await keycloak.admin('PUT', `/clients/${cli?.id}/default-client-scopes/${scope?.id}`)
  const token = await deviceToken('ida')
  t.match(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()), {
    realm_access: { roles: ['maas-service'] },
  })
  const me = await api('/me', token)
  t.match([me.status, me.body.signed_up], [200, true])
  const items = (await api('/members', token)).body.items as { kind: string; you: boolean }[]
  t.match(
    items.filter(({ you }) => you),
    [{ kind: 'person' }],
  )
  await keycloak.admin('DELETE', `/clients/${cli?.id}/default-client-scopes/${scope?.id}`)
  await keycloak.admin('DELETE', `/users/${people[0]?.id}/role-mappings/realm`, [role])
})

t.test('a user at a command line signs in by device flow, creates a key and calls a model', async (t) => {
  const started = await fetch(`${keycloak.issuer}/protocol/openid-connect/auth/device`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'maas-cli', scope: 'openid maas:read maas:write' }),
  })
  const device = (await started.json()) as Record<string, string>
  const poll = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'maas-cli',
    device_code: device.device_code ?? '',
  }
  t.match(await keycloak.token(poll), { status: 400, body: { error: 'authorization_pending' } })
  const page = await newPage()
  await page.goto(device.verification_uri_complete ?? '')
  await enter(page, 'ida')
  await follow(page, '[name=accept]')
  const token = await granted(poll, Number(device.interval ?? 5))
  const created = await api('/applications', token, {
    method: 'POST',
    headers: { 'idempotency-key': crypto.randomUUID() },
    body: JSON.stringify({
      model: 'granite-chat',
      plan: 'basic',
      name: 'from the command line',
      fields: { purpose: 'Experiment' },
    }),
  })
  t.equal(created.status, 201, JSON.stringify(created.body))
  const application = created.body as { base_url: string; credentials: { user_key: string } }
  await stack.settled()
  const called = await fetch(new URL('/v1/models', application.base_url), {
    headers: { authorization: `Bearer ${application.credentials.user_key}` },
  })
  t.equal(called.status, 200)
  await page.context().close()
})

t.test(
  'a user deletes the account at Keycloak: Keycloak sends no notification, and a new user with the address is not its owner',
  async (t) => {
    await keycloak.addPerson({ username: 'olga', email: 'olga@example.com', emailVerified: true })
    const page = await signIn('olga', '/account')
    await completeSignUp(page)
    const console = await page.context().newPage()
    await console.goto(`${keycloak.issuer}/account`)
    await console.click('[data-testid=delete-account] button')
    await console.click('#delete-account-btn')
    await console.fill('[name=password]', passwordOf('olga'))
    await console.click('[type=submit]')
    await console.waitForURL(/delete_account/)
    await console.click('#kc-submit')
    await console.waitForSelector('text=User deleted successfully')
    t.equal(await keycloak.findPerson('olga'), undefined)
    t.equal(
      await statusAt(portal, page.context()),
      200,
      'no back-channel logout is sent: the session ends when it expires',
    )
    await keycloak.addPerson({ username: 'olga2', email: 'olga@example.com', emailVerified: true })
    const before = (await stack.state()).users.length
    const next = await signIn('olga2')
    t.match(await next.textContent('h1'), 'This e-mail address is already in use')
    t.equal((await stack.state()).users.length, before)
    await page.context().close()
    await next.context().close()
  },
)

t.test(
  "after the portal's session ends, Keycloak signs the user in without a form; after its own session ends, it shows one",
  async (t) => {
    await portal.stop()
    portal = await startPortal({ SESSION_MAX: '2s' })
    const page = await signIn('ida', '/account')
    t.equal(await until(() => statusAt(portal, page.context()), 303), 303, 'the session of the portal has ended')
    await page.goto(`${stack.url}/applications`)
    t.equal(page.url(), `${stack.url}/applications`, 'Keycloak showed no form')
    await keycloak.setRealm({ ssoSessionMaxLifespan: 1 })
    await sleep(1500)
    t.equal(await until(() => statusAt(portal, page.context()), 303), 303)
    await page.goto(`${stack.url}/applications`)
    t.equal(await asksForPassword(page), true)
    await keycloak.setRealm({ ssoSessionMaxLifespan: 36_000 })
    await portal.stop()
    portal = await startPortal()
    await page.context().close()
  },
)

t.test('after the realm changes its signing key, sign-in, sessions, tokens and sign-out still work', async (t) => {
  const page = await signIn('ida', '/account')
  const old = await serviceToken()
  t.equal((await api('/models', old)).status, 200)
  const { id: realmId } = (await (await keycloak.admin('GET', '')).json()) as { id: string }
  const keys = await (await keycloak.admin('GET', '/components?type=org.keycloak.keys.KeyProvider')).json()
  const current = (keys as { id: string; providerId: string; config: Record<string, string[]> }[]).find(
    ({ providerId }) => providerId === 'rsa-generated',
  )
  await keycloak.admin('POST', '/components', {
    name: 'rotated',
    providerId: 'rsa-generated',
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId: realmId,
    config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] },
  })
  const fresh = await serviceToken()
  t.not(kidOf(fresh), kidOf(old), 'another key signs')
  t.equal((await api('/models', fresh)).status, 200, 'a token of the new key')
  t.equal((await api('/models', old)).status, 200, 'a token of the previous key, which is still published')
  const next = await signIn('ida', '/account')
  t.equal(next.url(), `${stack.url}/account`, 'sign-in')
  t.equal(await statusAt(portal, page.context()), 200)
  // The operator removes the previous key: what it signed is no longer accepted.
  if (current) {
    const config = { ...current.config, enabled: ['false'], active: ['false'] }
    await keycloak.admin('PUT', `/components/${current.id}`, { ...current, config })
  }
  await page.goto(`${stack.url}/account`)
  await page.click('.user-menu summary')
  await page.click('.user-panel button')
  await page.waitForURL(({ href, pathname }) => href.startsWith(keycloak.issuer) || pathname === '/signed-out')
  if (page.url().startsWith(keycloak.issuer)) {
    t.match(
      await page.textContent('body'),
      /log out|sign out/i,
      'Keycloak asks for confirmation, because it received no hint',
    )
    await page.click('[type=submit]')
  }
  await page.waitForURL(`${stack.url}/signed-out`)
  await page.goto(`${stack.url}/account`)
  t.equal(await asksForPassword(page), true, 'signed out at both')
  await page.context().close()
  await next.context().close()
})

t.test(
  'while Keycloak is stopped, signed-in users and cached tokens are accepted; after a restart everything works',
  async (t) => {
    const page = await signIn('ida', '/account')
    const token = await serviceToken()
    t.equal((await api('/models', token)).status, 200)
    await keycloak.stop()
    t.equal(await statusAt(portal, page.context()), 200)
    t.equal((await api('/models', token)).status, 200, 'the keys are cached')
    const visitor = await newPage()
    t.equal(
      await until(() => fetch(`${stack.url}/login`, { redirect: 'manual' }).then(({ status }) => status), 503),
      503,
    )
    await visitor.goto(`${stack.url}/login`)
    t.match(await visitor.textContent('h1'), 'Your identity provider is not responding')
    await replica.stop()
    const late = await startPortal({ PORT: portBeside(stack) })
    t.equal((await fetch(`${late.url}/models`)).status, 200, 'a portal starts without it')
    const seen = () => api('/models', token, {}, late).then(({ status }) => status)
    t.equal(await until(seen, 200), 200, 'and has the keys that another one stored in Redis')
    const alone = await stack.portal({ ...settings, PORT: String(Number(portBeside(stack)) + 1) })
    t.equal(
      (await api('/models', token, {}, alone)).status,
      503,
      'without Redis it reports that it cannot verify tokens',
    )
    await keycloak.start()
    await visitor.goto(`${stack.url}/login?return_to=/applications`)
    await enter(visitor, 'ida')
    t.equal(visitor.url(), `${stack.url}/applications`)
    t.equal(await until(() => api('/models', token, {}, alone).then(({ status }) => status), 200), 200)
    await visitor.context().close()
    await page.context().close()
  },
)

interface Named {
  id: string
  name?: string
}

/** An access token for the command line, for a user with an account. */
async function deviceToken(username: string): Promise<string> {
  const started = await fetch(`${keycloak.issuer}/protocol/openid-connect/auth/device`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'maas-cli', scope: 'openid maas:read maas:write' }),
  })
  const device = (await started.json()) as Record<string, string>
  const page = await newPage()
  await page.goto(device.verification_uri_complete ?? '')
  await enter(page, username)
  await follow(page, '[name=accept]')
  const poll = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'maas-cli',
    device_code: device.device_code ?? '',
  }
  const token = await granted(poll, Number(device.interval ?? 5))
  await page.context().close()
  return token
}

/** Polls at the interval that the provider requests (RFC 8628 section 3.5). */
async function granted(poll: Record<string, string>, seconds: number): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await sleep(seconds * 1000)
    const { body } = await keycloak.token(poll)
    if (body.access_token) return body.access_token
  }
  throw new Error('the device was not let in')
}

async function serviceToken(): Promise<string> {
  const { body } = await keycloak.token({
    grant_type: 'client_credentials',
    client_id: 'maas-service',
    client_secret: secrets.service,
    scope: 'maas:read',
  })
  return body.access_token ?? ''
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')).kid
}

async function sessionsOf(id: string): Promise<number> {
  return ((await (await keycloak.admin('GET', `/users/${id}/sessions`)).json()) as unknown[]).length
}

/** Keycloak's registration, from its sign-in page to the page that follows. */
async function register(page: Page, fields: Record<string, string> & { username: string }): Promise<void> {
  const { username } = fields
  await page.click('a[href*="registration"]')
  await page.fill('[name=email]', `${username}@example.com`)
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value)
  await page.click('[type=submit]')
  await page.waitForURL(/VERIFY_EMAIL/)
  await page.goto(await mailbox.linkFor(`${username}@example.com`))
  // Keycloak 26.7 and later ask for the password after the address is verified.
  await page.waitForSelector('[name=password-new]').catch(async (error: Error) => {
    throw new Error(`${error.message}\nKeycloak shows: ${await page.textContent('body')}`)
  })
  await page.fill('[name=password-new]', passwordOf(username))
  await page.fill('[name=password-confirm]', passwordOf(username))
  await page.click('[type=submit]')
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext()
  context.setDefaultTimeout(15_000)
  return context
}

async function newPage(): Promise<Page> {
  return (await newContext()).newPage()
}

function passwordOf(username: string): string {
  return `${username}-long-passphrase`
}

/** Keycloak's own form. */
async function enter(page: Page, username: string): Promise<void> {
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', passwordOf(username))
  await follow(page, '[type=submit]')
}

async function signIn(username: string, returnTo = '/'): Promise<Page> {
  const page = await newPage()
  await page.goto(`${stack.url}/login?return_to=${encodeURIComponent(returnTo)}`)
  await enter(page, username)
  return page
}

async function asksForPassword(page: Page): Promise<boolean> {
  return page.url().startsWith(keycloak.issuer) && (await page.locator('[name=password]').count()) === 1
}

/** The status of the account page for that browser's cookies: 200 signed in, 303 not. */
async function statusAt({ url }: RunningPortal, context: BrowserContext): Promise<number> {
  const cookies = await context.cookies(stack.url)
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  return (await fetch(`${url}/account`, { headers: { cookie }, redirect: 'manual' })).status
}

/** Retries until the expected value is returned; otherwise returns the last one. */
async function until<T>(ask: () => Promise<T>, required: T, times = 100): Promise<T> {
  let answer = await ask()
  for (let attempt = 0; attempt < times && answer !== required; attempt++) {
    await sleep(100)
    answer = await ask()
  }
  return answer
}

async function api(path: string, token: string | undefined, init: RequestInit = {}, at = portal) {
  const headers = { 'content-type': 'application/json', ...init.headers, authorization: `Bearer ${token}` }
  const answer = await fetch(`${at.url}/api/v1${path}`, { ...init, headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function startPortal(env: Record<string, string> = {}): Promise<RunningPortal> {
  return stack.portal({ ...settings, REDIS_URL: redis.url, ...env })
}
