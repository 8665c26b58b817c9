import { type Static, Type } from 'typebox'
import { Credentials } from '../models/schemas.js'
import { RevocationCheck } from './keys/revocation/schemas.js'

export { RevocationCheck }

/** Limit of the portal for a description; 3scale's column stores 65,535 bytes. */
export const DESCRIPTION_CHARACTERS = 4000
/** Limit of the portal for the text of a custom field. */
export const FIELD_CHARACTERS = 2000

/** Credentials of an application; the mode determines which secrets it has. */
export const ApplicationCredentials = Type.Object(
  {
    ...Credentials.properties,
    user_key: Type.Optional(Type.String({ description: 'mode `user_key`' })),
    app_id: Type.Optional(Type.String({ description: 'mode `app_id`' })),
    app_keys: Type.Optional(Type.Array(Type.String(), { description: 'mode `app_id`' })),
    client_id: Type.Optional(Type.String({ description: 'mode `oidc`' })),
    client_secret: Type.Optional(Type.String({ description: 'mode `oidc`' })),
    token_url: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'mode `oidc`; null if unknown' })),
  },
  {
    $id: 'ApplicationCredentials',
    description: 'Secrets are returned when they are created, and with `reveal=true`.',
    examples: [
      {
        mode: 'user_key',
        location: 'authorization',
        names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' },
      },
    ],
  },
)
export type ApplicationCredentials = Static<typeof ApplicationCredentials>

const example = {
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
  repair_required: false,
  fields: { purpose: 'Experiment' },
}

/** An application as its owner sees it. Secrets are included only in responses to POST and with `reveal=true`. */
export const Application = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    description: Type.String({ description: 'empty if it is hidden in the tenant' }),
    state: Type.Union([
      Type.Literal('pending'),
      Type.Literal('live'),
      Type.Literal('suspended'),
      Type.Literal('deprecated'),
    ]),
    model: Type.Union([Type.String(), Type.Null()], {
      description: 'system_name of the model; null if it is no longer offered',
    }),
    model_name: Type.Union([Type.String(), Type.Null()], {
      description: 'display name of the model; null if `model` is null',
    }),
    plan: Type.Union([Type.String(), Type.Null()], {
      description: 'system_name of the plan; null if unknown, for example if the model is no longer offered',
    }),
    plan_name: Type.String({ description: 'display name of the plan' }),
    base_url: Type.Union([Type.String(), Type.Null()]),
    model_id: Type.Union([Type.String(), Type.Null()]),
    created_at: Type.String({ format: 'date-time' }),
    repair_required: Type.Boolean({
      description:
        'true: a stored change has not reached the gateway, which may reject the key; `POST /applications/{id}/repair` sends it again',
    }),
    fields: Type.Record(Type.String(), Type.String(), {
      description: 'custom fields of the tenant that are not hidden; empty if the model is currently not offered',
    }),
    credentials: ApplicationCredentials,
  },
  {
    $id: 'Application',
    examples: [example],
  },
)
export type Application = Static<typeof Application>

/** Body of POST /api/v1/applications and of the form at /applications/new (which adds `attempt`). */
export const NewApplication = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 255 }),
    plan: Type.Optional(
      Type.String({ maxLength: 255, description: 'system_name; required if `plan_required` of the model is true' }),
    ),
    name: Type.String({ minLength: 1, maxLength: 255 }),
    description: Type.Optional(
      Type.String({
        maxLength: DESCRIPTION_CHARACTERS,
        description: 'required if `application_attributes` of the model requires it',
      }),
    ),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: FIELD_CHARACTERS }), {
        description: 'by name; `application_fields` of the model lists them and which are required',
      }),
    ),
  },
  {
    $id: 'ApplicationInput',
    additionalProperties: false,
    examples: [{ model: 'granite-chat', plan: 'basic', name: 'Chat bot', fields: { purpose: 'Experiment' } }],
  },
)
export type NewApplication = Static<typeof NewApplication>

/** A key. Its value is included only in responses to POST and with `reveal=true`. */
export const Key = Type.Object(
  {
    key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'identifies the key without revealing it' }),
    created_on: Type.Union([Type.String({ format: 'date' }), Type.Null()], {
      description: 'day of creation, which keys of the portal contain; null for other keys',
    }),
    created_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'as reported by 3scale; null if not reported',
    }),
    value: Type.Optional(Type.String()),
  },
  {
    $id: 'Key',
    examples: [{ key_id: '7f3a9c0d51e2b846', created_on: '2026-03-01', created_at: '2026-03-01T10:00:00Z' }],
  },
)
export type Key = Static<typeof Key>

/** Body of POST …/keys and …/rotate. */
export const NewKey = Type.Object(
  {
    value: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'custom value with at least 16 characters, 8 of them different; omit it for a random value',
      }),
    ),
  },
  { $id: 'KeyInput', additionalProperties: false, examples: [{}] },
)
export type NewKey = Static<typeof NewKey>

/** The application with its current credentials, and the result of the rotation. */
export const Rotation = Type.Object(
  {
    ...Application.properties,
    key: Key,
    active_key_ids: Type.Array(Type.String(), {
      description: '`key_id` of older keys, which remain valid until you delete them',
    }),
    revocation_check: Type.Union([RevocationCheck, Type.Null()], {
      description: 'of the replaced key; null if no key was replaced',
    }),
  },
  { $id: 'Rotation', examples: [example] },
)
export type Rotation = Static<typeof Rotation>

/** The response to the deletion of a key. */
export const KeyRemoval = Type.Object({ revocation_check: RevocationCheck }, { $id: 'KeyRemoval' })
export type KeyRemoval = Static<typeof KeyRemoval>
