import t from 'tap'
import { errorsFor } from './errors-for.js'

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })

t.test('every keyword has a message that states what to send', async (t) => {
  const cases: [of: object, value: unknown, sentence: string][] = [
    [{ enum: ['admin', 'member'] }, 'boss', 'Use one of: admin, member.'],
    [{ anyOf: [{ const: 'admin' }, { const: 'member' }] }, 'boss', 'Use one of: admin, member.'],
    [{ oneOf: [{ const: 'admin' }, { const: 'member' }] }, 'boss', 'Use one of: admin, member.'],
    [
      {
        anyOf: [
          { type: 'string', const: 'admin' },
          { type: 'string', const: 'member' },
        ],
      },
      5,
      'Use one of: admin, member.',
    ],
    [{ anyOf: [{ const: 'a' }, { const: 'b' }, { type: 'null' }] }, 'c', 'Use one of: a, b, null.'],
    [{ type: ['string', 'null'], enum: ['a', 'b', null] }, 'c', 'Use one of: a, b, null.'],
    [{ enum: ['', 'a'] }, 'c', 'Use one of: "", a.'],
    [{ const: 'only' }, 'c', 'This must be only.'],
    [{ type: 'string' }, 5, 'Send a string.'],
    [{ type: 'integer' }, 1.5, 'Send an integer.'],
    [{ type: 'number' }, 'x', 'Send a number.'],
    [{ type: 'boolean' }, 'x', 'Send true or false.'],
    [{ type: 'array' }, 'x', 'Send an array.'],
    [{ type: 'object' }, 'x', 'Send an object.'],
    [{ type: 'null' }, 'x', 'Send null.'],
    [{ type: ['string', 'null'] }, 5, 'Send a string or null.'],
    [
      { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
      true,
      'Send a string, an integer or null.',
    ],
    [{ anyOf: [{ type: 'string', minLength: 3 }, { type: 'null' }] }, 'a', 'Use at least 3 characters.'],
    [{ type: 'string', minLength: 1 }, '', 'This is required.'],
    [{ type: 'string', maxLength: 1 }, 'ab', 'Use at most 1 character.'],
    [{ type: 'string', maxLength: 2 }, 'abc', 'Use at most 2 characters.'],
    [{ type: 'string', pattern: '^[a-z]+$' }, '5', 'Use the form ^[a-z]+$ (a regular expression).'],
    [
      { type: 'string', format: 'date-time' },
      'x',
      'Use a date and time with a time zone, such as 2026-03-01T10:00:00Z.',
    ],
    [{ type: 'string', format: 'date' }, 'x', 'Use a date such as 2026-03-01.'],
    [{ type: 'string', format: 'email' }, 'x', 'Use an e-mail address.'],
    [{ type: 'string', format: 'json-pointer' }, 'x', 'Use the format json-pointer.'],
    [{ type: 'integer', minimum: 1 }, 0, 'Use 1 or more.'],
    [{ type: 'integer', maximum: 100 }, 101, 'Use 100 or less.'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'Use more than 0.'],
    [{ type: 'number', exclusiveMaximum: 1 }, 1, 'Use less than 1.'],
    [{ type: 'integer', multipleOf: 5 }, 7, 'Use a multiple of 5.'],
    [{ type: 'array', minItems: 1 }, [], 'Send at least 1 entry.'],
    [{ type: 'array', maxItems: 2 }, [1, 2, 3], 'Send at most 2 entries.'],
    [{ type: 'array', uniqueItems: true }, [1, 1], 'Send each entry only once.'],
    [{ type: 'object', minProperties: 1 }, {}, 'Send at least 1 field.'],
    [{ type: 'object', maxProperties: 1 }, { a: 1, b: 2 }, 'Send at most 1 field.'],
    [{ not: { type: 'string' } }, 'x', 'This value is not accepted.'],
    [{ if: { const: 1 }, else: false }, 2, 'This value is not accepted.'],
  ]
  for (const [of, value, sentence] of cases)
    t.same(errorsFor(object({ field: of }), { field: value }), { field: sentence }, JSON.stringify(of))
})

t.test('fields are named by their path, also in lists, maps and unions', async (t) => {
  const choice = { anyOf: [{ const: 'a' }, { const: 'b' }] }
  const inner = object({ role: choice }, { required: ['role'], additionalProperties: false })
  const schema = object({
    list: { type: 'array', items: inner },
    map: { type: 'object', additionalProperties: { type: 'string' } },
    maybe: { anyOf: [inner, { type: 'null' }] },
    names: { type: 'object', propertyNames: { pattern: '^[a-z]+$' } },
    'a/b~c': { type: 'string' },
  })
  t.same(errorsFor(schema, { list: [{ role: 'a' }, { role: 'c' }, {}] }), {
    'list.1.role': 'Use one of: a, b.',
    'list.2.role': 'This is required.',
  })
  t.same(errorsFor(schema, { map: { purpose: 5 } }), { 'map.purpose': 'Send a string.' })
  t.same(errorsFor(schema, { maybe: { role: 'c', more: 1 } }), {
    'maybe.more': 'This field does not exist.',
    'maybe.role': 'Use one of: a, b.',
  })
  t.same(errorsFor(schema, { maybe: 'text' }), { maybe: 'Send an object or null.' })
  t.same(errorsFor(schema, { names: { Upper: 1 } }), { 'names.Upper': 'This field does not exist.' })
  t.same(errorsFor(schema, { 'a/b~c': 5 }), { 'a/b~c': 'Send a string.' })
  t.same(errorsFor(schema, []), { body: 'Send an object.' })
  t.same(errorsFor(object({}, { dependencies: { since: ['until'] } }), { since: 1 }), {
    until: 'This is required together with since.',
  })
})

t.test('a query: unknown, repeated and empty parameters, with other errors', async (t) => {
  const part = object({ limit: { type: 'integer', minimum: 1, default: 50 } })
  const schema = { allOf: [part, object({ name: { type: 'string', minLength: 1 }, ids: { type: 'array' } })] }
  const query = (text: Record<string, unknown>) => errorsFor(schema, text, 'querystring')
  t.same(query({}), {})
  t.same(query({ limit: '5', name: 'x', ids: ['1', '2'] }), {})
  const names = 'Available parameters: ids, limit, name.'
  t.same(query({ limt: '5' }), { limt: `This query parameter does not exist. Did you mean limit? ${names}` })
  t.same(query({ nme: 'x', secret: '' }), {
    nme: `This query parameter does not exist. Did you mean name? ${names}`,
    secret: `This query parameter does not exist. ${names}`,
  })
  t.same(errorsFor(object({ range: { type: 'string' } }), { page: '2' }, 'querystring'), {
    page: 'This query parameter does not exist. Available parameters: range.',
  })
  const hidden = object({ shown: { type: 'string' }, internal: { type: 'string', 'x-internal': true } })
  t.same(errorsFor(hidden, { internal: '1' }, 'querystring'), {})
  t.same(errorsFor(hidden, { interna: '1' }, 'querystring'), {
    interna: 'This query parameter does not exist. Available parameters: shown.',
  })
  t.same(query({ constructor: '5' }), { constructor: `This query parameter does not exist. ${names}` })
  t.same(query({ limit: ['5', '5'] }), { limit: 'Send this query parameter only once.' })
  t.same(query({ name: '', limit: '0', other: '' }), {
    other: `This query parameter does not exist. ${names}`,
    name: 'Send a value, or omit this query parameter.',
    limit: 'Use 1 or more.',
  })
  t.same(errorsFor(object({}), { a: '1' }, 'querystring'), {
    a: 'This query parameter does not exist. This request has no parameters.',
  })
})

t.test('thousands of errors are summarized', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`unknown${at}`, '1']))
  t.equal(Object.keys(errorsFor(object({}, { additionalProperties: false }), many)).length, 50)
  t.equal(Object.keys(errorsFor(object({}), many, 'querystring')).length, 50)
})
