import { decodeProtectedHeader, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type SigningAlgorithm, tokenType } from './issuer.js'
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

/** How the provider differs from RP-Initiated Logout. */
export interface ProviderSignOut {
  /** default: the announced end_session_endpoint */
  url?: string
  /** the parameter with the return address; default post_logout_redirect_uri */
  return_parameter?: string
}

export interface EndSessionRequest {
  endpoint: string
  parameter?: string | undefined
  clientId: string
  /** the return address */
  returnTo: string
  idToken: string | undefined
  /** the keys that the provider publishes now */
  keys: JSONWebKeySet | undefined
}

const RETURN_PARAMETER = 'post_logout_redirect_uri'
/** Proxies limit the length of URLs. Without a hint the provider asks for confirmation before it signs out. */
const MAX_HINT_CHARACTERS = 6000
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** `logout+jwt` is only recommended, and other providers send JWT or nothing. An access token (`at+jwt`) is never a logout token. */
const logoutTokenTypes = new Set(['logout+jwt', 'jwt', ''])

/**
 * The address that ends the session at the provider, including its own query. The ID token hint is sent only with the standard's
 * parameters and while its key is still published, because the provider shows an error for any other hint.
 */
export function endSessionUrl({
  endpoint,
  parameter = RETURN_PARAMETER,
  clientId,
  returnTo,
  idToken,
  keys,
}: EndSessionRequest): string {
  const url = new URL(endpoint)
  url.searchParams.set('client_id', clientId)
  url.searchParams.set(parameter, returnTo)
  const mayHint = parameter === RETURN_PARAMETER && idToken !== undefined && idToken.length < MAX_HINT_CHARACTERS
  if (mayHint && keys?.keys.some(({ kid }) => kid === kidOf(idToken))) url.searchParams.set('id_token_hint', idToken)
  return url.href
}

/**
 * Validates by OpenID Connect Back-Channel Logout 1.0 section 2.6. An accepted token was issued at most ten minutes ago, including clock
 * skew, which is as long as its `jti` is remembered. Rejects with an error of jose or of the keys.
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
  const type = tokenType(String(protectedHeader.typ ?? ''))
  const event = (payload.events as Record<string, unknown> | null)?.[LOGOUT_EVENT]
  const sid = typeof payload.sid === 'string' ? payload.sid : undefined
  const { sub: subject, jti } = payload
  const isIdentified = [sid, subject].some(Boolean) && [payload.sid, subject].every(isTextOrMissing)
  if (
    !logoutTokenTypes.has(type) ||
    typeof event !== 'object' ||
    event === null ||
    Array.isArray(event) ||
    'nonce' in payload
  )
    throw new Error('not a logout token')
  if (!isIdentified || typeof jti !== 'string' || jti === '')
    throw new Error('it names neither a session nor a user, or has no jti')
  // several audiences and an authorized party have the rules of ID tokens (section 2.6)
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
