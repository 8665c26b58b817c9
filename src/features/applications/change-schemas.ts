import { type Static, Type } from 'typebox'
import { readOnlyProperties } from '../../web/api/validation/read-only-fields.js'
import { Application, DESCRIPTION_CHARACTERS, FIELD_CHARACTERS } from './schemas.js'

const FieldChanges = Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
  $id: 'FieldChanges',
  description: 'Values by field name; null removes the value.',
  examples: [{ purpose: 'Production' }],
})

const texts = {
  name: Type.Optional(Type.String({ description: 'at most 255 characters' })),
  description: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: `at most ${DESCRIPTION_CHARACTERS} characters; null removes it`,
    }),
  ),
  fields: Type.Optional(
    Type.Union([FieldChanges, Type.Null()], {
      description: `by name, at most ${FIELD_CHARACTERS} characters each; null removes the value of a field, or of all fields`,
    }),
  ),
}
const plan = { ...Application.properties.plan, description: 'system_name; 202 if the plan requires approval' }
const { name: _name, description: _description, fields: _fields, plan: _plan, ...unchangeable } = Application.properties
const asRead = {
  ...readOnlyProperties(unchangeable),
  credentials: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({ type: 'object', readOnly: true, description: 'current value' }),
  ),
}

/** Body of PATCH /api/v1/applications/{id}: a JSON merge patch (RFC 7396) of the application. */
export const ApplicationChange = Type.Object(
  { ...texts, plan: Type.Optional(plan), ...asRead },
  {
    $id: 'ApplicationChange',
    additionalProperties: false,
    minProperties: 1,
    description:
      'A JSON merge patch (RFC 7396): omitted members are not changed. Other members are accepted with their current value.',
    examples: [{ name: 'Chat bot for travel', description: 'Answers questions about travel.' }],
  },
)
export type ApplicationChange = Static<typeof ApplicationChange>

/** Body of PUT /api/v1/applications/{id}. */
export const ApplicationReplacement = Type.Object(
  { ...texts, name: Type.String({ description: 'at most 255 characters' }), plan, ...asRead },
  {
    $id: 'ApplicationReplacement',
    additionalProperties: false,
    description:
      'Everything that can be changed: an omitted description or field is removed. Other members are accepted with their current value.',
    examples: [{ name: 'Chat bot for travel', plan: 'basic', fields: { purpose: 'Experiment' } }],
  },
)
export type ApplicationReplacement = Static<typeof ApplicationReplacement>
