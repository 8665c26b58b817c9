import { type Static, Type } from 'typebox'
import { Credentials } from '../models/schemas.js'

/** Of a description, for people to read at a glance; 3scale's column holds 65,535 bytes. */
export const DESCRIPTION_CHARACTERS = 4000
/** Of an extra field that is a text. */
export const FIELD_CHARACTERS = 2000

/** An application as its owner sees it. Secrets are there only in answers to POST and when asked with `reveal=true`. */
export const Application = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    description: Type.String({ description: 'empty where the tenant hides it' }),
    state: Type.Union([
      Type.Literal('pending'),
      Type.Literal('live'),
      Type.Literal('suspended'),
      Type.Literal('deprecated'),
    ]),
    model: Type.String({ description: 'system_name' }),
    model_name: Type.String(),
    plan: Type.String({ description: 'system_name' }),
    plan_name: Type.String(),
    base_url: Type.Union([Type.String(), Type.Null()]),
    model_id: Type.Union([Type.String(), Type.Null()]),
    created_at: Type.String({ format: 'date-time' }),
    repair_needed: Type.Boolean({
      description:
        'true: a change is stored, and the gateway does not know it yet, so it may refuse the key; `POST /applications/{id}/repair` writes it again',
    }),
    fields: Type.Record(Type.String(), Type.String(), {
      description: 'what the tenant adds and does not hide; empty for a model that is not offered at the moment',
    }),
    credentials: Type.Intersect([
      Credentials,
      Type.Object({
        user_key: Type.Optional(Type.String()),
        app_id: Type.Optional(Type.String()),
        app_keys: Type.Optional(Type.Array(Type.String())),
        client_id: Type.Optional(Type.String()),
        client_secret: Type.Optional(Type.String()),
        token_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    ]),
  },
  {
    $id: 'Application',
    examples: [
      {
        id: 3001,
        name: 'Chat bot',
        description: 'Answers questions about travel.',
        state: 'live',
        model: 'granite-chat',
        model_name: 'Granite 3.3 8B Instruct',
        plan: 'basic',
        plan_name: 'Basic',
        base_url: 'https://granite.gateway.example.com/v1',
        model_id: 'ibm-granite/granite-3.3-8b-instruct',
        repair_needed: false,
        fields: { purpose: 'Experiment' },
      },
    ],
  },
)
export type Application = Static<typeof Application>

/** Body of POST /api/v1/applications and of the form at /applications/new (which adds `attempt`). */
export const NewApplication = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 255 }),
    plan: Type.Optional(
      Type.String({ maxLength: 255, description: 'system_name; required where the model says `plan_required`' }),
    ),
    name: Type.String({ minLength: 1, maxLength: 255 }),
    description: Type.Optional(
      Type.String({
        maxLength: DESCRIPTION_CHARACTERS,
        description: 'required where `application_attributes` of the model says so',
      }),
    ),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: FIELD_CHARACTERS }), {
        description: 'by name; `application_fields` of the model says which there are, and which are required',
      }),
    ),
  },
  {
    $id: 'NewApplication',
    additionalProperties: false,
    examples: [{ model: 'granite-chat', plan: 'basic', name: 'Chat bot', fields: { purpose: 'Experiment' } }],
  },
)
export type NewApplication = Static<typeof NewApplication>

export const ApplicationChange = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    description: Type.Optional(Type.String({ maxLength: DESCRIPTION_CHARACTERS })),
    plan: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'system_name; 202 where the operator decides' }),
    ),
  },
  {
    $id: 'ApplicationChange',
    additionalProperties: false,
    minProperties: 1,
    examples: [{ name: 'Chat bot for travel', description: 'Answers questions about travel.' }],
  },
)
export type ApplicationChange = Static<typeof ApplicationChange>

/** A key without its value, which is there only in answers to POST and when asked with `reveal=true`. */
export const Key = Type.Object(
  {
    key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'names the key without telling it' }),
    made_on: Type.Union([Type.String({ format: 'date' }), Type.Null()], {
      description: 'the day, as a portal-made key says itself; null for others',
    }),
    created_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'as 3scale says; null where it does not',
    }),
    value: Type.Optional(Type.String()),
  },
  {
    $id: 'Key',
    examples: [{ key_id: '7f3a9c0d51e2b846', made_on: '2026-03-01', created_at: '2026-03-01T10:00:00Z' }],
  },
)
export type Key = Static<typeof Key>

/** Body of POST …/keys and …/rotate. */
export const NewKey = Type.Object(
  {
    value: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'your own value; left out, the portal makes one' }),
    ),
  },
  { $id: 'NewKey', additionalProperties: false, examples: [{}] },
)
export type NewKey = Static<typeof NewKey>

/** What is known of a key after it was replaced or removed. The check is a sample, not a proof for every gateway pod. */
export const Receipt = Type.Object(
  {
    application_id: Type.Integer(),
    key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'the removed key' }),
    status: Type.Union([Type.Literal('pending'), Type.Literal('completed')], {
      description: '`pending` until the gateway was checked, or it is known that it will not be',
    }),
    removed_at: Type.String({ format: 'date-time' }),
    accepted_until: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description:
        'until when the key may still be accepted; null for a client secret, whose access tokens remain valid until they expire',
    }),
    check_at: Type.String({ format: 'date-time', description: 'when the check is due' }),
    checked_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'null until the check is completed, and where there was none',
    }),
    refused: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'whether the key was refused when it was last sent; null: not known',
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
      { description: 'why a completed receipt has no result' },
    ),
    requests: Type.Integer({
      minimum: 0,
      maximum: 3,
      description: 'requests that the check sent with the removed key; those that were accepted count in the usage',
    }),
    request: Type.Union([Type.Object({ method: Type.String(), path: Type.String() }), Type.Null()], {
      description: 'the request of the check, which runs no model; for a client secret it is to the token endpoint',
    }),
    note: Type.String({ description: 'the state of the receipt in sentences' }),
  },
  {
    $id: 'Receipt',
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
        note: 'The gateway refused it when this was checked. A gateway pod that has the key in its cache may accept one more request per path before it refuses it.',
      },
    ],
  },
)
export type Receipt = Static<typeof Receipt>

/** The application with its credentials as they are now, and what happened to the key. */
export const Rotation = Type.Intersect(
  [
    Application,
    Type.Object({
      key: Key,
      still_valid: Type.Array(Type.String(), {
        description: '`key_id` of older keys, which go on working until they are retired',
      }),
      receipt: Type.Union([Receipt, Type.Null()], { description: 'of the key that was replaced, where one was' }),
    }),
  ],
  { $id: 'Rotation' },
)
export type Rotation = Static<typeof Rotation>
