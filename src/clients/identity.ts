import type { FastifyReply, FastifyRequest } from 'fastify'
import * as client from 'openid-client'
import { isProblem, PortalError, problem } from '../errors.js'
import { failureOf } from './http-failure.js'
import { type Discovered, discover, type Relation } from './identity-discovery.js'
import { endSessionAddress, type LogoutToken, readLogoutToken, type SignOut } from './identity-logout.js'
import { invalidToken, reasonOf, refusal } from './identity-refusals.js'
import { spellingsOf, withQueryOf } from './identity-terms.js'
import { completed, isRejection, lacksAny, readUserinfo } from './identity-userinfo.js'
import type { Log } from './redis.js'
import { isIssuedTo, overlongIdentifier } from './token-claims.js'

export interface IdentityOptions extends Omit<Relation, 'callback'> {
  /** the portal's own address; never the Host header */
  publicUrl: string
  /** claims that are used, as names or paths; the userinfo endpoint is asked where the ID token lacks one */
  wanted?: string[]
  /** names or paths of the address and of whether it is verified */
  emailClaims?: [email: string, verified: string]
  /** claims without which nobody signs in: a sign-in that lacks one fails while userinfo does not answer; default the address */
  needed?: string[]
  signOut?: SignOut | undefined
  /** what names are made of in place of the issuer; undefined or the issuer: the issuer */
  issuerId?: string
  log: Log
  now?: () => number
}

/** What has to come back with the person; kept sealed in the browser meanwhile. */
export interface SignInAttempt {
  state: string
  nonce: string
  verifier: string
}

type Claims = Record<string, unknown> & { sub: string }

export interface SignedIn {
  claims: Claims
  idToken: string
}

export type IdentityProvider = ReturnType<typeof createIdentity>

const CALLBACK = '/login/callback'
const REST_MS = 1000
const REREAD_MS = 3600_000
const ANSWERED_MS = 3000
const CLOCKS_SECONDS = 90

/**
 * The sign-in service. It is discovered when first needed and again until it answers, so the portal starts without it.
 * openid-client checks everything that comes back; @fastify/oauth2 makes state, verifier and the address to go to.
 */
export function createIdentity({ publicUrl, log, now = Date.now, ...options }: IdentityOptions) {
  const {
    wanted = [],
    emailClaims = ['email', 'email_verified'],
    needed = [emailClaims[0]],
    signOut = {},
    issuerId,
    ...rest
  } = options
  const relation: Relation = { ...rest, callback: `${publicUrl}${CALLBACK}` }
  const { clientId } = relation
  const { host } = new URL(relation.discoveryUrl ?? relation.issuer)
  let known: Promise<Discovered> | undefined
  let current: Discovered | undefined
  let readAt = 0
  let failed: { at: number; by: unknown } = { at: 0, by: undefined }
  let answeredAt = 0

  return {
    /** Rejects with identity_unavailable: a browser that is sent to a provider that is down would get no answer at all. */
    async begin(): Promise<{ url: string; attempt: SignInAttempt }> {
      const { oauth, keys, metadata } = await discovered()
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
      const { href } = withQueryOf(metadata.authorization_endpoint ?? url.href, url)
      return { url: href, attempt: { state: cookies.state ?? '', verifier: cookies.verifier ?? '', nonce } }
    },

    /**
     * Exchanges the code, once. Rejects with sign_in_failed, sign_in_cancelled, identity_invalid, clocks_differ,
     * identity_unavailable, identity_denied.
     */
    async finish(pathWithQuery: string, attempt: SignInAttempt): Promise<SignedIn> {
      const discovery = await discovered()
      try {
        const configuration = await discovery.configuration()
        const tokens = await client.authorizationCodeGrant(configuration, new URL(pathWithQuery, publicUrl), {
          pkceCodeVerifier: attempt.verifier,
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims || !tokens.id_token) throw invalidToken('no ID token')
        // many providers backdate iat; exp states how long a token is valid
        if (claims.iat - now() / 1000 > CLOCKS_SECONDS)
          throw problem('clocks_differ', { cause: new Error('iat of the ID token is in the future') })
        // openid-client compares azp only where there are several audiences
        if (!isIssuedTo(clientId, claims)) throw invalidToken('foreign azp')
        // it would be the same for several people
        if (claims.sub === '') throw invalidToken('empty sub')
        const overlong = overlongIdentifier(claims)
        if (overlong) throw invalidToken(`${overlong} exceeds 255 characters`)
        const whole = await withUserinfo(discovery, configuration, tokens.access_token, claims as Claims)
        return { claims: whole, idToken: tokens.id_token }
      } catch (error) {
        throw refusal(error)
      }
    },

    /**
     * Where a signed-out browser goes; undefined where the provider has no such address. Rejects with identity_unavailable.
     */
    async endSessionUrl(idToken: string | undefined): Promise<string | undefined> {
      const { keys, metadata } = await discovered()
      const { url: endpoint = metadata.end_session_endpoint, return_parameter: parameter } = signOut
      if (!endpoint) return undefined
      await keys.reload().catch((error: unknown) => {
        throw refusal(error)
      })
      const back = `${publicUrl}/signed-out`
      return endSessionAddress({ endpoint, parameter, clientId, back, idToken, keys: keys.jwks() })
    },

    /** OpenID Connect Back-Channel Logout 1.0 section 2.6. Rejects with bad_request, or identity_unavailable. */
    async readLogoutToken(token: string): Promise<LogoutToken> {
      const { keys, metadata, algorithms } = await discovered()
      try {
        return await readLogoutToken(token, { keys, issuer: metadata.issuer, clientId, algorithms })
      } catch (error) {
        if (isProblem(refusal(error), 'identity_unavailable')) throw refusal(error)
        throw problem('bad_request', { detail: 'This logout token is not valid.', cause: error })
      }
    },

    async jwksUri(): Promise<string> {
      return (await discovered()).metadata.jwks_uri ?? ''
    },

    /** As the provider writes it in every token; as it is set while the provider was never reached. */
    issuer: (): string => current?.metadata.issuer ?? relation.issuer,

    /**
     * What the issuer may be called in names that were made of it, the present one first: the announced one, and the setting
     * where it is spelled in another way.
     */
    issuerIds(): [string, ...string[]] {
      if (issuerId !== undefined && issuerId !== relation.issuer) return [issuerId]
      const present = current?.metadata.issuer ?? relation.issuer
      const others = [relation.issuer, ...(current ? [] : spellingsOf(relation.issuer))]
      return [present, ...new Set(others.filter((each) => each !== present))]
    },

    /** For health: rejects while the provider was never reached, with words that name the setting to correct. */
    async check(): Promise<void> {
      await discovered().catch((error: unknown) => {
        throw failureOf(host, error) ?? (isProblem(error, 'identity_denied') ? error.cause : error)
      })
    },
  }

  /** One discovery at a time; after a failure nobody asks again for a second. Read again in the background every hour. */
  function discovered(): Promise<Discovered> {
    if (known) {
      if (now() - readAt > REREAD_MS) void read().then((next) => (known = Promise.resolve(next)), noted)
      return known
    }
    if (now() - failed.at < REST_MS) return Promise.reject(undiscovered(failed.by))
    known = read().catch((error: unknown) => {
      known = undefined
      failed = { at: now(), by: error }
      noted(error)
      throw undiscovered(error)
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

  /** One call at most, and none where the ID token has everything. Without an answer the sign-in goes on, if it lacks nothing needed. */
  async function withUserinfo(
    { metadata }: Discovered,
    configuration: client.Configuration,
    accessToken: string,
    claims: Claims,
  ): Promise<Claims> {
    if (!metadata.userinfo_endpoint || !lacksAny(claims, wanted)) return claims
    try {
      const userinfo = await readUserinfo({ configuration, accessToken, subject: claims.sub })
      return completed(claims, userinfo, emailClaims)
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'the userinfo endpoint of the sign-in service gave no usable answer')
      const mayWorkLater = !isRejection(error) && refusal(error).code === 'identity_unavailable'
      if (mayWorkLater && lacksAny(claims, needed)) throw error
      return claims
    }
  }

  async function read(): Promise<Discovered> {
    readAt = now()
    current = await discover(relation)
    return current
  }

  function noted(error: unknown): void {
    log.warn(
      { reason: failureOf(host, error)?.message ?? reasonOf(error) },
      'the sign-in service could not be discovered',
    )
  }
}

function undiscovered(error: unknown): PortalError {
  return error instanceof PortalError ? error : problem('identity_unavailable', { cause: error })
}
