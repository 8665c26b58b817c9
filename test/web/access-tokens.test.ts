import { generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import t from 'tap'
import type { PortalError } from '../../src/errors.js'
import type { ClaimRules } from '../../src/web/claims.js'
import type { TokenForm } from '../../src/web/token-kinds.js'
import { createTokens } from '../../src/web/tokens.js'
import { defaultClaims } from '../helper/claim-rules.js'

/** Access tokens as each provider forms them: which setting each needs, and what is refused all the same. */
const ISSUER = 'https://sso.example.com'
const rules: ClaimRules = {
  ...defaultClaims,
  knownGroups: ['research'],
  mapped: ['organization'],
  deciding: [{ name: 'plan', values: ['gold'] }],
}
const keys = await generateKeyPair('RS256')
const CLIENTS = ['ci', '0oaci', '11111111-aaaa']

interface Sent {
  header?: { typ?: string | undefined; alg?: string }
  payload: JWTPayload
  key?: CryptoKey
}

const tokenOf = ({ header = {}, payload, key = keys.privateKey }: Sent): Promise<string> =>
  new SignJWT({ iss: ISSUER, aud: 'maas-portal-api', ...payload })
    .setProtectedHeader({ alg: 'RS256', kid: 'k', ...header })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key)

const portal = (form: TokenForm = {}, differing: Partial<ClaimRules> = {}, key: CryptoKey = keys.publicKey) =>
  createTokens({
    issuer: ISSUER,
    audience: 'maas-portal-api',
    clients: CLIENTS,
    form,
    rules: { ...rules, ...differing },
    keys: async () => key,
  })

async function read(sent: Sent, form?: TokenForm, differing?: Partial<ClaimRules>) {
  const { identity, scopes } = await portal(form, differing).verify(await tokenOf(sent))
  return { kind: identity.kind, subject: identity.subject, scopes }
}

async function refused(sent: Sent, form?: TokenForm): Promise<[string, string]> {
  try {
    await portal(form).verify(await tokenOf(sent))
  } catch (error) {
    return [(error as PortalError).code, (error as PortalError).message]
  }
  return ['accepted', '']
}

const JWT = { typ: 'JWT' }
const RW = ['maas:read', 'maas:write']
const short = { 'maas.read': 'maas:read', 'maas.write': 'maas:write' }
const entra: TokenForm = { types: ['JWT'], audiences: ['api://maas', 'a-guid'], scopes: short }
const entraV1: TokenForm = { ...entra, issuers: ['https://sts.windows.net/tenant/'] }
const none: TokenForm = { types: ['none'] }
const zitadel: TokenForm = { types: ['JWT'], audiences: ['project-1'], default_scopes: ['maas:read'] }
const dex: TokenForm = {
  types: ['none'],
  audiences: ['maas-cli'],
  default_scopes: ['maas:read'],
  accept_id_tokens: true,
}
const cognito: TokenForm = {
  types: ['none'],
  clients: ['cli', 'ci'],
  scopes: { 'models/maas.read': 'maas:read', 'models/maas.write': 'maas:write' },
}

/** The name, the token, the settings of the provider, and who that is with which scopes. */
const accepted: [string, Sent, TokenForm, 'person' | 'service', string, string[]][] = [
  [
    'Entra ID, version 2, a person',
    { header: JWT, payload: { aud: 'a-guid', sub: 'p', azp: 'cli', scp: 'maas.read maas.write', ver: '2.0' } },
    entra,
    'person',
    'p',
    RW,
  ],
  [
    'Entra ID, version 2, an application',
    {
      header: JWT,
      payload: { aud: 'a-guid', sub: 'sp', oid: 'sp', azp: '11111111-aaaa', idtyp: 'app', roles: ['maas.read'] },
    },
    entra,
    'service',
    '11111111-aaaa',
    ['maas:read'],
  ],
  [
    'Entra ID, version 1, a person',
    {
      header: JWT,
      payload: {
        iss: 'https://sts.windows.net/tenant/',
        ...{ aud: 'api://maas', sub: 'p', appid: 'cli', scp: 'maas.read', unique_name: 'zoe@example.com' },
      },
    },
    entraV1,
    'person',
    'p',
    ['maas:read'],
  ],
  [
    'Entra ID, version 1, an application',
    {
      header: JWT,
      payload: {
        iss: 'https://sts.windows.net/tenant/',
        ...{ aud: 'api://maas', sub: 'sp', appid: '11111111-aaaa', idtyp: 'app', roles: ['maas.read'] },
      },
    },
    entraV1,
    'service',
    '11111111-aaaa',
    ['maas:read'],
  ],
  [
    'ADFS',
    {
      header: JWT,
      payload: {
        iss: 'http://adfs.example.com/adfs/services/trust',
        ...{ aud: 'urn:microsoft:userinfo', sub: 'p', appid: 'cli', scp: 'maas.read openid', upn: 'zoe@example.com' },
      },
    },
    {
      types: ['JWT'],
      issuers: ['http://adfs.example.com/adfs/services/trust'],
      audiences: ['urn:microsoft:userinfo'],
      scopes: short,
    },
    'person',
    'p',
    ['maas:read', 'openid'],
  ],
  [
    'Okta, a person',
    { header: {}, payload: { sub: 'zoe@example.com', uid: '00u1', cid: 'cli', scp: ['maas:read', 'maas:write'] } },
    { ...none, subject_claim: 'uid' },
    'person',
    '00u1',
    RW,
  ],
  [
    'Okta, a service',
    { header: {}, payload: { sub: '0oaci', cid: '0oaci', scp: ['maas:read'] } },
    { ...none, subject_claim: 'uid' },
    'service',
    '0oaci',
    ['maas:read'],
  ],
  [
    'Auth0, its own profile, a person',
    {
      header: JWT,
      payload: { aud: ['maas-portal-api', `${ISSUER}/userinfo`], sub: 'auth0|1', azp: 'cli', scope: 'maas:read' },
    },
    { types: ['JWT'] },
    'person',
    'auth0|1',
    ['maas:read'],
  ],
  [
    'Auth0, a service',
    { header: JWT, payload: { sub: 'ci@clients', azp: 'ci', gty: 'client-credentials', scope: 'maas:read' } },
    { types: ['JWT'] },
    'service',
    'ci',
    ['maas:read'],
  ],
  [
    'PingFederate, a person',
    { header: {}, payload: { sub: 'zoe', client_id: 'cli', scope: ['maas:read', 'maas:write'] } },
    none,
    'person',
    'zoe',
    RW,
  ],
  [
    'PingOne, a service',
    { header: {}, payload: { aud: ['maas-portal-api'], client_id: 'ci', scope: 'maas:read' } },
    { ...none, services_without_subject: true },
    'service',
    'ci',
    ['maas:read'],
  ],
  [
    'Amazon Cognito, a person',
    {
      header: {},
      payload: {
        ...{ aud: undefined, sub: 'u-1', client_id: 'cli', username: 'zoe', token_use: 'access', auth_time: 1 },
        scope: 'openid models/maas.read',
      },
    },
    cognito,
    'person',
    'u-1',
    ['openid', 'maas:read'],
  ],
  [
    'Amazon Cognito, a service',
    {
      header: {},
      payload: {
        ...{ aud: undefined, sub: 'ci', client_id: 'ci', token_use: 'access', auth_time: 1, version: 2 },
        scope: 'models/maas.read models/maas.write',
      },
    },
    cognito,
    'service',
    'ci',
    RW,
  ],
  [
    'Authelia, JWT profile',
    { header: { typ: 'at+jwt' }, payload: { sub: 'p', client_id: 'cli', scp: ['maas:read'], scope: 'maas:read' } },
    {},
    'person',
    'p',
    ['maas:read'],
  ],
  [
    'Authentik, a person',
    {
      header: JWT,
      payload: {
        ...{ aud: 'cli', azp: 'cli', sub: 'hash', uid: 'x', nonce: 'n', sid: 's' },
        scope: 'openid maas:read',
      },
    },
    { types: ['JWT'], audiences: ['cli'], accept_id_tokens: true },
    'person',
    'hash',
    ['openid', 'maas:read'],
  ],
  [
    'Authentik, a service account',
    {
      header: JWT,
      payload: {
        ...{ aud: 'cli', azp: 'cli', sub: 'hash-2', preferred_username: 'ak-maas-client_credentials' },
        scope: 'maas:read',
      },
    },
    { types: ['JWT'], audiences: ['cli'], service_subjects: ['hash-2'] },
    'service',
    'hash-2',
    ['maas:read'],
  ],
  [
    'Dex',
    { header: {}, payload: { aud: 'maas-cli', sub: 'CgNh', nonce: 'n', at_hash: 'h', email: 'zoe@example.com' } },
    dex,
    'person',
    'CgNh',
    ['maas:read'],
  ],
  [
    'Ory Hydra, a person, without an audience',
    { header: JWT, payload: { aud: [], sub: 'p', client_id: 'cli', scp: ['maas:read'] } },
    { types: ['JWT'], clients: ['cli'] },
    'person',
    'p',
    ['maas:read'],
  ],
  [
    'Zitadel, a person',
    { header: JWT, payload: { aud: ['1@x', '2@x', 'project-1'], sub: '2593', client_id: '1@x', jti: 'j' } },
    zitadel,
    'person',
    '2593',
    ['maas:read'],
  ],
  [
    'Zitadel, a machine user',
    { header: JWT, payload: { aud: ['project-1'], sub: '2594', client_id: 'robot' } },
    { ...zitadel, service_subjects: ['2594'] },
    'service',
    '2594',
    ['maas:read'],
  ],
  [
    'Keycloak 22, a person, with the nonce that it repeats there',
    { header: JWT, payload: { typ: 'Bearer', sub: 'p', azp: 'cli', nonce: 'n', sid: 's', scope: 'maas:read' } },
    {},
    'person',
    'p',
    ['maas:read'],
  ],
  [
    'RH-SSO 7.6, a service',
    {
      header: JWT,
      payload: {
        ...{ typ: 'Bearer', sub: 'x', azp: 'ci', clientId: 'ci', preferred_username: 'service-account-ci' },
        scope: 'maas:read',
      },
    },
    {},
    'service',
    'ci',
    ['maas:read'],
  ],
  [
    'Keycloak 26, a service, as at+jwt',
    {
      header: { typ: 'application/at+jwt' },
      payload: {
        ...{ typ: 'Bearer', sub: 'x', azp: 'ci', client_id: 'ci', preferred_username: 'service-account-ci' },
        scope: 'maas:read maas:write',
      },
    },
    {},
    'service',
    'ci',
    RW,
  ],
]

t.test('access tokens of each provider are accepted with its settings', async (t) => {
  for (const [name, sent, form, kind, subject, scopes] of accepted)
    t.same(await read(sent, form), { kind, subject, scopes }, name)
})

t.test('without its settings, a token of another form is refused with a sentence that names the setting', async (t) => {
  const cases: [string, Sent, TokenForm, RegExp][] = [
    ['typ JWT', { header: JWT, payload: { sub: 'p', scp: 'maas:read' } }, {}, /not at\+jwt.*access_tokens\.types/],
    ['no typ', { payload: { sub: 'p', scp: 'maas:read' } }, {}, /is missing.*access_tokens\.types/],
    [
      'another typ than the listed',
      { header: { typ: 'x' }, payload: { sub: 'p' } },
      { types: ['JWT', 'none'] },
      /types/,
    ],
    ['audience', { header: { typ: 'at+jwt' }, payload: { sub: 'p', aud: 'api://maas' } }, {}, /\(aud\).*audiences/],
    ['no audience', { header: { typ: 'at+jwt' }, payload: { sub: 'p', aud: undefined } }, {}, /no audience.*clients/],
    ['an empty audience', { header: { typ: 'at+jwt' }, payload: { sub: 'p', aud: [] } }, {}, /no audience.*clients/],
    ['issuer', { header: { typ: 'at+jwt' }, payload: { sub: 'p', iss: 'https://x.example' } }, {}, /\(iss\).*issuers/],
    [
      'subject',
      { header: { typ: 'at+jwt' }, payload: { client_id: 'ci' } },
      {},
      /no subject.*services_without_subject/,
    ],
    ['subject claim', { header: { typ: 'at+jwt' }, payload: { sub: 'p' } }, { subject_claim: 'uid' }, /claim uid/],
    ['nonce', { header: JWT, payload: { sub: 'p', nonce: 'n' } }, { types: ['JWT'] }, /nonce.*accept_id_tokens/],
    [
      'not yet valid',
      { header: { typ: 'at+jwt' }, payload: { sub: 'p', nbf: Date.now() } },
      {},
      /not valid yet \(nbf\)/,
    ],
  ]
  for (const [name, sent, form, words] of cases) {
    const [code, detail] = await refused(sent, form)
    t.equal(code, 'invalid_token', name)
    t.match(detail, words, name)
  }
  for (const [sent, words] of [
    ['ya29.opaque', /not a JWT/],
    ['glpat-1234', /not a JWT/],
    ['a.b.c.d.e', /encrypted/],
  ] as const)
    await t.rejects(portal().verify(sent), { code: 'invalid_token', message: words })
})

t.test('an ID token or another kind of token is refused, whatever types are accepted', async (t) => {
  const form: TokenForm = { types: ['JWT', 'none', 'logout+jwt'], audiences: ['maas-portal'], clients: ['cli'] }
  const event = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const ofPerson = { sub: 'p', aud: 'maas-portal', scope: 'maas:read' }
  for (const header of [JWT, {}, { typ: 'application/JWT' }])
    for (const claims of [
      { nonce: 'n' },
      { at_hash: 'h' },
      { c_hash: 'h' },
      { s_hash: 'h' },
      { typ: 'ID' },
      { typ: 'Refresh' },
      { typ: 'Offline' },
      { typ: 'Logout' },
      { token_use: 'id' },
      { events: event },
    ])
      t.equal(
        (await refused({ header, payload: { ...ofPerson, ...claims } }, form))[0],
        'invalid_token',
        JSON.stringify(claims),
      )
  const lenient = { ...form, accept_id_tokens: true }
  for (const claims of [{ typ: 'ID' }, { token_use: 'id' }, { events: event }, { aud: 'other' }])
    t.equal((await refused({ header: JWT, payload: { ...ofPerson, ...claims } }, lenient))[0], 'invalid_token')
  t.same(
    (await read({ header: JWT, payload: { sub: 'p', aud: 'maas-portal', nonce: 'n' } }, lenient)).scopes,
    [],
    'no scopes',
  )
  t.equal((await refused({ payload: { sub: 'p', aud: undefined, client_id: 'other' } }, form))[0], 'invalid_token')
  t.equal((await refused({ payload: { sub: 'p', aud: 'other', client_id: 'cli' } }, form))[0], 'invalid_token')
})

t.test('a person never looks like a service', async (t) => {
  const at = { typ: 'at+jwt' }
  const persons: [string, JWTPayload, TokenForm?][] = [
    ['with the name of a service account', { azp: 'ci', preferred_username: 'service-account-ci' }],
    [
      'with that name at a provider that names the client in tokens of people too',
      { client_id: 'ci', preferred_username: 'service-account-ci' },
    ],
    ['with that name, in Keycloak', { typ: 'Bearer', azp: 'ci', preferred_username: 'service-account-ci' }],
    ['with the name of a service account of Authentik', { azp: 'ci', preferred_username: 'ak-ci-client_credentials' }],
    ['of a client that may act as a service', { client_id: 'ci', sub: 'zoe' }],
    ['whose subject ends as those of Auth0 do', { azp: 'ci', sub: 'ci@clients' }],
    ['of another grant of Auth0', { azp: 'ci', sub: 'ci@clients', gty: 'password' }],
    ['of Auth0, another client', { azp: 'ci', sub: 'other@clients', gty: 'client-credentials' }],
    ['of Entra ID', { azp: '11111111-aaaa', idtyp: 'user' }],
    ['of Entra ID with scopes', { azp: '11111111-aaaa', idtyp: 'app', scp: 'maas:read' }],
    ['with roles', { azp: '11111111-aaaa', roles: ['maas:read'] }],
    ['named as a listed subject', { azp: 'ci', preferred_username: 'robot' }, { service_subjects: ['robot'] }],
  ]
  for (const [name, claims, form] of persons) {
    const { kind, scopes } = await read({ header: at, payload: { sub: 'p', ...claims } }, form)
    t.equal(kind, 'person', name)
    if (claims.roles) t.same(scopes, [], 'roles of people are no scopes')
  }
  for (const sign of [
    { sid: 's' },
    { session_state: 's' },
    { email: 'ci@example.com' },
    { username: 'ci' },
    { upn: 'ci' },
  ]) {
    const payload = { sub: 'ci', client_id: 'ci', scope: 'maas:read', ...sign }
    t.match(
      await refused({ header: at, payload }),
      ['invalid_token', /that of a person/],
      'whose subject is a client id',
    )
  }
  const byUid = { header: at, payload: { sub: 'ci', client_id: 'ci', uid: '00u1' } }
  t.match(await refused(byUid, { subject_claim: 'uid' }), ['invalid_token', /that of a person/], 'by a login')
  t.equal((await refused(byUid))[0], 'accepted', 'a claim that no setting names decides nothing')
  const lenient = { services_without_subject: true }
  for (const [form, differing] of [[{ subject_claim: 'uid' }], [{}, { subject: 'uid' }]] as const) {
    const sent = await tokenOf({ header: at, payload: { client_id: 'ci', uid: '00u1' } })
    await t.rejects(portal({ ...lenient, ...form }, differing).verify(sent), { message: /claim uid is that of a/ })
  }
  for (const sign of [
    { sid: 's' },
    { preferred_username: 'zoe' },
    { email: 'zoe@example.com' },
    { unique_name: 'zoe' },
    { name: 'Zoe' },
    { given_name: 'Zoe' },
  ])
    t.match(
      await refused({ header: at, payload: { client_id: 'ci', scope: 'maas:read', ...sign } }, lenient),
      ['invalid_token', /that of a person/],
      `without a subject, ${Object.keys(sign)}`,
    )
  t.match(await refused({ header: at, payload: { scope: 'maas:read' } }, lenient), [
    'invalid_token',
    /neither a subject/,
  ])
  t.equal(
    (await refused({ header: at, payload: { sub: 'stranger', client_id: 'stranger' } }))[0],
    'forbidden',
    'unlisted',
  )
})

t.test(
  'clients that a token names differently are refused, unless the operator says which claim names it',
  async (t) => {
    const payload = { sub: 'ci', azp: 'portal', client_id: 'ci', scope: 'maas:read' }
    t.equal((await refused({ header: { typ: 'at+jwt' }, payload }))[0], 'invalid_token')
    const { kind } = await read({ header: { typ: 'at+jwt' }, payload }, { client_claim: 'client_id' })
    t.equal(kind, 'service')
    const nested = { sub: 'ci', act_as: { client: 'ci' } }
    t.equal(
      (await read({ header: { typ: 'at+jwt' }, payload: nested }, { client_claim: 'act_as.client' })).kind,
      'service',
    )
  },
)

t.test('scopes are read from text and lists, from a named claim, and by the names of the provider', async (t) => {
  const scopes = async (claims: JWTPayload, form?: TokenForm) =>
    (await read({ header: { typ: 'at+jwt' }, payload: { sub: 'p', ...claims } }, form)).scopes
  t.same(await scopes({ scope: 'maas:read  maas:write' }), RW)
  t.same(await scopes({ scope: RW }), RW)
  t.same(await scopes({ scp: 'maas:read' }), ['maas:read'])
  t.same(await scopes({ scp: RW }), RW)
  t.same(await scopes({ scope: 'openid', scp: 'maas:read' }), ['openid'], 'scp counts where there is no scope')
  t.same(await scopes({ permissions: RW }, { scope_claim: 'permissions' }), RW)
  t.same(await scopes({ rights: { api: RW } }, { scope_claim: 'rights.api' }), RW)
  t.same(
    await scopes({ roles: { 'maas:read': { org: 'acme' } } }, { scope_claim: 'roles' }),
    ['maas:read'],
    'an object',
  )
  t.same(await scopes({ scope: 'maas:write' }, { scope_claim: 'permissions' }), [], 'the named claim alone')
  t.same(await scopes({ scope: 'api://m/read' }, { scopes: { 'api://m/read': 'maas:read' } }), ['maas:read'])
  for (const odd of [7, { 'maas:read': true }, [['maas:read']], null, true])
    t.same(await scopes({ scope: odd }), [], JSON.stringify(odd))
  t.same(await scopes({ scope: 'openid' }, { default_scopes: ['maas:read'] }), ['openid'], 'not in place of others')
  t.same(await scopes({ scope: '' }, { default_scopes: ['maas:read'] }), [])
  const service = { sub: 'ci', client_id: 'ci', roles: ['maas:read'] }
  t.same(await scopes(service), [], 'roles count as scopes where a setting says so')
  t.same(await scopes(service, { service_scope_claim: 'roles' }), ['maas:read'])
  t.same(await scopes({ ...service, sub: 'p' }, { service_scope_claim: 'roles' }), [], 'and of services alone')
})

t.test('claims of an access token are read as those of an ID token', async (t) => {
  const identity = async (claims: JWTPayload, differing?: Partial<ClaimRules>) =>
    (await portal({}, differing).verify(await tokenOf({ header: { typ: 'at+jwt' }, payload: { sub: 'p', ...claims } })))
      .identity
  const text = await identity({ groups: 'research', organization: { acme: { id: '42' } }, plan: ['gold', 'tin'] })
  t.match(text, { groups: ['research'], claims: { organization: ['acme'], plan: ['gold'] } })
  const many = Array.from({ length: 500 }, (_, i) => `group-${i}`)
  t.same((await identity({ groups: [...many, '/research'] })).groups, ['research'], 'others are not kept')
  t.same((await identity({ realm_access: { roles: ['research'] } }, { groups: 'realm_access.roles' })).groups, [
    'research',
  ])
  t.equal((await identity({ _claim_names: { groups: 'src1' } })).groupsOmitted, true)
  const email = 'zoe@example.com'
  t.equal((await identity({ email, email_verified: 'true' })).emailVerified, true)
  t.equal((await identity({ email })).emailVerified, undefined)
  t.equal((await identity({ email }, { trustEmail: true })).emailVerified, true)
  t.equal((await identity({ email, email_verified: false }, { trustEmail: true })).emailVerified, false)
  const service = await identity({ sub: 'ci', client_id: 'ci', groups: 'research' }, { trustEmail: true })
  t.match(service, { kind: 'service', email: undefined, emailVerified: false, name: 'ci', groups: ['research'] })
})

t.test('every asymmetric signature is verified, and no other', async (t) => {
  for (const alg of ['RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
    const pair = await generateKeyPair(alg)
    const token = await tokenOf({ header: { typ: 'at+jwt', alg }, payload: { sub: 'p' }, key: pair.privateKey })
    t.equal((await portal({}, {}, pair.publicKey).verify(token)).identity.subject, 'p', alg)
  }
  const secret = new TextEncoder().encode('a shared secret that is long enough for HS256')
  const forged = await new SignJWT({ iss: ISSUER, aud: 'maas-portal-api', sub: 'p' })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(secret)
  await t.rejects(portal().verify(forged), { code: 'invalid_token', message: /algorithm/ })
  const other = await generateKeyPair('RS256')
  const stolen = await tokenOf({ header: { typ: 'at+jwt' }, payload: { sub: 'p', iss: 'x' }, key: other.privateKey })
  await t.rejects(portal().verify(stolen), { code: 'invalid_token', message: /Get a new one/ }, 'no claim is reported')
})

t.test('an issuer is the same with or without a slash at its end, and no other text is', async (t) => {
  const sent = (iss: unknown): Sent => ({ header: { typ: 'at+jwt' }, payload: { sub: 'p', iss: iss as string } })
  t.equal(
    (await portal().verify(await tokenOf(sent(`${ISSUER}/`)))).identity.issuer,
    ISSUER,
    'names stay those of the setting',
  )
  const form = { issuers: ['https://sts.example/tenant/'] }
  for (const iss of ['https://sts.example/tenant/', 'https://sts.example/tenant', ISSUER])
    t.equal((await refused(sent(iss), form))[0], 'accepted', iss)
  for (const iss of [
    undefined,
    '',
    'https://sts.example/other/',
    'https://sts.example/Tenant/',
    `${ISSUER}.evil.example`,
  ])
    t.match(await refused(sent(iss), form), ['invalid_token', /issuer/], String(iss))
})
