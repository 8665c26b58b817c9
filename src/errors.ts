/**
 * Errors of the portal. Codes are public and never reused. Each message states what happened and what to do; pages and API
 * answer with the same status (RFC 9110). The `type` of an API problem is `urn:maas-portal:problem:<code>`.
 */
const table = {
  bad_request: [400, 'The request could not be read. Check it and send it again.'],
  sign_in_required: [401, 'Sign in to continue.'],
  invalid_token: [401, 'The access token is not valid for this portal. Request a new one and try again.'],
  insufficient_scope: [403, 'The access token lacks a scope that this request requires.'],
  forbidden: [403, 'You do not have permission to do this.'],
  policy_violation: [403, 'A policy of this portal does not allow this.'],
  cross_site: [
    403,
    'This form was submitted from another site. Nothing was changed. Open the page and submit it again.',
  ],
  email_not_verified: [
    403,
    'Your e-mail address is not verified. Verify it with your identity provider, then sign in again.',
  ],
  email_missing: [
    403,
    'Your sign-in profile has no e-mail address. Add one with your identity provider, then sign in again.',
  ],
  email_taken: [403, 'This e-mail address is already in use by another user. Contact support.'],
  email_conflict: [
    409,
    'Several users in 3scale have your e-mail address, so your sign-in could not be linked to an account. Ask the contact of this portal to correct one of them, then sign in again.',
  ],
  join_required: [
    409,
    'You can join an existing account. Send its ID as `join` to join it; GET /api/v1/me shows which account it is.',
  ],
  link_declined: [
    409,
    'The existing user was not linked, and nothing was changed. 3scale accepts each e-mail address only once, so no other account can be created with yours. Ask the contact of this portal to change the address of that user.',
  ],
  duplicate_accounts: [
    409,
    'Your sign-in belongs to several accounts in 3scale that have applications. Nothing was changed. Ask the contact of this portal to remove one of them, then sign in again.',
  ],
  sign_up_closed: [403, 'Sign-up is closed. Ask the contact of this portal for access.'],
  sign_up_refused: [
    403,
    'Your sign-in profile does not meet the conditions for this portal. Ask the contact of this portal for access.',
  ],
  account_pending: [403, 'Your account is waiting for approval.'],
  account_rejected: [403, 'Your account was not approved.'],
  account_suspended: [403, 'Your account is suspended.'],
  not_found: [404, 'This page or resource does not exist, or you do not have access to it.'],
  method_not_allowed: [405, 'This address does not support the request method.'],
  not_acceptable: [406, 'This resource is not available in the requested format.'],
  conflict: [409, 'This was changed in the meantime. Reload it and repeat your change.'],
  result_deleted: [
    409,
    'The result of this Idempotency-Key was deleted or replaced. Nothing was created. Use a new Idempotency-Key to create it again.',
  ],
  precondition_failed: [
    412,
    'This was changed after the ETag in If-Match was read. Nothing was changed by this request. Read it again and repeat your change.',
  ],
  too_large: [413, 'The request body exceeds the limit of 256 KB.'],
  headers_too_large: [
    431,
    'The request headers, including cookies and access token, exceed 64 KB. Delete the cookies of this site, or use an access token with fewer groups, and try again.',
  ],
  unsupported_type: [415, 'This address does not support the content type of the request.'],
  invalid_fields: [422, 'Some fields are not valid. Correct them and try again.'],
  idempotency_key_reused: [
    422,
    'This Idempotency-Key was used with a different body. Use a new key for a new request.',
  ],
  too_many_requests: [429, 'Too many requests. Wait a moment and try again.'],
  sign_in_failed: [400, 'The sign-in failed or has expired. Sign in again.'],
  identity_invalid: [
    400,
    'The identity provider sent an invalid response, so you are not signed in. Try again. If the problem persists, ask the operator of the portal to check the configuration.',
  ],
  clock_skew: [
    400,
    'The clocks of the identity provider and of this portal differ too much, so you are not signed in. Ask the operator of the portal to correct them.',
  ],
  sign_in_too_large: [
    400,
    'Your sign-in profile has more groups and claims than a browser can store. Ask the operator of the portal to configure fewer of them.',
  ],
  sign_in_cancelled: [400, 'The sign-in was cancelled or not allowed by the identity provider. Nothing was changed.'],
  internal: [
    500,
    'An unexpected error occurred. Try again. If the problem persists, contact support and include the request ID.',
  ],
  identity_unavailable: [503, 'The identity provider is not responding. Try again in a minute.'],
  identity_denied: [
    503,
    'The identity provider rejects this portal. Ask the operator of the portal to check its client and secret.',
  ],
  threescale_unavailable: [
    503,
    '3scale is not responding. No data is lost, and it is safe to send the request again in a minute.',
  ],
  key_not_usable: [
    503,
    'The change is stored, but the key does not work yet because the gateway has not received it. Send the same request again, or repair the application.',
  ],
  threescale_busy: [503, '3scale is overloaded. Nothing was changed. Try again in a moment.'],
  threescale_denied: [503, '3scale rejects this portal. Ask the operator of the portal to check its access token.'],
  threescale_scope: [
    503,
    'The access token of this portal does not allow this in 3scale. Ask the operator of the portal to check its scopes.',
  ],
  operator_unreachable: [
    503,
    'Your request could not be sent to the operator. Nothing was changed. Try again in a minute.',
  ],
  gateway_unavailable: [502, 'The model endpoint is not responding. Try again in a minute.'],
} as const satisfies Record<string, readonly [number, string]>

export type ErrorCode = keyof typeof table

/** An account that the caller can join, as the API describes it. */
export interface OpenAccount {
  id: number | null
  name: string
  role: 'admin' | 'member'
  by: 'invitation' | 'claim' | 'link'
  username: string | null
  can_decline: boolean
}

export interface ProblemOptions {
  /** Replaces the message of the table. It is shown and logged, so it must not contain a secret. */
  detail?: string
  /** Messages by field name, for 422. */
  fields?: Record<string, string>
  /** The name of the violated policy, for `policy_violation`. */
  policy?: string
  /** Seconds after which a retry may succeed. */
  retryAfter?: number
  /** The affected application, if the caller can continue with it. */
  application?: number
  /** The account that can be joined, for `join_required`. */
  joiningAccount?: OpenAccount
  /** The affected 3scale users as `account/user` ids. For the log only: never shown to users. */
  candidates?: string
  cause?: unknown
}

export class PortalError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly fields: Record<string, string> | undefined
  readonly policy: string | undefined
  readonly retryAfter: number | undefined
  readonly application: number | undefined
  readonly joiningAccount: OpenAccount | undefined
  readonly candidates: string | undefined

  constructor(code: ErrorCode, options: ProblemOptions = {}) {
    super(options.detail ?? table[code][1], { cause: options.cause })
    this.name = 'PortalError'
    this.code = code
    this.status = table[code][0]
    this.fields = options.fields
    this.policy = options.policy
    this.retryAfter = options.retryAfter
    this.application = options.application
    this.joiningAccount = options.joiningAccount
    this.candidates = options.candidates
  }
}

/** Creates the error; the caller throws it. */
export function problem(code: ErrorCode, options?: ProblemOptions): PortalError {
  return new PortalError(code, options)
}

export function isProblem(error: unknown, ...codes: ErrorCode[]): error is PortalError {
  return error instanceof PortalError && (codes.length === 0 || codes.includes(error.code))
}

export const errorCodes = Object.keys(table) as ErrorCode[]

/** Runs all checks and returns their results. Invalid fields of several checks are thrown together. */
export function runChecks<Results extends unknown[]>(...checks: { [Index in keyof Results]: () => Results[Index] }) {
  const failures: PortalError[] = []
  const results = checks.map((check) => {
    try {
      return check()
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      failures.push(error)
      return undefined
    }
  })
  const [failure, ...others] = failures
  if (!failure) return results as Results
  if (others.length === 0) throw failure
  throw problem('invalid_fields', { fields: Object.assign({}, ...failures.map(({ fields }) => fields)) })
}
