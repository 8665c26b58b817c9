import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWTPayload } from 'jose'
import type { Addresses, Client, Exchange, Person, Profile } from './provider-profiles.js'
import { createSigner, formOf, json, listenLocally } from './provider-server.js'

export type ScriptedProvider = Awaited<ReturnType<typeof startProvider>>

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const COOKIE = 'provider_session'
const now = () => Math.floor(Date.now() / 1000)

interface Grant extends Exchange {
  redirectUri: string
  challenge: string | undefined
}

/**
 * An identity provider that follows the profile of a product, including its rejections. It listens on two
 * origins, because many products have endpoints on another host than the issuer; each origin has its own browser session.
 */
export async function startProvider(profile: Profile, client: Client, people: Person[]) {
  const handle = (request: IncomingMessage, response: ServerResponse) => void answer(request, response)
  const servers = [await listenLocally(handle), await listenLocally(handle)]
  const [main = '', other = ''] = servers.map(
    ({ port }, at) => `http://${at === 0 ? '127.0.0.1' : 'localhost'}:${port}`,
  )
  const at: Addresses = { main, other }
  const metadata: Record<string, unknown> = profile.discovery(at)
  const alg = profile.algorithm ?? 'RS256'
  const signer = await createSigner(alg, randomBytes(8).toString('hex'), profile.key)
  const codes = new Map<string, Grant>()
  const userinfo = new Map<string, Person>()
  const sessions = new Map<string, { person: Person; sid: string }>()
  const requests: string[] = []

  return {
    at,
    issuer: String(metadata.issuer),
    /** Every received request, as `METHOD path`. */
    requests,
    /** The token of a program that acts for this user; undefined if the product issues no JWT for an API. */
    async accessToken(person: Person, sid = randomUUID()): Promise<string | undefined> {
      const claims = profile.accessToken?.({ person, client, at, sid, nonce: undefined })
      return claims && sign(claims, profile.accessTokenType)
    },
    /** The token of a program without a user; undefined as for accessToken. */
    async serviceToken(): Promise<string | undefined> {
      const claims = profile.serviceToken?.({ client, at })
      return claims && sign(claims, profile.accessTokenType)
    },
    idToken: (person: Person) =>
      sign(idClaims({ person, client, at, sid: randomUUID(), nonce: 'some-nonce' }), profile.idTokenType),
    /** Ends all sessions of this user and notifies the portal. Undefined if the product sends no notification. */
    async signOutEverywhere(person: Person): Promise<number | undefined> {
      const theirs = [...sessions].filter(([, session]) => session.person === person)
      for (const [id] of theirs) sessions.delete(id)
      const { logoutToken } = profile
      if (!logoutToken) return undefined
      const statuses = await Promise.all(
        theirs.map(async ([, { sid }]) => {
          const base = { iss: metadata.issuer, aud: client.id, iat: now(), jti: randomUUID(), events: { [EVENT]: {} } }
          const claims = { ...base, ...logoutToken.claims({ person, client, at, sid, nonce: undefined }) }
          const body = new URLSearchParams({ logout_token: await sign(claims as JWTPayload, logoutToken.type) })
          return (await fetch(client.backchannelUri, { method: 'POST', body })).status
        }),
      )
      return statuses.find((status) => status !== 200) ?? (statuses.length > 0 ? 200 : 0)
    },
    async close(): Promise<void> {
      await Promise.all(servers.map(({ close }) => close()))
    },
  }

  function sign(claims: JWTPayload, typ: string | undefined): Promise<string> {
    return signer.sign(claims, typ === undefined ? {} : { typ })
  }

  function idClaims(exchange: Exchange): JWTPayload {
    const { nonce } = exchange
    const { idTokenAge = 0 } = profile
    const times = {
      iat: now() - idTokenAge,
      exp: now() - idTokenAge + 3600,
      ...(idTokenAge ? { nbf: now() - idTokenAge } : {}),
    }
    const base = { iss: metadata.issuer, aud: client.id, ...times, ...(nonce === undefined ? {} : { nonce }) }
    return { ...base, ...profile.idToken(exchange) } as JWTPayload
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    requests.push(`${request.method} ${url.pathname}`)
    const form = request.method === 'POST' ? await formOf(request) : new URLSearchParams()
    try {
      const base = String(metadata.issuer).replace(/\/$/, '')
      if (url.origin + url.pathname === `${base}/.well-known/openid-configuration`) return json(response, metadata)
      if (is(url, 'jwks_uri')) return json(response, signer.keys)
      if (is(url, 'authorization_endpoint')) return authorize(url, request, response)
      if (url.pathname === '/form') return signIn(url, form, response)
      if (is(url, 'token_endpoint')) return await token(request, form, response)
      if (is(url, 'userinfo_endpoint')) return await userinfoOf(request, response)
      if (is(url, 'end_session_endpoint')) return endSession(url, request, response)
      if (url.pathname === '/upstream/logout') return redirect(response, url.searchParams.get('back') ?? '/')
      return page(response, 404, 'There is no such page.')
    } catch (error) {
      return page(response, 500, String(error))
    }
  }

  /** An endpoint of the discovery document; the request must contain the query of its address. */
  function is(url: URL, endpoint: string): boolean {
    const address = metadata[endpoint]
    if (typeof address !== 'string') return false
    const required = new URL(address)
    return (
      required.origin === url.origin &&
      required.pathname === url.pathname &&
      [...required.searchParams].every(([name, value]) => url.searchParams.get(name) === value)
    )
  }

  function authorize(url: URL, request: IncomingMessage, response: ServerResponse): ServerResponse {
    const { searchParams: query } = url
    if (query.get('client_id') !== client.id || query.get('redirect_uri') !== client.redirectUri)
      return page(response, 400, 'The client or its redirect address is not registered.')
    const scopes = (query.get('scope') ?? '').split(' ')
    const known = metadata.scopes_supported as string[] | undefined
    const isKnown = scopes.every((scope) => known === undefined || known.includes(scope))
    if (query.get('response_type') !== 'code' || !scopes.includes('openid') || !isKnown)
      return back(query, response, { error: isKnown ? 'invalid_request' : 'invalid_scope' })
    // All of these products accept a challenge, whether they announce it or not.
    if (!query.get('code_challenge') || query.get('code_challenge_method') !== 'S256')
      return back(query, response, { error: 'invalid_request' })
    const session = sessions.get(cookieOf(request) ?? '')
    if (session) return grant(query, session, response)
    return page(
      response,
      200,
      `<form method="post" action="/form?${query.toString().replace(/&/g, '&amp;')}"><input name="username"><button type="submit">Sign in</button></form>`,
    )
  }

  function signIn(url: URL, form: URLSearchParams, response: ServerResponse): ServerResponse {
    const person = people.find(({ username }) => username === form.get('username'))
    if (!person) return page(response, 401, 'Nobody has this name.')
    const [id, session] = [randomUUID(), { person, sid: randomUUID() }]
    sessions.set(id, session)
    response.setHeader('set-cookie', `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`)
    return grant(url.searchParams, session, response)
  }

  function grant(
    query: URLSearchParams,
    session: { person: Person; sid: string },
    response: ServerResponse,
  ): ServerResponse {
    const code = randomBytes(24).toString('base64url')
    const [nonce, challenge] = [query.get('nonce') ?? undefined, query.get('code_challenge') ?? undefined]
    codes.set(code, { ...session, client, at, nonce, challenge, redirectUri: query.get('redirect_uri') ?? '' })
    return back(query, response, { code, ...profile.callback?.(at) })
  }

  function back(query: URLSearchParams, response: ServerResponse, answer: Record<string, string>): ServerResponse {
    const target = new URL(client.redirectUri)
    const state = query.get('state')
    for (const [name, value] of Object.entries({ ...answer, ...(state ? { state } : {}) }))
      target.searchParams.set(name, value)
    return redirect(response, target.href)
  }

  async function token(
    request: IncomingMessage,
    form: URLSearchParams,
    response: ServerResponse,
  ): Promise<ServerResponse> {
    const method = methodOf(request, form)
    // OpenID Connect Discovery 1.0 section 3: the defaults of omitted fields.
    const announced = (profile.clientAuth && [profile.clientAuth]) ??
      (metadata.token_endpoint_auth_methods_supported as string[] | undefined) ?? ['client_secret_basic']
    if (!method || !announced.includes(method)) return json(response, { error: 'invalid_client' }, 401)
    const granted = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const verifier = form.get('code_verifier')
    const hash = verifier ? createHash('sha256').update(verifier).digest('base64url') : undefined
    if (!granted || form.get('redirect_uri') !== granted.redirectUri || hash !== granted.challenge)
      return json(response, { error: 'invalid_grant' }, 400)
    const own = profile.signInToken?.(granted)
    const access = own ? await sign(own, profile.accessTokenType) : randomBytes(32).toString('hex')
    userinfo.set(access, granted.person)
    return json(response, {
      access_token: access,
      token_type: 'Bearer',
      expires_in: 3600,
      id_token: await sign(idClaims(granted), profile.idTokenType),
    })
  }

  /** RFC 6749 section 2.3.1: the id and the secret are form-encoded in the header; using both methods is rejected. */
  function methodOf(request: IncomingMessage, form: URLSearchParams): string | undefined {
    const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ')
    if (scheme !== 'Basic')
      return form.get('client_id') === client.id && form.get('client_secret') === client.secret
        ? 'client_secret_post'
        : undefined
    const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':').map(formDecoded)
    return id === client.id && secret === client.secret && !form.has('client_secret')
      ? 'client_secret_basic'
      : undefined
  }

  async function userinfoOf(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
    const person = userinfo.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    const claims = person && profile.userinfo?.(person)
    if (!claims) return json(response, { error: 'invalid_token' }, 401)
    if (!profile.signedUserinfo) return json(response, claims)
    const signed = await sign({ iss: String(metadata.issuer), aud: client.id, ...claims }, 'JWT')
    return response.writeHead(200, { 'content-type': 'application/jwt' }).end(signed)
  }

  function endSession(url: URL, request: IncomingMessage, response: ServerResponse): ServerResponse {
    const { demands = [], returns = 'post_logout_redirect_uri', upstream = false } = profile.endSession ?? {}
    const missing = demands.filter((name) => !url.searchParams.get(name))
    const target = url.searchParams.get(returns)
    if (missing.length > 0) return page(response, 400, `Missing: ${missing.join(', ')}.`)
    if (target !== client.postLogoutUri) return page(response, 400, `The address ${target} is not registered.`)
    sessions.delete(cookieOf(request) ?? '')
    response.setHeader('set-cookie', `${COOKIE}=; Path=/; Max-Age=0`)
    return redirect(response, upstream ? `${other}/upstream/logout?${new URLSearchParams({ back: target })}` : target)
  }
}

function cookieOf(request: IncomingMessage): string | undefined {
  return new RegExp(`\\b${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? '')?.[1]
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, ' '))
}

function page(response: ServerResponse, status: number, body: string): ServerResponse {
  return response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
    .end(`<!doctype html><title>Provider</title>${body}`)
}

function redirect(response: ServerResponse, location: string): ServerResponse {
  return response.writeHead(302, { location, 'cache-control': 'no-store' }).end()
}
