import { Readable } from 'node:stream'
import t from 'tap'
import { readSpec } from '../../../src/clients/threescale/specs/spec.js'
import type { MappingRule } from '../../../src/clients/threescale/types.js'
import { problem } from '../../../src/errors.js'
import { pathsOf } from '../../../src/features/models/catalogue/facts.js'
import type { Model } from '../../../src/features/models/schemas.js'
import { resolveOperations, specDifferences } from '../../../src/features/reference/gateway-operations.js'
import { generateReference } from '../../../src/features/reference/generated/generated-reference.js'
import { readOpenApi } from '../../../src/features/reference/openapi/read-openapi.js'
import { createReferences, type ReferenceDeps } from '../../../src/features/reference/reference.js'
import type { Reference } from '../../../src/features/reference/reference-types.js'
import { readResponse } from '../../../src/features/reference/response.js'
import { parseTryItForm } from '../../../src/features/reference/try-it-form.js'
import type { Caller } from '../../../src/web/auth/caller.js'
import { createModelCallLimit } from '../../../src/web/limits/concurrency-limit.js'
import { callsWithoutToken, tokenCredentials } from '../../helper/without-token.js'

const rule = (method: string, pattern: string): MappingRule => ({
  method,
  pattern,
  metricId: 1,
  metric: 'hits',
  delta: 1,
  last: false,
})
const model = {
  system_name: 'm',
  name: 'M',
  type: 'chat',
  model_id: 'org/m',
  endpoint: 'https://m.example.com',
  base_url: 'https://m.example.com/v1',
  paths: [],
  token_url: null,
  credentials: {
    mode: 'user_key',
    location: 'authorization',
    names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' },
  },
} as unknown as Model
const rules = [rule('POST', '/v1/chat/completions'), rule('GET', '/v1/models')]
const read = (spec: object) => readOpenApi(spec as Record<string, unknown>)
const only = (spec: object) => {
  const operation = read(spec)?.operations[0]
  if (!operation) throw new Error('no operation')
  return operation
}
const withRules = (own: MappingRule[]): Model => ({ ...model, paths: pathsOf(own) })
const placed = (spec: object, own = rules) => {
  const [operation] = resolveOperations(model, own, read(spec) ?? generateReference(withRules(own), own, ''))
  if (!operation) throw new Error('no operation')
  return operation
}

t.test('the same call is read identically from OpenAPI 2, 3.0 and 3.1', async (t) => {
  const item = {
    type: 'object',
    required: ['role'],
    properties: { role: { type: 'string' }, text: { type: 'string' } },
  }
  const body = { type: 'object', required: ['messages'], properties: { messages: { type: 'array', items: item } } }
  const answers = { 200: { description: 'Said' } }
  const two = only({
    swagger: '2.0',
    basePath: '/v1',
    consumes: ['application/json'],
    paths: {
      '/chat/completions': {
        parameters: [{ in: 'query', name: 'limit', type: 'integer', maximum: 9 }],
        post: {
          summary: 'Chat',
          parameters: [{ in: 'body', name: 'b', required: true, schema: { $ref: '#/definitions/Body' } }],
          responses: answers,
        },
      },
    },
    definitions: { Body: body },
  })
  for (const version of ['3.0.3', '3.1.0']) {
    const three = only({
      openapi: version,
      servers: [{ url: 'https://elsewhere.example/{v}', variables: { v: { default: 'v1' } } }],
      paths: {
        '/chat/completions': {
          parameters: [{ $ref: '#/components/parameters/limit' }],
          post: {
            summary: 'Chat',
            requestBody: { $ref: '#/components/requestBodies/chat' },
            responses: answers,
          },
        },
      },
      components: {
        parameters: { limit: { in: 'query', name: 'limit', schema: { type: 'integer', maximum: 9 } } },
        requestBodies: {
          chat: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Body' } } } },
        },
        schemas: { Body: body },
      },
    })
    t.same(three, two, version)
  }
  t.equal(two.id, 'post-chat-completions')
  t.match(two.body?.variants[0]?.example, /"messages"/)
})

t.test('features of a single OpenAPI version are supported', async (t) => {
  const form = only({
    swagger: '2.0',
    paths: {
      '/f': {
        post: {
          parameters: [
            { in: 'formData', name: 'a', type: 'string', required: true, default: 'x y' },
            { in: 'formData', name: '__proto__', type: 'string' },
          ],
          responses: { default: { schema: { type: 'string' }, examples: { 'application/json': 'hi' } } },
        },
      },
    },
  })
  t.match(form.body?.variants, [{ type: 'application/x-www-form-urlencoded', example: 'a=x+y' }])
  t.match(form.responses, [{ status: 'default', variants: [{ type: 'application/json', example: 'hi' }] }])
  const file = placed(
    {
      swagger: '2.0',
      paths: { '/v1/chat/completions': { post: { parameters: [{ in: 'formData', name: 'f', type: 'file' }] } } },
    },
    rules,
  )
  t.match(file.unavailableReason, 'cannot be entered')
  const nullable = only({
    openapi: '3.1.0',
    paths: {
      '/n': {
        post: {
          deprecated: true,
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  allOf: [{ $ref: '#/components/schemas/A' }, { properties: { b: { type: ['integer', 'null'] } } }],
                  anyOf: [{ type: 'null' }, { properties: { c: { const: 'only' } } }],
                },
                examples: { first: { $ref: '#/components/examples/one' } },
              },
            },
          },
        },
      },
    },
    components: {
      schemas: { A: { required: ['a'], properties: { a: { type: 'string', nullable: true } } } },
      examples: { one: { value: { a: 'given' } } },
    },
  })
  t.equal(nullable.deprecated, true)
  const kind = nullable.body?.variants[0]
  t.same(Object.keys(kind?.schema.properties ?? {}).sort(), ['a', 'b', 'c'])
  t.same(kind?.schema.properties?.a?.type, ['string', 'null'])
  t.match(kind?.example, '"given"')
})

t.test('malformed and hostile specs are bounded, cause no error, and load nothing from other addresses', async (t) => {
  const call = { post: { requestBody: { content: { 'application/json': { schema: { $ref: '#/s' } } } } } }
  const cycle = only({
    paths: { '/c': call },
    s: { properties: { next: { $ref: '#/s' }, all: { allOf: [{ $ref: '#/s' }] } } },
  })
  t.match(cycle.body?.variants[0]?.schema.properties?.next, { description: 'As above: s.' })
  t.ok(only({ paths: { '/c': { post: { requestBody: { $ref: '#/a' } } } }, a: { $ref: '#/b' }, b: { $ref: '#/a' } }))
  t.equal(read({ paths: { '/c': { $ref: '#/paths/~1c', get: {} } } }), undefined)

  const outside = read({ paths: { '/c': { get: { responses: { 200: { $ref: 'https://evil.example/x.json' } } } } } })
  t.match(outside?.remarks, [/other documents, which are not loaded/])

  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`p${n}`, { type: 'string' }]))
  const many = Object.fromEntries(
    Array.from({ length: 3000 }, (_, n) => [
      `/p${n}`,
      { get: { responses: { 200: { content: { 'application/json': { schema: { properties: wide } } } } } } },
    ]),
  )
  const huge = read({ paths: many })
  t.equal(huge?.operations.length, 100)
  t.match(huge?.remarks.join(), /100 of 3,000.*very large/)
  t.ok(JSON.stringify(huge).length < 3_000_000)

  const paths = read({
    paths: { 'no/slash': call, '/a b': call, '/q?x=1': call, '//evil.example/x': call, '/ok': call },
  })
  t.same(
    paths?.operations.map(({ path }) => path),
    ['//evil.example/x', '/ok'],
  )
  t.match(paths?.remarks.join(), 'cannot be called')
  for (const spec of [
    {},
    { paths: null },
    { paths: [] },
    { paths: 7 },
    { paths: { '/a': null } },
    { paths: { '/a': { post: 'x' } } },
    { paths: { '/a': { trace: {} } } },
  ])
    t.equal(read(spec), undefined, JSON.stringify(spec))
  for (const value of [null, 7, 'x', [], [null], { a: null }]) {
    const unusual = {
      parameters: value,
      requestBody: { content: value },
      responses: value,
      tags: value,
      security: value,
    }
    t.ok(
      read({ info: value, servers: value, components: value, paths: { '/a': { post: unusual, parameters: value } } }),
    )
    t.ok(
      read({
        swagger: '2.0',
        host: value,
        consumes: value,
        paths: { '/a': { post: { ...unusual, consumes: value } } },
      }),
    )
  }
  const circle = readSpec('openapi: 3.0.0\npaths:\n  /a: &a\n    post: &p\n      x: *p\n      example: *a\n')
  t.ok(circle === undefined || read(circle))
  const deep = readSpec(
    `{"paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"example":${'['.repeat(50_000)}${']'.repeat(50_000)}}}}}}}}`,
  )
  t.equal(deep && read(deep)?.operations[0]?.body?.variants[0]?.example, '')
})

t.test('without a spec, the reference shows the calls that the mapping rules allow, with known bodies', async (t) => {
  const reported = [...rules, rule('ANY', '/v1/{kind}/x$?mode=fast&n={n}')]
  const created = generateReference(withRules(reported), reported, 'Why.')
  t.same(created.remarks, ['Why.'])
  t.same(
    created.operations.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/chat/completions', 'GET /v1/models', 'POST /v1/{kind}/x'],
  )
  const [chat, , any] = resolveOperations(model, rules, created)
  t.match(JSON.parse(chat?.sendableBodies[0]?.example ?? ''), { model: 'org/m', messages: [{ role: 'user' }] })
  t.match(any?.parameters, [
    { name: 'kind', in: 'path' },
    { name: 'mode', in: 'query', example: 'fast' },
    { name: 'n', in: 'query', example: '' },
  ])
  const all = [rule('GET', '/'), rule('POST', '/')]
  const catchAll = resolveOperations(withRules(all), all, generateReference(withRules(all), all, ''))
  t.match(
    catchAll,
    [
      { method: 'POST', path: '/v1/chat/completions', unavailableReason: '' },
      { method: 'GET', path: '/v1/models', unavailableReason: '' },
      { method: 'GET', path: '/' },
      { method: 'POST', path: '/' },
    ],
    'the usual calls of the type first',
  )
  const reads = [rule('GET', '/')]
  t.equal(generateReference(withRules(reads), reads, '').operations.length, 1)
  const tei = [rule('POST', '/embed'), rule('GET', '/info')]
  const embedding: Model = { ...withRules(tei), type: 'embedding', base_url: model.endpoint, model_id: null }
  const [embed] = resolveOperations(embedding, tei, generateReference(embedding, tei, ''))
  t.same(Object.keys(JSON.parse(embed?.sendableBodies[0]?.example ?? '')), ['inputs'], 'a call without a model id')
})

t.test('a path is resolved to one that the mapping rules allow, and is unavailable otherwise', async (t) => {
  const paths = (path: string, base = '') => ({ servers: [{ url: base }], paths: { [path]: { post: {} } } })
  t.match(placed(paths('/chat/completions', 'https://x.example/v1')), {
    callPath: '/v1/chat/completions',
    unavailableReason: '',
  })
  t.match(placed(paths('/v1/chat/completions', 'https://x.example/wrong')), { callPath: '/v1/chat/completions' })
  t.match(placed(paths('/chat/completions')), { callPath: '/v1/chat/completions' })
  t.match(placed(paths('/v2/chat')), { unavailableReason: /no mapping rule/ })
  const below: Model = { ...model, base_url: 'https://m.example.com/llama/v1' }
  const mounted = [rule('GET', '/'), rule('POST', '/llama')]
  const at = (path: string, method: 'get' | 'post') =>
    resolveOperations(below, mounted, read({ paths: { [path]: { [method]: {} } } }) as Reference)[0]?.callPath
  t.equal(at('/v1/chat/completions', 'post'), '/llama/v1/chat/completions')
  t.equal(at('/v1/models', 'get'), '/llama/v1/models', 'next to the calls, even though the root is allowed as well')
  t.equal(at('/llama/v1/models', 'get'), '/llama/v1/models')
  t.match(placed({ paths: { '/v1/models': { options: {} } } }, [rule('OPTIONS', '/')]), {
    unavailableReason: /Only GET/,
  })
})

t.test('differences between the spec and the gateway configuration are reported', async (t) => {
  const claims = (scheme: object, url = 'https://m.example.com:443') =>
    specDifferences(
      model,
      read({
        servers: [{ url }],
        paths: { '/x': { get: {} } },
        components: { securitySchemes: { s: scheme } },
      }) as never,
    ).join(' ')
  t.equal(claims({ type: 'http', scheme: 'Bearer' }), '')
  t.equal(claims({ type: 'apiKey', in: 'header', name: 'Authorization' }), '')
  t.match(claims({ type: 'apiKey', in: 'query', name: 'key' }), 'a different credential')
  t.match(claims({ type: 'http', scheme: 'bearer' }, 'https://Main_URL:443'), 'names the server https://Main_URL:443')
  t.equal(claims({ type: 'http', scheme: 'bearer' }, '/v1'), '', 'a path without a host names no server')
})

t.test('a form is validated field by field, and no field can override the credential', async (t) => {
  const operation = placed(
    {
      paths: {
        '/v1/chat/completions/{id}': {
          post: {
            parameters: [
              { in: 'query', name: 'many', schema: { type: 'array', items: { type: 'string' } } },
              { in: 'query', name: 'USER_KEY', schema: { type: 'string' } },
              ...['X-Ok', 'Authorization', 'Host', 'Content-Length', 'Cookie', 'X-3scale-debug', 'bad name'].map(
                (name) => ({
                  in: 'header',
                  name,
                }),
              ),
              { in: 'cookie', name: 'c' },
            ],
            requestBody: { required: true, content: { 'application/json': {}, 'text/plain': {} } },
          },
        },
      },
    },
    rules,
  )
  t.same(
    operation.fields.map(({ name }) => name),
    ['many', 'X-Ok', 'id'],
  )
  const good = { application: '7', 'path.id': 'a/b ?#', 'query.many': 'x, y', 'header.X-Ok': 'v', body: '{"a":1}' }
  t.same(parseTryItForm(operation, { ...good, 'header.Authorization': 'Bearer other', 'query.USER_KEY': 'x' }), {
    application: 7,
    path: '/v1/chat/completions/a%2Fb%20%3F%23',
    query: [
      ['many', 'x'],
      ['many', 'y'],
    ],
    headers: { 'x-ok': 'v' },
    body: { type: 'application/json', text: '{"a":1}' },
  })
  t.equal(parseTryItForm(operation, { ...good, type: 'text/plain', body: 'not json' }).body?.type, 'text/plain')
  const complaints: [name: string, value: string, words: RegExp][] = [
    ['application', 'x', /Select/],
    ['path.id', '', /Enter a value/],
    ['path.id', '../../admin', /path segment/],
    ['path.id', '..', /path segment/],
    ['path.id', 'x'.repeat(2001), /at most 2,000/],
    ['header.X-Ok', 'a\r\nHost: evil', /ASCII/],
    ['body', ' ', /Enter the body/],
    ['body', '{', /valid JSON/],
    ['body', `"${'x'.repeat(100_000)}"`, /at most 100,000/],
  ]
  for (const [name, value, words] of complaints) {
    const error = (() => {
      try {
        return parseTryItForm(operation, { ...good, [name]: value })
      } catch (thrown) {
        return thrown
      }
    })()
    t.match(error, { code: 'invalid_fields', fields: { [name]: words } }, `${name} ${value.slice(0, 20)}`)
  }
})

t.test('a response is bounded, and the page states what it omits', async (t) => {
  const shown = (type: string, chunks: Iterable<Buffer | string> | AsyncIterable<Buffer>, more: object = {}) => {
    const signal = new AbortController().signal
    const headers = { 'content-type': type, 'set-cookie': 'a=b', 'x-request-id': 'r1', 'retry-after': '7' }
    return readResponse(
      { status: 200, headers, body: Readable.from(chunks, { objectMode: false }) },
      { signal, ms: () => 5, ...more },
    )
  }
  const echo = await shown('application/json', [Buffer.from('{"got":'), Buffer.from('"it"}')])
  t.match(echo, { text: '{"got":"it"}', ms: 5, remarks: [] })
  t.same(echo.headers, [
    ['content-type', 'application/json'],
    ['x-request-id', 'r1'],
    ['retry-after', '7'],
  ])
  const long = await shown('text/plain', [Buffer.from(`${'x'.repeat(64 * 1024)}and more`)])
  t.equal(long.text.length, 64 * 1024)
  t.match(long.remarks, ['Only the beginning is shown.'])
  const endless = await shown(
    'text/event-stream',
    (function* () {
      for (;;) yield Buffer.from('data: x\n\n')
    })(),
  )
  t.match(endless.remarks.join(' '), /stream of events.*Only the beginning/)
  const sound = await shown('audio/wav', [Buffer.alloc(2048)])
  t.same(sound.remarks, ['2,048 bytes of audio/wav, which is not shown.'])
  t.equal(sound.text, '')
  const much = await shown('application/octet-stream', Array(20).fill(Buffer.alloc(100_000)))
  t.match(much.remarks, [/^More than 1 MB of/])
  t.match((await shown('', [Buffer.from([0, 1, 2])])).remarks, [/3 bytes of binary data/])
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half')
      throw new Error('gone')
    })(),
    { objectMode: false },
  )
  const half = await readResponse(
    { status: 200, headers: { 'content-type': 'text/plain' }, body: broken },
    { signal: new AbortController().signal, ms: () => 1 },
  )
  t.match(half, { text: 'half', remarks: [/closed early/] })
  const late = new AbortController()
  const slow = readResponse(
    { status: 200, headers: { 'content-type': 'text/plain' }, body: new Readable({ signal: late.signal, read() {} }) },
    { signal: late.signal, ms: () => 1 },
  )
  late.abort()
  t.match((await slow).remarks, [/took too long/])
})

t.test('a call is sent only to the endpoint of the product, at a path that its rules allow', async (t) => {
  const opened: string[] = []
  const spec = { paths: { '/v1/models/{id}': { get: {} }, '/v1/other': { get: {} } } }
  const deps = (more: Partial<ReferenceDeps> = {}): ReferenceDeps => ({
    models: {
      find: async () => ({
        model,
        rules: [rule('GET', '/v1/models/{id}$')],
        spec: { id: 1, hash: 'h' },
        ageSeconds: 0,
        stale: false,
      }),
      readSpec: async () => JSON.stringify(spec),
    },
    applications: {
      list: async () => [],
      read: async () => ({ application: { model: 'm', credentials: { user_key: 'canary-key-1' } }, model }) as never,
    },
    calls: {
      prepare: async (_model, _application, { method, path }) => ({
        method,
        url: new URL(model.endpoint + path),
        headers: {},
        secrets: [],
      }),
    },
    gateway: {
      open: async ({ url }) => {
        opened.push(url.href)
        return { status: 200, headers: {}, body: Readable.from([Buffer.from('ok')]) }
      },
    },
    modelCallLimit: createModelCallLimit(),
    modelIdOf: async () => undefined,
    refusalsOf: () => undefined,
    ...more,
  })
  const caller = { username: 'u' } as Caller
  const signal = new AbortController().signal
  const send = (values: Record<string, string>, more: Partial<ReferenceDeps> = {}) =>
    createReferences(deps(more)).send(
      caller,
      'm',
      { application: '1', operation: 'get-v1-models-id', ...values },
      signal,
    )
  t.match(await send({ 'path.id': 'x' }), { response: { text: 'ok' } })
  t.same(opened.splice(0), ['https://m.example.com/v1/models/x'])
  await t.rejects(send({ 'path.id': 'org/x' }), { code: 'invalid_fields', fields: { form: /no mapping rule matches/ } })
  await t.rejects(send({ operation: 'get-v1-other' }), { code: 'not_found' }, 'not let through')
  await t.rejects(send({ operation: 'nothing' }), { code: 'not_found' })
  const elsewhere = {
    prepare: async () => ({
      method: 'GET',
      url: new URL('https://evil.example/v1/models/x'),
      headers: {},
      secrets: [],
    }),
  }
  await t.rejects(send({ 'path.id': 'x' }, { calls: elsewhere }), { code: 'invalid_fields' })
  const others = { list: async () => [], read: async () => ({ application: { model: 'another' }, model }) as never }
  await t.rejects(send({ 'path.id': 'x' }, { applications: others }), { code: 'not_found' })
  const tokens = {
    list: async () => [],
    read: async () => ({ application: { model: model.system_name, credentials: tokenCredentials }, model }) as never,
  }
  await t.rejects(send({ 'path.id': 'x' }, { calls: callsWithoutToken, applications: tokens }), {
    code: 'gateway_unavailable',
    message: /No access token could be obtained/,
  })
  t.same(opened, [], 'no such request was sent')

  const unread = createReferences(
    deps({
      models: {
        ...deps().models,
        readSpec: async () => {
          throw problem('threescale_unavailable')
        },
      },
    }),
  )
  t.match((await unread.read('m', caller)).reference, { uploaded: false, remarks: [/cannot be read from 3scale/] })
  for (const [text, words] of [
    ['{"openapi":', /not valid JSON or YAML/],
    ['{"openapi":"3.0.0"}', /contains no operation/],
  ] as const) {
    const unusual = createReferences(deps({ models: { ...deps().models, readSpec: async () => text } }))
    t.match((await unusual.read('m', caller)).reference, { uploaded: false, remarks: [words] })
  }
})
