import { type Static, Type } from 'typebox'

/** All events of the audit log, as in docs/audit.md. Names are public and never reused. */
export const auditEvents = {
  sign_in: 'a sign-in succeeded or failed',
  sign_up: 'an account was created, or its creation failed',
  sign_out: 'a session ended, by the user or by the identity provider',
  link: 'an existing 3scale user was linked to a sign-in, or linking was refused',
  'terms.accept': 'new terms were accepted',
  'account.update': 'the profile of an account or a user was changed',
  'application.create': 'an application was created',
  'application.update': 'the name or description of an application was changed',
  'application.change_plan': 'the plan of an application was changed',
  'application.request_plan': 'a plan change was requested and requires approval by the operator',
  'application.repair': 'the keys of an application were written to the gateway again',
  'application.delete': 'an application and its keys were deleted',
  'application.test': 'a test request was sent with the credentials of an application',
  'key.reveal': 'credentials were revealed',
  'key.create': 'a key was created',
  'key.rotate': 'a key was replaced, or a second key was created for the rotation',
  'key.delete': 'a key was revoked',
  'key.check': 'the gateway was checked for a revoked key; once per revoked key, in the background',
  'member.invite': 'a person or service was invited',
  'member.join': 'a person or service joined an account',
  'member.change_role': 'the role of a member was changed',
  'member.remove': 'a member or an invitation was removed, or a member left',
  'playground.call': 'a model was called from the playground',
  'reference.call': 'a request was sent from the API reference of a model',
  'policy.violated': 'a policy refused a page; a refused write has the event of that write',
} as const satisfies Record<string, string>

export type AuditName = keyof typeof auditEvents

const Optional = {
  target: Type.Optional(
    Type.Object(
      {
        application: Type.Optional(Type.Integer()),
        key_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{16}$' })),
        model: Type.Optional(Type.String({ maxLength: 255 })),
        member: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
      },
      { additionalProperties: false },
    ),
  ),
  detail: Type.Optional(
    Type.Object(
      {
        plan: Type.Optional(Type.String()),
        plan_before: Type.Optional(Type.String()),
        role: Type.Optional(Type.String()),
        role_before: Type.Optional(Type.String()),
        username_before: Type.Optional(Type.String()),
        client_id: Type.Optional(Type.String()),
        by: Type.Optional(Type.String()),
        result: Type.Optional(
          Type.String({ description: 'of key.check: refused, accepted, or the reason why the result is unknown' }),
        ),
        candidates: Type.Optional(Type.String({ description: '3scale users, as account/user ids' })),
      },
      { additionalProperties: false },
    ),
  ),
}

/** One line of the audit log, without the fields of the logger (`level`, `time`, `pid`, `hostname`, `msg`). */
export const AuditEvent = Type.Object(
  {
    channel: Type.Literal('audit'),
    schema: Type.Literal(1),
    at: Type.String({ description: 'RFC 3339, UTC' }),
    event: Type.Unsafe<AuditName>({ type: 'string', enum: Object.keys(auditEvents) }),
    outcome: Type.Union([Type.Literal('ok'), Type.Literal('refused'), Type.Literal('failed')]),
    status: Type.Optional(Type.Integer({ description: 'of the response; absent in background events' })),
    code: Type.Optional(Type.String({ description: 'error code, as in the README' })),
    policy: Type.Optional(Type.String({ description: 'the violated policy' })),
    source: Type.Union([Type.Literal('page'), Type.Literal('api'), Type.Literal('background')]),
    actor: Type.Object(
      {
        kind: Type.Union([
          Type.Literal('person'),
          Type.Literal('service'),
          Type.Literal('provider'),
          Type.Literal('visitor'),
        ]),
        issuer: Type.Optional(Type.String()),
        subject: Type.Optional(Type.String()),
        username: Type.Optional(Type.String({ description: 'the 3scale user' })),
        role: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),
    account: Type.Union([Type.Integer(), Type.Null()]),
    address: Type.Optional(Type.String({ description: 'of the client; absent in background events' })),
    request_id: Type.Optional(Type.String({ description: 'absent in background events' })),
    ...Optional,
  },
  { $id: 'AuditEvent', additionalProperties: false },
)
export type AuditEvent = Static<typeof AuditEvent>
