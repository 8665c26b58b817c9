import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { problem } from '../errors.js'
import type { Identity } from './caller.js'

export interface TokensOptions {
  issuer: string
  audience: string
  /** clients that may act as services */
  clients: string[]
  groupsClaim: string
  /** from the provider's discovery; rejects while it is down and was never read */
  jwksUri: () => Promise<string>
  fetch: typeof globalThis.fetch
}

export type Tokens = ReturnType<typeof createTokens>

/**
 * Bearer tokens of the API: signature, issuer, audience, times, kind. Keys are kept while the provider is down; only a key
 * that was never seen then gives identity_unavailable instead of invalid_token.
 */
export function createTokens({ issuer, audience, clients, groupsClaim, jwksUri, fetch }: TokensOptions) {
  let keys: JWTVerifyGetKey | undefined

  return {
    /** Rejects with invalid_token or identity_unavailable. Scopes as the token carries them. */
    async verify(token: string): Promise<{ identity: Identity; scopes: string[] }> {
      const payload = await check(token)
      return {
        identity: identityOf(payload),
        scopes: String(payload.scope ?? '')
          .split(' ')
          .filter(Boolean),
      }
    },
  }

  async function check(token: string): Promise<JWTPayload> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await keySet(), {
        issuer,
        audience,
        algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'],
        clockTolerance: 30,
        requiredClaims: ['sub', 'exp', 'iat'],
      })
      // an ID token is not for us, whatever its audience says (RFC 9068 section 4; Keycloak's typ claim)
      const typ = String(protectedHeader.typ ?? '')
        .toLowerCase()
        .replace('application/', '')
      if (typ !== 'at+jwt' && !(typ === 'jwt' && payload.typ === 'Bearer')) throw problem('invalid_token')
      return payload
    } catch (error) {
      throw translate(error)
    }
  }

  async function keySet(): Promise<JWTVerifyGetKey> {
    keys ??= createRemoteJWKSet(new URL(await jwksUri()), {
      timeoutDuration: 2000,
      cooldownDuration: 5000,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: fetch as never,
    })
    return keys
  }

  function identityOf(payload: JWTPayload): Identity {
    const client = String(payload.azp ?? payload.client_id ?? '')
    const service = payload.sub === client || payload.preferred_username === `service-account-${client}`
    if (service && !clients.includes(client)) {
      throw problem('invalid_token', {
        detail: 'This client may not act as a service here. Its operator can list it in API_CLIENTS.',
      })
    }
    const groups = payload[groupsClaim]
    return {
      kind: service ? 'service' : 'person',
      issuer,
      subject: service ? client : String(payload.sub),
      sid: typeof payload.sid === 'string' ? payload.sid : undefined,
      name: String(payload.name ?? payload.preferred_username ?? client),
      email: typeof payload.email === 'string' ? payload.email : undefined,
      emailVerified: payload.email_verified === true,
      groups: Array.isArray(groups) ? groups.map(String) : [],
      claims: {},
    }
  }
}

function translate(error: unknown): Error {
  if (error instanceof Error && error.name === 'PortalError') return error
  const cannotKnow =
    error instanceof errors.JWKSTimeout ||
    (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC') ||
    error instanceof TypeError
  if (cannotKnow) return problem('identity_unavailable', { cause: error })
  return problem('invalid_token', { cause: error })
}
