import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWTHeaderParameters, JWTPayload } from 'jose'
import { createSigner, formOf, json, listenLocally } from './provider-server.js'

export interface SmallProviderOptions {
  /** Path of the issuer, with or without a trailing slash. */
  path?: string
  algorithm?: string
  /** Overrides of the discovery document; undefined removes a field. */
  discovery?: Record<string, unknown>
  port?: number
}

interface Answer {
  status?: number
  body?: unknown
  text?: string
  type?: string
}

export interface TokenRequest {
  authorization: string | undefined
  form: URLSearchParams
}

/**
 * An OpenID provider in the test's own process, without a login page: it redirects every user back immediately with `claims`. Its
 * fields define what it sends, so a test can simulate any provider.
 */
export async function startSmallProvider(options: SmallProviderOptions = {}) {
  const { path = '', algorithm = 'RS256' } = options
  const { keys, sign } = await createSigner(algorithm, 'small', { alg: algorithm })
  const { port, close } = await listenLocally((request, response) => void answer(request, response), options.port)
  const origin = `http://localhost:${port}`
  const issuer = origin + path
  const base = issuer.replace(/\/+$/, '')
  const requests = new Map<string, URLSearchParams>()
  const calls: string[] = []
  const ended: URL[] = []
  const tokenRequests: TokenRequest[] = []
  const { pathname: discoveryPath } = new URL(`${base}/.well-known/openid-configuration`)

  const provider = {
    origin,
    issuer,
    /** Requested paths with their queries. */
    calls,
    tokenRequests,
    /** Addresses of the received sign-out requests. */
    ended,
    discovery: {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      userinfo_endpoint: `${origin}/userinfo`,
      end_session_endpoint: `${origin}/end`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
      ...options.discovery,
    } as Record<string, unknown>,
    /** Claims of the ID token; times are in seconds. */
    claims: { sub: 'u1' } as JWTPayload,
    /** Age and lifetime of the ID token, which set iat, nbf and exp. */
    issuedAgo: 0,
    validFor: 3600,
    header: {} as Partial<JWTHeaderParameters>,
    /** True if the ID token has the five parts of an encrypted token. */
    encrypts: false,
    userinfo: undefined as Answer | undefined,
    /** An origin that starts a sign-in, as with a brokered provider; it continues to its parameter `next`. */
    beginsAt: undefined as string | undefined,
    /** The next address of a sign-out, as with a brokered provider. */
    endsAt: undefined as string | undefined,
    jwt: sign,
    close,
  }
  return provider

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    calls.push(`${request.method} ${url.pathname}${url.search}`)
    if (url.pathname === discoveryPath) json(response, provider.discovery)
    else if (url.pathname === '/jwks') json(response, keys)
    else if (url.pathname === '/authorize') authorize(url, response)
    else if (url.pathname === '/brokered') back(url.searchParams, response)
    else if (url.pathname === '/token') await token(request, response)
    else if (url.pathname === '/userinfo') userinfo(response)
    else if (url.pathname === '/end') end(url, response)
    else json(response, { error: 'not_found' }, 404)
  }

  function authorize({ searchParams }: URL, response: ServerResponse): void {
    if (provider.beginsAt) {
      const next = new URL(provider.beginsAt)
      next.searchParams.set('next', `${origin}/brokered?${searchParams}`)
      response.writeHead(302, { location: next.href }).end()
      return
    }
    back(searchParams, response)
  }

  function back(searchParams: URLSearchParams, response: ServerResponse): void {
    const code = String(requests.size + 1)
    requests.set(code, searchParams)
    const callback = new URL(searchParams.get('redirect_uri') ?? '')
    callback.searchParams.set('code', code)
    callback.searchParams.set('state', searchParams.get('state') ?? '')
    response.writeHead(302, { location: callback.href }).end()
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await formOf(request)
    tokenRequests.push({ authorization: request.headers.authorization, form })
    const iat = Math.floor(Date.now() / 1000) - provider.issuedAgo
    const times = { iat, nbf: iat, exp: iat + provider.validFor }
    const requested = requests.get(form.get('code') ?? '')
    const [aud, nonce] = ['client_id', 'nonce'].map((name) => requested?.get(name) ?? undefined)
    const claims = { iss: String(provider.discovery.issuer), aud, ...times, nonce, ...provider.claims }
    const signed = await provider.jwt(claims, provider.header)
    const id_token = provider.encrypts ? `${signed}.part.part` : signed
    json(response, { access_token: 'at', token_type: 'Bearer', expires_in: 300, id_token })
  }

  function userinfo(response: ServerResponse): void {
    const missing: Answer = { status: 404, body: { error: 'not_found' } }
    const { status = 200, body, text = JSON.stringify(body), type = 'application/json' } = provider.userinfo ?? missing
    response.writeHead(status, { 'content-type': type }).end(text)
  }

  function end(url: URL, response: ServerResponse): void {
    ended.push(url)
    if (provider.endsAt) response.writeHead(302, { location: provider.endsAt }).end()
    else response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>The provider signed you out</h1>')
  }
}

export type SmallProvider = Awaited<ReturnType<typeof startSmallProvider>>
