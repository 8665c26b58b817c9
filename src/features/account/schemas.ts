import { type Static, Type } from 'typebox'
import { readOnlyProperties } from '../../web/api/validation/read-only-fields.js'

const strict = { additionalProperties: false } as const
const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()])

export const Role = Type.Union([Type.Literal('admin'), Type.Literal('member')], {
  description: 'Admins also manage the members of the account.',
})

export const Account = Type.Object(
  { id: Type.Integer(), name: Type.String({ description: 'The organisation.' }), role: Role },
  { $id: 'Account', examples: [{ id: 501, name: 'Analytical Engines', role: 'admin' }] },
)

export const Member = Type.Object(
  {
    id: Type.Integer(),
    kind: Type.Union([Type.Literal('person'), Type.Literal('service')]),
    state: Type.Union(
      [Type.Literal('invited'), Type.Literal('pending'), Type.Literal('active'), Type.Literal('suspended')],
      { description: '`invited`: the person or service has not joined yet.' },
    ),
    role: Role,
    email: Nullable(Type.String({ format: 'email', description: 'For a person.' })),
    client_id: Nullable(Type.String({ description: 'For a service.' })),
    you: Type.Boolean(),
    created_at: Nullable(Type.String({ format: 'date-time' })),
    claimed_organisation: Nullable(
      Type.String({
        description:
          'For admins: the organisation that the identity provider last assigned to this person, if it is another one. The person remains a member of this account.',
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
        claimed_organisation: null,
      },
    ],
  },
)
export type Member = Static<typeof Member>

export const NewMember = Type.Object(
  {
    email: Type.Optional(
      Type.String({ maxLength: 255, description: 'Invites the person with this verified address.' }),
    ),
    client_id: Type.Optional(
      Type.String({
        maxLength: 255,
        description:
          'Invites the service with this client ID. To join, it sends POST /me with `join`. The response does not reveal whether the portal knows the client.',
      }),
    ),
    role: Role,
  },
  {
    $id: 'MemberInput',
    ...strict,
    description: 'Either `email` or `client_id`.',
    examples: [{ email: 'grace@example.com', role: 'member' }],
  },
)
export type NewMember = Static<typeof NewMember>

const { role: _role, ...unchangeable } = Member.properties
const asRead = readOnlyProperties(unchangeable)

/** Body of PATCH /api/v1/members/{id}: a JSON merge patch (RFC 7396) of the member as it was read. */
export const MemberChange = Type.Object(
  { role: Type.Optional(Role), ...asRead },
  {
    $id: 'MemberChange',
    ...strict,
    minProperties: 1,
    description: 'A JSON merge patch (RFC 7396). Read-only members are accepted if unchanged.',
    examples: [{ role: 'admin' }],
  },
)
export type MemberChange = Static<typeof MemberChange>

/** Body of PUT /api/v1/members/{id}. */
export const MemberReplacement = Type.Object(
  { role: Role, ...asRead },
  {
    $id: 'MemberReplacement',
    ...strict,
    description: 'The role is the only writable member. Read-only members are accepted if unchanged.',
    examples: [{ role: 'admin' }],
  },
)
export type MemberReplacement = Static<typeof MemberReplacement>

export const SignUp = Type.Object(
  {
    fields: Type.Optional(
      Type.Record(Type.String({ maxLength: 255 }), Type.String({ maxLength: 1000 }), {
        description: 'Values by field name; GET /me lists the fields.',
        examples: [{ department: 'Research', job_title: 'Scientist' }],
      }),
    ),
    accept_terms: Type.Optional(
      Type.String({ maxLength: 100, description: 'The version of the terms that GET /me returns.' }),
    ),
    join: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'The account to join: `joining_account.id` of GET /me, or for a service the ID of the account that invites it. Required to join an existing account.',
      }),
    ),
    decline: Type.Optional(
      Type.Boolean({
        description:
          'true: removes the invitation and signs up with your own account. A service also sends the ID of the inviting account as `join`.',
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
      description: 'Send it as `join`. null: this sign-up creates the account.',
    }),
    name: Type.String({ description: 'The organisation.' }),
    role: Role,
    by: Type.Union([Type.Literal('invitation'), Type.Literal('claim'), Type.Literal('link')], {
      description:
        '`invitation`: an admin of the account invites you. `claim`: your identity provider assigns you to it. `link`: an existing 3scale user with your e-mail address is linked to your sign-in.',
    }),
    username: Nullable(Type.String({ description: 'Username of the user that is linked.' })),
    can_decline: Type.Boolean({ description: 'true: `decline` removes the invitation.' }),
  },
  {
    $id: 'OpenAccount',
    examples: [
      { id: 504, name: 'Analytical Engines', role: 'member', by: 'invitation', username: null, can_decline: true },
    ],
  },
)

export const RequiredField = Type.Object(
  {
    name: Type.String(),
    target: Type.Union([Type.Literal('account'), Type.Literal('user')], {
      description: 'Where account and user have a field of the same name, send `TARGET.NAME`.',
    }),
    label: Type.String(),
    choices: Type.Array(Type.String(), { description: 'Accepted values; empty if any text is accepted.' }),
  },
  {
    $id: 'RequiredField',
    examples: [{ name: 'department', target: 'account', label: 'Department', choices: ['Research', 'Sales'] }],
  },
)
export type RequiredField = Static<typeof RequiredField>

export const Terms = Type.Object(
  {
    version: Type.String({ description: 'Send it as `accept_terms`.' }),
    url: Type.String({ format: 'uri-reference', description: 'The page of the terms; may be relative to the portal.' }),
  },
  { $id: 'Terms', examples: [{ version: '2026-01', url: '/terms' }] },
)
export type Terms = Static<typeof Terms>

/** Required by a sign-up. */
export const Requirements = Type.Object(
  {
    fields: Type.Array(RequiredField),
    terms: Type.Union([Terms, Type.Null()], { description: 'null: there are no terms to accept.' }),
  },
  { $id: 'Requirements' },
)
export type Requirements = Static<typeof Requirements>

export const Me = Type.Object(
  {
    subject: Type.String({ description: '`sub` of the access token.' }),
    signed_up: Type.Boolean(),
    account: Type.Union([Account, Type.Null()], { description: 'null before sign-up.' }),
    joining_account: Type.Union([OpenAccount, Type.Null()], {
      description:
        'Before sign-up: the account that you can join by POST /me with `join`. null: POST /me creates an account. Invitations of services are not listed.',
    }),
    required: Requirements,
  },
  { $id: 'Me' },
)
export type Me = Static<typeof Me>
