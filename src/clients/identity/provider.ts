import type { FastifyReply, FastifyRequest } from 'fastify'
import * as client from 'openid-client'
import { isProblem, PortalError, problem } from '../../errors.js'
import { toHttpError } from '../../infra/http/http-error.js'
import type { Log } from '../../infra/redis.js'
import { type ClientSettings, type DiscoveredProvider, discoverProvider } from './discovery.js'
import { invalidToken, logReason, toSignInError } from './errors.js'
import { issuerVariants, withTemplateQuery } from './issuer.js'
import { endSessionUrl, type LogoutToken, type ProviderSignOut, readLogoutToken } from './logout.js'
import { identityMessages } from './messages.js'
import { isIssuedTo, overlongIdentifier } from './token-claims.js'
import { isMissingClaims, isRejection, mergeUserinfo, readUserinfo } from './userinfo.js'

export interface IdentityProviderOptions extends Omit<ClientSettings, 'callback'> {
  /** the address of the portal; never the Host header */
  publicUrl: string
  /** names or paths of the claims that are used; the userinfo endpoint is called if the ID token lacks one */
  usedClaims?: string[]
  /** names or paths of the e-mail address and of whether it is verified */
  emailClaims?: [email: string, verified: string]
  /** a sign-in that lacks one of these fails while userinfo does not respond; default: the e-mail address */
  requiredClaims?: string[]
  signOut?: ProviderSignOut | undefined
  /** used in user names instead of the issuer; default: the issuer */
  issuerId?: string
  log: Log
  now?: () => number
}

/** What the authorization response must match. The browser stores it sealed. */
export interface AuthorizationState {
  state: string
  nonce: string
  verifier: string
}

type Claims = Record<string, unknown> & { sub: string }

export interface AuthenticatedUser {
  claims: Claims
  idToken: string
}

export type IdentityProvider = ReturnType<typeof createIdentityProvider>

const CALLBACK = '/login/callback'
const RETRY_AFTER_MS = 1000
const REFRESH_MS = 3600_000
const AVAILABLE_MS = 3000
const MAX_CLOCK_SKEW_SECONDS = 90

/**
 * The identity provider. It is discovered at its first use, and again until it responds, so the portal starts without it.
 * openid-client validates every response; @fastify/oauth2 creates state, verifier and authorization URL.
 */
export function createIdentityProvider({ publicUrl, log, now = Date.now, ...options }: IdentityProviderOptions) {
  const {
    usedClaims = [],
    emailClaims = ['email', 'email_verified'],
    requiredClaims = [emailClaims[0]],
    signOut = {},
    issuerId,
    ...rest
  } = options
  const settings: ClientSettings = { ...rest, callback: `${publicUrl}${CALLBACK}` }
  const { clientId } = settings
  const { host } = new URL(settings.discoveryUrl ?? settings.issuer)
  let discovery: Promise<DiscoveredProvider> | undefined
  let current: DiscoveredProvider | undefined
  let readAt = 0
  let lastFailure: { at: number; error: unknown } = { at: 0, error: undefined }
  let availableAt = 0

  return {
    /** Rejects with identity_unavailable: the browser would get no response from a provider that is down. */
    async begin(): Promise<{ url: string; authorization: AuthorizationState }> {
      const { oauth, keys, metadata } = await discovered()
      await checkAvailable(keys)
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
      const { href } = withTemplateQuery(metadata.authorization_endpoint ?? url.href, url)
      return { url: href, authorization: { state: cookies.state ?? '', verifier: cookies.verifier ?? '', nonce } }
    },

    /**
     * Exchanges the code, once. Rejects with sign_in_failed, sign_in_cancelled, identity_invalid, clock_skew,
     * identity_unavailable, identity_denied.
     */
    async finish(pathWithQuery: string, authorization: AuthorizationState): Promise<AuthenticatedUser> {
      const provider = await discovered()
      try {
        const configuration = await provider.configuration()
        const tokens = await client.authorizationCodeGrant(configuration, new URL(pathWithQuery, publicUrl), {
          pkceCodeVerifier: authorization.verifier,
          expectedState: authorization.state,
          expectedNonce: authorization.nonce,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (!claims || !tokens.id_token) throw invalidToken('no ID token')
        // many providers backdate iat; exp limits the validity of a token
        if (claims.iat - now() / 1000 > MAX_CLOCK_SKEW_SECONDS)
          throw problem('clock_skew', { cause: new Error('iat of the ID token is in the future') })
        // openid-client compares azp only if there are several audiences
        if (!isIssuedTo(clientId, claims)) throw invalidToken('foreign azp')
        // several users would share it
        if (claims.sub === '') throw invalidToken('empty sub')
        const overlong = overlongIdentifier(claims)
        if (overlong) throw invalidToken(`${overlong} exceeds 255 characters`)
        const allClaims = await withUserinfo(provider, configuration, tokens.access_token, claims as Claims)
        return { claims: allClaims, idToken: tokens.id_token }
      } catch (error) {
        throw toSignInError(error)
      }
    },

    /**
     * The address that signs the browser out at the provider; undefined if the provider has none. Rejects with identity_unavailable.
     */
    async endSessionUrl(idToken: string | undefined): Promise<string | undefined> {
      const { keys, metadata } = await discovered()
      const { url: endpoint = metadata.end_session_endpoint, return_parameter: parameter } = signOut
      if (!endpoint) return undefined
      await keys.reload().catch((error: unknown) => {
        throw toSignInError(error)
      })
      const returnTo = `${publicUrl}/signed-out`
      return endSessionUrl({ endpoint, parameter, clientId, returnTo, idToken, keys: keys.jwks() })
    },

    /** OpenID Connect Back-Channel Logout 1.0 section 2.6. Rejects with bad_request, or identity_unavailable. */
    async readLogoutToken(token: string): Promise<LogoutToken> {
      const { keys, metadata, algorithms } = await discovered()
      try {
        return await readLogoutToken(token, { keys, issuer: metadata.issuer, clientId, algorithms })
      } catch (error) {
        if (isProblem(toSignInError(error), 'identity_unavailable')) throw toSignInError(error)
        throw problem('bad_request', { detail: identityMessages.invalidLogoutToken, cause: error })
      }
    },

    async jwksUri(): Promise<string> {
      return (await discovered()).metadata.jwks_uri ?? ''
    },

    /** As announced, and so as in every token; as configured until the provider is discovered. */
    issuer: (): string => current?.metadata.issuer ?? settings.issuer,

    /**
     * The issuers that existing user names may contain, the current one first: the announced one, and the configured one if it is
     * spelled differently.
     */
    issuerIds(): [string, ...string[]] {
      if (issuerId !== undefined && issuerId !== settings.issuer) return [issuerId]
      const currentIssuer = current?.metadata.issuer ?? settings.issuer
      const others = [settings.issuer, ...(current ? [] : issuerVariants(settings.issuer))]
      return [currentIssuer, ...new Set(others.filter((each) => each !== currentIssuer))]
    },

    /** For health checks: rejects until the provider is discovered, with a message that names the setting to correct. */
    async check(): Promise<void> {
      await discovered().catch((error: unknown) => {
        throw toHttpError(host, error) ?? (isProblem(error, 'identity_denied') ? error.cause : error)
      })
    },
  }

  /** One discovery at a time, and none for a second after a failure. The document is read again in the background every hour. */
  function discovered(): Promise<DiscoveredProvider> {
    if (discovery) {
      if (now() - readAt > REFRESH_MS) void read().then((next) => (discovery = Promise.resolve(next)), logFailure)
      return discovery
    }
    if (now() - lastFailure.at < RETRY_AFTER_MS) return Promise.reject(toPortalError(lastFailure.error))
    discovery = read().catch((error: unknown) => {
      discovery = undefined
      lastFailure = { at: now(), error }
      logFailure(error)
      throw toPortalError(error)
    })
    return discovery
  }

  /** At most one call in a few seconds for any number of sign-ins. */
  async function checkAvailable(keys: DiscoveredProvider['keys']): Promise<void> {
    if (now() - availableAt < AVAILABLE_MS) return
    await keys.reload().catch((error: unknown) => {
      throw toSignInError(error)
    })
    availableAt = now()
  }

  /** At most one call, and none if the ID token has all claims. If userinfo does not respond, a sign-in with all required claims continues. */
  async function withUserinfo(
    { metadata }: DiscoveredProvider,
    configuration: client.Configuration,
    accessToken: string,
    claims: Claims,
  ): Promise<Claims> {
    if (!metadata.userinfo_endpoint || !isMissingClaims(claims, usedClaims)) return claims
    try {
      const userinfo = await readUserinfo({ configuration, accessToken, subject: claims.sub })
      return mergeUserinfo(claims, userinfo, emailClaims)
    } catch (error) {
      log.warn(
        { reason: logReason(error) },
        'The userinfo endpoint of the identity provider returned no usable response',
      )
      const isTemporary = !isRejection(error) && toSignInError(error).code === 'identity_unavailable'
      if (isTemporary && isMissingClaims(claims, requiredClaims)) throw error
      return claims
    }
  }

  async function read(): Promise<DiscoveredProvider> {
    readAt = now()
    current = await discoverProvider(settings)
    return current
  }

  function logFailure(error: unknown): void {
    log.warn(
      { reason: toHttpError(host, error)?.message ?? logReason(error) },
      'The identity provider could not be discovered',
    )
  }
}

function toPortalError(error: unknown): PortalError {
  return error instanceof PortalError ? error : problem('identity_unavailable', { cause: error })
}
