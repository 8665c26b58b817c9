import { decodeProtectedHeader, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type SigningAlgorithm, tokenType } from './identity-terms.js'
import { isIssuedTo, overlongIdentifier } from './token-claims.js'

export interface LogoutToken {
  sid: string | undefined
  subject: string | undefined
  jti: string
}

export interface LogoutTokenRules {
  keys: JWTVerifyGetKey
  issuer: string
  clientId: string
  algorithms: SigningAlgorithm[]
}

/** Where the provider's own session ends, as far as the provider differs from RP-Initiated Logout. */
export interface SignOut {
  /** default: the announced end_session_endpoint */
  url?: string
  /** the parameter with the address to come back to; default post_logout_redirect_uri */
  return_parameter?: string
}

export interface EndSession {
  endpoint: string
  parameter?: string | undefined
  clientId: string
  /** where the browser comes back to */
  back: string
  idToken: string | undefined
  /** that the provider publishes now */
  keys: JSONWebKeySet | undefined
}

const RETURN_PARAMETER = 'post_logout_redirect_uri'
/** Addresses get longer than proxies take them; without a hint the provider asks before it signs out. */
const HINT_CHARS = 6000
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'
/** `logout+jwt` is only recommended; older providers write JWT or nothing. An access token (`at+jwt`) is never one. */
const kinds = new Set(['logout+jwt', 'jwt', ''])

/**
 * The address that ends the session of the provider, with the query it has already. The hint goes along while its key is still
 * published, as the provider would show an error for another one, and only where the standard's parameters are used.
 */
export function endSessionAddress({ endpoint, parameter = RETURN_PARAMETER, ...more }: EndSession): string {
  const { clientId, back, idToken, keys } = more
  const url = new URL(endpoint)
  url.searchParams.set('client_id', clientId)
  url.searchParams.set(parameter, back)
  const takesHint = parameter === RETURN_PARAMETER && idToken !== undefined && idToken.length < HINT_CHARS
  if (takesHint && keys?.keys.some(({ kid }) => kid === kidOf(idToken))) url.searchParams.set('id_token_hint', idToken)
  return url.href
}

/**
 * OpenID Connect Back-Channel Logout 1.0 section 2.6. An accepted token is at most ten minutes old, clocks included, which is as
 * long as its `jti` is remembered. Rejects with an error of jose, or of the keys.
 */
export async function readLogoutToken(token: string, rules: LogoutTokenRules): Promise<LogoutToken> {
  const { keys, issuer, clientId, algorithms } = rules
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience: clientId,
    algorithms,
    requiredClaims: ['iat', 'jti', 'events'],
    maxTokenAge: '9 minutes',
    clockTolerance: 30,
  })
  const kind = tokenType(String(protectedHeader.typ ?? ''))
  const event = (payload.events as Record<string, unknown> | null)?.[LOGOUT]
  const sid = typeof payload.sid === 'string' ? payload.sid : undefined
  const { sub: subject, jti } = payload
  const isNamed = [sid, subject].some(Boolean) && [payload.sid, subject].every(isTextOrMissing)
  if (!kinds.has(kind) || typeof event !== 'object' || event === null || Array.isArray(event) || 'nonce' in payload)
    throw new Error('not a logout token')
  if (!isNamed || typeof jti !== 'string' || jti === '')
    throw new Error('it names neither a session nor a person, or has no jti')
  // of several audiences, and of an authorized party, the rules are those of ID tokens (section 2.6)
  if (!isIssuedTo(clientId, payload) || overlongIdentifier(payload)) throw new Error('not for this client')
  return { sid, subject, jti }
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
