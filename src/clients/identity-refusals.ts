import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import { PortalError, problem } from '../errors.js'

/** The provider refuses the portal itself, whoever signs in (RFC 6749 sections 4.1.2.1 and 5.2). */
const setUp = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_response_type',
  'unsupported_grant_type',
])

/** The person is not signed in, by their own or the provider's decision (OpenID Connect Core 1.0 section 3.1.2.6). */
const declined = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
])

const NOT_CONFIGURED =
  'The sign-in service and this portal are not configured for each other. The operator of the portal can see the reason in its log.'

const tokenCodes = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
])

/** What went wrong in a sign-in as one of our errors; openid-client's own are the cause. */
export function refusal(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  if (error instanceof AuthorizationResponseError) return answered(error)
  if (error instanceof WWWAuthenticateChallengeError) return problem('identity_denied', { cause: error })
  if (error instanceof ResponseBodyError) {
    if (error.status >= 500) return problem('identity_unavailable', { cause: error })
    return problem(setUp.has(error.error) ? 'identity_denied' : 'sign_in_failed', { cause: error })
  }
  const { code = '' } = error as { code?: string }
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return problem('clocks_differ', { cause: error })
  if (isEncrypted(error))
    return misconfigured('The identity provider encrypts ID tokens. Turn this off for the client of the portal.')
  if (silent(error, code)) return problem('identity_unavailable', { cause: error })
  return problem(isAboutToken(error, code) ? 'identity_invalid' : 'sign_in_failed', { cause: error })
}

/** The provider answers, and neither the person nor another attempt can change that it cannot be used; `reason` is for the log. */
export function misconfigured(reason: string): PortalError {
  return problem('identity_denied', { detail: NOT_CONFIGURED, cause: new Error(reason) })
}

/** A token that arrived and is not acceptable. */
export function invalidToken(reason: string): PortalError {
  return problem('identity_invalid', { cause: new Error(reason) })
}

/** A token in five parts (RFC 7516), which openid-client reads only with a key of the portal's own. */
function isEncrypted(error: unknown): boolean {
  const { cause, code } = error as { cause?: unknown; code?: string }
  return code === 'OAUTH_UNSUPPORTED_OPERATION' && cause instanceof Error && cause.message.startsWith('JWE ')
}

/** The token endpoint answered; what the browser brought back has its parameters as the cause. */
function isAboutToken(error: unknown, code: string): boolean {
  if (!tokenCodes.has(code)) return false
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as { cause?: unknown }).cause)
    if ('parameters' in cause) return false
  return true
}

/** The browser came back with `error=` instead of a code. */
function answered(error: AuthorizationResponseError): PortalError {
  const expired = error.error_description?.includes('expired')
  if (declined.has(error.error)) return problem('sign_in_cancelled', { cause: error })
  // Keycloak's word for a login page that was open too long
  if (error.error === 'temporarily_unavailable' && expired) return problem('sign_in_failed', { cause: error })
  if (error.error === 'temporarily_unavailable' || error.error === 'server_error')
    return problem('identity_unavailable', { cause: error })
  return problem(setUp.has(error.error) ? 'identity_denied' : 'sign_in_failed', { cause: error })
}

/** No connection, no answer in time, or one that no provider gives (a proxy's page, 5xx). */
function silent(error: unknown, code: string): boolean {
  return (
    (error instanceof TypeError && !code.startsWith('ERR_')) ||
    ['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR'].includes(
      code,
    ) ||
    ['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC'].includes(code)
  )
}

/**
 * The reason for the log: codes and messages of an error and its causes, never a token or an address with a query. Of what the
 * provider answers, the error code alone: a description may repeat what was sent.
 */
export function reasonOf(error: unknown): string {
  const reasons: string[] = []
  for (let cause = error; cause instanceof Error && reasons.length < 4; cause = cause.cause) {
    const { code = '', error: said } = cause as { code?: string; error?: unknown }
    const answer = typeof said === 'string' && /^[a-z_]{1,50}$/.test(said) ? said : ''
    const message = [cause.message, answer].filter(Boolean).join(': ')
    const reason = cause instanceof PortalError ? '' : [message, code && `(${code})`].filter(Boolean).join(' ')
    if (reason !== '' && !reasons.includes(reason)) reasons.push(reason)
  }
  return reasons.join(': ') || (error instanceof Error ? error.message : 'unknown')
}
