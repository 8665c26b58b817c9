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
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return clocksDiffer(error)
  return problem(silent(error, code) ? 'identity_unavailable' : 'sign_in_failed', { cause: error })
}

export function clocksDiffer(cause?: unknown): PortalError {
  return problem('sign_in_failed', {
    detail: 'The clocks of the sign-in service and of this portal differ too much. Their operators must correct them.',
    cause,
  })
}

/** The browser came back with `error=` instead of a code. */
function answered(error: AuthorizationResponseError): PortalError {
  const expired = error.error_description?.includes('expired')
  if (error.error === 'access_denied') return problem('sign_in_cancelled')
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

/** The reason for the log: a code or a message, never a token or an address with a query. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const cause = error.cause as { code?: string; message?: string } | undefined
  return cause?.code ?? cause?.message ?? error.message
}
