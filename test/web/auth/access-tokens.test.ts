import { generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import t from 'tap'
import type { PortalError } from '../../../src/errors.js'
import type { ClaimMapping } from '../../../src/web/auth/identity-claims.js'
import type { AccessTokenFormat } from '../../../src/web/auth/tokens/access-token-format.js'
import { createTokenVerifier } from '../../../src/web/auth/tokens/bearer-tokens.js'
import { defaultClaims } from '../../helper/claim-rules.js'

/** Access tokens in the format of each provider: the settings that each requires, and tokens that are still rejected. */
const ISSUER = 'https://sso.example.com'
const rules: ClaimMapping = {
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

const portal = (form: AccessTokenFormat = {}, differing: Partial<ClaimMapping> = {}, key: CryptoKey = keys.publicKey) =>
  createTokenVerifier({
    issuer: ISSUER,
    audience: 'maas-portal-api',
    clients: CLIENTS,
    form,
    rules: { ...rules, ...differing },
    keys: async () => key,
  })

async function read(sent: Sent, form?: AccessTokenFormat, differing?: Partial<ClaimMapping>) {
  const { identity, scopes } = await portal(form, differing).verify(await tokenOf(sent))
  return { kind: identity.kind, subject: identity.subject, scopes }
}

async function refused(sent: Sent, form?: AccessTokenFormat): Promise<[string, string]> {
  try {
    await portal(form).verify(await tokenOf(sent))
  } catch (error) {
    return [(error as PortalError).code, (error as PortalError).message]
  }
  return ['accepted', '']
}

const JWT = { typ: 'JWT' }
const RW = ['maas:read', 'maas:write']
const short = { 'maas.read': 'maas:read', 'maas.write': 'maas:write' } as const
const entra: AccessTokenFormat = { types: ['JWT'], audiences: ['api://maas', 'a-guid'], scopes: short }
const entraV1: AccessTokenFormat = { ...entra, issuers: ['https://sts.windows.net/tenant/'] }
const none: AccessTokenFormat = { types: ['none'] }
const zitadel: AccessTokenFormat = { types: ['JWT'], audiences: ['project-1'], default_scopes: ['maas:read'] }
const dex: AccessTokenFormat = {
  types: ['none'],
  audiences: ['maas-cli'],
  default_scopes: ['maas:read'],
  accept_id_tokens: true,
}
const cognito: AccessTokenFormat = {
  types: ['none'],
  clients: ['cli', 'ci'],
  scopes: { 'models/maas.read': 'maas:read', 'models/maas.write': 'maas:write' },
}

/** The name, the token, the settings of the provider, and the resulting caller with its scopes. */
const accepted: [string, Sent, AccessTokenFormat, 'person' | 'service', string, string[]][] = [
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

t.test('without its settings, a token in another format is rejected with the name of the setting', async (t) => {
  const cases: [string, Sent, AccessTokenFormat, RegExp][] = [
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
    await t.rejects(async () => portal().verify(sent), { code: 'invalid_token', message: words })
})

t.test('an ID token or another type of token is rejected, with any accepted types', async (t) => {
  const form: AccessTokenFormat = { types: ['JWT', 'none', 'logout+jwt'], audiences: ['maas-portal'], clients: ['cli'] }
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

t.test('a role or scope of the provider identifies services, which require no entry in API_CLIENTS', async (t) => {
  const at = { typ: 'at+jwt' }
  const role = (claim: string): AccessTokenFormat => ({ services: { role: { claim, value: 'maas-service' } } })
  const ofKeycloak = {
    typ: 'Bearer',
    sub: 'uuid',
    azp: 'new',
    client_id: 'new',
    preferred_username: 'service-account-new',
  }
  const ofOkta = { sub: '0oanew', cid: '0oanew' }
  const ofEntra = { sub: 'guid', oid: 'guid', idtyp: 'app', azp: 'new-guid' }
  const byScope: AccessTokenFormat = { services: { scope: 'maas:service' } }
  const rows: [string, JWTPayload, AccessTokenFormat, string][] = [
    [
      'a realm role of Keycloak',
      { ...ofKeycloak, realm_access: { roles: ['x', 'maas-service'] } },
      role('realm_access.roles'),
      'new',
    ],
    [
      'a client role of Keycloak',
      { ...ofKeycloak, resource_access: { 'maas.portal.api': { roles: ['maas-service'] } } },
      role('resource_access.maas.portal.api.roles'),
      'new',
    ],
    ['an app role of Entra ID', { ...ofEntra, roles: ['maas-service'] }, role('roles'), 'new-guid'],
    ['a role that is one text', { ...ofOkta, role: 'maas-service' }, role('role'), '0oanew'],
    ['roles as members of an object', { ...ofOkta, roles: { 'maas-service': { org: '1' } } }, role('roles'), '0oanew'],
    ['a scope list', { ...ofOkta, scp: ['maas:read', 'maas:service'] }, byScope, '0oanew'],
    ['a scope text', { sub: 'new', client_id: 'new', scope: 'maas:service maas:read' }, byScope, 'new'],
    [
      'a scope of Cognito',
      { sub: 'new', client_id: 'new', token_use: 'access', scope: 'maas-portal-api/service' },
      { services: { scope: 'maas-portal-api/service' } },
      'new',
    ],
    [
      'permissions of Auth0',
      { sub: 'new@clients', azp: 'new', gty: 'client-credentials', scope: 'maas:service' },
      byScope,
      'new',
    ],
    [
      'the role, where a scope counts too',
      { ...ofOkta, role: 'maas-service' },
      { services: { ...role('role').services, scope: 's' } },
      '0oanew',
    ],
    [
      'no subject at all',
      { client_id: 'new', roles: ['maas-service'] },
      { ...role('roles'), services_without_subject: true },
      'new',
    ],
  ]
  for (const [name, payload, form, subject] of rows) {
    t.match(await read({ header: at, payload }, form), { kind: 'service', subject }, name)
    t.match(
      await refused({ header: at, payload }, { ...form, services: {} }),
      ['forbidden', /API_CLIENTS/],
      `${name}, not configured`,
    )
  }
  const bare = { ...ofOkta, scope: 'maas:read' }
  for (const [form, sentence] of [
    [
      {},
      /^This client may not act .* list it in API_CLIENTS, or configure a role or scope for services: identity_provider/,
    ],
    [role('roles'), /An administrator of the identity provider can assign the role maas-service, or the operator/],
    [byScope, /can assign the scope maas:service, or the operator/],
    [{ ...byScope, default_scopes: ['maas:service'] }, /can assign the scope maas:service/],
  ] as [AccessTokenFormat, RegExp][])
    t.match(await refused({ header: at, payload: bare }, form), ['forbidden', sentence])
  for (const value of ['MAAS-SERVICE', 'maas-service-2', 'maas', '', null, { name: 'no' }])
    t.equal(
      (await refused({ header: at, payload: { ...ofOkta, role: value } }, role('role')))[0],
      'forbidden',
      'another role',
    )
  t.equal((await refused({ header: at, payload: { ...bare, scope: 'maas:services' } }, byScope))[0], 'forbidden')
  t.equal(
    (await refused({ header: at, payload: { ...bare, maas: 'x', roles: ['maas:service'] } }, byScope))[0],
    'forbidden',
  )
  t.match(
    await read({ header: at, payload: { sub: 'ci', client_id: 'ci' } }, role('roles')),
    { kind: 'service' },
    'API_CLIENTS',
  )
})

t.test('a user with the role or scope of services is a user', async (t) => {
  const marks = { scope: 'maas:read maas:service', realm_access: { roles: ['maas-service'] }, roles: ['maas-service'] }
  const form: AccessTokenFormat = {
    services: { role: { claim: 'realm_access.roles', value: 'maas-service' }, scope: 'maas:service' },
  }
  const at = { typ: 'at+jwt' }
  const persons: [string, JWTPayload][] = [
    ['of any client', { sub: 'p', azp: 'cli' }],
    ['of a client that is a service too', { sub: 'p', azp: 'ci', client_id: 'ci' }],
    ['with the name of a service account', { sub: 'p', azp: 'cli', preferred_username: 'service-account-cli' }],
    ['in Keycloak', { sub: 'p', typ: 'Bearer', azp: 'cli', preferred_username: 'service-account-cli' }],
    ['of Auth0', { sub: 'cli@clients', azp: 'cli', gty: 'password' }],
    ['of Entra ID', { sub: 'p', azp: 'guid', idtyp: 'user' }],
    ['of Entra ID, without idtyp', { sub: 'p', azp: 'guid' }],
  ]
  for (const [name, claims] of persons)
    t.equal((await read({ header: at, payload: { ...claims, ...marks } }, form)).kind, 'person', name)
  // If users choose the subject, it may be the ID of a public client.
  const named = { sub: 'cli', client_id: 'cli', ...marks }
  t.equal(
    (await read({ header: at, payload: named }, form)).kind,
    'service',
    'a token without information about a user',
  )
  for (const sign of [
    { auth_time: 1 },
    { amr: ['pwd'] },
    { nonce: 'n' },
    { preferred_username: 'cli' },
    { name: 'Cli' },
    { given_name: 'Cli' },
    { nickname: 'cli' },
  ])
    t.equal(
      (await refused({ header: at, payload: { ...named, ...sign } }, form))[0],
      'forbidden',
      String(Object.keys(sign)),
    )
  for (const sign of [{ sid: 's' }, { email: 'cli@example.com' }, { upn: 'cli' }])
    t.equal(
      (await refused({ header: at, payload: { ...named, ...sign } }, form))[0],
      'invalid_token',
      String(Object.keys(sign)),
    )
})

t.test("a user's token is never accepted as that of a service", async (t) => {
  const at = { typ: 'at+jwt' }
  const persons: [string, JWTPayload, AccessTokenFormat?][] = [
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
    if (claims.roles) t.same(scopes, [], 'roles of users are not scopes')
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
      ['invalid_token', /belongs to a person/],
      'with a client ID as its subject',
    )
  }
  const byUid = { header: at, payload: { sub: 'ci', client_id: 'ci', uid: '00u1' } }
  t.match(await refused(byUid, { subject_claim: 'uid' }), ['invalid_token', /belongs to a person/], 'from a sign-in')
  t.equal((await refused(byUid))[0], 'accepted', 'a claim that no setting names is ignored')
  const lenient = { services_without_subject: true }
  for (const [form, differing] of [[{ subject_claim: 'uid' }], [{}, { subject: 'uid' }]] as const) {
    const sent = await tokenOf({ header: at, payload: { client_id: 'ci', uid: '00u1' } })
    await t.rejects(async () => portal({ ...lenient, ...form }, differing).verify(sent), {
      message: /claim uid belongs to a/,
    })
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
      ['invalid_token', /belongs to a person/],
      `without a subject, ${Object.keys(sign)}`,
    )
  t.match(await refused({ header: at, payload: { scope: 'maas:read' } }, lenient), [
    'invalid_token',
    /neither a subject/,
  ])
  t.equal(
    (await refused({ header: at, payload: { sub: 'stranger', client_id: 'stranger' } }))[0],
    'forbidden',
    'not listed',
  )
})

t.test('tokens with conflicting client names are rejected, unless a setting names the claim', async (t) => {
  const payload = { sub: 'ci', azp: 'portal', client_id: 'ci', scope: 'maas:read' }
  t.equal((await refused({ header: { typ: 'at+jwt' }, payload }))[0], 'invalid_token')
  const { kind } = await read({ header: { typ: 'at+jwt' }, payload }, { client_claim: 'client_id' })
  t.equal(kind, 'service')
  const nested = { sub: 'ci', act_as: { client: 'ci' } }
  t.equal(
    (await read({ header: { typ: 'at+jwt' }, payload: nested }, { client_claim: 'act_as.client' })).kind,
    'service',
  )
})

t.test(
  'scopes are read from strings and lists, from a configured claim, and with the names of the provider',
  async (t) => {
    const scopes = async (claims: JWTPayload, form?: AccessTokenFormat) =>
      (await read({ header: { typ: 'at+jwt' }, payload: { sub: 'p', ...claims } }, form)).scopes
    t.same(await scopes({ scope: 'maas:read  maas:write' }), RW)
    t.same(await scopes({ scope: RW }), RW)
    t.same(await scopes({ scp: 'maas:read' }), ['maas:read'])
    t.same(await scopes({ scp: RW }), RW)
    t.same(await scopes({ scope: 'openid', scp: 'maas:read' }), ['openid'], 'scp is used if scope is missing')
    t.same(await scopes({ permissions: RW }, { scope_claim: 'permissions' }), RW)
    t.same(await scopes({ rights: { api: RW } }, { scope_claim: 'rights.api' }), RW)
    t.same(
      await scopes({ roles: { 'maas:read': { org: 'acme' } } }, { scope_claim: 'roles' }),
      ['maas:read'],
      'an object',
    )
    t.same(await scopes({ scope: 'maas:write' }, { scope_claim: 'permissions' }), [], 'only the configured claim')
    t.same(await scopes({ scope: 'api://m/read' }, { scopes: { 'api://m/read': 'maas:read' } }), ['maas:read'])
    for (const unusual of [7, { 'maas:read': true }, [['maas:read']], null, true])
      t.same(await scopes({ scope: unusual }), [], JSON.stringify(unusual))
    t.same(await scopes({ scope: 'openid' }, { default_scopes: ['maas:read'] }), ['openid'], 'not in place of others')
    t.same(await scopes({ scope: '' }, { default_scopes: ['maas:read'] }), [])
    const service = { sub: 'ci', client_id: 'ci', roles: ['maas:read'] }
    t.same(await scopes(service), [], 'roles count as scopes if a setting says so')
    t.same(await scopes(service, { service_scope_claim: 'roles' }), ['maas:read'])
    t.same(await scopes({ ...service, sub: 'p' }, { service_scope_claim: 'roles' }), [], 'and for services only')
  },
)

t.test('claims of an access token are read as those of an ID token', async (t) => {
  const identity = async (claims: JWTPayload, differing?: Partial<ClaimMapping>) =>
    (await portal({}, differing).verify(await tokenOf({ header: { typ: 'at+jwt' }, payload: { sub: 'p', ...claims } })))
      .identity
  const text = await identity({ groups: 'research', organization: { acme: { id: '42' } }, plan: ['gold', 'tin'] })
  t.match(text, { groups: ['research'], claims: { organization: ['acme'], plan: ['gold'] } })
  const many = Array.from({ length: 500 }, (_, i) => `group-${i}`)
  t.same((await identity({ groups: [...many, '/research'] })).groups, ['research'], 'others are discarded')
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

t.test('asymmetric signatures are verified, others are rejected', async (t) => {
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
  await t.rejects(async () => portal().verify(forged), { code: 'invalid_token', message: /algorithm/ })
  const other = await generateKeyPair('RS256')
  const stolen = await tokenOf({ header: { typ: 'at+jwt' }, payload: { sub: 'p', iss: 'x' }, key: other.privateKey })
  await t.rejects(
    async () => portal().verify(stolen),
    { code: 'invalid_token', message: /Request a new one/ },
    'no claim is reported',
  )
})

t.test('an issuer matches with or without a trailing slash; other text does not', async (t) => {
  const sent = (iss: unknown): Sent => ({ header: { typ: 'at+jwt' }, payload: { sub: 'p', iss: iss as string } })
  t.equal(
    (await portal().verify(await tokenOf(sent(`${ISSUER}/`)))).identity.issuer,
    ISSUER,
    'the configured names are used',
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
