import type { JWTPayload } from 'jose'
import t, { type Test } from 'tap'
import { logReason } from '../../../src/clients/identity/errors.js'
import { acceptedAlgorithms } from '../../../src/clients/identity/issuer.js'
import { createIdentityProvider, type IdentityProviderOptions } from '../../../src/clients/identity/provider.js'
import { isProblem } from '../../../src/errors.js'
import { type SmallProvider, type SmallProviderOptions, startSmallProvider } from '../../helper/small-provider.js'

const now = () => Math.floor(Date.now() / 1000)
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

async function providerFor(t: Test, options: SmallProviderOptions = {}): Promise<SmallProvider> {
  const provider = await startSmallProvider(options)
  t.teardown(provider.close)
  return provider
}

function identityOf(provider: SmallProvider, options: Partial<IdentityProviderOptions> = {}, reasons: string[] = []) {
  const noted = ({ reason }: { reason: string }) => void reasons.push(reason)
  return createIdentityProvider({
    issuer: provider.issuer,
    clientId: 'portal',
    clientSecret: 'a secret & more: ü',
    scopes: 'openid email',
    publicUrl: 'https://models.example.com',
    fetch: globalThis.fetch,
    log: { info: noted, warn: noted, error: noted } as unknown as IdentityProviderOptions['log'],
    ...options,
  })
}

type Identity = ReturnType<typeof identityOf>

/** Goes to the provider and back; `query` replaces parameters of the callback where a test needs that. */
async function signIn(identity: Identity, change: (callback: URL) => void = () => {}) {
  const { url, authorization } = await identity.begin()
  const { headers } = await fetch(url, { redirect: 'manual' })
  const callback = new URL(headers.get('location') ?? '')
  change(callback)
  return identity.finish(callback.pathname + callback.search, authorization)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const failure: unknown = await work.then(
    () => 'done',
    (error: unknown) => error,
  )
  return isProblem(failure) ? failure.code : String(failure)
}

t.test(
  'a valid token that was issued earlier is accepted, and one issued in the future is reported as clock skew',
  async (t) => {
    const provider = await providerFor(t)
    const identity = identityOf(provider)
    const good: [name: string, issuedAgo: number, validFor: number][] = [
      ['five minutes ago, as of Entra ID', 300, 3900],
      ['an hour ago', 3600, 7200],
      ['a day ago', 86_400, 2 * 86_400],
      ['in 20 s, within the tolerance', -20, 3600],
    ]
    for (const [name, issuedAgo, validFor] of good) {
      Object.assign(provider, { issuedAgo, validFor })
      t.equal((await signIn(identity)).claims.sub, 'u1', name)
    }
    const bad: [name: string, issuedAgo: number, validFor: number, claims: JWTPayload][] = [
      ['iat in ten minutes, and no nbf', -600, 3600, { nbf: undefined }],
      ['nbf in ten minutes', 0, 3600, { nbf: now() + 600 }],
      ['expired', 7200, 3600, {}],
    ]
    for (const [name, issuedAgo, validFor, claims] of bad) {
      Object.assign(provider, { issuedAgo, validFor, claims: { sub: 'u1', ...claims } })
      t.equal(await codeOf(signIn(identity)), 'clock_skew', name)
    }
  },
)

t.test('an invalid token is reported as such, and an invalid callback asks the user to sign in again', async (t) => {
  const provider = await providerFor(t)
  const identity = identityOf(provider)
  const claims: [name: string, claims: JWTPayload][] = [
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'somebody' }],
    ['another nonce', { nonce: 'other' }],
    ['no nonce', { nonce: undefined }],
    ['another party', { azp: 'somebody' }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject of 256 characters', { sub: 'x'.repeat(256) }],
  ]
  for (const [name, change] of claims) {
    provider.claims = { sub: 'u1', ...change }
    t.equal(await codeOf(signIn(identity)), 'identity_invalid', name)
  }
  provider.claims = { sub: 'u1' }
  provider.header = { kid: 'unknown' }
  t.equal(await codeOf(signIn(identity)), 'identity_invalid', 'a key that is not published')
  provider.header = {}
  const altered = signIn(identity, (callback) => callback.searchParams.set('state', 'altered'))
  t.equal(await codeOf(altered), 'sign_in_failed')
  const foreign = signIn(identity, (callback) => callback.searchParams.set('iss', 'https://evil.example'))
  t.equal(await codeOf(foreign), 'sign_in_failed')
})

t.test('an error from the provider is identified by its code, and the log contains only the code', async (t) => {
  const provider = await providerFor(t)
  const errors: [error: string, code: string][] = [
    ['access_denied', 'sign_in_cancelled'],
    ['login_required', 'sign_in_cancelled'],
    ['consent_required', 'sign_in_cancelled'],
    ['interaction_required', 'sign_in_cancelled'],
    ['unmet_authentication_requirements', 'sign_in_cancelled'],
    ['invalid_scope', 'identity_denied'],
    ['server_error', 'identity_unavailable'],
    ['an_error_of_its_own', 'sign_in_failed'],
  ]
  for (const [error, code] of errors) {
    const failure: unknown = await signIn(identityOf(provider), ({ searchParams }) => {
      searchParams.delete('code')
      searchParams.set('error', error)
      searchParams.set('error_description', 'zoe@example.com is not assigned')
    }).catch((reason: unknown) => reason)
    t.equal(isProblem(failure) && failure.code, code, error)
    const reason = logReason((failure as Error).cause)
    t.match(reason, `: ${error} (`)
    t.notMatch(reason, 'zoe@example.com')
  }
  t.notMatch(logReason(Object.assign(new Error('refused'), { error: 'zoe@example.com' })), 'zoe')
})

t.test('an encrypted ID token is reported in the log', async (t) => {
  const provider = await providerFor(t)
  provider.encrypts = true
  const failure = await signIn(identityOf(provider)).catch((error: unknown) => error)
  t.match(failure, { code: 'identity_denied', cause: { message: /encrypts ID tokens/ } })
})

t.test('every announced asymmetric algorithm is accepted, others are rejected', async (t) => {
  for (const algorithm of [
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ]) {
    const provider = await providerFor(t, { algorithm })
    const identity = identityOf(provider)
    t.equal((await signIn(identity)).claims.sub, 'u1', algorithm)
    const token = await provider.jwt(logout(provider))
    t.match(await identity.readLogoutToken(token), { subject: 'u1' }, `${algorithm}: logout`)
  }
  const unannounced = await providerFor(t, {
    algorithm: 'ES256',
    discovery: { id_token_signing_alg_values_supported: ['RS256'] },
  })
  t.equal(await codeOf(signIn(identityOf(unannounced))), 'identity_invalid')
  t.equal(
    await codeOf(identityOf(unannounced).readLogoutToken(await unannounced.jwt(logout(unannounced)))),
    'bad_request',
  )
  const silent = await providerFor(t, { discovery: { id_token_signing_alg_values_supported: undefined } })
  t.same(acceptedAlgorithms(undefined), ['RS256'], 'RS256 if no algorithm is announced')
  t.equal((await signIn(identityOf(silent))).claims.sub, 'u1')
  t.same(
    acceptedAlgorithms(['none', 'HS256', 'RS256', 'ES256']),
    ['RS256', 'ES256'],
    'neither a shared secret nor none',
  )
  const shared = await providerFor(t, { discovery: { id_token_signing_alg_values_supported: ['HS256', 'none'] } })
  t.equal(await codeOf(identityOf(shared).begin()), 'identity_denied')
})

t.test(
  'query parameters of the announced addresses are retained, and those of the portal take precedence',
  async (t) => {
    const provider = await providerFor(t)
    const { origin } = provider
    Object.assign(provider.discovery, {
      authorization_endpoint: `${origin}/authorize?p=b2c_1_signin&realm=a%26b&resource=1&resource=2&scope=theirs`,
      token_endpoint: `${origin}/token?p=b2c_1_signin`,
      end_session_endpoint: `${origin}/end?p=b2c_1_signin`,
    })
    const identity = identityOf(provider)
    const { searchParams } = new URL((await identity.begin()).url)
    t.equal(searchParams.get('p'), 'b2c_1_signin')
    t.equal(searchParams.get('realm'), 'a&b')
    t.same(searchParams.getAll('resource'), ['1', '2'])
    t.same(searchParams.getAll('scope'), ['openid email'])
    t.same(searchParams.getAll('client_id'), ['portal'])
    t.ok(searchParams.get('code_challenge') && searchParams.get('nonce') && searchParams.get('state'))
    await signIn(identity)
    t.ok(provider.calls.includes('POST /token?p=b2c_1_signin'))
    const end = new URL((await identity.endSessionUrl(undefined)) ?? '')
    t.equal(end.searchParams.get('p'), 'b2c_1_signin')
    t.equal(end.searchParams.get('post_logout_redirect_uri'), 'https://models.example.com/signed-out')
  },
)

for (const [announced, set] of [
  ['', '/'],
  ['/', ''],
  ['/application/o/models/', '/application/o/models'],
  ['/realms/maas', '/realms/maas/'],
] as const)
  t.test(
    `the issuer “${announced}” configured as “${set}” is the same for sign-in, sign-out and access tokens`,
    async (t) => {
      const provider = await providerFor(t, { path: announced })
      const identity = identityOf(provider, { issuer: provider.origin + set })
      t.equal((await signIn(identity)).claims.iss, provider.issuer)
      t.equal(identity.issuer(), provider.issuer)
      t.same(identity.issuerIds(), [provider.issuer, provider.origin + set], 'the announced issuer identifies people')
      t.same(identityOf(provider, { issuerId: 'fixed' }).issuerIds(), ['fixed'], 'unless another issuer is configured')
      t.match(await identity.readLogoutToken(await provider.jwt(logout(provider))), { subject: 'u1' })
      const other = { ...logout(provider), iss: provider.origin + set }
      t.equal(await codeOf(identity.readLogoutToken(await provider.jwt(other))), 'bad_request', 'exact text')
    },
  )

t.test('an issuer other than the configured one is rejected, with both in the log', async (t) => {
  const reasons: string[] = []
  const provider = await providerFor(t, { path: '/tenant/v2.0' })
  for (const issuer of ['https://evil.example', 'https://login.example.com/{tenantid}/v2.0', `${provider.issuer}/x`]) {
    provider.discovery.issuer = issuer
    const identity = identityOf(provider, {}, reasons)
    t.equal(await codeOf(identity.begin()), 'identity_denied', issuer)
    t.match(reasons.at(-1), issuer)
    t.equal(identity.issuer(), provider.issuer, 'API tokens are compared with the setting')
    t.same(identity.issuerIds(), [provider.issuer, `${provider.issuer}/`])
    await t.rejects(identity.check(), { message: issuer })
  }
  t.match(reasons[1], 'many tenants')
})

t.test('a discovery document at another address must announce the configured issuer', async (t) => {
  const provider = await providerFor(t, { path: '/tenant.example/b2c_1_signin/v2.0' })
  provider.discovery.issuer = `${provider.origin}/0a1b2c/v2.0/`
  const discoveryUrl = `${provider.issuer}/.well-known/openid-configuration`
  t.equal(
    (await signIn(identityOf(provider, { issuer: `${provider.origin}/0a1b2c/v2.0`, discoveryUrl }))).claims.sub,
    'u1',
  )
  t.equal(await codeOf(identityOf(provider, { discoveryUrl }).begin()), 'identity_denied')
})

t.test('a discovery document without a required address is rejected, with its name in the log', async (t) => {
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    const reasons: string[] = []
    const provider = await providerFor(t, { discovery: { [name]: undefined } })
    t.equal(await codeOf(identityOf(provider, {}, reasons).begin()), 'identity_denied')
    t.match(reasons[0], name)
  }
})

t.test('an announced address without https is rejected, or ignored if it is optional', async (t) => {
  const issuer = 'https://sso.example.com'
  const complete = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/end`,
    response_types_supported: ['code'],
    // Some providers send null for endpoints that they do not support.
    id_token_signing_alg_values_supported: null,
    token_endpoint_auth_methods_supported: null,
  }
  const announcing = (members: object, reasons?: string[]) =>
    identityOf({ issuer } as SmallProvider, { fetch: async (to) => answer(String(to), members) }, reasons)
  const answer = (to: string, members: object) =>
    Response.json(to.endsWith('/jwks') ? { keys: [] } : { ...complete, ...members })

  t.match((await announcing({}).begin()).url, `${issuer}/authorize?`)
  t.match(await announcing({}).endSessionUrl(undefined), `${issuer}/end?`)
  for (const address of ['http://sso.example.com/x', 'javascript:alert(1)', 'data:text/html,x', '/relative', '', 7]) {
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
      const reasons: string[] = []
      t.equal(await codeOf(announcing({ [name]: address }, reasons).begin()), 'identity_denied', `${name}: ${address}`)
      t.match(reasons[0], name)
    }
    t.equal(await announcing({ end_session_endpoint: address }).endSessionUrl(undefined), undefined, String(address))
  }
})

t.test('the client secret is sent by the method that the provider expects', async (t) => {
  const basic = `Basic ${Buffer.from('portal:a+secret+%26+more%3A+%C3%BC').toString('base64')}`
  const cases: [announced: string[] | undefined, set: IdentityProviderOptions['clientAuthentication'], how: object][] =
    [
      [undefined, undefined, { authorization: basic, secret: null }],
      [['client_secret_basic'], undefined, { authorization: basic, secret: null }],
      [
        ['client_secret_basic', 'client_secret_post'],
        undefined,
        { authorization: undefined, secret: 'a secret & more: ü' },
      ],
      [['client_secret_basic', 'client_secret_post'], 'client_secret_basic', { authorization: basic, secret: null }],
      [
        ['client_secret_jwt', 'private_key_jwt'],
        undefined,
        { authorization: undefined, secret: null, assertion: true },
      ],
    ]
  for (const [announced, clientAuthentication, how] of cases) {
    const provider = await providerFor(t, { discovery: { token_endpoint_auth_methods_supported: announced } })
    await signIn(identityOf(provider, { clientAuthentication }))
    const [{ authorization, form } = { authorization: 'none', form: new URLSearchParams() }] = provider.tokenRequests
    const seen = { authorization, secret: form.get('client_secret'), assertion: form.has('client_assertion') }
    t.match(seen, { assertion: false, ...how }, `${announced?.join(' ')}, configured ${clientAuthentication}`)
  }
  const reasons: string[] = []
  const none = await providerFor(t, { discovery: { token_endpoint_auth_methods_supported: ['private_key_jwt'] } })
  t.equal(await codeOf(identityOf(none, {}, reasons).begin()), 'identity_denied')
  t.match(reasons[0], 'accepts no client secret')
})

t.test('userinfo is requested once, and only for claims missing from the ID token', async (t) => {
  const provider = await providerFor(t)
  const identity = identityOf(provider, { usedClaims: ['email', 'email_verified', 'realm_access.roles'] })
  provider.userinfo = {
    body: {
      sub: 'u1',
      email: 'zoe@example.com',
      email_verified: true,
      name: 'Zoe',
      sid: 'theirs',
      nonce: 'theirs',
      realm_access: { roles: ['research'], other: 1 },
    },
  }
  const count = () => provider.calls.filter((call) => call.startsWith('GET /userinfo')).length
  const { claims } = await signIn(identity)
  t.match(claims, { email: 'zoe@example.com', email_verified: true, realm_access: { roles: ['research'] } })
  t.notOk('sid' in claims, 'the session is identified by the ID token only')
  t.not(claims.nonce, 'theirs')
  t.equal(count(), 1)
  provider.claims = { sub: 'u1', email: 'own@example.com', email_verified: true, realm_access: { roles: ['own'] } }
  t.match((await signIn(identity)).claims, { email: 'own@example.com', realm_access: { roles: ['own'] } })
  t.equal(count(), 1, 'no claim is missing')
  provider.claims = { sub: 'u1', email: 'own@example.com', realm_access: { own: true } }
  const mixed = (await signIn(identity)).claims
  t.match(mixed, { email: 'own@example.com', realm_access: { own: true, roles: ['research'] } })
  t.notOk('email_verified' in mixed, 'another address is verified there')
  provider.claims = { sub: 'u1', email: 'zoe@example.com' }
  t.equal((await signIn(identity)).claims.email_verified, true, 'the same address is verified there')
  provider.claims = { sub: 'u1', email: null, email_verified: null, realm_access: null }
  t.match((await signIn(identity)).claims, { email: 'zoe@example.com', realm_access: { roles: ['research'] } }, 'null')
  provider.claims = { sub: 'u1', email: 'zoe@example.com' }
  provider.discovery.userinfo_endpoint = undefined
  t.notOk('email_verified' in (await signIn(identityOf(provider, { usedClaims: ['email_verified'] }))).claims)
})

t.test('an e-mail address and its verification status come from the same source', async (t) => {
  const provider = await providerFor(t)
  const read = async (own: object, theirs: object, emailClaims?: [string, string]) => {
    provider.claims = { sub: 'u1', ...own }
    provider.userinfo = { body: { sub: 'u1', ...theirs } }
    const required = ['email', 'email_verified', 'groups']
    const { sub, email, email_verified, profile, emails, groups } = (
      await signIn(identityOf(provider, { usedClaims: required, ...(emailClaims && { emailClaims }) }))
    ).claims
    t.equal(sub, 'u1')
    return JSON.parse(JSON.stringify({ email, email_verified, profile, emails, groups })) as object
  }
  const email = 'evil@example.com'
  t.same(await read({ email_verified: true }, { email }), { email })
  t.same(await read({ email_verified: true }, { email, email_verified: false }), { email, email_verified: false })
  t.same(await read({ email: 'a@example.com' }, { email, email_verified: true, groups: ['g'] }), {
    email: 'a@example.com',
    groups: ['g'],
  })
  t.same(await read({ email: 'a@example.com' }, { email_verified: true }), { email: 'a@example.com' })
  t.same(await read({ email_verified: true }, { groups: ['g'] }), { email_verified: true, groups: ['g'] }, 'no address')
  const nested: [string, string] = ['profile.email', 'profile.verified']
  t.same(
    await read({ profile: { verified: true, team: 't' } }, { profile: { email, name: 'Zoe' } }, nested),
    { profile: { email, name: 'Zoe', team: 't' } },
    'other members of the same claim are retained',
  )
  const inList: [string, string] = ['emails.address', 'emails.verified']
  t.same(await read({ profile: { email: 1 } }, { emails: [{ address: email, verified: true }] }, inList), {
    profile: { email: 1 },
    emails: [{ address: email, verified: true }],
  })
  t.same(await read({ emails: [{ verified: true }] }, { emails: [{ address: email }] }, inList), {
    emails: [{}],
  })
})

t.test('signed userinfo is verified before it is used', async (t) => {
  for (const announced of [undefined, ['RS256', 'none']]) {
    const provider = await providerFor(t, { discovery: { userinfo_signing_alg_values_supported: announced } })
    const body = { sub: 'u1', iss: provider.issuer, aud: 'portal', email: 'zoe@example.com' }
    const send = async (text: string) => {
      provider.userinfo = { text, type: 'application/jwt' }
      return (await signIn(identityOf(provider, { usedClaims: ['email'] }))).claims.email
    }
    const signed = await provider.jwt(body)
    t.equal(await send(signed), 'zoe@example.com')
    const [head, , signature] = signed.split('.')
    const forged = Buffer.from(JSON.stringify({ ...body, email: 'evil@example.com' })).toString('base64url')
    t.equal(await send(`${head}.${forged}.${signature}`), undefined)
    t.equal(await send(await provider.jwt({ ...body, aud: 'somebody' })), undefined)
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    t.equal(await send(`${none}.${forged}.`), undefined)
  }
})

t.test('a user with an e-mail address can sign in if userinfo is unusable', async (t) => {
  const provider = await providerFor(t)
  const answers: [name: string, answer: SmallProvider['userinfo'], withoutAddress: string][] = [
    ['of another subject', { body: { sub: 'u2', email: 'evil@example.com', groups: ['admins'] } }, 'done'],
    ['no subject', { body: { email: 'evil@example.com', groups: ['admins'] } }, 'done'],
    ['refused', { status: 401, body: { error: 'invalid_token' } }, 'done'],
    ['broken', { status: 502, text: 'Bad gateway', type: 'text/html' }, 'identity_unavailable'],
    ['no JSON', { text: '<html>', type: 'text/html' }, 'identity_unavailable'],
    ['too large', { text: JSON.stringify({ sub: 'u1', groups: 'x'.repeat(1_100_000) }) }, 'identity_unavailable'],
  ]
  for (const [name, answer, withoutAddress] of answers) {
    const reasons: string[] = []
    provider.userinfo = answer
    provider.claims = { sub: 'u1', email: 'own@example.com' }
    const identity = identityOf(provider, { usedClaims: ['email', 'groups'] }, reasons)
    const { claims } = await signIn(identity)
    t.equal(claims.email, 'own@example.com', name)
    t.notOk('groups' in claims, name)
    t.equal(reasons.length, 1, `${name}: ${reasons.join()}`)
    t.notMatch(reasons[0], 'evil@example.com')
    provider.claims = { sub: 'u1' }
    t.equal(await codeOf(signIn(identity)), withoutAddress, `${name}, no address`)
    provider.claims = { sub: 'u1', email: 'own@example.com' }
    const byNumber = identityOf(provider, { usedClaims: ['employee'], requiredClaims: ['employee', 'email'] })
    t.equal(await codeOf(signIn(byNumber)), withoutAddress, `${name}, no subject`)
  }
})

t.test('a logout token is accepted with every header that providers send', async (t) => {
  const provider = await providerFor(t)
  const identity = identityOf(provider)
  const read = (claims: JWTPayload, typ?: string) =>
    provider.jwt({ ...logout(provider), ...claims }, typ === undefined ? {} : { typ }).then(identity.readLogoutToken)
  for (const typ of [undefined, 'JWT', 'jwt', 'logout+jwt', 'LOGOUT+JWT', 'application/logout+jwt', 'application/jwt'])
    t.match(await read({}, typ), { subject: 'u1', jti: 'j1' }, `typ ${typ}`)
  const good: [string, JWTPayload][] = [
    ['the kind in the body, as Keycloak', { typ: 'Logout' }],
    ['a session and no person', { sub: undefined, sid: 's1' }],
    ['no exp', { exp: undefined }],
    ['issued five minutes ago', { iat: now() - 300 }],
    ['clocks 20 s apart', { iat: now() + 20 }],
    ['an audience as a list', { aud: ['portal'] }],
  ]
  for (const [name, claims] of good) t.match(await read(claims), { jti: 'j1' }, name)
  for (const typ of ['at+jwt', 'application/at+jwt', 'secevent+jwt', 'dpop+jwt', ''.padEnd(300, 'x')])
    t.equal(await codeOf(read({}, typ)), 'bad_request', `typ ${typ}`)
  const bad: [string, JWTPayload][] = [
    ['an ID token', { events: undefined, nonce: 'n' }],
    ['a nonce', { nonce: 'n' }],
    ['another event', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['an event that is no object', { events: { [EVENT]: true } }],
    ['an event that is a list', { events: { [EVENT]: [] } }],
    ['events null', { events: null }],
    ['nobody named', { sub: undefined }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['expired', { exp: now() - 60 }],
    ['too old to be remembered', { iat: now() - 700 }],
    ['from the future', { iat: now() + 120 }],
    ['another audience', { aud: 'somebody' }],
    ['several audiences and no party', { aud: ['portal', 'somebody'] }],
    ['a sid that is a number', { sid: 7 }],
  ]
  for (const [name, claims] of bad) t.equal(await codeOf(read(claims)), 'bad_request', name)
})

t.test('a sign-out address with query parameters works if it is configured', async (t) => {
  const provider = await providerFor(t, { discovery: { end_session_endpoint: undefined } })
  const { idToken } = await signIn(identityOf(provider))
  t.equal(await identityOf(provider).endSessionUrl(idToken), undefined, 'none if none is announced')
  const cognito = { url: 'https://pool.auth.example/logout?lang=en', return_parameter: 'logout_uri' }
  const back = encodeURIComponent('https://models.example.com/signed-out')
  t.equal(
    await identityOf(provider, { signOut: cognito }).endSessionUrl(idToken),
    `https://pool.auth.example/logout?lang=en&client_id=portal&logout_uri=${back}`,
    'no token in it',
  )
  const standard = new URL(
    (await identityOf(provider, { signOut: { url: 'https://sso.example/end' } }).endSessionUrl(idToken)) ?? '',
  )
  t.equal(standard.searchParams.get('id_token_hint'), idToken)
  const long = `${idToken}${'x'.repeat(6000)}`
  const without = await identityOf(provider, { signOut: { url: 'https://sso.example/end' } }).endSessionUrl(long)
  t.notMatch(without, 'id_token_hint', 'a long token is omitted')
})

function logout({ issuer }: SmallProvider): JWTPayload {
  return { iss: issuer, aud: 'portal', iat: now(), exp: now() + 120, jti: 'j1', sub: 'u1', events: { [EVENT]: {} } }
}
