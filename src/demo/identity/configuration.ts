import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { fixedClients, type PushedClient, rolesOf } from './clients.js'
import { demoKey } from './demo-key.js'
import { codePage, confirmCodePage, formPage, messagePage } from './pages/pages.js'
import { claimsOf, type Person } from './people.js'
import { KNOWN_SCOPES } from './scopes.js'

const API = 'urn:maas-portal-api'
const AUDIENCE = 'maas-portal-api'
const SCOPES = 'maas:read maas:write maas:reveal'
/** If a client requests no scope. Credentials are never revealed without their scope. */
const DEFAULT_SCOPES = 'maas:read maas:write'

/** oidc-provider, configured to imitate Keycloak as far as the portal depends on it. */
export function configuration(portalUrl: string, people: Person[], pushed: Map<string, PushedClient>): Configuration {
  const find = (sub: string) => people.find((person) => person.sub === sub)
  return {
    clients: fixedClients(portalUrl),
    jwks: { keys: [demoKey] },
    cookies: {
      keys: ['demo-cookie-key'],
      names: { session: 'demo_idp_session', interaction: 'demo_idp_interaction', resume: 'demo_idp_resume' },
    },
    scopes: KNOWN_SCOPES,
    claims: {
      openid: ['sub', 'sid'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'org_name', 'groups'],
    },
    conformIdTokenClaims: false,
    pkce: { required: (_ctx, client) => client.clientId === 'maas-portal' },
    // The library blocks requests to this machine, on which the demo's portal runs.
    fetch: (url, { dispatcher: _dispatcher, ...init }: RequestInit & { dispatcher?: unknown } = {}) =>
      globalThis.fetch(url, init),
    findAccount: (_ctx, sub) => {
      const person = find(sub)
      return person && { accountId: sub, claims: async () => claimsOf(person) }
    },
    extraTokenClaims: (_ctx, token) => {
      const person = 'accountId' in token && token.accountId ? find(token.accountId) : undefined
      const { preferred_username, email, email_verified, groups, name, org_name }: Record<string, unknown> = person
        ? claimsOf(person)
        : {}
      return {
        azp: token.clientId,
        typ: 'Bearer',
        ...(person
          ? { preferred_username, email, email_verified, groups, name, org_name }
          : {
              preferred_username: `service-account-${token.clientId}`,
              realm_access: { roles: rolesOf(token.clientId ?? '') },
            }),
      }
    },
    // Keycloak gives a client's default scopes where none is asked: at the start of a flow of people, else in the token
    extraParams: {
      kc_idp_hint(ctx) {
        if (ctx.oidc.params) ctx.oidc.params.scope ??= `openid ${DEFAULT_SCOPES}`
      },
    },
    formats: {
      customizers: {
        jwt(_ctx, _token, { payload }) {
          if (payload.aud === AUDIENCE) payload.scope ??= DEFAULT_SCOPES
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: async (ctx: KoaContextWithOIDC) => {
      const { provider, client, session, result } = ctx.oidc
      if (!client || !session) return undefined
      const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
      const grant =
        (id && (await provider.Grant.find(id))) ||
        new provider.Grant({ clientId: client.clientId, accountId: session.accountId ?? '' })
      grant.addOIDCScope('openid profile email offline_access maas:read maas:write maas:reveal')
      grant.addResourceScope(API, SCOPES)
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: async (ctx, form, _out, error) => {
          ctx.type = 'html'
          ctx.body = codePage(form, error && 'This code is not valid or has expired. Request a new one.')
        },
        userCodeConfirmSource: async (ctx, form, client, _device, code) => {
          ctx.type = 'html'
          ctx.body = confirmCodePage(form, client.clientName ?? client.clientId, code)
        },
        successSource: async (ctx) => {
          ctx.type = 'html'
          ctx.body = messagePage('Device connected', 'Return to your device. You can close this page.')
        },
      },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => {
          const hinted = ctx.oidc.entities.IdTokenHint !== undefined
          // Like Keycloak: with a valid hint, the sign-out is not confirmed.
          const script = hinted
            ? '<script>document.forms[0].requestSubmit(document.querySelector("button"))</script>'
            : ''
          ctx.type = 'html'
          ctx.body = formPage('Sign out', 'Do you also want to end your session with the identity provider?', form, [
            { label: 'Sign out', name: 'logout', value: 'yes' },
            { label: 'Stay signed in' },
          ]).replace('</body>', `${script}</body>`)
        },
        postLogoutSuccessSource: async (ctx) => {
          ctx.type = 'html'
          ctx.body = messagePage('Signed out', 'You are signed out.')
        },
      },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: (_ctx, client) =>
          client && pushed.has(client.clientId) ? `urn:client:${client.clientId}` : API,
        getResourceServerInfo: (_ctx, resource, client) => {
          const own = resource === `urn:client:${client.clientId}`
          if (resource !== API && !own) throw new errors.InvalidTarget()
          return {
            scope: SCOPES,
            audience: own ? client.clientId : AUDIENCE,
            accessTokenTTL: 300,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }
        },
      },
    },
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      AuthorizationCode: 60,
      IdToken: 300,
      Interaction: 1800,
      Session: 36_000,
      Grant: 36_000,
      DeviceCode: 600,
      RefreshToken: 1800,
    },
    renderError: async (ctx, out) => {
      ctx.type = 'html'
      ctx.body = messagePage(
        'Request failed',
        `${upper(out.error_description ?? out.error)}. Return to the portal and start again.`,
      )
    },
  }
}

function upper(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
