import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false } as const
const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()])

export const Role = Type.Union([Type.Literal('admin'), Type.Literal('member')], {
  description: 'admins also manage the people and services of the account',
})

export const Member = Type.Object(
  {
    id: Type.Integer(),
    kind: Type.Union([Type.Literal('person'), Type.Literal('service')]),
    state: Type.Union(
      [Type.Literal('invited'), Type.Literal('pending'), Type.Literal('active'), Type.Literal('suspended')],
      { description: 'invited: nobody has signed in yet with that verified address' },
    ),
    role: Role,
    email: Nullable(Type.String({ description: 'of a person' })),
    client_id: Nullable(Type.String({ description: 'of a service that the portal lists' })),
    you: Type.Boolean(),
    created_at: Nullable(Type.String({ format: 'date-time' })),
    claim_elsewhere: Nullable(
      Type.String({
        description: 'for admins: the sign-in service said this last, which is another account; it moves nobody',
      }),
    ),
  },
  {
    $id: 'Member',
    examples: [
      {
        id: 901,
        kind: 'person',
        state: 'active',
        role: 'admin',
        email: 'ada@example.com',
        client_id: null,
        you: true,
        created_at: '2026-03-01T10:00:00Z',
        claim_elsewhere: null,
      },
    ],
  },
)
export type Member = Static<typeof Member>

export const NewMember = Type.Object(
  {
    email: Type.Optional(Type.String({ maxLength: 255, description: 'invites the person with this verified address' })),
    client_id: Type.Optional(
      Type.String({ maxLength: 255, description: 'adds this service at once; the portal must list it' }),
    ),
    role: Role,
  },
  {
    $id: 'NewMember',
    ...strict,
    description: 'Either `email` or `client_id`.',
    examples: [{ email: 'grace@example.com', role: 'member' }],
  },
)
export type NewMember = Static<typeof NewMember>

export const MemberChange = Type.Object(
  { role: Role },
  { $id: 'MemberChange', ...strict, examples: [{ role: 'admin' }] },
)
export type MemberChange = Static<typeof MemberChange>

export const SignUp = Type.Object(
  {
    fields: Type.Optional(
      Type.Record(Type.String({ maxLength: 255 }), Type.String({ maxLength: 1000 }), {
        description: 'name: value; GET /me says which',
        examples: [{ department: 'Research', job_title: 'Scientist' }],
      }),
    ),
    accept_terms: Type.Optional(Type.String({ maxLength: 100, description: 'the version that GET /me names' })),
  },
  {
    $id: 'SignUp',
    ...strict,
    examples: [{ fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }],
  },
)
export type SignUp = Static<typeof SignUp>

export const Me = Type.Object(
  {
    subject: Type.String(),
    signed_up: Type.Boolean(),
    account: Type.Union([Type.Object({ id: Type.Integer(), name: Type.String(), role: Type.String() }), Type.Null()]),
    joins: Type.Union(
      [
        Type.Object({
          name: Type.String(),
          role: Role,
          by: Type.Union([Type.Literal('invitation'), Type.Literal('claim')]),
        }),
        Type.Null(),
      ],
      { description: 'the account of others that POST /me joins; null: it makes one' },
    ),
    required: Type.Object({
      fields: Type.Array(
        Type.Object({
          name: Type.String(),
          target: Type.String(),
          label: Type.String(),
          choices: Type.Array(Type.String()),
        }),
      ),
      terms: Type.Union([Type.Object({ version: Type.String(), url: Type.String() }), Type.Null()]),
    }),
  },
  { $id: 'Me' },
)
export type Me = Static<typeof Me>
