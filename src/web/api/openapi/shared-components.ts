import type { OpenApiHeader, OpenApiParameter, OpenApiSchema } from './types.js'

export const problemSchema: OpenApiSchema = {
  title: 'Problem',
  description: 'An error, with what to do about it (RFC 9457).',
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'request_id'],
  properties: {
    type: {
      type: 'string',
      pattern: '^urn:maas-portal:problem:[a-z_]+$',
      format: 'uri',
      description: 'Stable identifier that ends with the error code.',
    },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What happened and what to do.' },
    errors: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'For 422: a message for each invalid field or query parameter.',
    },
    policy: { type: 'string', description: 'For 403: the name of the violated policy.' },
    application: {
      type: 'integer',
      description: 'For `key_not_usable`: the created application, whose key cannot be used yet.',
    },
    joining_account: {
      description: 'For `join_required`: the account that can be joined, as `joining_account` of GET /me.',
      $ref: '#/components/schemas/OpenAccount',
    },
    request_id: { type: 'string', description: 'Include it in a support request.' },
  },
}

export const sharedHeaders: Record<string, OpenApiHeader> = {
  RateLimit: {
    description: 'Remaining requests (r) and seconds until the limit resets (t).',
    schema: { type: 'string', examples: ['"api";r=1180;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit: requests (q) per window of seconds (w).',
    schema: { type: 'string', examples: ['"api";q=1200;w=60'] },
  },
  'Retry-After': {
    description: 'Seconds to wait before a retry.',
    schema: { type: 'integer', minimum: 0, examples: [5] },
  },
  'WWW-Authenticate': {
    description: 'How to authenticate (RFC 6750), with the URL of the resource metadata (RFC 9728).',
    schema: {
      type: 'string',
      examples: [
        'Bearer realm="maas-portal", resource_metadata="https://models.example.com/.well-known/oauth-protected-resource"',
      ],
    },
  },
  'X-Request-Id': {
    description: 'Identifies this request in the log of the portal. Errors have it as `request_id`.',
    schema: { type: 'string', examples: ['3f0c2a9e-5c1b-4e58-9d2f-7a6b1c0d4e21'] },
  },
  ETag: {
    description:
      'Entity tag of the body without credentials. Send it in `If-None-Match` to get 304 if nothing has changed, and in `If-Match` with a change.',
    schema: { type: 'string', examples: ['"c1f0a37b"'] },
  },
  Age: {
    description: 'Seconds since the data was read from 3scale.',
    schema: { type: 'integer', minimum: 0, examples: [12] },
  },
  'Idempotency-Replayed': {
    description:
      '`true` if this request created nothing and the response is the result of an earlier or concurrent request. Absent otherwise.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Preference-Applied': {
    description: '`respond-async`: the request is processed after this response (RFC 7240).',
    schema: { type: 'string', examples: ['respond-async'] },
  },
  Deprecation: {
    description: 'When this operation was deprecated (RFC 9745): `@` and seconds since 1970.',
    schema: { type: 'string', examples: ['@1767225600'] },
  },
  Sunset: {
    description: 'When this operation may be removed (RFC 8594).',
    schema: { type: 'string', examples: ['Wed, 01 Jul 2026 00:00:00 GMT'] },
  },
  Location: {
    description: 'URL of the result, or of the operation that reports it.',
    schema: { type: 'string', examples: ['/api/v1/applications/3001'] },
  },
}

export const sharedParameters: Record<string, OpenApiParameter> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      '1 to 255 visible ASCII characters, for example a UUID. Requests with the same key and body have one result, however often they are sent. The same key with a different body is rejected with 422.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
    example: '6c1f7a52-0d9b-4d0e-8f3a-5b2e9c7d1a44',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    required: false,
    description:
      '`respond-async`: the response is 202, and its `Location` is an operation that reports the result (RFC 7240). Without it, the response is the result.',
    schema: { type: 'string', maxLength: 255 },
    example: 'respond-async',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: false,
    description:
      'One or more ETags with their quotation marks, or `*`. The response is 412 if the application or member was changed since. Weak tags never match. Changes of the catalogue, such as a renamed model, are not compared.',
    // the quotation mark is escaped, because generators copy patterns into source text
    schema: { type: 'string', pattern: '^([*]|(W/)?\\x22[!#-~]*\\x22( *, *(W/)?\\x22[!#-~]*\\x22)*)$' },
    example: '"q8ZkP0vXw3mJt2Lb.c1f0a37bYy4nUe6d"',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description: 'The ETag of an earlier response. The response is 304 if nothing has changed since.',
    schema: { type: 'string' },
    example: '"c1f0a37b"',
  },
}

export function headerRefs(...names: string[]): Record<string, OpenApiHeader> {
  const all = ['RateLimit', 'RateLimit-Policy', 'X-Request-Id', ...names]
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
