import { type ErrorCode, problem } from '../../../errors.js'
import { statusTitles } from '../../server/errors/messages.js'
import { headerRefs } from './shared-components.js'
import type { OpenApiResponse } from './types.js'

interface Kind {
  name: string
  description: string
  /** shown in the example */
  code: ErrorCode
  headers?: string[]
  /** members of the example in addition to the message of the code */
  more?: object
}

const kinds: Record<number, Kind> = {
  400: {
    name: 'BadRequest',
    description: 'The request could not be read: invalid JSON or a malformed header.',
    code: 'bad_request',
  },
  401: {
    name: 'Unauthorized',
    description: 'The access token is missing or not valid.',
    code: 'invalid_token',
    headers: ['WWW-Authenticate'],
  },
  403: {
    name: 'Forbidden',
    description:
      'The token lacks a scope, you have not signed up, or your role or a policy does not allow the request.',
    code: 'policy_violation',
    headers: ['WWW-Authenticate'],
    more: { detail: 'Only the operator can create and change applications of Granite.', policy: 'buyers_manage_apps' },
  },
  404: {
    name: 'NotFound',
    description: 'The resource does not exist, or you do not have access to it.',
    code: 'not_found',
  },
  406: {
    name: 'NotAcceptable',
    description: 'Not available in a format that `Accept` lists.',
    code: 'not_acceptable',
  },
  409: {
    name: 'Conflict',
    description:
      'The current state does not allow the request, a concurrent request was faster, or the result of the Idempotency-Key was deleted.',
    code: 'conflict',
  },
  412: {
    name: 'PreconditionFailed',
    description: 'The resource was changed after the ETag in `If-Match` was read. This request changed nothing.',
    code: 'precondition_failed',
  },
  413: { name: 'TooLarge', description: 'The body is too large.', code: 'too_large' },
  415: { name: 'UnsupportedType', description: 'The body is not JSON.', code: 'unsupported_type' },
  422: {
    name: 'InvalidFields',
    description: 'Fields or query parameters are not valid, or the Idempotency-Key was used with a different body.',
    code: 'invalid_fields',
    more: { errors: { name: 'This is required.' } },
  },
  429: {
    name: 'TooManyRequests',
    description: 'The rate limit is exceeded.',
    code: 'too_many_requests',
    headers: ['Retry-After'],
  },
  500: {
    name: 'Internal',
    description: 'An error of the portal. Include the `request_id` in a support request.',
    code: 'internal',
  },
  502: { name: 'BadGateway', description: 'The model endpoint is not responding.', code: 'gateway_unavailable' },
  503: {
    name: 'Unavailable',
    description:
      '3scale or the identity provider is not responding, or too many requests are queued for 3scale (`threescale_busy`). Repeat the request after `Retry-After`; use the same Idempotency-Key for a POST.',
    code: 'threescale_unavailable',
    headers: ['Retry-After'],
  },
}

/** Problem responses, which operations reference. */
export function problemResponses(): Record<string, OpenApiResponse> {
  return Object.fromEntries(
    Object.entries(kinds).map(([status, { name, description, code, headers = [], more }]) => {
      const example = {
        type: `urn:maas-portal:problem:${code}`,
        title: statusTitles[Number(status)],
        status: Number(status),
        detail: problem(code).message,
        ...more,
        request_id: '3f0c2a9e-5c1b-4e58-9d2f-7a6b1c0d4e21',
      }
      const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } }
      return [name, { description, headers: headerRefs(...headers), content }]
    }),
  )
}

/** The problems of an operation: those of every operation, those of its parameters and body, and those that its route lists. */
export function problemsOf(method: string, path: string, named: number[]): Record<string, OpenApiResponse> {
  const hasBody = method !== 'get'
  // operations without parameters return 422 for every parameter
  const statuses = new Set([400, 401, 403, 422, 429, 500, 503, ...named])
  if (path.includes('{')) statuses.add(404)
  if (hasBody) for (const status of [409, 413, 415]) statuses.add(status)
  return Object.fromEntries(
    [...statuses].map((status) => [status, { $ref: `#/components/responses/${kinds[status]?.name}` }]),
  )
}
