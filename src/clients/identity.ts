import type { FastifyReply, FastifyRequest } from 'fastify'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { problem } from '../errors.js'
import { failureOf } from './http-failure.js'
import { type Discovered, discover, type Relation } from './identity-discovery.js'
import { clocksDiffer, reasonOf, refusal } from './identity-refusals.js'
import type { Log } from './redis.js'
import { isIssuedTo, overlongIdentifier } from './token-claims.js'

export interface IdentityOptions extends Omit<Relation, 'callback'> {
  /** the portal's own address; never the Host header */
  publicUrl: string
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

export interface LogoutToken {
  sid: string | undefined
  subject: string | undefined
  jti: string
}

export type IdentityProvider = ReturnType<typeof createIdentity>

const CALLBACK = '/login/callback'
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'
const REST_MS = 1000
const REREAD_MS = 3600_000
const ANSWERED_MS = 3000
const CLOCKS_SECONDS = 90
/** Addresses get longer than proxies take them; without a hint the provider asks before it signs out. */
const HINT_CHARS = 6000

/**
 * The sign-in service. It is discovered when first needed and again until it answers, so the portal starts without it.
 * openid-client checks everything that comes back; @fastify/oauth2 makes state, verifier and the address to go to.
 */
export function createIdentity({ publicUrl, log, now = Date.now, ...options }: IdentityOptions) {
  const relation: Relation = { ...options, callback: `${publicUrl}${CALLBACK}` }
  const { issuer, clientId } = relation
  const { host } = new URL(issuer)
  let known: Promise<Discovered> | undefined
  let readAt = 0
  let failed: { at: number; by: unknown } = { at: 0, by: undefined }
  let answeredAt = 0

  return {
    /** Rejects with identity_unavailable: a browser that is sent to a provider that is down gets no word from anybody. */
    async begin(): Promise<{ url: string; attempt: SignInAttempt }> {
      const { oauth, keys } = await discovered()
      await answering(keys)
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

    /** Exchanges the code, once. Rejects with sign_in_failed, sign_in_cancelled, identity_unavailable, identity_denied. */
    async finish(pathWithQuery: string, attempt: SignInAttempt): Promise<SignedIn> {
      const { configuration } = await discovered()
      try {
        const tokens = await client.authorizationCodeGrant(await configuration(), new URL(pathWithQuery, publicUrl), {
          pkceCodeVerifier: attempt.verifier,
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims || !tokens.id_token) throw problem('sign_in_failed')
        if (Math.abs(now() / 1000 - claims.iat) > CLOCKS_SECONDS) throw clocksDiffer()
        // openid-client compares azp only where there are several audiences
        if (!isIssuedTo(clientId, claims)) throw problem('sign_in_failed', { cause: new Error('foreign azp') })
        const overlong = overlongIdentifier(claims)
        if (overlong) throw problem('sign_in_failed', { cause: new Error(`${overlong} exceeds 255 characters`) })
        return { claims: claims as SignedIn['claims'], idToken: tokens.id_token }
      } catch (error) {
        throw refusal(error)
      }
    },

    /**
     * Where a signed-out browser goes; undefined where the provider has no such address. The hint goes along while its key
     * is still one of the provider's, which would else show an error. Rejects with identity_unavailable.
     */
    async endSessionUrl(idToken: string | undefined): Promise<string | undefined> {
      const { keys, metadata } = await discovered()
      if (!metadata.end_session_endpoint) return undefined
      await keys.reload().catch((error: unknown) => {
        throw refusal(error)
      })
      const url = new URL(metadata.end_session_endpoint)
      url.searchParams.set('client_id', clientId)
      url.searchParams.set('post_logout_redirect_uri', `${publicUrl}/signed-out`)
      if (idToken && idToken.length < HINT_CHARS && keys.jwks()?.keys.some(({ kid }) => kid === kidOf(idToken)))
        url.searchParams.set('id_token_hint', idToken)
      return url.href
    },

    /** OpenID Connect Back-Channel Logout 1.0 section 2.6. Rejects with bad_request, or identity_unavailable. */
    async readLogoutToken(token: string): Promise<LogoutToken> {
      const { keys } = await discovered()
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
        const event = (payload.events as Record<string, unknown> | undefined)?.[LOGOUT]
        const sid = typeof payload.sid === 'string' ? payload.sid : undefined
        const { sub: subject, jti } = payload
        const isNamed = [sid, subject].some(Boolean) && [payload.sid, subject].every(isTextOrMissing)
        if (typeof event !== 'object' || event === null || 'nonce' in payload || !isNamed || typeof jti !== 'string')
          throw new Error('not a logout token')
        // of several audiences, and of an authorized party, the rules are those of ID tokens (section 2.6)
        if (!isIssuedTo(clientId, payload) || overlongIdentifier(payload)) throw new Error('not for this client')
        return { sid, subject, jti }
      } catch (error) {
        if (refusal(error).code === 'identity_unavailable') throw refusal(error)
        throw problem('bad_request', { detail: 'This logout token is not valid.', cause: error })
      }
    },

    async jwksUri(): Promise<string> {
      return (await discovered()).metadata.jwks_uri ?? ''
    },

    /** For health: rejects while the provider was never reached, with words that name the setting to mend. */
    async check(): Promise<void> {
      await discovered().catch((error: unknown) => {
        throw failureOf(host, error) ?? error
      })
    },
  }

  /** One discovery at a time; after a failure nobody asks again for a second. Read again in the background every hour. */
  function discovered(): Promise<Discovered> {
    if (known) {
      if (now() - readAt > REREAD_MS) void read().then((next) => (known = Promise.resolve(next)), noted)
      return known
    }
    if (now() - failed.at < REST_MS) return Promise.reject(problem('identity_unavailable', { cause: failed.by }))
    known = read().catch((error: unknown) => {
      known = undefined
      failed = { at: now(), by: error }
      noted(error)
      throw problem('identity_unavailable', { cause: error })
    })
    return known
  }

  /** One call in a few seconds at most, however many sign in. */
  async function answering(keys: Discovered['keys']): Promise<void> {
    if (now() - answeredAt < ANSWERED_MS) return
    await keys.reload().catch((error: unknown) => {
      throw refusal(error)
    })
    answeredAt = now()
  }

  function read(): Promise<Discovered> {
    readAt = now()
    return discover(relation)
  }

  function noted(error: unknown): void {
    log.warn(
      { reason: failureOf(host, error)?.message ?? reasonOf(error) },
      'the sign-in service could not be discovered',
    )
  }
}

function isTextOrMissing(claim: unknown): boolean {
  return claim === undefined || typeof claim === 'string'
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}
