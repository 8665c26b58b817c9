import t from 'tap'
import type { MappingRule } from '../../../../src/clients/threescale/types.js'
import type { Model } from '../../../../src/features/models/schemas.js'
import { specFacts } from '../../../../src/features/models/specs/spec-facts.js'
import { resolveOperations } from '../../../../src/features/reference/gateway-operations.js'
import { readOpenApi } from '../../../../src/features/reference/openapi/read-openapi.js'
import { documentedBasePath, serverAddress } from '../../../../src/model-calls/paths/documented-base-path.js'
import { parsePathTemplate } from '../../../../src/model-calls/paths/path-templates.js'

const json = (schema: object, more: object = {}) => ({
  requestBody: { content: { 'application/json': { schema, ...more } } },
})
/** A variable in shell syntax. */
const dollar = (name: string) => `${'$'}{${name}}`
const operationsOf = (paths: object, more: object = {}) =>
  specFacts({ openapi: '3.1.0', info: {}, paths, ...more }).operations

t.test('references of path items, bodies and parameters are resolved', async (t) => {
  const chat = json({ properties: { model: { example: 'org/item' }, stream: { type: 'boolean' } } })
  const texts = json({ $ref: '#/components/schemas/Texts' })
  const components = {
    pathItems: { chat: { post: chat } },
    requestBodies: { rerank: texts.requestBody },
    schemas: { Texts: { properties: { query: {}, texts: {} } } },
    parameters: { body: { in: 'body', name: 'b', schema: { properties: { texts: {} } } } },
  }
  const paths = {
    '/v1/chat/completions': { $ref: '#/components/pathItems/chat' },
    '/rerank': { post: { requestBody: { $ref: '#/components/requestBodies/rerank' } } },
    '/v1/rerank': { post: { parameters: [{ $ref: '#/components/parameters/body' }] } },
  }
  t.match(operationsOf(paths, { components }), [
    { path: '/v1/chat/completions', modelId: 'org/item', streams: true },
    { path: '/rerank', format: 'tei' },
    { path: '/v1/rerank', format: 'tei' },
  ])
  const elsewhere = ['https://other.example/item.json', '#/nowhere', '#chat', `#/${'x'.repeat(400)}`]
  for (const $ref of elsewhere) t.same(operationsOf({ '/v1/chat/completions': { $ref } }), [], $ref.slice(0, 40))
})

t.test('nested references are resolved, and circular ones are ignored', async (t) => {
  const chat = json({ properties: { model: { example: 'org/item' } } })
  const paths = { '/v1/chat/completions': { $ref: '#/first' }, '/v1/completions': { $ref: '#/circle' } }
  const more = { first: { $ref: '#/second' }, second: { $ref: '#/third' }, third: { post: chat } }
  const found = operationsOf(paths, { ...more, circle: { $ref: '#/round' }, round: { $ref: '#/circle' } })
  t.match(found, [{ path: '/v1/chat/completions', modelId: 'org/item' }])
  t.equal(found.length, 1)
})

t.test('a node that many operations reference is resolved once', async (t) => {
  let lookups = 0
  const shared = {
    get Texts() {
      lookups++
      return { properties: { texts: {} } }
    },
  }
  const post = json({ allOf: Array(20).fill({ $ref: '#/shared/Texts' }) })
  const paths = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`/${n}/rerank`, { post }]))
  t.equal(operationsOf(paths, { shared }).filter(({ format }) => format === 'tei').length, 200)
  t.equal(lookups, 1)
})

t.test('a default that names no model is not a model id', async (t) => {
  for (const placeholder of ['default/not-specified', 'not specified', 'unspecified']) {
    const [operation] = operationsOf({
      '/v1/embeddings': { post: json({ properties: { model: { default: placeholder } } }) },
    })
    t.equal(operation?.modelId, undefined, placeholder)
  }
})

t.test('of several named examples, the first one with an inline value is used', async (t) => {
  const examples = { elsewhere: { externalValue: 'https://x.example/a.json' }, here: { value: { model: 'org/here' } } }
  const [operation] = operationsOf({ '/v1/chat/completions': { post: json({}, { examples }) } })
  t.equal(operation?.modelId, 'org/here')
})

t.test('the path of a server is read, whatever its host', async (t) => {
  const variables = (defaults: Record<string, string>) =>
    Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { default: value }]))
  const cases: [url: string, defaults: Record<string, string>, path: string][] = [
    ['https://h.example/v1/', {}, '/v1'],
    ['/api/v1', {}, '/api/v1'],
    ['//h.example/v1', {}, '/v1'],
    ['{endpoint}/openai', {}, '/openai'],
    ['{endpoint}/openai', { endpoint: 'name.openai.azure.com' }, '/openai'],
    ['{endpoint}/openai', { endpoint: 'https://name.openai.azure.com' }, '/openai'],
    ['{endpoint}', {}, ''],
    ['{base}/chat', { base: '/v2' }, '/v2/chat'],
    ['https://{resource}.openai.azure.com/openai', {}, '/openai'],
    ['{scheme}://{host}:{port}/api', {}, '/api'],
    [`http://${dollar('host')}:${dollar('port')}/api/${dollar('version')}`, { version: 'v3' }, '/api/v3'],
    ['https://h.example', {}, ''],
    ['https://h.example/%zz', {}, '/%zz'],
    [`https://h.example/${'x'.repeat(400)}`, {}, ''],
  ]
  for (const [url, defaults, path] of cases)
    t.equal(documentedBasePath({ servers: [{ url, variables: variables(defaults) }] }, {}, {}), path, url.slice(0, 60))
  t.equal(documentedBasePath({ basePath: '/v2/', servers: [{ url: '/v1' }] }, {}, {}), '/v2', 'OpenAPI 2')
  const servers = (path: string) => ({ servers: [{ url: path }] })
  t.equal(documentedBasePath(servers('/document'), servers('/item'), servers('/operation')), '/operation')
  t.equal(documentedBasePath(servers('/document'), servers('/item'), { servers: [] }), '/item')
  for (const unusual of [null, 7, [], { servers: 'x' }, { servers: [null] }, { servers: [{ url: 7 }] }])
    t.equal(documentedBasePath(unusual, unusual, unusual), '')
  t.equal(serverAddress({ url: '{endpoint}/openai' }), 'https://{endpoint}/openai')
})

t.test('placeholders for several segments are parsed in the syntax of google.api.http', async (t) => {
  const cases: [written: string, path: string, wide: string[]][] = [
    ['/v1beta/{model=models/*}:generateContent', '/v1beta/models/{model}:generateContent', []],
    ['/v1/{name=projects/*/models/*}:predict', '/v1/projects/{name}/models/{name_2}:predict', []],
    ['/v1/{path=**}', '/v1/{path}', ['path']],
    ['/v1/{name=*}', '/v1/{name}', []],
  ]
  for (const [written, path, wide] of cases) t.match(parsePathTemplate(written), { path, wide }, written)
})

t.test('facts of the author are used only if they are valid', async (t) => {
  const declared = (own: unknown) => specFacts({ info: { description: 'Of the API.', 'x-maas': own } }).declared
  t.same(
    declared(['chat']),
    {},
    'a list contains no facts, and does not turn the API description into that of the model',
  )
  t.match(declared({}), { description: 'Of the API.' })
  for (const day of ['2026-02-30', '2026-13-01', '2026-1-1', 'soon'])
    t.notOk(declared({ retires_on: day }).retires_on, day)
  t.equal(declared({ retires_on: '2028-02-29' }).retires_on, '2028-02-29')
})

const rules = (text: string): MappingRule[] =>
  text.split(', ').map((each) => {
    const [method = '', pattern = ''] = each.split(' ')
    return { method, pattern, metricId: 1, metric: 'hits', delta: 1, last: false }
  })
const model = {
  endpoint: 'https://host',
  base_url: 'https://host/v1',
  type: 'chat',
  model_id: 'org/served',
  credentials: { mode: 'user_key', location: 'headers', names: { user_key: 'X-API-Key', app_id: 'i', app_key: 'k' } },
} as unknown as Model

/** The first operation of a document, as shown in Try it. */
function tried(paths: object, rule: string, more: object = {}) {
  const reference = readOpenApi({ openapi: '3.1.0', info: {}, paths, ...more })
  const [operation] = reference ? resolveOperations(model, rules(rule), reference) : []
  if (!operation) throw new Error('no operation')
  return operation
}
const bodyOf = (body: object, more: object = {}, path = '/v1/infer') =>
  JSON.parse(tried({ [path]: { post: body } }, `POST ${path}`, more).sendableBodies[0]?.example ?? 'null') as unknown

t.test('keywords next to choices of a schema apply to each choice', async (t) => {
  const properties = {
    messages: { type: 'array', items: { type: 'object' } },
    prompt: { type: 'string', example: 'Hello' },
    n: { type: 'integer' },
  }
  for (const name of ['anyOf', 'oneOf']) {
    const either = (first: string, second: string) => [{ required: [first] }, { required: [second] }]
    const schema = { type: 'object', required: ['n'], properties, [name]: either('prompt', 'messages') }
    t.same(bodyOf(json(schema)), { prompt: 'Hello', n: 0 }, name)
    const usual = bodyOf(json({ ...schema, [name]: either('messages', 'prompt') }), {}, '/v1/chat/completions')
    t.match(usual, { messages: [{ role: 'user' }] }, 'as in a usual request')
    t.same(bodyOf(json(schema, { example: { prompt: 'x', n: '3' } })), { prompt: 'x', n: 3 }, 'also with an example')
  }
})

t.test('a usual body is proposed for a usual call whose document requires no field', async (t) => {
  const chat = (body: object) => bodyOf(body, {}, '/v1/chat/completions')
  const usual = { model: 'org/served', messages: [{ role: 'user', content: 'Say hello in five words.' }] }
  const messages = { type: 'array', items: { type: 'object' } }
  t.same(chat({}), usual, 'no body')
  t.match(chat(json({})), { messages: usual.messages }, 'any body')
  t.same(chat(json({ type: 'object', required: ['model'], properties: { model: { type: 'string' } } })), usual)
  const optional = { type: 'object', properties: { model: { type: 'string' }, messages, n: { type: 'integer' } } }
  t.same(chat(json(optional)), usual, 'fields that are not required')
  const own = { type: 'object', required: ['question'], properties: { question: { type: 'string' } } }
  t.same(chat(json(own)), { question: 'string' }, 'a custom body')
  t.same(chat(json({ ...optional, example: { model: 'x', n: 2 } })), { model: 'org/served', n: 2 }, 'an example')
  const { body } = tried({ '/v1/models': { get: {} } }, 'GET /v1/models')
  t.equal(body, undefined)
})

t.test('a choice gets the value that its discriminator requires', async (t) => {
  const part = (kind: object) => ({ type: 'object', required: ['kind', 'text'], properties: { kind, text: {} } })
  const components = {
    schemas: { TextPart: part({ type: 'string' }), Image: part({ type: 'string', enum: ['picture'] }) },
  }
  const refs = [{ $ref: '#/components/schemas/TextPart' }, { $ref: '#/components/schemas/Image' }]
  const first = (choices: object[], discriminator: unknown) =>
    (bodyOf(json({ oneOf: choices, discriminator }), { components }) as { kind?: unknown }).kind
  const mapped = (to: string) => ({ propertyName: 'kind', mapping: { text: to } })
  t.equal(first(refs, mapped('#/components/schemas/TextPart')), 'text')
  t.equal(first(refs, mapped('TextPart')), 'text')
  t.equal(first(refs, { propertyName: 'kind' }), 'TextPart', 'without a mapping, the name of the schema')
  t.equal(first([...refs].reverse(), mapped('TextPart')), 'picture', 'a choice that states the value itself')
  for (const unusual of [null, 7, {}, { propertyName: 7 }, { propertyName: 'missing', mapping: [] }])
    t.equal(first(refs, unusual), 'string')
})

t.test('lists and objects as defaults, and null as a constant, are proposed', async (t) => {
  const created = (schema: object) =>
    (bodyOf(json({ type: 'object', required: ['v'], properties: { v: schema } })) as { v?: unknown }).v
  const strings = { type: 'array', items: { type: 'string' } }
  t.same(created({ ...strings, default: ['float', 'int8'] }), ['float', 'int8'])
  t.same(created({ type: 'object', default: { k: 1 } }), { k: 1 })
  t.same(created({ ...strings, default: [] }), ['string'], 'an empty list is ignored')
  t.same(created({ ...strings, minItems: 2, default: ['one'] }), ['string', 'string'], 'fewer items than required')
  t.same(created({ ...strings, default: ['x'.repeat(2000)] }), ['string'], 'too long to show')
  t.equal(created({ const: null }), null)
})

t.test('an object parameter is serialized in its style', async (t) => {
  const color = {
    type: 'object',
    required: ['red'],
    properties: { red: { type: 'integer' }, blue: { type: 'integer' } },
  }
  const fields = (parameter: object) =>
    tried({ '/v1/q': { get: { parameters: [{ in: 'query', name: 'color', ...parameter }] } } }, 'GET /v1/q').fields.map(
      ({ name, required, example }) => [name, required, example],
    )
  const example = { red: '7' }
  t.same(fields({ style: 'deepObject', required: true, schema: color, example }), [
    ['color[red]', true, '7'],
    ['color[blue]', false, ''],
  ])
  t.same(fields({ schema: color, example }), [
    ['red', false, '7'],
    ['blue', false, ''],
  ])
  t.same(fields({ explode: false, schema: color, example }), [['color', false, 'red,7']])
  const list = { schema: { type: 'array', items: { type: 'integer' } }, explode: false, example: ['1', 2] }
  t.same(fields(list), [['color', false, '1,2']])
  t.same(fields({ ...list, style: 'pipeDelimited' }), [['color', false, '1|2']])
  t.same(fields({ ...list, style: 'spaceDelimited' }), [['color', false, '1 2']])
  const content = { 'application/json': { schema: color, example } }
  t.same(fields({ content }), [['color', false, '{"red": 7}']], 'JSON on one line')
  const examples = { a: { externalValue: 'https://x.example/a' }, b: { value: { red: 1, blue: 2 } } }
  t.same(fields({ content: { 'application/json': { schema: color, examples } } }), [
    ['color', false, '{"red": 1,"blue": 2}'],
  ])
})

t.test('the extension that marks a credential is recognized in combined and referenced schemas', async (t) => {
  const key = { type: 'string', 'x-data-threescale-name': 'user_keys' }
  const components = {
    schemas: {
      Key: key,
      Auth: {
        type: 'object',
        required: ['own'],
        properties: { own: { allOf: [{ $ref: '#/components/schemas/Key' }] } },
      },
    },
    parameters: { Key: { name: 'pk', in: 'header', required: true, schema: { $ref: '#/components/schemas/Key' } } },
  }
  const auth = { $ref: '#/components/schemas/Auth' }
  const query = { type: 'object', required: ['q', 'own'], properties: { q: { type: 'string' } } }
  t.same(bodyOf(json({ allOf: [auth, query] }), { components }), { q: 'string' })
  t.same(bodyOf(json({ allOf: [auth, query] }, { example: { q: 'x', own: 'secret' } }), { components }), { q: 'x' })
  const parameters = [
    { $ref: '#/components/parameters/Key' },
    { name: 'a', in: 'query', schema: { anyOf: [{ $ref: '#/components/schemas/Key' }, { type: 'null' }] } },
    { name: 'b', in: 'query', schema: { type: 'string' } },
  ]
  const get = { get: { parameters } }
  t.same(
    tried({ '/v1/q': get }, 'GET /v1/q', { components }).parameters.map(({ name }) => name),
    ['b'],
  )
})
