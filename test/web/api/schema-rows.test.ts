import t from 'tap'
import { schemaType } from '../../../src/web/api/openapi/schema-rows.js'

/** The displayed type by schema. */
const types: [schema: object, type: string][] = [
  [{ type: 'string' }, 'string'],
  [{ type: ['integer', 'null'] }, 'integer or null'],
  [{}, 'object'],
  [{ type: 'string', format: 'date-time' }, 'string (date-time)'],
  [{ type: ['string', 'null'], format: 'date-time' }, 'string (date-time) or null'],
  [{ type: 'string', format: 'binary' }, 'file'],
  [{ type: 'array', items: { type: 'object' } }, 'array of objects'],
  [{ type: 'array', items: { type: 'array', items: { type: 'number' } } }, 'array of arrays of numbers'],
  [{ type: 'array', items: { type: ['string', 'null'] } }, 'array of (string or null)'],
  [{ type: 'array', items: { $ref: '#/components/schemas/Model' } }, 'array of Model'],
  [{ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }, 'string or array of strings'],
  [{ type: 'object', additionalProperties: { type: 'boolean' } }, 'object with values of type boolean'],
]

t.test('the type of a field has the names of JSON Schema, with plurals in arrays', async (t) => {
  for (const [schema, type] of types) t.equal(schemaType(schema).type, type, JSON.stringify(schema))
})
