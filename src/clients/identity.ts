import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { createRemoteJWKSet, customFetch as joseFetch, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { problem } from '../errors.js'
import type { Log } from './redis.js'

export interface IdentityOptions {
  issuer: string
  clientId: string
  clientSecret: string
  /** separated by spaces */
  scopes: string
  /** the portal's own address; never the Host header */
  publicUrl: string
  fetch: typeof globalThis.fetch
  log: Log
  now?: () => number
}

/** What has to come back with the person; kept sealed in the browser meanwhile. */
export interface SignInAttempt {
  state: string
  nonce: string
  verifier: string
}

export interface SignedIn {
  claims: Record<string, unknown> & { sub: string }
  idToken: string
}

export type IdentityProvider = ReturnType<typeof createIdentity>

interface Discovered {
  config: client.Configuration
  oauth: OAuth2Namespace
}

const CALLBACK = '/login/callback'

/**
 * The sign-in service. It is discovered when first needed and again until it answers, so the portal starts without it.
 * openid-client checks everything that comes back; @fastify/oauth2 makes state, verifier and the address to go to.
 */
export function createIdentity({
  issuer,
  clientId,
  clientSecret,
  scopes,
  publicUrl,
  fetch,
  log,
  now = Date.now,
}: IdentityOptions) {
  let known: Promise<Discovered> | undefined
  let failedAt = 0
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined

  return {
    /** Rejects with identity_unavailable. */
    async begin(): Promise<{ url: string; attempt: SignInAttempt }> {
      const { oauth } = await discovered()
      const cookies: Record<string, string> = {}
      const reply = {
        setCookie(name: string, value: string) {
          cookies[name] = value
          return reply
        },
      }
      const url = new URL(await oauth.generateAuthorizationUri({} as FastifyRequest, reply as unknown as FastifyReply))
      const nonce = client.randomNonce()
      url.searchParams.set('nonce', nonce)
      return { url: url.href, attempt: { state: cookies.state ?? '', verifier: cookies.verifier ?? '', nonce } }
    },

    /** Exchanges the code, once. Rejects with sign_in_failed, sign_in_cancelled, identity_unavailable. */
    async finish(pathWithQuery: string, attempt: SignInAttempt): Promise<SignedIn> {
      const { config } = await discovered()
      try {
        const tokens = await client.authorizationCodeGrant(config, new URL(pathWithQuery, publicUrl), {
          pkceCodeVerifier: attempt.verifier,
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims || !tokens.id_token) throw problem('sign_in_failed')
        return { claims: claims as SignedIn['claims'], idToken: tokens.id_token }
      } catch (error) {
        throw translate(error)
      }
    },

    /** Where a signed-out browser goes; undefined while the provider is down or has no such address. */
    async endSessionUrl(idToken: string | undefined): Promise<string | undefined> {
      try {
        const { config } = await discovered()
        if (!config.serverMetadata().end_session_endpoint) return undefined
        const hint: Record<string, string> = idToken ? { id_token_hint: idToken } : {}
        return client.buildEndSessionUrl(config, { ...hint, post_logout_redirect_uri: `${publicUrl}/signed-out` }).href
      } catch {
        return undefined
      }
    },

    /** OpenID Connect Back-Channel Logout 1.0 section 2.6. Rejects with bad_request, or identity_unavailable. */
    async readLogoutToken(
      token: string,
    ): Promise<{ sid: string | undefined; subject: string | undefined; jti: string }> {
      const keys = await logoutKeys()
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: clientId,
          typ: 'logout+jwt',
          algorithms: ['RS256', 'PS256', 'ES256'],
          requiredClaims: ['iat', 'jti', 'events'],
          maxTokenAge: '2 minutes',
          clockTolerance: 30,
        })
        const event = (payload.events as Record<string, unknown> | undefined)?.[
          'http://schemas.openid.net/event/backchannel-logout'
        ]
        const sid = typeof payload.sid === 'string' ? payload.sid : undefined
        if (typeof event !== 'object' || event === null || 'nonce' in payload || (!sid && !payload.sub))
          throw new Error('not a logout token')
        return { sid, subject: payload.sub, jti: String(payload.jti) }
      } catch (error) {
        throw problem('bad_request', { detail: 'This logout token is not valid.', cause: error })
      }
    },

    async jwksUri(): Promise<string> {
      return (await discovered()).config.serverMetadata().jwks_uri ?? ''
    },

    /** For health: rejects while the provider was never reached. */
    async check(): Promise<void> {
      await discovered()
    },
  }

  /** One discovery at a time; after a failure nobody asks again for a second. */
  function discovered(): Promise<Discovered> {
    if (known) return known
    if (now() - failedAt < 1000) return Promise.reject(problem('identity_unavailable'))
    known = discover().catch((error: unknown) => {
      known = undefined
      failedAt = now()
      log.warn({ reason: reasonOf(error) }, 'the sign-in service could not be discovered')
      throw problem('identity_unavailable', { cause: error })
    })
    return known
  }

  async function discover(): Promise<Discovered> {
    const url = new URL(issuer)
    const execute = [client.enableNonRepudiationChecks]
    if (url.protocol === 'http:') execute.push(client.allowInsecureRequests)
    const config = await client.discovery(
      url,
      clientId,
      { client_secret: clientSecret, [client.clockTolerance]: 30 },
      client.ClientSecretPost(clientSecret),
      {
        execute,
        timeout: 3,
        [client.customFetch]: fetch as client.CustomFetch,
      },
    )
    return { config, oauth: await redirectMaker(config) }
  }

  /** A plugin cannot be added to a running server, so it gets a small one of its own. */
  async function redirectMaker(config: client.Configuration): Promise<OAuth2Namespace> {
    const { authorization_endpoint = '', token_endpoint = '' } = config.serverMetadata()
    const [authorize, token] = [new URL(authorization_endpoint), new URL(token_endpoint)]
    const host = Fastify({ logger: false })
    await host.register(oauth2, {
      name: 'portal',
      credentials: {
        client: { id: clientId, secret: clientSecret },
        auth: {
          authorizeHost: authorize.origin,
          authorizePath: authorize.pathname,
          tokenHost: token.origin,
          tokenPath: token.pathname,
        },
      },
      scope: scopes.split(/\s+/),
      callbackUri: `${publicUrl}${CALLBACK}`,
      pkce: 'S256',
      redirectStateCookieName: 'state',
      verifierCookieName: 'verifier',
      cookie: { path: '/login' },
    })
    await host.ready()
    return (host as unknown as { portal: OAuth2Namespace }).portal
  }

  async function logoutKeys() {
    const { config } = await discovered()
    keys ??= createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ''), {
      timeoutDuration: 2000,
      cooldownDuration: 5000,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [joseFetch]: fetch as never,
    })
    return keys
  }
}

function translate(error: unknown): Error {
  if (error instanceof Error && error.name === 'PortalError') return error
  if (error instanceof client.AuthorizationResponseError) {
    if (error.error === 'access_denied') return problem('sign_in_cancelled')
    if (error.error === 'temporarily_unavailable' || error.error === 'server_error')
      return problem('identity_unavailable', { cause: error })
    return problem('sign_in_failed', { cause: error })
  }
  const code = (error as { code?: string }).code
  if (error instanceof TypeError || code === 'OAUTH_TIMEOUT') return problem('identity_unavailable', { cause: error })
  return problem('sign_in_failed', { cause: error })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const cause = error.cause as { code?: string; message?: string } | undefined
  return cause?.code ?? cause?.message ?? error.message
}
