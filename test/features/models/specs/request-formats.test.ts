import t from 'tap'
import { specFacts } from '../../../../src/features/models/specs/spec-facts.js'

const body = (schema: object) => ({ requestBody: { content: { 'application/json': { schema } } } })
const properties = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, {}])),
})
const formatOf = (paths: object, more: object = {}) =>
  specFacts({ openapi: '3.1.0', info: {}, paths, ...more }).operations.find(({ format }) => format)?.format

t.test('the format of a body is derived from the request schema in the API document', async (t) => {
  const rerank = (schema: object, more?: object) => formatOf({ '/rerank': { post: body(schema) } }, more)
  t.equal(rerank(properties('query', 'texts')), 'tei')
  t.equal(rerank(properties('model', 'query', 'documents')), 'cohere')
  t.equal(rerank(properties('query')), undefined)
  const components = {
    components: {
      schemas: {
        'a/b': properties('query', 'texts'),
        Base: properties('query'),
        More: properties('texts'),
        Loop: { $ref: '#/components/schemas/Loop' },
      },
    },
  }
  t.equal(rerank({ $ref: '#/components/schemas/a~1b' }, components), 'tei')
  t.equal(
    rerank({ allOf: [{ $ref: '#/components/schemas/Base' }, { $ref: '#/components/schemas/More' }] }, components),
    'tei',
  )
  t.equal(rerank({ anyOf: [properties('x'), properties('documents')] }), 'cohere')
  t.equal(rerank({ $ref: '#/components/schemas/Loop' }, components), undefined, 'a self-reference terminates')
  t.equal(rerank({ $ref: 'https://example.com/other.json#/a' }), undefined)
  t.equal(formatOf({ '/bge/v1/rerank': { post: body(properties('texts')) } }), 'tei', 'at any path')
  t.equal(formatOf({ '/embed': { post: body(properties('inputs')) } }), 'tei')
  t.equal(formatOf({ '/embed': { post: body(properties('texts', 'input_type')) } }), 'cohere')
  t.equal(formatOf({ '/generate': { post: body(properties('text', 'sampling_params')) } }), 'sglang')
  t.equal(
    formatOf({ '/v1/embeddings': { post: body(properties('inputs')) } }),
    undefined,
    'all servers use the same format there',
  )
  const swagger = { post: { parameters: [{ in: 'query' }, { in: 'body', schema: properties('texts') }] } }
  t.equal(formatOf({ '/rerank': swagger }, { swagger: '2.0' }), 'tei')
})

t.test('the author of a document can name the format, and a malformed document names none', async (t) => {
  const own = (request_format: unknown) => specFacts({ info: { 'x-maas': { request_format } } }).declared.request_format
  t.equal(own('tei'), 'tei')
  t.equal(own('another'), undefined)
  t.equal(own({}), undefined)
  for (const paths of [null, 7, [], { '/rerank': null }, { '/rerank': { post: { requestBody: 7, parameters: {} } } }])
    t.same(
      specFacts({ paths } as Record<string, unknown>).operations.filter(({ format }) => format),
      [],
    )
  t.equal(formatOf({ [`/${'x'.repeat(400)}/rerank`]: { post: body(properties('texts')) } }), undefined)
})
