import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { asciiLower } from '../clients/email-address.js'
import { overlongIdentifier, shownText, textsOf, wholeText } from '../clients/token-claims.js'
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
      const typ = asciiLower(String(protectedHeader.typ ?? '')).replace(/^application\//, '')
      const isBearer = payload.typ === 'Bearer'
      if (!(typ === 'at+jwt' && (isBearer || payload.typ === undefined)) && !(typ === 'jwt' && isBearer))
        throw problem('invalid_token')
      const detail = faultOf(payload)
      if (detail !== undefined) throw problem('invalid_token', { detail })
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
    return {
      kind: service ? 'service' : 'person',
      issuer,
      subject: service ? client : String(payload.sub),
      sid: wholeText(payload.sid),
      name: service ? client : (shownText(payload.name) ?? shownText(payload.preferred_username) ?? client),
      // never cut: a shortened address is somebody else's
      email: !service && typeof payload.email === 'string' && payload.email !== '' ? payload.email : undefined,
      emailVerified: !service && payload.email_verified === true,
      groups: textsOf(payload[groupsClaim]),
      claims: Object.fromEntries(claims.flatMap((name) => (isText(payload[name]) ? [[name, payload[name]]] : []))),
    }
  }
}

/** Why a valid token is refused all the same, as a sentence; undefined: it is accepted. */
function faultOf(payload: JWTPayload): string | undefined {
  // RFC 7800: only the holder of a key may use it; a copy must not be good for anything (RFC 9449 section 7.1, RFC 8705 section 3)
  if (payload.cnf !== undefined)
    return 'This access token is bound to a key (cnf), and this API does not verify such keys. Request a bearer token without DPoP and without a client certificate.'
  // RFC 8693 section 4.1: the rights and the audit log of this API know one caller
  if (payload.act !== undefined)
    return 'This access token is for a delegation (act), which this API does not accept. Request a token for one caller.'
  // RFC 7519 section 4.1.2: anything else would be the same text for several callers
  if (typeof payload.sub !== 'string' || payload.sub === '') return 'The claim sub of this access token is not a text.'
  const named = new Set([payload.azp, payload.client_id, payload.clientId].filter((client) => client !== undefined))
  if (named.size > 1 || [...named].some((client) => typeof client !== 'string'))
    return 'The claims azp and client_id of this access token name different clients.'
  const overlong = overlongIdentifier(payload)
  return overlong && `The claim ${overlong} of this access token is longer than 255 characters.`
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

function isText(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}
