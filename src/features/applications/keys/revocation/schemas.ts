import { type Static, Type } from 'typebox'

/** The request that was sent with a revoked key. */
export const RevocationCheckRequest = Type.Object(
  { method: Type.String(), path: Type.String() },
  { $id: 'RevocationCheckRequest', examples: [{ method: 'GET', path: '/v1/models' }] },
)
export type RevocationCheckRequest = Static<typeof RevocationCheckRequest>

/** State of a key after it was replaced or revoked. The check is a sample, not a guarantee for every gateway pod. */
export const RevocationCheck = Type.Object(
  {
    application_id: Type.Integer(),
    key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'the revoked key' }),
    status: Type.Union([Type.Literal('pending'), Type.Literal('completed')], {
      description: '`pending` until the gateway was checked or cannot be checked',
    }),
    removed_at: Type.String({ format: 'date-time' }),
    accepted_until: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description:
        'the time until which the gateway may accept the key; null for a client secret, whose access tokens remain valid until they expire',
    }),
    check_at: Type.String({ format: 'date-time', description: 'when the check is due' }),
    checked_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'null until the check is completed, and if there was none',
    }),
    refused: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'whether the key was rejected when it was last sent; null if unknown',
    }),
    reason: Type.Union(
      [
        Type.Literal('no_response'),
        Type.Literal('inconclusive'),
        Type.Literal('no_safe_request'),
        Type.Literal('model_not_available'),
        Type.Literal('key_in_use'),
        Type.Literal('interrupted'),
        Type.Literal('too_many_checks'),
        Type.Null(),
      ],
      { description: 'why a completed check has no result' },
    ),
    requests: Type.Integer({
      minimum: 0,
      maximum: 3,
      description: 'requests that the check sent with the revoked key; accepted ones count in the usage',
    }),
    request: Type.Union([RevocationCheckRequest, Type.Null()], {
      description:
        'the request of the check, which runs no model; for a client secret it is sent to the token endpoint',
    }),
    note: Type.String({ description: 'the state of the check as text' }),
  },
  {
    $id: 'RevocationCheck',
    examples: [
      {
        application_id: 3001,
        key_id: '7f3a9c0d51e2b846',
        status: 'completed',
        removed_at: '2026-03-01T10:00:00.000Z',
        accepted_until: '2026-03-01T10:01:05.000Z',
        check_at: '2026-03-01T10:01:05.000Z',
        checked_at: '2026-03-01T10:01:06.000Z',
        refused: true,
        reason: null,
        requests: 2,
        request: { method: 'GET', path: '/v1/models' },
        note: 'The gateway rejected the key when it was checked. A gateway pod with the key in its cache may accept one more request per path.',
      },
    ],
  },
)
export type RevocationCheck = Static<typeof RevocationCheck>
