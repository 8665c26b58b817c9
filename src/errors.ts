/**
 * Every error raised on purpose. A code is public and never reused; the sentence says what the reader can do; the status
 * is what pages and API answer alike (RFC 9110). `type` of an API problem is `urn:maas-portal:problem:<code>`.
 */
const table = {
  bad_request: [400, 'The request cannot be read. Check it and send it again.'],
  sign_in_required: [401, 'Sign in to go on.'],
  invalid_token: [401, 'The access token is not valid here. Get a new one and send it again.'],
  insufficient_scope: [403, 'The access token lacks a scope that this call needs.'],
  forbidden: [403, 'You may not do this.'],
  rule: [403, 'A rule of this portal does not allow this.'],
  cross_site: [403, 'This form was sent from another site, so nothing was done. Open the page here and send it again.'],
  email_not_verified: [
    403,
    'The sign-in service says that your e-mail address is not verified. Verify it there, then sign in again.',
  ],
  email_missing: [
    403,
    'Your sign-in profile has no e-mail address. Add one in the sign-in service, then sign in again.',
  ],
  email_taken: [403, 'This e-mail address already belongs to another person here. Contact support.'],
  email_conflict: [
    409,
    'More than one user in 3scale has your e-mail address, in the same or another spelling, so your sign-in was not linked to an account. Ask the contact of this portal to correct one of them, then sign in again.',
  ],
  join_required: [
    409,
    'You can join an existing account. Send its id as `join` to join it; GET /api/v1/me shows which account it is.',
  ],
  link_declined: [
    409,
    'The existing user was not linked, and nothing was changed. 3scale accepts an e-mail address only once, so no other account can be created with yours. Ask the contact of this portal to change the address of that user.',
  ],
  account_doubled: [
    409,
    'Your sign-in belongs to more than one account in 3scale, and more than one of them holds applications. Nothing was changed. Ask the contact of this portal to remove one of them, then sign in again.',
  ],
  sign_up_closed: [403, 'Sign-up is closed. Ask the contact of this portal for access.'],
  sign_up_refused: [
    403,
    'Your sign-in profile does not meet the conditions for this portal. Ask its contact for access.',
  ],
  account_pending: [403, 'Your account is waiting for approval.'],
  account_rejected: [403, 'Your account was not approved.'],
  account_suspended: [403, 'Your account is suspended.'],
  not_found: [404, 'There is nothing here, or it is not yours to see.'],
  not_acceptable: [406, 'This cannot be given in the form you asked for.'],
  conflict: [409, 'This was changed in the meantime. Load it again and repeat the change.'],
  too_large: [413, 'What you sent is too large.'],
  headers_too_large: [
    431,
    'The headers of this request, cookies and access token included, are larger than 64 KB. Delete the cookies of this site in your browser, or get an access token with fewer groups, and try again.',
  ],
  unsupported_type: [415, 'This address does not take that kind of content.'],
  invalid_fields: [422, 'Some fields need another value.'],
  attempt_reused: [422, 'This Idempotency-Key was used with another body. Use a new key for a new request.'],
  too_many_requests: [429, 'Too many requests. Wait a moment and try again.'],
  sign_in_failed: [400, 'This sign-in did not work or is no longer valid. Start again.'],
  identity_invalid: [
    400,
    'The sign-in service sent a response that this portal cannot accept, so you are not signed in. Start again. If this happens again, the operator of the portal must check the configuration.',
  ],
  clocks_differ: [
    400,
    'The clocks of the sign-in service and of this portal differ too much, so you are not signed in. Their operators must correct them.',
  ],
  sign_in_too_large: [
    400,
    'Your sign-in profile has more groups and claims for this portal than a browser can store. The operator of the portal can configure fewer of them.',
  ],
  sign_in_cancelled: [400, 'The sign-in was cancelled, or the sign-in service did not allow it. Nothing was changed.'],
  internal: [500, 'Something went wrong on our side. Try again; if it stays, tell support the reference below.'],
  identity_unavailable: [503, 'The sign-in service does not answer. Try again in a minute.'],
  identity_denied: [
    503,
    'The sign-in service does not accept this portal. Its operator must check the client and its secret.',
  ],
  threescale_unavailable: [
    503,
    'The API management service does not answer. Nothing is lost; it is safe to send this again.',
  ],
  key_not_usable: [
    503,
    'The change is stored, but the gateway does not know it yet, so the key cannot be used. Send the same request again, or repair the application.',
  ],
  threescale_busy: [
    503,
    'The API management service has more to do than it can at the moment. Nothing was changed; try again in a moment.',
  ],
  threescale_denied: [
    503,
    'The portal may not use the API management service. Its operator must check the access token.',
  ],
  threescale_scope: [
    503,
    'The portal may not do this in the API management service. Its operator must check what the access token allows.',
  ],
  operator_unreachable: [
    503,
    'Your request could not be passed on to the operator. Nothing was changed; try again in a minute.',
  ],
  gateway_unavailable: [502, 'The model endpoint does not answer.'],
} as const satisfies Record<string, readonly [number, string]>

export type ErrorCode = keyof typeof table

/** An account that somebody can join, as the API describes it. */
export interface OpenAccount {
  id: number | null
  name: string
  role: 'admin' | 'member'
  by: 'invitation' | 'claim' | 'link'
  username: string | null
  can_decline: boolean
}

export interface ProblemOptions {
  /** Replaces the table's sentence where the case knows more. Never holds a secret: it is shown and logged. */
  detail?: string
  /** field name -> sentence, for 422 */
  fields?: Record<string, string>
  /** name of the rule that refused, for code `rule` */
  rule?: string
  /** seconds until it makes sense to try again */
  retryAfter?: number
  /** the application that it is about, where somebody may go on with it */
  application?: number
  /** the account that can be joined, for code `join_required` */
  joins?: OpenAccount
  /** for the operator: the 3scale users it is about, as `account/user` ids; never shown to people */
  candidates?: string
  cause?: unknown
}

export class PortalError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly fields: Record<string, string> | undefined
  readonly rule: string | undefined
  readonly retryAfter: number | undefined
  readonly application: number | undefined
  readonly joins: OpenAccount | undefined
  readonly candidates: string | undefined

  constructor(code: ErrorCode, options: ProblemOptions = {}) {
    super(options.detail ?? table[code][1], { cause: options.cause })
    this.name = 'PortalError'
    this.code = code
    this.status = table[code][0]
    this.fields = options.fields
    this.rule = options.rule
    this.retryAfter = options.retryAfter
    this.application = options.application
    this.joins = options.joins
    this.candidates = options.candidates
  }
}

/** Makes the error of that code; throw it. */
export function problem(code: ErrorCode, options?: ProblemOptions): PortalError {
  return new PortalError(code, options)
}

export function isProblem(error: unknown, ...codes: ErrorCode[]): error is PortalError {
  return error instanceof PortalError && (codes.length === 0 || codes.includes(error.code))
}

export const errorCodes = Object.keys(table) as ErrorCode[]
