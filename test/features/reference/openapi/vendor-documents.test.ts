import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import type { MappingRule } from '../../../../src/clients/threescale/types.js'
import { pathsOf } from '../../../../src/features/models/catalogue/facts.js'
import type { SnapshotEntry } from '../../../../src/features/models/catalogue/snapshot.js'
import type { Model } from '../../../../src/features/models/schemas.js'
import { exampleFacts } from '../../../../src/features/models/specs/example-facts.js'
import { specFacts } from '../../../../src/features/models/specs/spec-facts.js'
import { deduceFacts } from '../../../../src/features/models/specs/spec-operations.js'
import { mountsIn, resolveOperations } from '../../../../src/features/reference/gateway-operations.js'
import { readOpenApi } from '../../../../src/features/reference/openapi/read-openapi.js'
import { parseTryItForm } from '../../../../src/features/reference/try-it-form.js'
import { inferModelType, resolveBasePath } from '../../../../src/model-calls/paths/base-paths.js'
import { vendorDocuments } from '../../../helper/vendor-documents.js'

type Vendor = keyof typeof vendorDocuments
const rulesOf = (text: string): MappingRule[] =>
  text.split(', ').map((each) => {
    const [method = '', pattern = ''] = each.split(' ')
    return { method, pattern, metricId: 1, metric: 'hits', delta: 1, last: false }
  })
const LIST = ', GET /v1/models'
/** A placeholder in shell syntax. */
const inDollars = (name: string) => `${'$'}{${name}}`

/** The facts that the catalogue derives from a document for a product with these rules. */
function readAs(document: object, text: string, { unlisted = false, type: reported = '', mount = '' } = {}) {
  const rules = rulesOf(text)
  const backends = [{ path: mount || '/', versioned: false }]
  const { declared, operations } = specFacts(document as Record<string, unknown>)
  const { facts, examples } = deduceFacts(operations, { rules, backends })
  const named = inferModelType({ rules, backends })
  const type = (reported ||
    (named?.named ? named.type : undefined) ||
    facts.type ||
    named?.type ||
    'custom') as Model['type']
  const base = resolveBasePath(type, { rules, backends }, { documented: facts.calls, format: examples[type]?.format })
  const entry = { specExamples: examples, gateway: { rules } } as unknown as SnapshotEntry
  return {
    type,
    declared,
    base: base.path,
    ...exampleFacts(entry, type, base.path, unlisted).facts,
    deduced: facts.type,
  }
}

/** The reference of a document for a product with these rules, for a server that serves `org/served`. */
function referenceFor(document: object, text: string, more: Partial<Model> = {}) {
  const rules = rulesOf(text)
  const model = {
    endpoint: 'https://host',
    base_url: 'https://host/v1',
    type: 'chat',
    model_id: 'org/served',
    paths: pathsOf(rules),
    credentials: {
      mode: 'user_key',
      location: 'headers',
      names: { user_key: 'X-API-Key', app_id: 'app_id', app_key: 'app_key' },
    },
    ...more,
  } as unknown as Model
  const reference = readOpenApi(document as Record<string, unknown>, { rules, mounts: mountsIn(model) })
  if (!reference) throw new Error('no operation')
  return { reference, operations: resolveOperations(model, rules, reference) }
}

t.test(
  'a model id in a document is used only for the mapped call, and only if the server has no model list',
  async (t) => {
    const chat = 'POST /v1/chat/completions'
    const cases: [vendor: Vendor, rules: string, id: string | undefined][] = [
      ['openai', chat, 'gpt-5.4'],
      ['openai', 'POST /v1/embeddings', 'text-embedding-3-small'],
      ['openai', 'POST /v1/completions', 'gpt-3.5-turbo-instruct'],
      ['openai', 'POST /v1/images/generations', 'gpt-image-1.5'],
      ['openai', 'POST /llama/v1/chat/completions', 'gpt-5.4'],
      ['openai', 'POST /predict', undefined],
      ['mistral', chat, 'mistral-small-latest'],
      ['mistral', 'POST /v1/embeddings', 'mistral-embed'],
      ['cohere', chat, undefined],
      ['cohere', 'POST /v2/rerank', 'rerank-v4.0'],
      ['tei', 'POST /v1/embeddings', undefined],
      ['tei', 'POST /embed', undefined],
      ['tei', 'POST /rerank', undefined],
      ['tgi', chat, 'mistralai/Mistral-7B-Instruct-v0.2'],
      ['vllm', chat, undefined],
      ['kserve', 'POST /v2/models/iris/versions/1/infer', undefined],
      ['swagger', 'POST /v1/analyse', undefined],
    ]
    for (const [vendor, rules, id] of cases) {
      const document = vendorDocuments[vendor]
      t.equal(readAs(document, rules).model_id, id, `${vendor}: ${rules}`)
      t.equal(readAs(document, rules, { unlisted: true }).model_id, id, `${vendor}: ${rules}, no list`)
      if (!/rerank|embed$|predict|infer|analyse/.test(rules)) {
        t.equal(readAs(document, rules + LIST).model_id, undefined, `${vendor}: ${rules}, the server has a list`)
        t.equal(
          readAs(document, rules + LIST, { unlisted: true }).model_id,
          id,
          `${vendor}: ${rules}, the server has no list`,
        )
      }
    }
    t.equal(readAs(vendorDocuments.openai, 'GET /, POST /').model_id, undefined)
  },
)

t.test('placeholders are not model ids; references, combinations and OpenAPI 2 are supported', async (t) => {
  const idIn = (schema: unknown, media: object = {}) =>
    readAs(
      {
        openapi: '3.1.0',
        paths: { '/v1/chat/completions': { post: { requestBody: { $ref: '#/components/requestBodies/r' } } } },
        components: {
          requestBodies: { r: { content: { 'application/json': { schema, ...media } } } },
          schemas: {
            Id: { type: 'string', enum: ['org/only'] },
            Two: { enum: ['a', 'b'] },
            Loop: { allOf: [{ $ref: '#/components/schemas/Loop' }] },
          },
        },
      },
      'POST /v1/chat/completions',
    ).model_id
  const of = (model: unknown) => idIn({ properties: { model } })
  for (const word of [
    ...[
      'null',
      'string',
      'model',
      'your-model',
      'Your Model',
      'model_id',
      'MODEL-NAME',
      '<model>',
      '{model}',
      inDollars('MODEL'),
    ],
    ...['...', '…', 'xxx', 'example-model', 'my-model', 'none', 'undefined', 'a model of yours', '', ' ', 'two\nlines'],
  ]) {
    t.equal(of({ type: 'string', example: word }), undefined, JSON.stringify(word))
    t.equal(idIn({}, { example: { model: word } }), undefined, JSON.stringify(word))
  }
  for (const value of [null, 7, {}, []]) t.equal(of({ example: value }), undefined)
  t.equal(of({ const: 'org/c' }), 'org/c')
  t.equal(of({ default: 'org/d' }), 'org/d')
  t.equal(of({ examples: ['org/e'] }), 'org/e')
  t.equal(of({ $ref: '#/components/schemas/Id' }), 'org/only')
  t.equal(of({ anyOf: [{ type: 'null' }, { $ref: '#/components/schemas/Id' }] }), 'org/only')
  t.equal(of({ $ref: '#/components/schemas/Two' }), undefined, 'two ids are ambiguous')
  t.equal(of({ $ref: '#/components/schemas/Loop' }), undefined)
  t.equal(idIn({ allOf: [{ properties: { x: {} } }, { properties: { model: { default: 'org/all' } } }] }), 'org/all')
  t.equal(idIn({}, { examples: { one: { value: { model: 'org/first' } } } }), 'org/first')
  t.equal(idIn({ example: { model: 'org/whole' } }), 'org/whole')
  const parameters = [{ in: 'body', schema: { $ref: '#/definitions/B' } }]
  const two = {
    swagger: '2.0',
    basePath: '/v1',
    paths: { '/chat/completions': { post: { parameters } }, '/embeddings': { post: {} } },
    definitions: { B: { properties: { model: { default: 'org/two' }, stream: { type: 'boolean' } } } },
  }
  t.match(readAs(two, 'POST /v1/chat/completions'), { model_id: 'org/two', capabilities: ['streaming'] })
})

t.test('type and streaming are derived from operations that the rules allow', async (t) => {
  const { openai, mistral, tei, tgi, vllm, kserve, swagger } = vendorDocuments
  t.match(readAs(openai, 'POST /v1/embeddings'), { type: 'embedding', capabilities: undefined })
  t.match(readAs(openai, 'POST /v1/responses'), { type: 'custom', deduced: undefined, capabilities: undefined })
  t.match(readAs(openai, 'POST /v1/chat/completions'), { type: 'chat', capabilities: ['streaming'] })
  t.match(readAs(openai, 'GET /, POST /'), { type: 'chat', deduced: 'chat', base: '/v1' })
  t.match(readAs(openai, 'POST /openai', { mount: '/openai' }), { deduced: 'chat', base: '/openai/v1' })
  t.match(readAs(mistral, 'POST /v1/embeddings'), { type: 'embedding', capabilities: undefined })
  t.match(readAs(mistral, 'POST /v1/chat/completions', { type: 'embedding' }), {
    model_id: undefined,
    capabilities: undefined,
  })
  t.match(readAs(mistral, 'POST /v1/chat/completions'), { capabilities: ['streaming'] })
  t.match(readAs(tei, 'POST /rerank'), { type: 'rerank' })
  t.match(readAs(tgi, 'POST /generate'), { deduced: undefined })
  t.match(readAs(vllm, 'POST /v1/chat/completions'), { type: 'chat', capabilities: ['streaming'] })
  t.match(readAs(kserve, 'POST /v2/models'), { type: 'custom', deduced: 'custom' })
  t.match(readAs(swagger, 'POST /v1/analyse'), { deduced: 'custom' })
  t.match(readAs(swagger, 'POST /v1/other'), { deduced: undefined })
})

t.test('licence, contact, terms and description of an API are not shown as those of the model', async (t) => {
  for (const [vendor, document] of Object.entries(vendorDocuments))
    t.same(readAs(document, 'POST /').declared, {}, vendor)
  const { openai, tgi, cohere } = vendorDocuments
  t.same(referenceFor(openai, 'POST /v1/chat/completions').reference.apiFacts, [
    { label: 'API licence', value: 'MIT', url: 'https://vendor.example/LICENSE' },
    { label: 'API contact', value: 'OpenAI Support', url: 'https://help.vendor.example/' },
    { label: 'API terms', value: 'Terms of service', url: 'https://vendor.example/policies/terms-of-use' },
  ])
  t.match(referenceFor(tgi, 'POST /').reference.apiFacts, [{ value: 'Apache 2.0' }, { value: 'An Author', url: '' }])
  t.match(referenceFor(cohere, 'POST /').reference.apiFacts, [{ url: 'mailto:support@vendor.example' }])
  const unusual = {
    ...openai,
    info: { license: { name: 'X', url: 'javascript:alert(1)' }, contact: 7, termsOfService: 'file:///x' },
  }
  t.same(referenceFor(unusual, 'POST /').reference.apiFacts, [{ label: 'API licence', value: 'X', url: '' }])
  const own = {
    ...openai,
    info: { ...openai.info, 'x-maas': { license: 'Apache-2.0', owner: { email: 'a@b.example' } } },
  }
  t.match(readAs(own, 'POST /').declared, {
    license: { name: 'Apache-2.0', url: null },
    owner: { name: 'a@b.example', url: 'mailto:a@b.example' },
    description: openai.info.description,
  })
})

t.test('operations that the rules allow are shown in full, and the others only by name', async (t) => {
  const { openai, vllm } = vendorDocuments
  const shown = (rules: string) => {
    const { reference, operations } = referenceFor(openai, rules)
    return {
      calls: operations.map(({ method, callPath }) => `${method} ${callPath}`),
      ...reference.otherOperations,
      reference,
    }
  }
  const responses = shown('POST /v1/responses')
  t.same(responses.calls, ['POST /v1/responses'])
  t.equal(responses.rejectedCount, 275)
  t.equal(responses.rejected.length, 200)
  t.same(responses.accepted, [])
  t.match(responses.rejected[0], { method: 'GET', path: '/admin/thing000', summary: 'Thing 0' })
  t.ok(JSON.stringify(responses.reference).length < 40_000)
  t.same(shown('POST /v1/chat/completions, GET /v1/models').calls, ['POST /v1/chat/completions', 'GET /v1/models'])
  const all = shown('GET /, POST /')
  t.equal(all.calls.length, 100)
  t.ok(all.calls.includes('POST /v1/chat/completions'), 'usual calls first')
  t.equal(all.accepted.length, 176)
  t.equal(all.rejectedCount, 0)
  const [chat] = referenceFor(openai, 'POST /v1/chat/completions').operations
  t.equal(chat?.summary, 'Creates a model response for the given chat conversation. Learn more')
  t.same(
    referenceFor(vllm, 'GET /v1/models').operations.map(({ callPath }) => callPath),
    ['/v1/models', '/v1/models/{model_id}'],
  )
})

t.test('the body that Try it proposes is minimal and valid by the schema of the operation', async (t) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const cases: [vendor: Vendor, call: string, schema: string, members: string[]][] = [
    ['openai', '/v1/chat/completions', 'CreateChatCompletionRequest', ['model', 'messages']],
    ['openai', '/v1/embeddings', 'CreateEmbeddingRequest', ['model', 'input']],
    ['openai', '/v1/images/generations', 'CreateImageRequest', ['model', 'prompt']],
    ['openai', '/v1/responses', 'CreateResponse', ['model', 'input']],
    ['mistral', '/v1/chat/completions', 'ChatCompletionRequest', ['model', 'messages']],
    ['mistral', '/v1/embeddings', 'EmbeddingRequest', ['model', 'input']],
    ['cohere', '/v2/rerank', 'Rerank', ['model', 'query', 'documents', 'top_n']],
    ['tei', '/embed', 'EmbedRequest', ['inputs']],
    ['tei', '/rerank', 'RerankRequest', ['query', 'texts']],
    ['tei', '/v1/embeddings', 'OpenAICompatRequest', ['model', 'input']],
    ['tgi', '/v1/chat/completions', 'ChatRequest', ['model', 'messages']],
    ['tgi', '/v1/completions', 'CompletionRequest', ['model', 'prompt']],
    ['vllm', '/v1/chat/completions', 'ChatCompletionRequest', ['model', 'messages']],
    ['kserve', '/v2/models', 'inference_request', ['inputs']],
  ]
  for (const [vendor, call, schema, members] of cases) {
    const document = vendorDocuments[vendor] as { components?: object }
    const [operation] = referenceFor(document, `POST ${call}`).operations
    const body = JSON.parse(operation?.sendableBodies[0]?.example ?? '') as Record<string, unknown>
    const isValid = ajv.compile({ $ref: `#/components/schemas/${schema}`, components: document.components })
    t.ok(isValid(body), `${vendor} ${call}: ${JSON.stringify([body, isValid.errors])}`)
    t.same(Object.keys(body).sort(), [...members].sort(), `${vendor} ${call}`)
    if ('model' in body) t.equal(body.model, 'org/served')
  }
  const [chat] = referenceFor(vendorDocuments.openai, 'POST /v1/chat/completions').operations
  t.match(
    JSON.parse(chat?.sendableBodies[0]?.example ?? '').messages,
    [{ role: 'user', content: /\w/ }],
    'a usual request',
  )
  const [tgi] = referenceFor(vendorDocuments.tgi, 'POST /v1/chat/completions').operations
  t.same(JSON.parse(tgi?.sendableBodies[0]?.example ?? '').messages, [
    { role: 'user', content: 'What is Deep Learning?' },
  ])
  t.match(tgi?.body?.variants[0]?.schema.properties?.logprobs, { default: false })
  t.notOk(
    'default' in
      (referenceFor(vendorDocuments.tei, 'POST /embed').operations[0]?.body?.variants[0]?.schema.properties
        ?.dimensions ?? {}),
  )
  const [unknown] = referenceFor(vendorDocuments.tgi, 'POST /v1/chat/completions', { model_id: null }).operations
  t.equal(JSON.parse(unknown?.sendableBodies[0]?.example ?? '').model, '', 'replaced with the listed model')
  const custom = { model_id: null, type: 'custom' } as const
  const [response] = referenceFor(vendorDocuments.openai, 'POST /v1/responses', custom).operations
  t.equal(JSON.parse(response?.sendableBodies[0]?.example ?? '').model, '', 'also for calls without a type')
  const size = { enum: ['small', 'large'] }
  const content = { 'application/json': { schema: { required: ['model'], properties: { model: size } } } }
  const own = { paths: { '/analyse': { post: { requestBody: { content } } } } }
  const [analysed] = referenceFor(own, 'POST /analyse', custom).operations
  t.equal(
    JSON.parse(analysed?.sendableBodies[0]?.example ?? '').model,
    'small',
    'a custom service may use the field for another purpose',
  )
})

t.test('a path is the same however its placeholders are written and declared', async (t) => {
  const send = (document: object, rules: string, values: Record<string, string>, index = 0) => {
    const operation = referenceFor(document, rules, { type: 'custom', base_url: 'https://host' }).operations[index]
    if (!operation) throw new Error('not let through')
    return parseTryItForm(operation, { application: '1', body: '{}', ...values }).path
  }
  const { kserve, vllm } = vendorDocuments
  const values = { 'path.MODEL_NAME': 'iris', 'path.MODEL_VERSION': '1' }
  const address = '/v2/models/iris/versions/1/infer'
  t.equal(send(kserve, 'POST /v2', values), address)
  t.equal(send(kserve, 'POST /v2/models/{m}/versions/{v}/infer$', values), address)
  t.equal(send(vllm, 'GET /v1/models/', { 'path.model_id': 'org/a b' }, 1), '/v1/models/org/a%20b')
  const fields = referenceFor(kserve, `POST ${address}`, { type: 'custom', base_url: 'https://host' }).operations[0]
    ?.fields
  t.match(fields, [
    { name: 'MODEL_NAME', example: 'iris', required: true },
    { name: 'MODEL_VERSION', example: '1' },
  ])
  for (const [written, declared] of [
    [`/m/${inDollars('NAME')}/infer`, 'name'],
    ['/m/{name}/infer', 'NAME'],
    ['/m/{name:path}/infer', 'name'],
    ['/m/{name:[a-z]+}/infer', 'name'],
    ['/m/{name*}/infer', 'name'],
    ['/m/{+name}/infer', 'name'],
    ['/m/{{name}}/infer', '{{name}}'],
    ['/m/:name/infer', 'name'],
    ['/m/<name>/infer', 'name'],
    ['/m/<string:name>/infer', 'name'],
    ['/m/[name]/infer', 'name'],
    ['/m/%7Bname%7D/infer', 'name'],
    ['/m/%24%7BName%7D/infer', 'na-me'],
    [`/m/{name}[/versions/${inDollars('V')}]/infer`, 'name'],
    ['/m/{name}/infer{?top}', 'name'],
  ] as const) {
    const document = {
      paths: {
        [written]: {
          parameters: [
            { name: declared, in: 'path', required: true, description: 'Which.', schema: { type: 'string' } },
          ],
          post: {},
        },
      },
    }
    const [operation] = referenceFor(document, 'POST /m', { type: 'custom', base_url: 'https://host' }).operations
    const [field, ...others] = operation?.fields ?? []
    t.match(field, { in: 'path', required: true, description: 'Which.' }, written)
    t.same(others, [], written)
    t.equal(send(document, 'POST /m', { [`path.${field?.name}`]: 'x' }), '/m/x/infer', written)
  }
  const optional = { paths: { '/m/{name}/{version?}': { get: {} } } }
  t.equal(send(optional, 'GET /m', { 'path.name': 'x' }), '/m/x')
  t.equal(send(optional, 'GET /m', { 'path.name': 'x', 'path.version': '2' }), '/m/x/2')
  t.equal(send({ paths: { '/v1/models/iris:predict': { post: {} } } }, 'POST /v1', {}), '/v1/models/iris:predict')
  t.equal(send({ paths: { '/predict': { post: {} } } }, 'POST /predict/$', {}), '/predict/')
  t.equal(send({ paths: { '/predict/': { post: {} } } }, 'POST /predict$', {}), '/predict')
  const servers = [
    { url: `https://{region}.example/${inDollars('stage')}`, variables: { stage: { enum: ['prod'] }, region: {} } },
  ]
  t.equal(send({ servers, paths: { '/x': { post: {} } } }, 'POST /prod', {}), '/prod/x')
  const open = { servers: [{ url: '/{stage}' }], paths: { '/x': { post: {} } } }
  t.equal(send(open, 'POST /{stage}/x$', { 'path.stage': 'test' }), '/test/x')
  const predict = { paths: { [`/v1/models/${inDollars('MODEL_NAME')}:predict`]: { post: {} } } }
  const [tf] = referenceFor(predict, 'POST /v1/models/half:predict', { type: 'custom' }).operations
  t.match(tf?.fields, [{ name: 'MODEL_NAME', example: 'half' }])
})

t.test('query parameters that the gateway requires are shown as fields', async (t) => {
  const document = { paths: { '/chat/completions': { post: {} } } }
  const rules = 'POST /openai/deployments/gpt/chat/completions?api-version=2024-10-21&user={user}'
  const { operations } = referenceFor(document, rules, { base_url: 'https://host/openai/deployments/gpt' })
  t.match(operations, [
    {
      callPath: '/openai/deployments/gpt/chat/completions',
      fields: [
        { name: 'api-version', in: 'query', required: true, example: '2024-10-21' },
        { name: 'user', required: true, example: '' },
      ],
    },
  ])
})

t.test(
  'parameters and fields for the credential are neither shown nor required, in every OpenAPI version',
  async (t) => {
    const own = (name: string, place: string, more: object = {}) => ({
      name,
      in: place,
      required: true,
      schema: { type: 'string' },
      type: 'string',
      ...more,
    })
    const filled = (value: string) => ({ 'x-data-threescale-name': value })
    const three = {
      openapi: '3.0.0',
      components: { securitySchemes: { k: { type: 'apiKey', in: 'header', name: 'X-Vendor-Key' } } },
      paths: {
        '/predict': {
          parameters: [own('id', 'query', filled('app_ids')), own('X-VENDOR-KEY', 'header')],
          post: {
            parameters: [
              own('user_key', 'query', filled('user_keys')),
              own('secret', 'header', filled('app_keys')),
              own('inner', 'query', { schema: { type: 'string', ...filled('user_keys') } }),
              own('old', 'query', { threescale_name: 'user_keys' }),
              own('x-api-KEY', 'header'),
              own('app_KEY', 'query'),
              own('Authorization', 'header'),
              own('metric', 'query', filled('metric_names')),
              own('api_key', 'query'),
              own('lang', 'query'),
            ],
            requestBody: {
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    required: ['text', 'key'],
                    properties: { text: { type: 'string' }, key: { type: 'string', ...filled('user_keys') } },
                  },
                  example: { text: 'hello', key: 'canary' },
                },
                'application/x-www-form-urlencoded': { example: { text: 'a', app_id: 'canary' } },
              },
            },
          },
        },
      },
    }
    const [operation] = referenceFor(three, 'POST /predict', { type: 'custom' }).operations
    t.same(
      operation?.parameters.map(({ name, required }) => `${name}${required ? ' required' : ''}`),
      ['metric required', 'api_key', 'lang required'],
    )
    t.same(operation?.fields, operation?.parameters)
    const [body, form] = operation?.sendableBodies ?? []
    t.same(JSON.parse(body?.example ?? ''), { text: 'hello' })
    t.same(Object.keys(body?.schema.properties ?? {}), ['text'])
    t.same(body?.schema.required, ['text'])
    t.equal(form?.example, 'text=a')

    const [two] = referenceFor(vendorDocuments.swagger, 'POST /v1/analyse', { type: 'custom' }).operations
    t.same(
      two?.parameters.map(({ name, example }) => [name, example]),
      [['top', '3']],
    )
    t.same(JSON.parse(two?.sendableBodies[0]?.example ?? ''), { text: 'very good' })
    const formData = [
      own('user_key', 'formData', filled('user_keys')),
      own('n', 'formData', { type: 'integer', default: '2' }),
    ]
    const old = { swagger: '2.0', paths: { '/f': { post: { parameters: formData } } } }
    const [posted] = referenceFor(old, 'POST /f', { type: 'custom' }).operations
    t.match(posted?.sendableBodies, [
      { example: 'n=2', schema: { required: ['n'], properties: { n: { default: 2 } } } },
    ])
  },
)

t.test('examples, defaults and choices match the type of their schema, or are omitted', async (t) => {
  const created = (schema: object) => {
    const content = { 'application/json': { schema: { type: 'object', required: ['v'], properties: { v: schema } } } }
    const [operation] = referenceFor({ paths: { '/x': { post: { requestBody: { content } } } } }, 'POST /x', {
      type: 'custom',
    }).operations
    const kind = operation?.body?.variants[0]
    return { value: (JSON.parse(kind?.example ?? '') as { v: unknown }).v, schema: kind?.schema.properties?.v }
  }
  const list = { type: 'array', items: { type: 'integer' } }
  const roleOf = (role: string) => ({
    type: 'object',
    properties: { role: { type: 'string', enum: [role] }, text: { type: 'string' } },
    required: ['text'],
  })
  const cases: [schema: object, value: unknown][] = [
    [{ type: 'integer', default: '2' }, 2],
    [{ type: 'integer', example: '2.5', default: 3 }, 3],
    [{ type: 'integer', example: 'two' }, 0],
    [{ type: 'integer', example: 9, maximum: 5, default: '5' }, 5],
    [{ type: 'number', example: '1e-3' }, 0.001],
    [{ type: 'number', example: 'NaN' }, 0],
    [{ type: 'number', maximum: -2 }, -2],
    [{ type: 'number', exclusiveMinimum: 0, example: 0 }, 1],
    [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, 0.5],
    [{ type: 'integer', minimum: 2, exclusiveMinimum: true }, 3],
    [{ type: 'integer', exclusiveMaximum: -1 }, -2],
    [{ type: 'string', minLength: 9 }, 'string st'],
    [{ ...list, minItems: 2 }, [0, 0]],
    [{ type: 'boolean', example: 'TRUE' }, true],
    [{ type: 'boolean', example: 'yes' }, false],
    [{ type: ['integer', 'null'], example: '7' }, 7],
    [{ type: 'integer', nullable: true, example: 'null', default: '4' }, 4],
    [{ type: 'string', nullable: true, example: 'null' }, 'string'],
    [{ type: 'string', example: null }, 'string'],
    [{ type: 'string', example: 2024 }, '2024'],
    [{ type: 'string', maxLength: 3 }, 'str'],
    [{ type: 'string', format: 'date-time' }, '2026-01-31T12:00:00Z'],
    [{ type: 'string', enum: ['float', 'base64'], default: 'Float' }, 'float'],
    [{ type: 'string', enum: ['a', 'b'], example: 'c' }, 'a'],
    [{ type: 'integer', enum: ['1', '2'] }, 1],
    [{ type: 'integer', const: '5' }, 5],
    [{ ...list, example: '[1, "2", "x"]' }, [1, 2]],
    [{ ...list, example: ['1', 2] }, [1, 2]],
    [{ ...list, example: '1, 2' }, [0]],
    [{ type: 'object', properties: { n: { type: 'integer' } }, example: '{"n":"1"}' }, { n: 1 }],
    [
      {
        type: 'object',
        required: ['m'],
        properties: { m: { type: 'boolean' }, n: { type: 'integer' } },
        example: { n: '1' },
      },
      { n: 1, m: false },
    ],
    [{ anyOf: [{ type: 'string' }, list], example: ['1'] }, [1]],
    [{ oneOf: [{ type: 'integer' }, { type: 'boolean' }], example: 'true' }, true],
    [{ anyOf: [{ type: 'null' }, { type: 'integer' }], default: '3' }, 3],
    [{ allOf: [{ type: 'integer' }, { default: '6' }] }, 6],
    [
      { oneOf: [roleOf('developer'), roleOf('user')], example: { role: 'user', text: 'x' } },
      { role: 'user', text: 'x' },
    ],
    [{ oneOf: [roleOf('a'), { type: 'object', required: ['other'] }], example: { text: 'x' } }, { text: 'x' }],
  ]
  for (const [schema, value] of cases) t.same(created(schema).value, value, JSON.stringify(schema))
  t.match(created({ type: 'integer', default: '2' }).schema, { default: 2 })
  t.same(created({ type: 'integer', enum: ['1', 'x'] }).schema?.enum, [1])
  const parameters = [
    { in: 'query', name: 'n', schema: { type: 'integer', example: '2' } },
    { in: 'query', name: 'b', schema: { type: 'boolean' }, example: 'maybe' },
    { in: 'query', name: 'l', schema: { ...list, example: '[1,2]' } },
    { in: 'header', name: 'X-N', schema: { type: 'integer', nullable: true }, example: null },
  ]
  t.same(
    referenceFor({ paths: { '/x': { get: { parameters } } } }, 'GET /x').operations[0]?.fields.map(
      ({ example }) => example,
    ),
    ['2', '', '1,2', ''],
  )
})
