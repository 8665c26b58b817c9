import type { FindingType } from './finding-types.js'

/** Requirements of the portal and its API on the identity provider. */
export const signInFindings = {
  identity_unreachable: {
    severity: 'error',
    title: 'The identity provider is not responding or announces another issuer',
    why: 'No user can sign in.',
    fix: 'Check OIDC_ISSUER character by character (a trailing slash is ignored), identity_provider.discovery_url in PORTAL_CONFIG, the network policy, HTTPS_PROXY and EXTRA_CA_FILE.',
  },
  identity_call_failed: {
    severity: 'error',
    title: 'A call to the identity provider failed',
    why: 'Checks that depend on its response were skipped, and sign-ins depend on the same call.',
    fix: 'Run the checks again. If the call fails again, search the log of the identity provider for it.',
    isIncomplete: true,
  },
  identity_pkce: {
    severity: 'error',
    title: 'The identity provider does not offer PKCE with S256',
    why: 'The portal always sends it. Without it, a stolen authorization code could be used.',
    fix: 'Enable PKCE (S256) at the provider.',
  },
  identity_sign_out: {
    severity: 'warning',
    title: 'The identity provider lacks RP-initiated or back-channel logout',
    why: 'Signing out of the portal does not end the session at the provider, or vice versa.',
    fix: 'Use a provider with end_session_endpoint and back-channel logout. If it has another sign-out address, set identity_provider.sign_out in PORTAL_CONFIG.',
  },
  identity_reveal_scope: {
    severity: 'info',
    title: 'The identity provider offers the scope maas:read but not maas:reveal',
    why: 'Programs cannot read existing keys through the API (reveal=true). Calls that create or rotate a key still return it.',
    fix: 'Create the client scope maas:reveal and assign it as an optional scope to clients that read existing keys (see deploy/keycloak/realm.json).',
  },
  identity_client: {
    severity: 'error',
    title: 'The identity provider rejects the client credentials of the portal',
    why: 'Every sign-in fails after the password is entered.',
    fix: 'Compare OIDC_CLIENT_ID and OIDC_CLIENT_SECRET with the client at the provider.',
  },
  identity_redirect: {
    severity: 'error',
    title: 'The identity provider rejects the authorization request of the portal',
    why: 'Users see an error page of the provider, or return with an error, instead of a sign-in form.',
    fix: 'Register PUBLIC_URL/login/callback as a redirect URI of the client, and every scope in OIDC_SCOPES.',
  },
  service_token_missing: {
    severity: 'error',
    title: 'The service client of the doctor cannot get a token',
    why: 'Programs that use client credentials cannot get one either.',
    fix: 'Compare DOCTOR_CLIENT_ID and DOCTOR_CLIENT_SECRET with the provider, and allow client credentials for the client.',
  },
  claim_editable: {
    severity: 'warning',
    title: 'PORTAL_CONFIG relies on a claim that users may be able to edit',
    why: 'A user with an edited claim may gain access to the account of another person or organisation, sign up, or get the permissions of a group.',
    fix: 'Use a claim that only administrators of the identity provider can set, such as “organization” in deploy/keycloak/realm.json.',
  },
  claim_absent: {
    severity: 'warning',
    title: 'PORTAL_CONFIG names a claim that no sign-in contained',
    why: 'The setting has no effect: groups, accounts or fields that depend on the claim remain empty.',
    fix: 'Compare the name, or the path (such as realm_access.roles), with an ID token. Add the claim to ID tokens or userinfo at the provider.',
  },
  claim_omitted: {
    severity: 'warning',
    title: 'The identity provider omits a claim because it is too long',
    why: 'Users with many groups do not see models that are limited to a group, and lack roles that depend on a group.',
    fix: 'Configure the provider to send fewer values. In Microsoft Entra ID, send only groups that are assigned to the application, or app roles (groups_claim: roles).',
  },
  email_verification_missing: {
    severity: 'error',
    title: 'The identity provider does not state whether e-mail addresses are verified',
    why: 'Users cannot create, link or join an account.',
    fix: 'Configure the provider to send email_verified. If only its administrators can set addresses, set identity_provider.trust_email in PORTAL_CONFIG (docs/identity-providers.md).',
  },
  email_trusted: {
    severity: 'warning',
    title: 'PORTAL_CONFIG trusts addresses that the provider may not have verified',
    why: 'Users that can set any address at the provider can take over the account, or accept the invitation, of its owner.',
    fix: 'Remove identity_provider.trust_email. For Microsoft Entra ID, request the optional claim xms_edov and set identity_provider.claims.email_verified to it.',
  },
  access_token_format: {
    severity: 'info',
    title: 'The API rejected an access token because of its format',
    why: 'Programs with such tokens get 401. A single one may be a mistake, such as an ID token instead of an access token.',
    fix: 'Correct the token at the provider, or describe it in PORTAL_CONFIG under identity_provider.access_tokens (docs/identity-providers.md).',
  },
  access_token_audience: {
    severity: 'error',
    title: 'Access tokens lack the audience of the API',
    why: 'The REST API rejects every token with 401.',
    fix: 'Add an audience mapper for API_AUDIENCE to the client scope (see deploy/keycloak/realm.json).',
  },
  access_token_scopes: {
    severity: 'error',
    title: 'Access tokens lack maas:read and maas:write although both were requested',
    why: 'The REST API returns 403 insufficient_scope.',
    fix: 'Assign the optional scopes maas:read and maas:write to the client, and include them in the token.',
  },
  access_token_subject: {
    severity: 'error',
    title: 'Access tokens have no subject',
    why: 'The portal cannot identify the caller. In Keycloak, the client scope “basic” adds it.',
    fix: 'Add the scope “basic” to the default scopes of the client.',
  },
  service_client_not_allowed: {
    severity: 'warning',
    title: 'The service client is not allowed to act as a service',
    why: 'The REST API rejects its calls with 403.',
    fix: 'Assign the role or scope of identity_provider.access_tokens.services (PORTAL_CONFIG) to the client, or add its ID to API_CLIENTS.',
  },
  access_token_rejected: {
    severity: 'error',
    title: 'The API rejects an access token of the provider',
    why: 'The REST API rejects such tokens with 401.',
    fix: 'Check issuer, signature algorithm and type of the token. The API accepts the formats of RFC 9068 and Keycloak.',
  },
} as const satisfies Record<string, FindingType>
