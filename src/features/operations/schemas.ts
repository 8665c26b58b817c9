import { type Static, Type } from 'typebox'
import { OpenAccount } from '../account/schemas.js'

const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()])

/** Problem details (RFC 9457). In the OpenAPI document, `problemSchema` of web/api/openapi describes them. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    errors: Type.Optional(Type.Record(Type.String(), Type.String())),
    policy: Type.Optional(Type.String()),
    application: Type.Optional(Type.Integer()),
    joining_account: Type.Optional(OpenAccount),
    request_id: Type.String(),
  },
  { $id: 'Problem' },
)

/** A request with `Prefer: respond-async`. */
export const AsyncOperation = Type.Object(
  {
    id: Type.String(),
    status: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
    created_at: Type.String({ format: 'date-time' }),
    finished_at: Nullable(Type.String({ format: 'date-time' })),
    location: Nullable(
      Type.String({
        format: 'uri-reference',
        description: 'path of the result; null while the operation is running, after a failure and after a deletion',
      }),
    ),
    problem: Type.Union([Problem, Type.Null()], {
      description: 'for a failed operation: the problem details that a synchronous response would have',
    }),
  },
  {
    $id: 'Operation',
    examples: [
      {
        id: 'q1F0b2Nl5xk0bZr9c3JmUA',
        status: 'succeeded',
        created_at: '2026-03-01T10:00:00Z',
        finished_at: '2026-03-01T10:00:04Z',
        location: '/api/v1/applications/3001',
        problem: null,
      },
    ],
  },
)
export type AsyncOperation = Static<typeof AsyncOperation>

/** Header of requests that can be processed after their response. */
export const Prefer = Type.Object({ prefer: Type.Optional(Type.String({ maxLength: 255 })) })
