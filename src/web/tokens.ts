import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { PortalError, problem } from '../errors.js'
import type { Identity } from './caller.js'

export interface TokensOptions {
  issuer: string
  audience: string
  /** clients that may act as services */
  clients: string[]
  groupsClaim: string
  /** text claims that the configuration names */
  claims: string[]
  keys: JWTVerifyGetKey
  now?: () => number
}

export interface Verified {
  identity: Identity
  scopes: string[]
}

/** How long a token that was checked is believed: keys that the provider withdraws count that much later. */
const KEPT_MS = 30_000

export type Tokens = ReturnType<typeof createTokens>

/** Bearer tokens of the API: signature, issuer, audience, times, kind (RFC 9068; Keycloak's where it differs). */
export function createTokens(options: TokensOptions) {
  const { issuer, audience, clients, groupsClaim, claims, keys, now = Date.now } = options
  // by its hash: who polls sends one token often, and a signature costs more than the answer
  const kept = new LRUCache<string, { verified: Verified; until: number }>({ max: 1000 })

  return {
    /** Rejects with invalid_token, forbidden (a service that is not listed) or identity_unavailable. */
    async verify(token: string): Promise<Verified> {
      const place = createHash('sha256').update(token).digest('base64url')
      const known = kept.get(place)
      if (known && known.until > now()) return known.verified
      const payload = await check(token)
      const verified = { identity: identityOf(payload), scopes: words(payload.scope) }
      kept.set(place, { verified, until: Math.min(Number(payload.exp) * 1000, now() + KEPT_MS) })
      return verified
    },
  }

  async function check(token: string): Promise<JWTPayload> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
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

  function identityOf(payload: JWTPayload): Identity {
    const client = String(payload.azp ?? payload.client_id ?? '')
    const service = isService(payload, client)
    if (service && !clients.includes(client)) {
      throw problem('forbidden', {
        detail: 'This client may not act as a service here. The operator of the portal can list it in API_CLIENTS.',
      })
    }
    const groups = payload[groupsClaim]
    return {
      kind: service ? 'service' : 'person',
      issuer,
      subject: service ? client : String(payload.sub),
      sid: text(payload.sid),
      name: service ? client : (text(payload.name) ?? text(payload.preferred_username) ?? client),
      // never cut: a shortened address is somebody else's
      email: !service && typeof payload.email === 'string' && payload.email !== '' ? payload.email : undefined,
      emailVerified: !service && payload.email_verified === true,
      groups: Array.isArray(groups) ? groups.map(String) : [],
      claims: Object.fromEntries(claims.flatMap((name) => (isText(payload[name]) ? [[name, payload[name]]] : []))),
    }
  }
}

/**
 * A client that speaks for itself: its own subject (RFC 9068 section 2.2), or Keycloak's service account, whose name alone
 * proves nothing, since a person could choose it: that token also names the client, which a person's does not.
 */
function isService(payload: JWTPayload, client: string): boolean {
  if (client === '') return false
  if (payload.sub === client) return true
  const named = payload.client_id ?? payload.clientId
  return named === client && payload.preferred_username === `service-account-${client}`
}

function translate(error: unknown): Error {
  if (error instanceof PortalError) return error
  if (error instanceof errors.JWTExpired)
    return problem('invalid_token', { detail: 'The access token has expired. Get a new one.', cause: error })
  return problem('invalid_token', { cause: error })
}

function words(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'string' ? value.split(' ').filter(Boolean) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 255) : undefined
}

function isText(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}
