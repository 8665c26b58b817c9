import { createHash, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'

/** The two origins of a scripted provider: that of its issuer, and another one. */
export interface Addresses {
  main: string
  other: string
}

/** How the portal is registered at the provider. */
export interface Client {
  id: string
  secret: string
  redirectUri: string
  postLogoutUri: string
  backchannelUri: string
}

export interface Person {
  username: string
  name: string
  email: string
}

export interface Exchange {
  person: Person
  client: Client
  at: Addresses
  sid: string
  nonce: string | undefined
}

/** What one product sends and requires; docs/identity-providers.md states the source of each fact. */
export interface Profile {
  /** Heading in docs/identity-providers.md. */
  name: string
  /** Host names in the documented settings, and the origin that stands for each. */
  hosts: Record<string, keyof Addresses>
  /** Value of the groups claim for the group with the restricted model. */
  group: string
  discovery(at: Addresses): Record<string, unknown>
  algorithm?: string
  /** Additional fields of the public key; undefined removes a field. */
  key?: Record<string, unknown>
  /** The only method that the client is registered for, if the provider announces several. */
  clientAuth?: string
  /** Additional parameters of the callback. */
  callback?(at: Addresses): Record<string, string>
  idTokenType?: string
  /** Age of the ID token in seconds. */
  idTokenAge?: number
  /** Claims in addition to iss, aud, iat, exp and nonce, or replacements of these. */
  idToken(exchange: Exchange): Record<string, unknown>
  userinfo?(person: Person): { sub: string } & Record<string, unknown>
  signedUserinfo?: boolean
  /** Access token that the portal receives at sign-in, if it is a JWT. */
  signInToken?(exchange: Exchange): JWTPayload
  /** Access token of a program that acts for a user; the portal accepts it with the documented settings. */
  accessToken?(exchange: Exchange): JWTPayload
  accessTokenType?: string
  /** Access token of a program without a user (client credentials). */
  serviceToken?(at: { client: Client; at: Addresses }): JWTPayload
  endSession?: {
    demands?: string[]
    /** Parameter with the return address. */
    returns?: string
    /** True if the sign-out continues to a brokered provider on another origin. */
    upstream?: boolean
  }
  /** Undefined if the product has no back-channel logout. */
  logoutToken?: { type?: string; claims(exchange: Exchange): Record<string, unknown> }
}

const now = () => Math.floor(Date.now() / 1000)
const hour = () => ({ iat: now(), exp: now() + 3600 })
const hashed = (...parts: string[]) => createHash('sha256').update(parts.join(' ')).digest('hex')
const uuidOf = (hash: string) => hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
const idOf = ({ username }: Person) => uuidOf(hashed(username))
const SCOPES = 'maas:read maas:write'
const API = 'maas-portal-api'
const profileOf = ({ name, username, email }: Person) => ({
  name,
  preferred_username: username,
  email,
  email_verified: true,
})

const TENANT = '9a3b1c52-6d2f-4a7e-8f10-2b5c7d9e1f30'
const ENTRA_API = '7b1e4c9a-0d5f-4e2b-9c83-6a7f8e9d0c1b'
const ENTRA_GROUP = '6f0c9d1e-3a52-4e8b-b1d7-90c4e5f6a7b8'
// The maximum number of groups that a token contains before they are omitted.
const ENTRA_GROUPS = [...Array.from({ length: 199 }, (_, index) => uuidOf(hashed('group', String(index)))), ENTRA_GROUP]

// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference and access-token-claims-reference
const entra: Profile = {
  name: 'Microsoft Entra ID',
  hosts: { 'login.microsoftonline.com': 'main' },
  group: ENTRA_GROUP,
  discovery: ({ main, other }) => ({
    issuer: `${main}/${TENANT}/v2.0`,
    authorization_endpoint: `${main}/${TENANT}/oauth2/v2.0/authorize`,
    token_endpoint: `${main}/${TENANT}/oauth2/v2.0/token`,
    jwks_uri: `${main}/${TENANT}/discovery/v2.0/keys`,
    userinfo_endpoint: `${other}/oidc/userinfo`,
    end_session_endpoint: `${main}/${TENANT}/oauth2/v2.0/logout`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'name', 'tid', 'ver', 'email'],
    request_uri_parameter_supported: false,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
  }),
  key: { x5t: 'thumbprint', alg: undefined },
  idTokenType: 'JWT',
  idTokenAge: 300,
  idToken: ({ person }) => ({
    sub: hashed('entra', person.username).slice(0, 43),
    name: person.name,
    preferred_username: person.email,
    email: person.email,
    oid: idOf(person),
    tid: TENANT,
    groups: ENTRA_GROUPS,
    uti: randomUUID(),
    ver: '2.0',
  }),
  userinfo: ({ username, name, email }) => ({ sub: hashed('entra', username).slice(0, 43), name, email }),
  accessTokenType: 'JWT',
  accessToken: ({ person, at }) => ({
    iss: `${at.main}/${TENANT}/v2.0`,
    aud: ENTRA_API,
    iat: now() - 300,
    nbf: now() - 300,
    exp: now() + 3600,
    azp: 'f1d3a5c7-program',
    azpacr: '0',
    name: person.name,
    oid: idOf(person),
    preferred_username: person.email,
    scp: SCOPES,
    // Differs from that in ID tokens, because it is pairwise.
    sub: hashed('entra API', person.username).slice(0, 43),
    tid: TENANT,
    groups: ENTRA_GROUPS,
    ver: '2.0',
  }),
  serviceToken: ({ at }) => ({
    iss: `${at.main}/${TENANT}/v2.0`,
    aud: ENTRA_API,
    iat: now() - 300,
    nbf: now() - 300,
    exp: now() + 3600,
    azp: 'maas-service',
    azpacr: '1',
    oid: 'c0ffee00-service',
    sub: 'c0ffee00-service',
    idtyp: 'app',
    roles: ['maas:read'],
    tid: TENANT,
    ver: '2.0',
  }),
  endSession: {},
}

// https://learn.microsoft.com/windows-server/identity/ad-fs/development/ad-fs-logout-openid-connect and [MS-OIDCE] 2.2.3.2
const adfs: Profile = {
  name: 'AD FS',
  hosts: { 'fs.example.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: `${main}/adfs`,
    authorization_endpoint: `${main}/adfs/oauth2/authorize/`,
    token_endpoint: `${main}/adfs/oauth2/token/`,
    jwks_uri: `${main}/adfs/discovery/keys`,
    userinfo_endpoint: `${main}/adfs/userinfo`,
    end_session_endpoint: `${main}/adfs/oauth2/logout`,
    access_token_issuer: `${main}/adfs/services/trust`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    subject_types_supported: ['pairwise'],
    scopes_supported: [
      'allatclaims',
      'email',
      'user_impersonation',
      'profile',
      'openid',
      'maas:read',
      'maas:write',
      'maas:reveal',
    ],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['aud', 'iss', 'iat', 'exp', 'auth_time', 'nonce', 'sub', 'upn', 'unique_name', 'sid'],
    capabilities: [],
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
  }),
  idTokenType: 'JWT',
  idToken: ({ person, sid }) => ({
    sub: hashed('adfs', person.username).slice(0, 43),
    upn: person.email,
    unique_name: `CONTOSO\\${person.username}`,
    auth_time: now(),
    sid,
    // A single group is a string, and several are a list.
    group: 'research',
    scp: 'allatclaims profile email openid',
  }),
  userinfo: ({ username }) => ({ sub: hashed('adfs', username).slice(0, 43) }),
  accessTokenType: 'JWT',
  accessToken: ({ person, at }) => ({
    ...hour(),
    iss: `${at.main}/adfs/services/trust`,
    aud: `microsoft:identityserver:${API}`,
    appid: 'maas-cli',
    apptype: 'Public',
    sub: hashed('adfs', person.username).slice(0, 43),
    upn: person.email,
    group: 'research',
    scp: SCOPES,
    ver: '1.0',
  }),
  endSession: { demands: ['id_token_hint'] },
}

// https://developer.okta.com/docs/reference/api/oidc/ (custom authorization server)
const okta: Profile = {
  name: 'Okta',
  hosts: { 'example.okta.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: `${main}/oauth2/default`,
    authorization_endpoint: `${main}/oauth2/default/v1/authorize`,
    token_endpoint: `${main}/oauth2/default/v1/token`,
    userinfo_endpoint: `${main}/oauth2/default/v1/userinfo`,
    jwks_uri: `${main}/oauth2/default/v1/keys`,
    end_session_endpoint: `${main}/oauth2/default/v1/logout`,
    response_types_supported: ['code', 'id_token', 'code id_token', 'code token', 'id_token token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: [
      'maas:read',
      'maas:write',
      'maas:reveal',
      'openid',
      'profile',
      'email',
      'groups',
      'offline_access',
    ],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none'],
    claims_supported: ['ver', 'jti', 'iss', 'aud', 'iat', 'exp', 'cid', 'uid', 'scp', 'sub'],
    code_challenge_methods_supported: ['S256'],
  }),
  idToken: ({ person }) => ({
    sub: `00u${hashed(person.username).slice(0, 17)}`,
    ver: 1,
    amr: ['pwd'],
    idp: '00o1',
    jti: `ID.${randomUUID()}`,
    auth_time: now(),
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({
    sub: `00u${hashed(person.username).slice(0, 17)}`,
    ...profileOf(person),
    groups: ['Everyone', 'research'],
  }),
  accessToken: ({ person, at }) => ({
    ...hour(),
    ver: 1,
    jti: `AT.${randomUUID()}`,
    iss: `${at.main}/oauth2/default`,
    aud: 'api://default',
    cid: 'maas-cli',
    uid: `00u${hashed(person.username).slice(0, 17)}`,
    // The login, which differs from that in ID tokens.
    sub: person.email,
    scp: SCOPES.split(' '),
    groups: ['Everyone', 'research'],
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    ver: 1,
    jti: `AT.${randomUUID()}`,
    iss: `${at.main}/oauth2/default`,
    aud: 'api://default',
    cid: 'maas-service',
    sub: 'maas-service',
    scp: ['maas:read'],
  }),
  endSession: { demands: ['id_token_hint'] },
}

const AUTH0_GROUPS = 'https://models.example.com/groups'

// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles (Auth0 profile) and …/logout/oidc-logout
const auth0: Profile = {
  name: 'Auth0',
  hosts: { 'example.eu.auth0.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: `${main}/`,
    authorization_endpoint: `${main}/authorize`,
    token_endpoint: `${main}/oauth/token`,
    userinfo_endpoint: `${main}/userinfo`,
    jwks_uri: `${main}/.well-known/jwks.json`,
    end_session_endpoint: `${main}/oidc/logout`,
    scopes_supported: ['openid', 'profile', 'offline_access', 'name', 'email', 'email_verified'],
    response_types_supported: ['code', 'token', 'id_token'],
    code_challenge_methods_supported: ['S256', 'plain'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    id_token_signing_alg_values_supported: ['HS256', 'RS256', 'PS256'],
    claims_supported: ['aud', 'auth_time', 'email', 'email_verified', 'exp', 'iat', 'iss', 'name', 'nickname', 'sub'],
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  }),
  idTokenType: 'JWT',
  idToken: ({ person, sid }) => ({
    sub: `auth0|${hashed(person.username).slice(0, 24)}`,
    nickname: person.username,
    name: person.name,
    email: person.email,
    email_verified: true,
    updated_at: new Date().toISOString(),
    sid,
    [AUTH0_GROUPS]: ['research'],
  }),
  userinfo: (person) => ({ sub: `auth0|${hashed(person.username).slice(0, 24)}`, ...profileOf(person) }),
  accessTokenType: 'JWT',
  accessToken: ({ person, at }) => ({
    ...hour(),
    iss: `${at.main}/`,
    sub: `auth0|${hashed(person.username).slice(0, 24)}`,
    aud: [API, `${at.main}/userinfo`],
    azp: 'maas-cli',
    scope: `openid profile ${SCOPES}`,
    [AUTH0_GROUPS]: ['research'],
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    iss: `${at.main}/`,
    sub: 'maas-service@clients',
    aud: API,
    azp: 'maas-service',
    scope: 'maas:read',
    gty: 'client-credentials',
  }),
  endSession: {},
  logoutToken: {
    type: 'logout+jwt',
    claims: ({ person, sid }) => ({ sub: `auth0|${hashed(person.username).slice(0, 24)}`, sid }),
  },
}

const PING_ENVIRONMENT = '342b5660-0c32-4936-a5a4-ce21fae57b0a'

// https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
const ping: Profile = {
  name: 'Ping Identity',
  hosts: { 'auth.pingone.eu': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: `${main}/${PING_ENVIRONMENT}/as`,
    authorization_endpoint: `${main}/${PING_ENVIRONMENT}/as/authorize`,
    token_endpoint: `${main}/${PING_ENVIRONMENT}/as/token`,
    userinfo_endpoint: `${main}/${PING_ENVIRONMENT}/as/userinfo`,
    jwks_uri: `${main}/${PING_ENVIRONMENT}/as/jwks`,
    end_session_endpoint: `${main}/${PING_ENVIRONMENT}/as/signoff`,
    scopes_supported: ['openid', 'profile', 'email', 'address', 'phone'],
    response_types_supported: ['code', 'id_token', 'token id_token', 'code id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    code_challenge_methods_supported: ['plain', 'S256'],
  }),
  idToken: ({ person, sid }) => ({
    sub: idOf(person),
    sid,
    acr: 'Single_Factor',
    amr: ['pwd'],
    auth_time: now(),
    env: PING_ENVIRONMENT,
    groups: ['research'],
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({ sub: idOf(person), ...profileOf(person), env: PING_ENVIRONMENT }),
  accessToken: ({ person, at, sid }) => ({
    ...hour(),
    client_id: 'maas-cli',
    iss: `${at.main}/${PING_ENVIRONMENT}/as`,
    sub: idOf(person),
    aud: [API],
    scope: SCOPES,
    sid,
    groups: ['research'],
    jti: randomUUID(),
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    client_id: 'maas-service',
    iss: `${at.main}/${PING_ENVIRONMENT}/as`,
    aud: [API],
    scope: 'maas:read',
    jti: randomUUID(),
  }),
  endSession: { demands: ['id_token_hint'] },
}

const POOL = 'eu-west-1_Ex4mple'

// https://docs.aws.amazon.com/cognito/latest/developerguide/ amazon-cognito-user-pools-using-the-access-token, …-id-token, logout-endpoint
const cognito: Profile = {
  name: 'Amazon Cognito',
  hosts: { 'cognito-idp.eu-west-1.amazonaws.com': 'main', 'example.auth.eu-west-1.amazoncognito.com': 'other' },
  group: 'research',
  discovery: ({ main, other }) => ({
    issuer: `${main}/${POOL}`,
    authorization_endpoint: `${other}/oauth2/authorize`,
    token_endpoint: `${other}/oauth2/token`,
    userinfo_endpoint: `${other}/oauth2/userInfo`,
    end_session_endpoint: `${other}/logout`,
    revocation_endpoint: `${other}/oauth2/revoke`,
    jwks_uri: `${main}/${POOL}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'token'],
    scopes_supported: ['openid', 'email', 'phone', 'profile'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  }),
  idToken: ({ person }) => ({
    sub: idOf(person),
    'cognito:groups': ['research'],
    'cognito:username': person.username,
    name: person.name,
    email: person.email,
    email_verified: true,
    token_use: 'id',
    auth_time: now(),
    origin_jti: randomUUID(),
    jti: randomUUID(),
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({ sub: idOf(person), name: person.name, email: person.email, email_verified: 'true' }),
  accessToken: ({ person, at }) => ({
    ...hour(),
    sub: idOf(person),
    'cognito:groups': ['research'],
    token_use: 'access',
    scope: `openid ${API}/maas:read ${API}/maas:write`,
    auth_time: now(),
    iss: `${at.main}/${POOL}`,
    jti: randomUUID(),
    client_id: 'maas-cli',
    username: person.username,
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    sub: 'maas-service',
    token_use: 'access',
    scope: `${API}/maas:read`,
    auth_time: now(),
    iss: `${at.main}/${POOL}`,
    jti: randomUUID(),
    client_id: 'maas-service',
  }),
  endSession: { demands: ['client_id'], returns: 'logout_uri' },
}

// https://docs.gitlab.com/integration/openid_connect_provider/ and config/initializers/doorkeeper_openid_connect.rb of GitLab
const gitlab: Profile = {
  name: 'GitLab',
  hosts: { 'gitlab.example.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: main,
    authorization_endpoint: `${main}/oauth/authorize`,
    token_endpoint: `${main}/oauth/token`,
    revocation_endpoint: `${main}/oauth/revoke`,
    userinfo_endpoint: `${main}/oauth/userinfo`,
    jwks_uri: `${main}/oauth/discovery/keys`,
    scopes_supported: ['api', 'read_user', 'openid', 'profile', 'email'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'password', 'client_credentials', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'sub_legacy', 'name', 'email', 'email_verified', 'groups'],
    code_challenge_methods_supported: ['plain', 'S256'],
  }),
  idTokenType: 'JWT',
  idToken: ({ person }) => ({
    sub: String(Number.parseInt(hashed(person.username).slice(0, 6), 16)),
    auth_time: now(),
    sub_legacy: hashed('legacy', person.username),
    email: person.email,
    email_verified: true,
    groups_direct: ['research/models'],
  }),
  userinfo: (person) => ({
    sub: String(Number.parseInt(hashed(person.username).slice(0, 6), 16)),
    ...profileOf(person),
    nickname: person.username,
    profile: 'https://gitlab.example.com/somebody',
    groups: ['research', 'research/models'],
  }),
}

// https://www.authelia.com/integration/openid-connect/openid-connect-1.0-claims/ and …/introduction/
const authelia: Profile = {
  name: 'Authelia',
  hosts: { 'auth.example.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: main,
    authorization_endpoint: `${main}/api/oidc/authorization`,
    pushed_authorization_request_endpoint: `${main}/api/oidc/pushed-authorization-request`,
    token_endpoint: `${main}/api/oidc/token`,
    userinfo_endpoint: `${main}/api/oidc/userinfo`,
    jwks_uri: `${main}/jwks.json`,
    introspection_endpoint: `${main}/api/oidc/introspection`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['code', 'id_token', 'token', 'code id_token', 'none'],
    scopes_supported: [
      'offline_access',
      'openid',
      'profile',
      'groups',
      'email',
      'maas:read',
      'maas:write',
      'maas:reveal',
    ],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'amr', 'azp', 'email', 'email_verified', 'groups', 'name'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
    userinfo_signing_alg_values_supported: ['none', 'RS256'],
    authorization_response_iss_parameter_supported: true,
  }),
  clientAuth: 'client_secret_post',
  callback: ({ main }) => ({ iss: main }),
  idTokenType: 'JWT',
  idToken: ({ person, client }) => ({
    sub: idOf(person),
    aud: [client.id],
    azp: client.id,
    amr: ['pwd', 'otp', 'mfa'],
    auth_time: now(),
    jti: randomUUID(),
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({ sub: idOf(person), ...profileOf(person), groups: ['admins', 'research'], rat: now() }),
  signedUserinfo: true,
  accessTokenType: 'at+jwt',
  accessToken: ({ person, at }) => ({
    ...hour(),
    iss: at.main,
    aud: [API],
    client_id: 'maas-cli',
    sub: idOf(person),
    scope: SCOPES,
    scp: SCOPES.split(' '),
    jti: randomUUID(),
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    iss: at.main,
    aud: [API],
    client_id: 'maas-service',
    sub: 'maas-service',
    scope: 'maas:read',
    jti: randomUUID(),
  }),
}

// authentik/providers/oauth2 of goauthentik/authentik: id_token.py, views/provider.py, views/token.py, views/end_session.py
const authentik: Profile = {
  name: 'authentik',
  hosts: { 'authentik.example.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: `${main}/application/o/maas-portal/`,
    authorization_endpoint: `${main}/application/o/authorize/`,
    token_endpoint: `${main}/application/o/token/`,
    userinfo_endpoint: `${main}/application/o/userinfo/`,
    end_session_endpoint: `${main}/application/o/maas-portal/end-session/`,
    jwks_uri: `${main}/application/o/maas-portal/jwks/`,
    response_types_supported: ['code', 'id_token', 'id_token token', 'code token', 'code id_token'],
    id_token_signing_alg_values_supported: ['ES256'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    acr_values_supported: ['goauthentik.io/providers/oauth2/default'],
    scopes_supported: ['openid', 'profile', 'email', 'maas:read', 'maas:write', 'maas:reveal'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'nonce'],
    claims_parameter_supported: false,
    code_challenge_methods_supported: ['plain', 'S256'],
  }),
  algorithm: 'ES256',
  idTokenType: 'JWT',
  idToken: ({ person, sid }) => ({
    sub: hashed('authentik', person.username),
    auth_time: now(),
    acr: 'goauthentik.io/providers/oauth2/default',
    amr: ['pwd'],
    sid: hashed(sid),
    ...profileOf(person),
    nickname: person.username,
    groups: ['authentik Admins', 'research'],
  }),
  userinfo: (person) => ({ sub: hashed('authentik', person.username), ...profileOf(person), groups: ['research'] }),
  accessTokenType: 'JWT',
  // For a program with its own application that uses the device flow, which has no nonce.
  accessToken: ({ person, at }) => ({
    ...hour(),
    iss: `${at.main}/application/o/maas-cli/`,
    sub: hashed('authentik', person.username),
    aud: 'maas-cli',
    auth_time: now(),
    acr: 'goauthentik.io/providers/oauth2/default',
    ...profileOf(person),
    groups: ['research'],
    azp: 'maas-cli',
    uid: randomUUID(),
    scope: SCOPES,
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    iss: `${at.main}/application/o/maas-service/`,
    sub: '5d41402abc4b2a76b9719d911017c592ae5f1c7d3e1b2f4a6c8d0e2f4a6b8c0d',
    aud: 'maas-service',
    acr: 'goauthentik.io/providers/oauth2/default',
    name: 'Autogenerated user from application maas-service (client credentials)',
    preferred_username: 'ak-maas-service-client_credentials',
    groups: [],
    azp: 'maas-service',
    uid: randomUUID(),
    scope: 'maas:read',
  }),
  endSession: { demands: ['id_token_hint'], upstream: true },
  logoutToken: {
    type: 'JWT',
    claims: ({ person, sid }) => ({ sub: hashed('authentik', person.username), sid: hashed(sid) }),
  },
}

// A protocol buffer with the user and the connector.
const dexSubject = (person: Person) => Buffer.from(`\n$${idOf(person)}\x12\x04ldap`).toString('base64url')

// server/oauth2.go of dexidp/dex, https://dexidp.io/docs/configuration/custom-scopes-claims-clients/
const dex: Profile = {
  name: 'Dex',
  hosts: { 'dex.example.com': 'main' },
  group: 'acme:research',
  discovery: ({ main }) => ({
    issuer: `${main}/dex`,
    authorization_endpoint: `${main}/dex/auth`,
    token_endpoint: `${main}/dex/token`,
    jwks_uri: `${main}/dex/keys`,
    userinfo_endpoint: `${main}/dex/userinfo`,
    device_authorization_endpoint: `${main}/dex/device/code`,
    introspection_endpoint: `${main}/dex/token/introspect`,
    grant_types_supported: ['authorization_code', 'refresh_token'],
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256', 'plain'],
    scopes_supported: ['openid', 'email', 'groups', 'profile', 'offline_access'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    claims_supported: ['iss', 'sub', 'aud', 'iat', 'exp', 'email', 'email_verified', 'locale', 'name', 'at_hash'],
  }),
  idToken: ({ person }) => ({
    sub: dexSubject(person),
    ...profileOf(person),
    groups: ['acme:research'],
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({ sub: dexSubject(person), ...profileOf(person), groups: ['acme:research'] }),
  // For a program that requested the scope audience:server:client_id:maas-portal-api; ID tokens have the same format.
  accessToken: ({ person, at }) => ({
    ...hour(),
    iss: `${at.main}/dex`,
    sub: dexSubject(person),
    aud: [API, 'maas-cli'],
    azp: 'maas-cli',
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
    ...profileOf(person),
    groups: ['acme:research'],
  }),
}

const ZITADEL_ROLES = 'urn:zitadel:iam:org:project:roles'
const zitadelRoles = (...roles: string[]) => ({
  [ZITADEL_ROLES]: Object.fromEntries(roles.map((role) => [role, { '170848145649959169': 'acme.example.com' }])),
})

// https://zitadel.com/docs/apis/openidoauth/claims, …/guides/integrate/back-channel-logout and internal/api/oidc of zitadel/zitadel
const zitadel: Profile = {
  name: 'Zitadel',
  hosts: { 'zitadel.example.com': 'main' },
  group: 'research',
  discovery: ({ main }) => ({
    issuer: main,
    authorization_endpoint: `${main}/oauth/v2/authorize`,
    token_endpoint: `${main}/oauth/v2/token`,
    introspection_endpoint: `${main}/oauth/v2/introspect`,
    userinfo_endpoint: `${main}/oidc/v1/userinfo`,
    end_session_endpoint: `${main}/oidc/v1/end_session`,
    jwks_uri: `${main}/oauth/v2/keys`,
    scopes_supported: ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'],
    response_types_supported: ['code', 'id_token', 'id_token token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['EdDSA', 'RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'auth_time', 'nonce', 'acr', 'amr', 'name', 'email'],
    code_challenge_methods_supported: ['S256'],
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  }),
  algorithm: 'EdDSA',
  idTokenType: 'JWT',
  idToken: ({ person, client, sid }) => ({
    sub: String(BigInt(`0x${hashed(person.username).slice(0, 14)}`)),
    aud: [client.id, '264076946105696259'],
    azp: client.id,
    client_id: client.id,
    amr: ['pwd'],
    auth_time: now(),
    sid: `V1_${sid}`,
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
  }),
  userinfo: (person) => ({
    sub: String(BigInt(`0x${hashed(person.username).slice(0, 14)}`)),
    ...profileOf(person),
    ...zitadelRoles('research'),
  }),
  accessTokenType: 'JWT',
  accessToken: ({ person, at }) => ({
    ...hour(),
    nbf: now(),
    iss: at.main,
    sub: String(BigInt(`0x${hashed(person.username).slice(0, 14)}`)),
    aud: ['263932904613216999', '264076946105696259'],
    client_id: '263932904613216999',
    jti: `V2_${randomUUID()}`,
    ...zitadelRoles('research', 'maas:read', 'maas:write'),
  }),
  serviceToken: ({ at }) => ({
    ...hour(),
    nbf: now(),
    iss: at.main,
    sub: '286399320075272196',
    aud: ['264076946105696259'],
    client_id: 'maas-service',
    jti: `V2_${randomUUID()}`,
    ...zitadelRoles('maas:read'),
  }),
  endSession: {},
  logoutToken: {
    type: 'JWT',
    claims: ({ person, client, sid }) => ({
      sub: String(BigInt(`0x${hashed(person.username).slice(0, 14)}`)),
      aud: [client.id],
      sid: `V1_${sid}`,
      iat: now() - 1,
      exp: now() + 300,
    }),
  },
}

interface KeycloakVersion {
  name: string
  host: string
  /** Precedes the realm in the path. */
  path: string
  algorithm: string
  logoutType: string
  demands: string[]
  upstream: boolean
}

// OIDCWellKnownProvider and TokenManager of keycloak/keycloak; https://github.com/keycloak/keycloak/pull/29260 (typ of logout tokens)
function keycloak({ name, host, path, algorithm, logoutType, demands, upstream }: KeycloakVersion): Profile {
  const realm = `${path}/realms/maas`
  const protocol = `${realm}/protocol/openid-connect`
  const isOld = logoutType === 'JWT'
  return {
    name,
    hosts: { [host]: 'main' },
    group: 'research',
    discovery: ({ main }) => ({
      issuer: main + realm,
      authorization_endpoint: `${main}${protocol}/auth`,
      token_endpoint: `${main}${protocol}/token`,
      introspection_endpoint: `${main}${protocol}/token/introspect`,
      userinfo_endpoint: `${main}${protocol}/userinfo`,
      end_session_endpoint: `${main}${protocol}/logout`,
      jwks_uri: `${main}${protocol}/certs`,
      response_types_supported: ['code', 'none', 'id_token', 'token', 'id_token token', 'code id_token'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['PS384', 'RS384', 'EdDSA', 'ES384', 'HS256', 'ES256', 'RS256', 'PS256'],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
      scopes_supported: [
        'openid',
        'profile',
        'email',
        'roles',
        'web-origins',
        'offline_access',
        'maas:read',
        'maas:write',
      ],
      claims_supported: ['aud', 'sub', 'iss', 'auth_time', 'name', 'given_name', 'preferred_username', 'email', 'acr'],
      code_challenge_methods_supported: ['plain', 'S256'],
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      ...(isOld ? {} : { authorization_response_iss_parameter_supported: true }),
    }),
    algorithm,
    idTokenType: 'JWT',
    // Versions before 26 also send session_state.
    callback: ({ main }): Record<string, string> =>
      isOld ? { session_state: randomUUID() } : { iss: main + realm, session_state: 's' },
    idToken: ({ person, client, sid }) => ({
      sub: idOf(person),
      jti: randomUUID(),
      typ: 'ID',
      azp: client.id,
      auth_time: now(),
      sid,
      ...(isOld ? { session_state: sid } : {}),
      acr: '1',
      ...profileOf(person),
      groups: ['/research'],
    }),
    userinfo: (person) => ({ sub: idOf(person), ...profileOf(person), groups: ['/research'] }),
    signInToken: ({ person, client, at, sid }) => ({
      ...hour(),
      iss: at.main + realm,
      sub: idOf(person),
      typ: 'Bearer',
      azp: client.id,
      sid,
      scope: 'openid profile email',
    }),
    accessTokenType: 'JWT',
    accessToken: ({ person, at, sid }) => ({
      ...hour(),
      jti: randomUUID(),
      iss: at.main + realm,
      aud: API,
      sub: idOf(person),
      typ: 'Bearer',
      azp: 'maas-cli',
      sid,
      ...(isOld ? { session_state: sid } : {}),
      scope: `openid profile email ${SCOPES}`,
      ...profileOf(person),
      groups: ['/research'],
    }),
    serviceToken: ({ at }) => ({
      ...hour(),
      jti: randomUUID(),
      iss: at.main + realm,
      aud: API,
      sub: '7c3e1f90-5b6a-4f1e-9d2c-0a1b2c3d4e5f',
      typ: 'Bearer',
      azp: 'maas-service',
      scope: 'maas:read',
      preferred_username: 'service-account-maas-service',
      ...(isOld ? { clientId: 'maas-service' } : { client_id: 'maas-service' }),
    }),
    endSession: { demands, upstream },
    logoutToken: {
      type: logoutType,
      claims: ({ person, sid }) => ({
        sub: idOf(person),
        typ: 'Logout',
        sid,
        ...(isOld ? {} : { exp: now() + 120 }),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {}, revoke_offline_access: false },
      }),
    },
  }
}

export const profiles: Profile[] = [
  entra,
  adfs,
  okta,
  auth0,
  ping,
  cognito,
  gitlab,
  authelia,
  authentik,
  dex,
  zitadel,
  keycloak({
    name: 'Keycloak 25 and 26',
    host: 'sso.example.com',
    path: '',
    algorithm: 'PS256',
    logoutType: 'logout+jwt',
    demands: ['client_id'],
    upstream: true,
  }),
  keycloak({
    name: 'Keycloak 22 to 24',
    host: 'sso.example.com',
    path: '',
    algorithm: 'ES384',
    logoutType: 'JWT',
    demands: ['client_id'],
    upstream: false,
  }),
  keycloak({
    name: 'Red Hat SSO 7.6',
    host: 'sso.example.com',
    path: '/auth',
    algorithm: 'RS256',
    logoutType: 'JWT',
    demands: ['id_token_hint'],
    upstream: false,
  }),
]
