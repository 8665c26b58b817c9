import { type Static, Type } from 'typebox'
import { Credentials } from '../models/schemas.js'

/** An application as its owner sees it. Secrets are there only in answers to POST and when asked with `reveal=true`. */
export const Application = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    description: Type.String(),
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
    fields: Type.Record(Type.String(), Type.String()),
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
    plan: Type.Optional(Type.String({ maxLength: 255 })),
    name: Type.String({ minLength: 1, maxLength: 255 }),
    description: Type.Optional(Type.String({ maxLength: 4000 })),
    fields: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 2000 }))),
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
    description: Type.Optional(Type.String({ maxLength: 4000 })),
  },
  {
    $id: 'ApplicationChange',
    additionalProperties: false,
    examples: [{ name: 'Chat bot for travel', description: 'Answers questions about travel.' }],
  },
)
export type ApplicationChange = Static<typeof ApplicationChange>
