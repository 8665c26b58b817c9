import t from 'tap'
import { specFacts } from '../../src/features/models/spec-facts.js'
import { documentedBase, serverAddress } from '../../src/model-calls/documented-base.js'
import { templateFrom } from '../../src/model-calls/path-templates.js'

const json = (schema: object, more: object = {}) => ({
  requestBody: { content: { 'application/json': { schema, ...more } } },
})
/** A variable as the shell writes it. */
const dollar = (name: string) => `${'$'}{${name}}`
const operationsOf = (paths: object, more: object = {}) =>
  specFacts({ openapi: '3.1.0', info: {}, paths, ...more }).operations

t.test('facts are read through references of path items, bodies and parameters', async (t) => {
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

t.test('of several named examples the first counts that is in the document', async (t) => {
  const examples = { elsewhere: { externalValue: 'https://x.example/a.json' }, here: { value: { model: 'org/here' } } }
  const [operation] = operationsOf({ '/v1/chat/completions': { post: json({}, { examples }) } })
  t.equal(operation?.modelId, 'org/here')
})

t.test('the path of a server is read whatever stands for its host', async (t) => {
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
    t.equal(documentedBase({ servers: [{ url, variables: variables(defaults) }] }, {}, {}), path, url.slice(0, 60))
  t.equal(documentedBase({ basePath: '/v2/', servers: [{ url: '/v1' }] }, {}, {}), '/v2', 'OpenAPI 2')
  const servers = (path: string) => ({ servers: [{ url: path }] })
  t.equal(documentedBase(servers('/document'), servers('/item'), servers('/operation')), '/operation')
  t.equal(documentedBase(servers('/document'), servers('/item'), { servers: [] }), '/item')
  for (const odd of [null, 7, [], { servers: 'x' }, { servers: [null] }, { servers: [{ url: 7 }] }])
    t.equal(documentedBase(odd, odd, odd), '')
  t.equal(serverAddress({ url: '{endpoint}/openai' }), 'https://{endpoint}/openai')
})

t.test('placeholders that stand for several segments are read as google.api.http writes them', async (t) => {
  const cases: [written: string, path: string, wide: string[]][] = [
    ['/v1beta/{model=models/*}:generateContent', '/v1beta/models/{model}:generateContent', []],
    ['/v1/{name=projects/*/models/*}:predict', '/v1/projects/{name}/models/{name_2}:predict', []],
    ['/v1/{path=**}', '/v1/{path}', ['path']],
    ['/v1/{name=*}', '/v1/{name}', []],
  ]
  for (const [written, path, wide] of cases) t.match(templateFrom(written), { path, wide }, written)
})

t.test('of an author’s own facts those count that are what they claim to be', async (t) => {
  const declared = (own: unknown) => specFacts({ info: { description: 'Of the API.', 'x-maas': own } }).declared
  t.same(declared(['chat']), {}, 'a list holds no facts, and does not make the description that of the model')
  t.match(declared({}), { description: 'Of the API.' })
  for (const day of ['2026-02-30', '2026-13-01', '2026-1-1', 'soon'])
    t.notOk(declared({ retires_on: day }).retires_on, day)
  t.equal(declared({ retires_on: '2028-02-29' }).retires_on, '2028-02-29')
})
