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
      { description: 'invited: the person or service has not joined yet' },
    ),
    role: Role,
    email: Nullable(Type.String({ description: 'of a person' })),
    client_id: Nullable(Type.String({ description: 'of a service' })),
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
      Type.String({
        maxLength: 255,
        description:
          'invites the service with this client id, which joins by POST /me with `join`; whether the portal knows the client is not reported',
      }),
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
    join: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'Joins this account: `joins.id` of GET /me, or for a service the id of the account that invites it. Nobody joins an existing account without it.',
      }),
    ),
    decline: Type.Optional(
      Type.Boolean({
        description:
          'true: removes the invitation and signs up with an account of your own. A service names the account that invites it as `join`.',
      }),
    ),
  },
  {
    $id: 'SignUp',
    ...strict,
    examples: [{ fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }],
  },
)
export type SignUp = Static<typeof SignUp>

/** As `OpenAccount` in errors.ts. */
export const OpenAccount = Type.Object(
  {
    id: Type.Union([Type.Integer(), Type.Null()], {
      description: 'send it as `join`; null: the account does not exist yet, and this sign-up creates it',
    }),
    name: Type.String({ description: 'the organisation' }),
    role: Role,
    by: Type.Union([Type.Literal('invitation'), Type.Literal('claim'), Type.Literal('link')], {
      description:
        'invitation: an admin of the account invites you; claim: the sign-in service assigns you to it; link: a user of the stock portal has your e-mail address and becomes yours',
    }),
    username: Nullable(Type.String({ description: 'of the user that is linked' })),
    can_decline: Type.Boolean({ description: 'true: `decline` removes it' }),
  },
  {
    $id: 'OpenAccount',
    examples: [
      { id: 504, name: 'Analytical Engines', role: 'member', by: 'invitation', username: null, can_decline: true },
    ],
  },
)
export type OpenAccount = Static<typeof OpenAccount>

export const Me = Type.Object(
  {
    subject: Type.String(),
    signed_up: Type.Boolean(),
    account: Type.Union([Type.Object({ id: Type.Integer(), name: Type.String(), role: Type.String() }), Type.Null()]),
    joins: Type.Union([OpenAccount, Type.Null()], {
      description:
        'before sign-up: the account that you can join, by POST /me with `join`; null: POST /me creates one. Invitations of services are not listed.',
    }),
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
