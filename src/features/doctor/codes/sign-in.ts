import type { Rule } from './shape.js'

/** The sign-in service as the portal and its API need it. */
export const signIn = {
  identity_unreachable: {
    severity: 'error',
    title: 'The sign-in service does not answer, or is not the issuer that is set',
    why: 'Nobody can sign in.',
    fix: 'Check OIDC_ISSUER letter by letter (a slash at its end does not matter) and identity_provider.discovery_url in PORTAL_CONFIG, the network policy, HTTPS_PROXY and EXTRA_CA_FILE.',
  },
  identity_call_failed: {
    severity: 'error',
    title: 'A call to the sign-in service failed',
    why: 'The checks that need its answer were not made, and sign-ins make the same call.',
    fix: 'Run the checks again. If the call fails again, look for it in the log of the sign-in service.',
    hides: true,
  },
  identity_pkce: {
    severity: 'error',
    title: 'The sign-in service does not offer PKCE with S256',
    why: 'The portal always sends it; without it a stolen code could be used.',
    fix: 'Enable PKCE (S256) at the provider.',
  },
  identity_sign_out: {
    severity: 'warning',
    title: 'The sign-in service has no sign-out address, or sends no notice of sign-outs',
    why: 'Signing out here leaves people signed in there, or the other way round.',
    fix: 'Use a provider with end_session_endpoint and back-channel logout, or set identity_provider.sign_out in PORTAL_CONFIG to its own address for signing out.',
  },
  identity_reveal_scope: {
    severity: 'info',
    title: 'The sign-in service offers maas:read but not the scope maas:reveal',
    why: 'No program can read an existing key by API (reveal=true). Keys are still returned by the calls that create and rotate them.',
    fix: 'Create the client scope maas:reveal and assign it as an optional scope to the clients that read existing keys (deploy/keycloak/realm.json has it).',
  },
  identity_client: {
    severity: 'error',
    title: 'The sign-in service does not accept the portal’s client id and secret',
    why: 'Every sign-in ends with an error after the password.',
    fix: 'Compare OIDC_CLIENT_ID and OIDC_CLIENT_SECRET with the client at the provider.',
  },
  identity_redirect: {
    severity: 'error',
    title: 'The sign-in service refuses the portal’s sign-in request',
    why: 'People see an error page of the provider, or come back with an error, instead of a sign-in form.',
    fix: 'Register PUBLIC_URL/login/callback as redirect address of the client, and every scope of OIDC_SCOPES.',
  },
  service_token: {
    severity: 'error',
    title: 'The service client of the checks gets no token',
    why: 'Programs with client credentials get none either.',
    fix: 'Compare DOCTOR_CLIENT_ID and DOCTOR_CLIENT_SECRET with the provider, and allow client credentials for the client.',
  },
  claim_editable: {
    severity: 'warning',
    title: 'PORTAL_CONFIG relies on a claim that people may be able to change',
    why: 'Whoever changes it may get the account of another person or organisation, sign up, or get the rights of a group.',
    fix: 'Use a claim that only administrators of the sign-in service can set, such as “organization” of deploy/keycloak/realm.json.',
  },
  claim_not_seen: {
    severity: 'warning',
    title: 'PORTAL_CONFIG names a claim that no sign-in had',
    why: 'The setting has no effect: groups, accounts or fields that it decides stay empty.',
    fix: 'Compare the name, or the path of members (realm_access.roles), with an ID token, and add the claim to ID tokens or userinfo at the provider.',
  },
  claim_omitted: {
    severity: 'warning',
    title: 'The sign-in service leaves out a claim because it is too long',
    why: 'People with many groups see no model that is limited to a group, and have no role that a group gives.',
    fix: 'Have the provider send fewer values: in Microsoft Entra ID only groups that are assigned to the application, or app roles (groups_claim: roles).',
  },
  email_not_stated: {
    severity: 'error',
    title: 'The sign-in service does not state whether e-mail addresses are verified',
    why: 'Nobody can create, link or join an account.',
    fix: 'Have the provider send email_verified. Where nobody but its administrators can set addresses, set identity_provider.trust_email in PORTAL_CONFIG (docs/identity-providers.md).',
  },
  email_trusted: {
    severity: 'warning',
    title: 'PORTAL_CONFIG trusts addresses that the provider may not have verified',
    why: 'Whoever can set an address at the provider gets the account, or the invitation, of the person who has it.',
    fix: 'Remove identity_provider.trust_email. For Microsoft Entra ID request the optional claim xms_edov and set identity_provider.claims.email_verified to it.',
  },
  token_form: {
    severity: 'info',
    title: 'The API refused an access token of the provider for its form',
    why: 'Programs with such tokens get 401. A single one may be a mistake of a program, such as an ID token.',
    fix: 'Correct the token at the provider, or describe it in PORTAL_CONFIG under identity_provider.access_tokens (docs/identity-providers.md).',
  },
  token_audience: {
    severity: 'error',
    title: 'Access tokens do not carry the audience of the API',
    why: 'The REST API answers 401 to every token.',
    fix: 'Add an audience mapper for API_AUDIENCE to the client scope (deploy/keycloak/realm.json has it).',
  },
  token_scopes: {
    severity: 'error',
    title: 'Access tokens do not carry maas:read and maas:write although they were requested',
    why: 'The REST API answers 403 insufficient_scope.',
    fix: 'Give the client the optional scopes maas:read and maas:write, and include them in the token.',
  },
  token_subject: {
    severity: 'error',
    title: 'Access tokens have no subject',
    why: 'The portal cannot identify the caller. With Keycloak the client scope “basic” carries it.',
    fix: 'Add the scope “basic” to the client’s default scopes.',
  },
  token_unlisted: {
    severity: 'warning',
    title: 'The service client is not listed in API_CLIENTS',
    why: 'Its calls to the REST API are answered with 403.',
    fix: 'Add the client’s id to API_CLIENTS.',
  },
  token_untrusted: {
    severity: 'error',
    title: 'An access token of the provider does not pass the API’s checks',
    why: 'The REST API answers 401 to it.',
    fix: 'Check issuer, signature algorithm and type of the token: RFC 9068, or Keycloak’s own form.',
  },
} as const satisfies Record<string, Rule>
