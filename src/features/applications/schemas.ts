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

/** What was asked on one path with a key that was taken out of use. */
export const ReceiptPath = Type.Object(
  {
    method: Type.String(),
    path: Type.String({ description: 'as the gateway maps it' }),
    asked: Type.String({ description: 'the address that was asked, without its query; no model is run by it' }),
    calls: Type.Integer({ description: 'with the old key, each on a connection of its own' }),
    let_through: Type.Integer({ description: 'how many of them the gateway still let through' }),
    refused_in_a_row: Type.Integer({ description: 'refusals at the end, one after the other' }),
    seconds: Type.Number(),
    refused: Type.Boolean({ description: 'true: refused five times running' }),
  },
  {
    $id: 'ReceiptPath',
    examples: [
      {
        method: 'POST',
        path: '/v1/chat/completions',
        asked: '/v1/chat/completions/maas-portal-probe',
        calls: 7,
        let_through: 2,
        refused_in_a_row: 5,
        seconds: 0.6,
        refused: true,
      },
    ],
  },
)
export type ReceiptPath = Static<typeof ReceiptPath>

/** What could be seen of a key after it was replaced or retired. It is a sample, not a proof for every gateway pod. */
export const Receipt = Type.Object(
  {
    key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'the old key' }),
    at: Type.String({ format: 'date-time' }),
    seconds: Type.Number(),
    paths: Type.Array(ReceiptPath),
    not_probed: Type.Array(Type.Object({ method: Type.String(), path: Type.String(), why: Type.String() })),
    note: Type.String(),
  },
  {
    $id: 'Receipt',
    examples: [
      {
        key_id: '7f3a9c0d51e2b846',
        seconds: 0.7,
        not_probed: [
          { method: 'POST', path: '/predict', why: 'Only a real call would tell, and that could run the model.' },
        ],
        note: 'Each gateway pod keeps its own memory of keys that worked.',
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
