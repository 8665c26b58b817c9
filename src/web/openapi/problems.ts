import { type ErrorCode, problem } from '../../errors.js'
import { titles } from '../failures.js'
import type { Operation, Response } from './shapes.js'
import { headerRefs } from './shared.js'

interface Kind {
  name: string
  description: string
  /** shown in the example */
  code: ErrorCode
  headers?: string[]
  /** what the example has beside the sentence of the code */
  more?: object
}

const kinds: Record<number, Kind> = {
  400: {
    name: 'BadRequest',
    description: 'The request cannot be read: broken JSON or a malformed header.',
    code: 'bad_request',
  },
  401: {
    name: 'Unauthorized',
    description: 'No access token, or one that is not valid here.',
    code: 'invalid_token',
    headers: ['WWW-Authenticate'],
  },
  403: {
    name: 'Forbidden',
    description: 'The token lacks a scope, you have not signed up, or your role or a rule does not allow it.',
    code: 'rule',
    headers: ['WWW-Authenticate'],
    more: { detail: 'Applications of Granite are made and changed by its operator only.', rule: 'buyers_manage_apps' },
  },
  404: { name: 'NotFound', description: 'Not there, or not yours to see.', code: 'not_found' },
  406: {
    name: 'NotAcceptable',
    description: 'Not available in the form that Accept asks for.',
    code: 'not_acceptable',
  },
  409: {
    name: 'Conflict',
    description: 'The present state does not allow it, or somebody else was first.',
    code: 'conflict',
  },
  413: { name: 'TooLarge', description: 'The body is too large.', code: 'too_large' },
  415: { name: 'UnsupportedType', description: 'The body is not JSON.', code: 'unsupported_type' },
  422: {
    name: 'InvalidFields',
    description: 'Some fields need another value, or an Idempotency-Key came again with another body.',
    code: 'invalid_fields',
    more: { errors: { name: 'This is required.' } },
  },
  429: {
    name: 'TooManyRequests',
    description: 'The limit of requests is reached.',
    code: 'too_many_requests',
    headers: ['Retry-After'],
  },
  500: { name: 'Internal', description: 'Our fault; quote the request_id.', code: 'internal' },
  502: { name: 'BadGateway', description: 'The model endpoint does not answer.', code: 'gateway_unavailable' },
  503: {
    name: 'Unavailable',
    description:
      '3scale or the sign-in service does not answer, or too many requests wait for 3scale (`threescale_busy`). Nothing is lost; it is safe to send this again.',
    code: 'threescale_unavailable',
    headers: ['Retry-After'],
  },
}

/** Every problem as a response that operations point to. */
export function problemResponses(): Record<string, Response> {
  return Object.fromEntries(
    Object.entries(kinds).map(([status, { name, description, code, headers = [], more }]) => {
      const example = {
        type: `urn:maas-portal:problem:${code}`,
        title: titles[Number(status)],
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

/** The problems that an operation can answer: those of every call, those of what it takes, and those its route names. */
export function problemsOf(
  method: string,
  path: string,
  { parameters = [] }: Operation,
  named: number[],
): Record<string, Response> {
  const takesBody = method !== 'get'
  const statuses = new Set([400, 401, 403, 429, 500, 503, ...named])
  if (path.includes('{')) statuses.add(404)
  if (takesBody) for (const status of [409, 413, 415]) statuses.add(status)
  if (takesBody || parameters.some((parameter) => parameter.in === 'query')) statuses.add(422)
  return Object.fromEntries(
    [...statuses].map((status) => [status, { $ref: `#/components/responses/${kinds[status]?.name}` }]),
  )
}
