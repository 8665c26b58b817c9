import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false } as const
const Words = (description: string) => Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description }))
const Claim = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const Scope = Type.Unsafe<'maas:read' | 'maas:write' | 'maas:reveal'>({
  type: 'string',
  enum: ['maas:read', 'maas:write', 'maas:reveal'],
})

const Claims = Type.Object(
  {
    subject: Claim(
      'default sub; a claim that never changes, is never given to somebody else and that people cannot set. For providers whose `sub` differs between clients, such as Microsoft Entra ID (oid). Whoever has an account loses it when this changes, and a back-channel logout has to name a session (`sid`)',
    ),
    email: Claim(
      'default email; for example upn or unique_name. email_verified has to be about the address in this claim, and people must not be able to set it',
    ),
    email_verified: Claim(
      'default email_verified; for example xms_edov. true, 1 and the texts “true” and “1” count; of email_verified itself only true and “true”',
    ),
    name: Claim('default name; without it preferred_username and the e-mail address are shown'),
  },
  { ...strict, description: 'claims of this provider that have other names, each as a name or a path of members' },
)

const AccessTokens = Type.Object(
  {
    issuers: Words('accepted as `iss` besides the issuer of the discovery document'),
    audiences: Words('accepted as `aud` besides API_AUDIENCE'),
    clients: Words('clients whose tokens are accepted without `aud`, for providers that send none (Amazon Cognito)'),
    types: Words('accepted as header `typ` besides at+jwt and Keycloak’s JWT; “none” stands for a token without `typ`'),
    scope_claim: Claim('default scope, and scp where there is no scope'),
    service_scope_claim: Claim(
      'claim whose values count as scopes of a service that has no scopes; default roles for app tokens of Entra ID, else none',
    ),
    scopes: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Scope, {
        description: 'scopes that have another name at the provider: its name, and the scope that it stands for',
      }),
    ),
    default_scopes: Type.Optional(
      Type.Array(Scope, {
        description: 'scopes of a token that has no claim for scopes, for providers that send none (Dex)',
      }),
    ),
    subject_claim: Claim(
      'claim that holds the subject of the ID token, where the `sub` of access tokens is another text (uid of Okta); default as claims.subject',
    ),
    client_claim: Claim('default the first of azp, client_id, clientId, cid and appid that the token has'),
    service_subjects: Words(
      'values of `sub` that are services and never people, where tokens do not say so; they need no entry in API_CLIENTS',
    ),
    services_without_subject: Type.Optional(
      Type.Boolean({
        description: 'true: a token that names a client and has no `sub` is one of that client, as of Ping Identity',
      }),
    ),
    accept_id_tokens: Type.Optional(
      Type.Boolean({
        description:
          'true: tokens with claims of ID tokens are accepted, for providers whose access tokens have them too (Dex). ID tokens that are issued for an accepted audience are then accepted as well',
      }),
    ),
  },
  { ...strict, description: 'access tokens of this provider, where they differ from RFC 9068' },
)

/** https, unless it is on this machine, as for OIDC_ISSUER */
const ORIGIN = '^(https://|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])'

const SignOut = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        pattern: `${ORIGIN}[^\\s#]+$`,
        description:
          'address that ends the session of the provider, with a query where it needs one; default the announced end_session_endpoint',
      }),
    ),
    return_parameter: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.-]+$',
        description:
          'parameter with the address to come back to, PUBLIC_URL/signed-out; default post_logout_redirect_uri. With another one no id_token_hint is sent (logout_uri of Amazon Cognito, returnTo of Auth0)',
      }),
    ),
  },
  { ...strict, description: 'signing out of this provider, where it differs from OpenID Connect RP-Initiated Logout' },
)

/** What differs from OpenID Connect and RFC 9068 at the provider that people and programs sign in with. */
export const IdentityProvider = Type.Object(
  {
    trust_email: Type.Optional(
      Type.Boolean({
        description:
          'true: an e-mail address counts as verified where the claim email_verified is missing, for providers that verify addresses without stating it. Set it only where nobody but the provider’s administrators can set addresses; an explicit false still counts',
      }),
    ),
    discovery_url: Type.Optional(
      Type.String({
        pattern: `${ORIGIN}[^\\s#]*/\\.well-known/[^\\s#]+$`,
        description:
          'address of the discovery document, where it is not OIDC_ISSUER/.well-known/openid-configuration; it has to announce OIDC_ISSUER',
      }),
    ),
    client_authentication: Type.Optional(
      Type.Unsafe<'client_secret_post' | 'client_secret_basic' | 'client_secret_jwt'>({
        type: 'string',
        enum: ['client_secret_post', 'client_secret_basic', 'client_secret_jwt'],
        description:
          'how the portal authenticates at the token endpoint, where the client is registered for one method; default the first of these that the provider announces, client_secret_basic where it announces none',
      }),
    ),
    sign_out: Type.Optional(SignOut),
    claims: Type.Optional(Claims),
    access_tokens: Type.Optional(AccessTokens),
  },
  {
    ...strict,
    description: 'what this provider does differently; docs/identity-providers.md has the settings for many',
  },
)
export type IdentityProvider = Static<typeof IdentityProvider>
