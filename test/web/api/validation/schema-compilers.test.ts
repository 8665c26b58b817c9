import t from 'tap'
import { lazy, serializerCompiler, validatorCompiler } from '../../../../src/web/api/validation/schema-compilers.js'

t.test('text of a URL is converted to the type of the schema, JSON is not', async (t) => {
  const schema = { type: 'object', properties: { limit: { type: 'integer', default: 5 } } }
  const route = { method: 'GET', url: '/' }
  const ofAddress = validatorCompiler({ ...route, schema, httpPart: 'querystring' } as never)
  const ofBody = validatorCompiler({ ...route, schema, httpPart: 'body' } as never)
  const value: { limit?: unknown } = { limit: '7' }
  t.equal(ofAddress(value), true)
  t.same(value, { limit: 7 })
  t.match(ofBody({ limit: '7' }), { error: [{ instancePath: '/limit', keyword: 'type' }] })
  t.match(ofAddress({ limit: 'x' }), { error: [{ instancePath: '/limit', keyword: 'type' }] })
  const empty = {}
  t.equal(ofBody(empty), true)
  t.same(empty, { limit: 5 })
})

t.test('a response has only the members of its schema', async (t) => {
  const schema = { type: 'object', properties: { name: { type: 'string' } } }
  const write = serializerCompiler({ schema, method: 'GET', url: '/', httpStatus: '200' } as never)
  t.equal(write({ name: 'a', secret: 'b' }), '{"name":"a"}')
  t.equal(write({ name: 'c' }), '{"name":"c"}')
})

t.test('a lazy value is created once, also if it is undefined', async (t) => {
  let created = 0
  const nothing = lazy(() => {
    created++
  })
  nothing()
  nothing()
  t.equal(created, 1)
})
