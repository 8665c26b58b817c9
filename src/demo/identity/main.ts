import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createForgery } from './altered-responses.js'
import type { PushedClient } from './clients.js'
import { createControl } from './control.js'
import { createFaults } from './faults.js'
import { loginPage, messagePage } from './pages/pages.js'
import { PASSWORD, seedPeople } from './people.js'
import { refusesScope } from './scopes.js'
import { createKeys } from './signing-keys.js'

export interface StartOptions {
  /** The base port of the demo. The identity provider listens on this port plus 2. */
  port: number
  host?: string
  portalUrl?: string
  /** The public address behind a proxy that terminates TLS. The default is the address of this process. */
  issuer?: string
  stateFile?: string
  /** the tenant of the 3scale part, which some of the users belong to */
  tenant?: string
}

/** An OpenID provider that imitates Keycloak as far as the portal depends on it. people.ts has its users. */
export async function start({
  port,
  host = '127.0.0.1',
  portalUrl = `http://localhost:${port}`,
  issuer = `http://localhost:${port + 2}`,
  tenant,
}: StartOptions): Promise<{ close(): Promise<void> }> {
  const { host: publicHost, protocol } = new URL(issuer)
  const people = seedPeople(tenant)
  const pushed = new Map<string, PushedClient>()
  const { createProvider } = await quietly(() => import('./provider.js'))
  const provider = await quietly(async () => createProvider(issuer, portalUrl, people, pushed))
  const keys = createKeys()
  const forgery = createForgery(keys)
  const faults = createFaults()
  const control = createControl({ people, pushed, issuer, keys, forgery, faults })
  const callback = provider.callback()
  const server = createServer((request, response) => {
    // The library derives the endpoints in the discovery document from the Host header.
    request.headers.host = publicHost
    request.headers['x-forwarded-proto'] = protocol.replace(':', '')
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
      response.setHeader('content-security-policy', "base-uri 'none'; frame-ancestors 'none'")
      if (await faults.answers(request, response)) return
      forgery.watch(request, response)
      if (path === '/session/end' && !forgery.takesHint(request))
        return html(
          response,
          400,
          messagePage('Request failed', 'The id_token_hint of this sign-out request is not valid.'),
        )
      if (await refusesScope(provider, request, response)) return
      if (path.startsWith('/interaction/')) return await interaction(request, response)
      callback(request, response)
    } catch (error) {
      const isProtocolError = error instanceof Error && 'error_description' in error
      const text = isProtocolError
        ? 'This sign-in is no longer valid. Return to the portal and start again.'
        : 'An unexpected error occurred. Try again.'
      html(response, 400, messagePage('Request failed', text))
    }
  }

  async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, params, prompt } = await provider.interactionDetails(request, response)
    const client = (await provider.Client.find(String(params.client_id)))?.clientName ?? String(params.client_id)
    if (prompt.name !== 'login') {
      return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
    }
    const page = { client, action: `/interaction/${uid}` }
    if (request.method !== 'POST') {
      const as = new URL(request.url ?? '', issuer).searchParams.get('as')
      return html(response, 200, loginPage({ ...page, ...(as ? { username: as, password: PASSWORD } : {}) }))
    }
    const form = new URLSearchParams(await readBody(request))
    if (form.has('cancel')) {
      const refusal = { error: 'access_denied', error_description: 'the user cancelled' }
      return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false })
    }
    const username = form.get('username')?.trim() ?? ''
    const person = people.find((candidate) => candidate.username === username)
    if (!person || form.get('password') !== PASSWORD) {
      const error = 'The username or password is incorrect. Try again.'
      return html(response, 401, loginPage({ ...page, username, error }))
    }
    return provider.interactionFinished(
      request,
      response,
      { login: { accountId: person.sub, remember: false } },
      { mergeWithLastSubmission: false },
    )
  }
}

/** Suppresses the library's warnings about its in-memory store and Node.js 20, both of which are intended here. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { info, warn } = console
  console.info = () => {}
  console.warn = () => {}
  try {
    return await work()
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
