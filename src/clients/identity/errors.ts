import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import { PortalError, problem } from '../../errors.js'
import { identityMessages, misconfigurations } from './messages.js'

/** The provider rejects the portal itself, for every user (RFC 6749 sections 4.1.2.1 and 5.2). */
const clientErrors = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_response_type',
  'unsupported_grant_type',
])

/** The user or the provider declined the sign-in (OpenID Connect Core 1.0 section 3.1.2.6). */
const declined = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
])

const tokenErrorCodes = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
])

/** Converts an error of a sign-in. The error of openid-client becomes its cause. */
export function toSignInError(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  if (error instanceof AuthorizationResponseError) return fromAuthorizationResponse(error)
  if (error instanceof WWWAuthenticateChallengeError) return problem('identity_denied', { cause: error })
  if (error instanceof ResponseBodyError) {
    if (error.status >= 500) return problem('identity_unavailable', { cause: error })
    return problem(clientErrors.has(error.error) ? 'identity_denied' : 'sign_in_failed', { cause: error })
  }
  const { code = '' } = error as { code?: string }
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return problem('clock_skew', { cause: error })
  if (isEncrypted(error)) return misconfigured(misconfigurations.encryptedTokens)
  if (isUnavailable(error, code)) return problem('identity_unavailable', { cause: error })
  return problem(isAboutToken(error, code) ? 'identity_invalid' : 'sign_in_failed', { cause: error })
}

/** The provider responds but cannot be used, which neither the user nor a retry can change. `reason` is for the log. */
export function misconfigured(reason: string): PortalError {
  return problem('identity_denied', { detail: identityMessages.notConfigured, cause: new Error(reason) })
}

/** The provider returned a token that is not acceptable. */
export function invalidToken(reason: string): PortalError {
  return problem('identity_invalid', { cause: new Error(reason) })
}

/** An encrypted token has five parts (RFC 7516). openid-client decrypts it only with a key of the portal. */
function isEncrypted(error: unknown): boolean {
  const { cause, code } = error as { cause?: unknown; code?: string }
  return code === 'OAUTH_UNSUPPORTED_OPERATION' && cause instanceof Error && cause.message.startsWith('JWE ')
}

/** True for a response of the token endpoint. An error of the authorization response has the parameters as its cause. */
function isAboutToken(error: unknown, code: string): boolean {
  if (!tokenErrorCodes.has(code)) return false
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as { cause?: unknown }).cause)
    if ('parameters' in cause) return false
  return true
}

/** The authorization response has `error` instead of a code. */
function fromAuthorizationResponse(error: AuthorizationResponseError): PortalError {
  const expired = error.error_description?.includes('expired')
  if (declined.has(error.error)) return problem('sign_in_cancelled', { cause: error })
  // Keycloak returns this for a login page that was open too long
  if (error.error === 'temporarily_unavailable' && expired) return problem('sign_in_failed', { cause: error })
  if (error.error === 'temporarily_unavailable' || error.error === 'server_error')
    return problem('identity_unavailable', { cause: error })
  return problem(clientErrors.has(error.error) ? 'identity_denied' : 'sign_in_failed', { cause: error })
}

/** No connection, no response in time, or one that is not from a provider (a proxy's page, 5xx). */
function isUnavailable(error: unknown, code: string): boolean {
  return (
    (error instanceof TypeError && !code.startsWith('ERR_')) ||
    ['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR'].includes(
      code,
    ) ||
    ['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC'].includes(code)
  )
}

/**
 * The reason for the log: codes and messages of an error and its causes, never a token or a URL with a query. Only the error code of
 * the provider's response is included, because its description may repeat the request.
 */
export function logReason(error: unknown): string {
  const reasons: string[] = []
  for (let cause = error; cause instanceof Error && reasons.length < 4; cause = cause.cause) {
    const { code = '', error: oauthError } = cause as { code?: string; error?: unknown }
    const errorCode = typeof oauthError === 'string' && /^[a-z_]{1,50}$/.test(oauthError) ? oauthError : ''
    const message = [cause.message, errorCode].filter(Boolean).join(': ')
    const reason = cause instanceof PortalError ? '' : [message, code && `(${code})`].filter(Boolean).join(' ')
    if (reason !== '' && !reasons.includes(reason)) reasons.push(reason)
  }
  return reasons.join(': ') || (error instanceof Error ? error.message : 'unknown')
}
