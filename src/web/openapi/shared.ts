import type { Header, Parameter, Schema } from './shapes.js'

export const problemSchema: Schema = {
  title: 'Problem',
  description: 'What went wrong (RFC 9457), in words that a person can act on.',
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'request_id'],
  properties: {
    type: {
      type: 'string',
      pattern: '^urn:maas-portal:problem:[a-z_]+$',
      description: 'Stable; ends in a code of the README.',
    },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What to do about it.' },
    errors: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'For 422: field name to sentence.',
    },
    rule: { type: 'string', description: 'For 403: the name of the rule that forbids it.' },
    application: {
      type: 'integer',
      description: 'For `key_not_usable`: the application that is stored and whose key cannot be used yet.',
    },
    joins: {
      description: 'For `join_required`: the account that can be joined, as `joins` of GET /me.',
      $ref: '#/components/schemas/OpenAccount',
    },
    request_id: { type: 'string', description: 'Quote it to support.' },
  },
  additionalProperties: false,
}

export const sharedHeaders: Record<string, Header> = {
  RateLimit: {
    description: 'What is left of the limit, and in how many seconds it starts anew.',
    schema: { type: 'string', examples: ['"api";r=1180;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit: requests (q) in a window of seconds (w).',
    schema: { type: 'string', examples: ['"api";q=1200;w=60'] },
  },
  'Retry-After': {
    description: 'Seconds until it makes sense to try again.',
    schema: { type: 'integer', minimum: 0, examples: [5] },
  },
  'WWW-Authenticate': {
    description: 'How to get in (RFC 6750), with the address of the metadata (RFC 9728).',
    schema: {
      type: 'string',
      examples: [
        'Bearer realm="maas-portal", resource_metadata="https://models.example.com/.well-known/oauth-protected-resource"',
      ],
    },
  },
  ETag: {
    description: 'Send it as If-None-Match to be told when nothing has changed.',
    schema: { type: 'string', examples: ['"c1f0a37b"'] },
  },
  Age: {
    description: 'Seconds since it was read from 3scale.',
    schema: { type: 'integer', minimum: 0, examples: [12] },
  },
  'Preference-Applied': {
    description: 'respond-async: the request is processed after this response (RFC 7240).',
    schema: { type: 'string', examples: ['respond-async'] },
  },
  Location: {
    description: 'Where the result is, or the operation that reports it.',
    schema: { type: 'string', examples: ['/api/v1/applications/3001'] },
  },
}

export const sharedParameters: Record<string, Parameter> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Any text of your own. The same key and body leave one result however often they are sent, also after a lost answer; the same key with another body is 422.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: '6c1f7a52-0d9b-4d0e-8f3a-5b2e9c7d1a44',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    required: false,
    description:
      'respond-async: the response is 202 at once, and its Location is an operation that reports the result (RFC 7240). Without it the response waits for the result.',
    schema: { type: 'string', maxLength: 255 },
    example: 'respond-async',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description: 'An ETag of an earlier answer: 304 where nothing has changed since.',
    schema: { type: 'string' },
    example: '"c1f0a37b"',
  },
}

export function headerRefs(...names: string[]): Record<string, Header> {
  const all = ['RateLimit', 'RateLimit-Policy', ...names]
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
