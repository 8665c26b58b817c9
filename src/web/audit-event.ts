import { type Static, Type } from 'typebox'

/** Every event of the audit log; docs/audit.md says the same to operators. A name is public and never reused. */
export const auditEvents = {
  sign_in: 'somebody signed in, or could not',
  sign_up: 'an account was made, or could not be',
  sign_out: 'a session was ended, here or by the sign-in service',
  link: 'a person of the stock portal was linked to a sign-in, or the link was refused',
  'terms.accept': 'terms were accepted again',
  'account.update': 'the facts of an account or a person were changed',
  'application.create': 'an application was made',
  'application.update': 'an application was renamed or described',
  'application.change_plan': 'the plan of an application was changed',
  'application.request_plan': 'another plan was asked for; the operator decides',
  'application.repair': 'the keys of an application were written to the gateway again',
  'application.delete': 'an application was deleted with its keys',
  'application.test': 'a call was made with the credentials of an application',
  'key.reveal': 'credentials were shown',
  'key.create': 'a key was added',
  'key.rotate': 'a key was replaced, or a new one put beside it',
  'key.delete': 'a key was retired',
  'key.check': 'the gateway was checked for a removed key; written in the background, once for each removed key',
  'member.invite': 'a person or a service was invited',
  'member.join': 'somebody joined an account',
  'member.change_role': 'the role of a member was changed',
  'member.remove': 'a member or an invitation was removed, or a member left',
  'playground.call': 'a model was called from the playground',
  'reference.call': 'a call was sent from the API reference of a model',
  'rule.refused': 'a page was refused by a rule; a refused write is the event of that write',
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
        result: Type.Optional(Type.String({ description: 'of key.check: refused, accepted, or why it is not known' })),
        candidates: Type.Optional(Type.String({ description: '3scale users, as account/user ids' })),
      },
      { additionalProperties: false },
    ),
  ),
}

/** One line of the audit log, without what the logger itself adds (`level`, `time`, `pid`, `hostname`, `msg`). */
export const AuditEvent = Type.Object(
  {
    channel: Type.Literal('audit'),
    schema: Type.Literal(1),
    at: Type.String({ description: 'RFC 3339, UTC' }),
    event: Type.Unsafe<AuditName>({ type: 'string', enum: Object.keys(auditEvents) }),
    outcome: Type.Union([Type.Literal('ok'), Type.Literal('refused'), Type.Literal('failed')]),
    status: Type.Optional(Type.Integer({ description: 'of the response; missing in events of the background' })),
    code: Type.Optional(Type.String({ description: 'error code, as in the README' })),
    rule: Type.Optional(Type.String({ description: 'the rule that refused' })),
    door: Type.Union([Type.Literal('page'), Type.Literal('api'), Type.Literal('background')]),
    who: Type.Object(
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
    address: Type.Optional(Type.String({ description: 'of the caller; missing in events of the background' })),
    request_id: Type.Optional(Type.String({ description: 'missing in events of the background' })),
    ...Optional,
  },
  { $id: 'AuditEvent', additionalProperties: false },
)
export type AuditEvent = Static<typeof AuditEvent>
