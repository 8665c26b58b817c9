import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { createControl } from './control.js'
import { demoKey } from './key.js'
import { formPage, loginPage, messagePage } from './pages.js'
import { claimsOf, PASSWORD, type Person, seedPeople } from './people.js'

export interface StartOptions {
  /** base port of the demo; this part listens on the second one after it */
  port: number
  host?: string
  portalUrl?: string
  stateFile?: string
}

const API = 'urn:maas-portal-api'
const SCOPES = 'maas:read maas:write'

export interface PushedClient {
  client_id: string
  client_secret: string
  name: string
}

/** An OpenID provider that behaves as Keycloak does where the portal looks; see people.ts for who can sign in. */
export async function start({
  port,
  host = '127.0.0.1',
  portalUrl = `http://localhost:${port}`,
}: StartOptions): Promise<{ close(): Promise<void> }> {
  const issuer = `http://localhost:${port + 2}`
  const people = seedPeople()
  const pushed = new Map<string, PushedClient>()
  const provider = quietly(() => new Provider(issuer, configuration(portalUrl, people, pushed)))
  teachPushedClients(provider, pushed)
  provider.on('server_error', (_ctx, error) => process.stderr.write(`demo identity: ${error.message}\n`))
  provider.on('backchannel.error', (_ctx, error) =>
    process.stderr.write(`demo identity: back-channel: ${error.message}\n`),
  )
  const control = createControl({ provider, people, pushed, issuer })
  const callback = provider.callback()
  const server = createServer((request, response) => {
    // endpoints in discovery are built from the Host header; only the issuer's own is used
    request.headers.host = `localhost:${port + 2}`
    void route(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port + 2, host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = request.url?.split('?')[0] ?? '/'
      if (path.startsWith('/_demo/')) return await control.handle(request, response)
      if (await control.fault(request, response)) return
      if (path.startsWith('/interaction/')) return await interaction(request, response)
      callback(request, response)
    } catch (error) {
      const text =
        error instanceof errors.OIDCProviderError
          ? 'This sign-in is no longer valid. Go back to the portal and start again.'
          : 'Something went wrong.'
      html(response, 400, messagePage('This did not work', text))
    }
  }

  async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, params, prompt } = await provider.interactionDetails(request, response)
    const client = (await provider.Client.find(String(params.client_id)))?.clientName ?? String(params.client_id)
    if (prompt.name !== 'login') {
      return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
    }
    if (request.method !== 'POST') return html(response, 200, loginPage(client, `/interaction/${uid}`, undefined, ''))
    const form = new URLSearchParams(await readBody(request))
    const username = form.get('username')?.trim() ?? ''
    const person = people.find((candidate) => candidate.username === username)
    if (!person || form.get('password') !== PASSWORD) {
      return html(response, 401, loginPage(client, `/interaction/${uid}`, 'User name or password is wrong.', username))
    }
    return provider.interactionFinished(
      request,
      response,
      { login: { accountId: person.sub, remember: false } },
      { mergeWithLastSubmission: false },
    )
  }
}

/** Clients that Zync pushed are found beside the fixed ones; the library has no call to add one at run time. */
function teachPushedClients(provider: Provider, pushed: Map<string, PushedClient>): void {
  const { Client } = provider
  const fixed = Client.find.bind(Client)
  const Make = Client as unknown as new (metadata: object) => Awaited<ReturnType<typeof fixed>>
  const find = async (id: string) => {
    const known = pushed.get(id)
    if (!known) return fixed(id)
    return new Make({
      client_id: known.client_id,
      client_secret: known.client_secret,
      client_name: known.name,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })
  }
  Object.assign(Client, { find })
}

function configuration(portalUrl: string, people: Person[], pushed: Map<string, PushedClient>): Configuration {
  const origins = [...new Set([portalUrl, portalUrl.replace('//localhost', '//127.0.0.1')])]
  const find = (sub: string) => people.find((person) => person.sub === sub)
  return {
    clients: [
      {
        client_id: 'maas-portal',
        client_secret: 'demo-portal-secret',
        client_name: 'the model portal',
        redirect_uris: origins.map((origin) => `${origin}/login/callback`),
        post_logout_redirect_uris: origins.map((origin) => `${origin}/signed-out`),
        backchannel_logout_uri: `${portalUrl}/logout/backchannel`,
        backchannel_logout_session_required: true,
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        client_id: 'maas-cli',
        client_name: 'the command line',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
        response_types: ['code'],
      },
      {
        client_id: 'demo-service',
        client_secret: 'demo-service-secret',
        client_name: 'a service',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [demoKey] },
    cookies: {
      keys: ['demo-cookie-key'],
      names: { session: 'demo_idp_session', interaction: 'demo_idp_interaction', resume: 'demo_idp_resume' },
    },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'maas:read', 'maas:write'],
    claims: {
      openid: ['sub', 'sid'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'org_name', 'groups'],
    },
    conformIdTokenClaims: false,
    pkce: { required: (_ctx, client) => client.clientId === 'maas-portal' },
    // the library refuses to call this machine, where the demo's portal is
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
          : { preferred_username: `service-account-${token.clientId}` }),
      }
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: async (ctx: KoaContextWithOIDC) => {
      const { provider, client, session, result } = ctx.oidc
      if (!client || !session) return undefined
      const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
      const grant =
        (id && (await provider.Grant.find(id))) ||
        new provider.Grant({ clientId: client.clientId, accountId: session.accountId ?? '' })
      grant.addOIDCScope('openid profile email offline_access maas:read maas:write')
      grant.addResourceScope(API, SCOPES)
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => {
          const hinted = ctx.oidc.entities.IdTokenHint !== undefined
          // a valid hint means the portal asks for its own person: no question, as Keycloak does
          const script = hinted
            ? '<script>document.forms[0].requestSubmit(document.querySelector("button"))</script>'
            : ''
          ctx.type = 'html'
          ctx.body = formPage(
            'Sign out',
            'Do you want to end your session at the sign-in service too?',
            form,
            'Sign out',
            'op.logoutForm',
          ).replace('</body>', `${script}</body>`)
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
            audience: own ? client.clientId : 'maas-portal-api',
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
        'This did not work',
        `${out.error_description ?? out.error}. Go back to the portal and start again.`,
      )
    },
  }
}

/** The library warns about its in-memory store and about Node 20; both are meant here. */
function quietly<T>(work: () => T): T {
  const { info, warn } = console
  console.info = () => {}
  console.warn = () => {}
  try {
    return work()
  } finally {
    console.info = info
    console.warn = warn
  }
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(body)
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
