import { type Static, Type } from 'typebox'
import { OpenAccount } from '../account/schemas.js'

const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()])

/** A request with `Prefer: respond-async`. */
export const Operation = Type.Object(
  {
    id: Type.String(),
    status: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
    created_at: Type.String({ format: 'date-time' }),
    finished_at: Nullable(Type.String({ format: 'date-time' })),
    location: Nullable(
      Type.String({ description: 'path of the result; null while there is none, and after a deletion' }),
    ),
    problem: Type.Union(
      [
        Type.Object({
          type: Type.String(),
          title: Type.String(),
          status: Type.Integer(),
          detail: Type.String(),
          errors: Type.Optional(Type.Record(Type.String(), Type.String())),
          rule: Type.Optional(Type.String()),
          joins: Type.Optional(OpenAccount),
          request_id: Type.String(),
        }),
        Type.Null(),
      ],
      { description: 'of a failed operation: the problem that the response would have been' },
    ),
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
export type Operation = Static<typeof Operation>

/** Header of requests that can be processed after their response. */
export const Prefer = Type.Object({ prefer: Type.Optional(Type.String({ maxLength: 255 })) })
