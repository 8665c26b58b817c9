import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false } as const
const TextList = (description: string) => Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description }))
const Claim = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const Scope = Type.Unsafe<'maas:read' | 'maas:write' | 'maas:reveal'>({
  type: 'string',
  enum: ['maas:read', 'maas:write', 'maas:reveal'],
})

const Claims = Type.Object(
  {
    subject: Claim(
      'default sub; a claim that never changes, is never reassigned and that users cannot set. For providers with a `sub` that differs between clients, such as Microsoft Entra ID (oid). Users lose their accounts when this changes, and a back-channel logout must name a session (`sid`)',
    ),
    email: Claim(
      'default email; for example upn or unique_name. email_verified must refer to the address in this claim, and users must not be able to set it',
    ),
    email_verified: Claim(
      'default email_verified; for example xms_edov. true, 1 and the texts “true” and “1” count; for email_verified itself, only true and “true”',
    ),
    name: Claim('default name; without it preferred_username and the e-mail address are shown'),
  },
  { ...strict, description: 'names of claims that differ at this provider, each as a name or a path of members' },
)

const AccessTokens = Type.Object(
  {
    issuers: TextList('accepted as `iss` in addition to the issuer of the discovery document'),
    audiences: TextList('accepted as `aud` in addition to API_AUDIENCE'),
    clients: TextList('clients whose tokens are accepted without `aud`, for providers that send none (Amazon Cognito)'),
    types: TextList(
      'accepted as header `typ` in addition to at+jwt and Keycloak’s JWT; “none” stands for a token without `typ`',
    ),
    scope_claim: Claim('default scope, or scp if there is no scope'),
    service_scope_claim: Claim(
      'claim whose values count as scopes of a service that has no scopes; default roles for app tokens of Entra ID, else none',
    ),
    scopes: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Scope, {
        description: 'scopes that have a different name at the provider: the name there, and the scope of the portal',
      }),
    ),
    default_scopes: Type.Optional(
      Type.Array(Scope, {
        description: 'scopes of a token that has no claim for scopes, for providers that send none (Dex)',
      }),
    ),
    subject_claim: Claim(
      'claim that holds the subject of the ID token, if the `sub` of access tokens has a different value (uid in Okta); default as claims.subject',
    ),
    client_claim: Claim('default the first of azp, client_id, clientId, cid and appid that the token has'),
    services: Type.Optional(
      Type.Object(
        {
          role: Type.Optional(
            Type.Object(
              {
                claim: Type.String({
                  minLength: 1,
                  description:
                    'a name or a path of members, such as resource_access.maas-portal-api.roles or roles; only administrators of the provider may set it',
                }),
                value: Type.String({ minLength: 1, description: 'the name of the role in the claim' }),
              },
              strict,
            ),
          ),
          scope: Type.Optional(
            Type.String({
              pattern: '^[!#-\\[\\]-~]+$',
              description: 'the scope as the provider names it; only administrators may let a client request it',
            }),
          ),
        },
        {
          ...strict,
          minProperties: 1,
          description:
            'marks clients that may act as services, in addition to API_CLIENTS: a role or a scope. If both are set, either is sufficient. The provider must have issued the token to a client that acts on its own behalf',
        },
      ),
    ),
    service_subjects: TextList(
      'values of `sub` that belong to services, if tokens do not identify services; they need no entry in API_CLIENTS',
    ),
    services_without_subject: Type.Optional(
      Type.Boolean({
        description:
          'true: a token that names a client and has no `sub` belongs to that client, for providers such as Ping Identity',
      }),
    ),
    accept_id_tokens: Type.Optional(
      Type.Boolean({
        description:
          'true: tokens with claims of ID tokens are accepted, for providers whose access tokens contain them (Dex). ID tokens for an accepted audience are then accepted as well',
      }),
    ),
  },
  { ...strict, description: 'how access tokens of this provider differ from RFC 9068' },
)

/** https, except for localhost, as for OIDC_ISSUER. */
const ORIGIN = '^(https://|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])'

const SignOut = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        pattern: `${ORIGIN}[^\\s#]+$`,
        description:
          'address that ends the session of the provider, including its query, if any; default the announced end_session_endpoint',
      }),
    ),
    return_parameter: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.-]+$',
        description:
          'parameter with the return address, PUBLIC_URL/signed-out; default post_logout_redirect_uri. If another parameter is set, no id_token_hint is sent (logout_uri of Amazon Cognito, returnTo of Auth0)',
      }),
    ),
  },
  { ...strict, description: 'how sign-out at this provider differs from OpenID Connect RP-Initiated Logout' },
)

/** Differences of the provider from OpenID Connect and RFC 9068. */
export const IdentityProviderConfig = Type.Object(
  {
    trust_email: Type.Optional(
      Type.Boolean({
        description:
          'true: an e-mail address counts as verified if the claim email_verified is missing, for providers that verify addresses but do not send the claim. Set it only if administrators of the provider set all addresses. An explicit false still takes effect',
      }),
    ),
    discovery_url: Type.Optional(
      Type.String({
        pattern: `${ORIGIN}[^\\s#]*/\\.well-known/[^\\s#]+$`,
        description:
          'address of the discovery document, if it is not OIDC_ISSUER/.well-known/openid-configuration; the document must announce OIDC_ISSUER',
      }),
    ),
    client_authentication: Type.Optional(
      Type.Unsafe<'client_secret_post' | 'client_secret_basic' | 'client_secret_jwt'>({
        type: 'string',
        enum: ['client_secret_post', 'client_secret_basic', 'client_secret_jwt'],
        description:
          'how the portal authenticates at the token endpoint, if the client is registered for one method only; default the first of these that the provider announces, or client_secret_basic if it announces none',
      }),
    ),
    sign_out: Type.Optional(SignOut),
    claims: Type.Optional(Claims),
    access_tokens: Type.Optional(AccessTokens),
  },
  {
    ...strict,
    description:
      'differences of this provider from the standards; docs/identity-providers.md has the settings of many providers',
  },
)
export type IdentityProviderConfig = Static<typeof IdentityProviderConfig>
