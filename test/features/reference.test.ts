import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import type { MappingRule } from '../../src/clients/threescale/nouns.js'
import { readSpec } from '../../src/clients/threescale/spec.js'
import { problem } from '../../src/errors.js'
import { pathsOf } from '../../src/features/models/facts.js'
import type { Model } from '../../src/features/models/schemas.js'
import { readAnswer } from '../../src/features/reference/answer.js'
import { madeReference } from '../../src/features/reference/made.js'
import { differences, placedIn } from '../../src/features/reference/placed.js'
import { createReferences, type ReferenceDeps } from '../../src/features/reference/reference.js'
import type { Reference } from '../../src/features/reference/shapes.js'
import { referenceOf } from '../../src/features/reference/uploaded.js'
import { referenceView } from '../../src/features/reference/view.js'
import { wantedOf } from '../../src/features/reference/wanted.js'
import type { Caller } from '../../src/web/caller.js'
import { safeHtml } from '../../src/web/markdown.js'
import { createPlaces } from '../../src/web/places.js'
import { callsWithoutToken, tokenCredentials } from '../helper/without-token.js'

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
const read = (spec: object) => referenceOf(spec as Record<string, unknown>)
const only = (spec: object) => {
  const operation = read(spec)?.operations[0]
  if (!operation) throw new Error('no operation')
  return operation
}
const withRules = (own: MappingRule[]): Model => ({ ...model, paths: pathsOf(own) })
const placed = (spec: object, own = rules) => {
  const [operation] = placedIn(model, own, read(spec) ?? madeReference(withRules(own), own, ''))
  if (!operation) throw new Error('no operation')
  return operation
}

t.test('the same call told by OpenAPI 2, 3.0 and 3.1 reads the same', async (t) => {
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
  t.match(two.body?.kinds[0]?.example, /"messages"/)
})

t.test('parts that only one version has', async (t) => {
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
  t.match(form.body?.kinds, [{ type: 'application/x-www-form-urlencoded', example: 'a=x+y' }])
  t.match(form.responses, [{ status: 'default', kinds: [{ type: 'application/json', example: 'hi' }] }])
  const file = placed(
    {
      swagger: '2.0',
      paths: { '/v1/chat/completions': { post: { parameters: [{ in: 'formData', name: 'f', type: 'file' }] } } },
    },
    rules,
  )
  t.match(file.against, 'cannot be typed')
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
  const kind = nullable.body?.kinds[0]
  t.same(Object.keys(kind?.schema.properties ?? {}).sort(), ['a', 'b', 'c'])
  t.same(kind?.schema.properties?.a?.type, ['string', 'null'])
  t.match(kind?.example, '"given"')
})

t.test('odd and hostile specs: bounded, never an error, nothing loaded from elsewhere', async (t) => {
  const call = { post: { requestBody: { content: { 'application/json': { schema: { $ref: '#/s' } } } } } }
  const cycle = only({
    paths: { '/c': call },
    s: { properties: { next: { $ref: '#/s' }, all: { allOf: [{ $ref: '#/s' }] } } },
  })
  t.match(cycle.body?.kinds[0]?.schema.properties?.next, { description: 'As above: s.' })
  t.ok(only({ paths: { '/c': { post: { requestBody: { $ref: '#/a' } } } }, a: { $ref: '#/b' }, b: { $ref: '#/a' } }))
  t.equal(read({ paths: { '/c': { $ref: '#/paths/~1c', get: {} } } }), undefined)

  const outside = read({ paths: { '/c': { get: { responses: { 200: { $ref: 'https://evil.example/x.json' } } } } } })
  t.match(outside?.notes, [/other documents, which are not loaded/])

  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`p${n}`, { type: 'string' }]))
  const many = Object.fromEntries(
    Array.from({ length: 3000 }, (_, n) => [
      `/p${n}`,
      { get: { responses: { 200: { content: { 'application/json': { schema: { properties: wide } } } } } } },
    ]),
  )
  const huge = read({ paths: many })
  t.equal(huge?.operations.length, 100)
  t.match(huge?.notes.join(), /100 of 3000.*very large/)
  t.ok(JSON.stringify(huge).length < 3_000_000)

  const paths = read({
    paths: { 'no/slash': call, '/a b': call, '/q?x=1': call, '//evil.example/x': call, '/ok': call },
  })
  t.same(
    paths?.operations.map(({ path }) => path),
    ['//evil.example/x', '/ok'],
  )
  t.match(paths?.notes.join(), 'cannot be called')
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
    const odd = { parameters: value, requestBody: { content: value }, responses: value, tags: value, security: value }
    t.ok(read({ info: value, servers: value, components: value, paths: { '/a': { post: odd, parameters: value } } }))
    t.ok(read({ swagger: '2.0', host: value, consumes: value, paths: { '/a': { post: { ...odd, consumes: value } } } }))
  }
  const circle = readSpec('openapi: 3.0.0\npaths:\n  /a: &a\n    post: &p\n      x: *p\n      example: *a\n')
  t.ok(circle === undefined || read(circle))
  const deep = readSpec(
    `{"paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"example":${'['.repeat(50_000)}${']'.repeat(50_000)}}}}}}}}`,
  )
  t.equal(deep && read(deep)?.operations[0]?.body?.kinds[0]?.example, '')
})

t.test('whatever is uploaded, the page is made, and what it shows is text', async (t) => {
  const nasty = fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '__proto__',
    '\u202e',
    '{}',
  )
  const words = fc.oneof(nasty, fc.string())
  const schema = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.jsonValue(),
      fc.record({
        type: words,
        description: words,
        properties: fc.dictionary(words, tie('node')),
        items: tie('node'),
        oneOf: fc.array(tie('node')),
        $ref: fc.oneof(words, fc.constant('#/components/schemas/a')),
      }),
    ),
  })).node
  const operation = fc.record({
    summary: words,
    description: words,
    tags: fc.array(words),
    parameters: fc.array(
      fc.oneof(fc.jsonValue(), fc.record({ in: fc.constantFrom('query', 'path', 'header'), name: words, schema })),
    ),
    requestBody: fc.record({
      content: fc.dictionary(
        fc.constantFrom('application/json', 'text/plain', 'x'),
        fc.record({ schema, example: fc.jsonValue() }),
      ),
    }),
    responses: fc.dictionary(fc.constantFrom('200', '4XX', 'default', 'x'), fc.record({ description: words })),
  })
  const spec = fc.record({
    info: fc.record({ title: words, description: words }),
    servers: fc.array(fc.record({ url: words })),
    paths: fc.dictionary(
      fc.oneof(fc.constantFrom('/v1/chat/completions', '/a/{b}'), words),
      fc.record({ post: operation }),
    ),
    components: fc.record({ schemas: fc.record({ a: schema }), securitySchemes: fc.dictionary(words, fc.jsonValue()) }),
  })
  await fc.assert(
    fc.asyncProperty(spec, async (given) => {
      const reference = read(given)
      if (!reference) return
      const view = referenceView({
        model,
        reference,
        operations: placedIn(model, rules, reference),
        staleSeconds: undefined,
        person: { applications: [{ id: 1, name: 'mine', state: 'live' }], unknown: false, chosen: '' },
        tried: undefined,
        signInHref: '/login',
      })
      for (const { operations } of view.groups) {
        for (const { id, descriptionHtml } of operations) {
          if (!/^[a-z0-9-]+$/.test(id)) throw new Error(`id ${id}`)
          if (/<(script|img|iframe|style|h\d)/i.test(descriptionHtml)) throw new Error(descriptionHtml)
        }
      }
    }),
    { numRuns: 40 },
  )
  t.notMatch(
    safeHtml('# Big\n\n<b>raw</b>\n\n[x](javascript:alert(1))', { headings: false }),
    /<h1|<h2|<b>|href="javascript/,
  )
})

t.test('without a spec: what the mapping rules let through, with the bodies that are known', async (t) => {
  const told = [...rules, rule('ANY', '/v1/{kind}/x$?mode=fast&n={n}')]
  const made = madeReference(withRules(told), told, 'Why.')
  t.same(made.notes, ['Why.'])
  t.same(
    made.operations.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/chat/completions', 'GET /v1/models', 'POST /v1/{kind}/x'],
  )
  const [chat, , any] = placedIn(model, rules, made)
  t.match(JSON.parse(chat?.sendable[0]?.example ?? ''), { model: 'org/m', messages: [{ role: 'user' }] })
  t.match(any?.parameters, [
    { name: 'kind', in: 'path' },
    { name: 'mode', in: 'query', example: 'fast' },
    { name: 'n', in: 'query', example: '' },
  ])
  const all = [rule('GET', '/'), rule('POST', '/')]
  const catchAll = placedIn(withRules(all), all, madeReference(withRules(all), all, ''))
  t.match(
    catchAll,
    [
      { method: 'POST', path: '/v1/chat/completions', against: '' },
      { method: 'GET', path: '/v1/models', against: '' },
      { method: 'GET', path: '/' },
      { method: 'POST', path: '/' },
    ],
    'the usual calls of the type first',
  )
  const reads = [rule('GET', '/')]
  t.equal(madeReference(withRules(reads), reads, '').operations.length, 1)
  const tei = [rule('POST', '/embed'), rule('GET', '/info')]
  const embedding: Model = { ...withRules(tei), type: 'embedding', base_url: model.endpoint, model_id: null }
  const [embed] = placedIn(embedding, tei, madeReference(embedding, tei, ''))
  t.same(Object.keys(JSON.parse(embed?.sendable[0]?.example ?? '')), ['inputs'], 'a call that takes no model id')
})

t.test('a path is placed where the mapping rules let it through, and else not tried', async (t) => {
  const paths = (path: string, base = '') => ({ servers: [{ url: base }], paths: { [path]: { post: {} } } })
  t.match(placed(paths('/chat/completions', 'https://x.example/v1')), { callPath: '/v1/chat/completions', against: '' })
  t.match(placed(paths('/v1/chat/completions', 'https://x.example/wrong')), { callPath: '/v1/chat/completions' })
  t.match(placed(paths('/chat/completions')), { callPath: '/v1/chat/completions' })
  t.match(placed(paths('/v2/chat')), { against: /no mapping rule/ })
  const below: Model = { ...model, base_url: 'https://m.example.com/llama/v1' }
  const mounted = [rule('GET', '/'), rule('POST', '/llama')]
  const at = (path: string, method: 'get' | 'post') =>
    placedIn(below, mounted, read({ paths: { [path]: { [method]: {} } } }) as Reference)[0]?.callPath
  t.equal(at('/v1/chat/completions', 'post'), '/llama/v1/chat/completions')
  t.equal(at('/v1/models', 'get'), '/llama/v1/models', 'beside the calls, though the root is let through too')
  t.equal(at('/llama/v1/models', 'get'), '/llama/v1/models')
  t.match(placed({ paths: { '/v1/models': { options: {} } } }, [rule('OPTIONS', '/')]), { against: /Only GET/ })
})

t.test('what the spec claims otherwise than the gateway is set up is said', async (t) => {
  const claims = (scheme: object, url = 'https://m.example.com:443') =>
    differences(
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
  t.match(
    claims({ type: 'http', scheme: 'bearer' }, 'https://Main_URL:443'),
    'names https://Main_URL:443 as the server',
  )
  t.equal(claims({ type: 'http', scheme: 'bearer' }, '/v1'), '', 'a path alone claims no server')
})

t.test('a form is checked field by field, and nobody overwrites the credential', async (t) => {
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
  t.same(wantedOf(operation, { ...good, 'header.Authorization': 'Bearer other', 'query.USER_KEY': 'x' }), {
    application: 7,
    path: '/v1/chat/completions/a%2Fb%20%3F%23',
    query: [
      ['many', 'x'],
      ['many', 'y'],
    ],
    headers: { 'x-ok': 'v' },
    body: { type: 'application/json', text: '{"a":1}' },
  })
  t.equal(wantedOf(operation, { ...good, type: 'text/plain', body: 'not json' }).body?.type, 'text/plain')
  const complaints: [name: string, value: string, words: RegExp][] = [
    ['application', 'x', /Choose/],
    ['path.id', '', /Enter a value/],
    ['path.id', '../../admin', /another path/],
    ['path.id', '..', /another path/],
    ['path.id', 'x'.repeat(2001), /at most 2,000/],
    ['header.X-Ok', 'a\r\nHost: evil', /ASCII/],
    ['body', ' ', /Enter the body/],
    ['body', '{', /not JSON/],
    ['body', `"${'x'.repeat(100_000)}"`, /at most 100,000/],
  ]
  for (const [name, value, words] of complaints) {
    const error = (() => {
      try {
        return wantedOf(operation, { ...good, [name]: value })
      } catch (thrown) {
        return thrown
      }
    })()
    t.match(error, { code: 'invalid_fields', fields: { [name]: words } }, `${name} ${value.slice(0, 20)}`)
  }
})

t.test('an answer is bounded, and says what is not shown', async (t) => {
  const shown = (type: string, chunks: Iterable<Buffer | string> | AsyncIterable<Buffer>, more: object = {}) => {
    const signal = new AbortController().signal
    const headers = { 'content-type': type, 'set-cookie': 'a=b', 'x-request-id': 'r1', 'retry-after': '7' }
    return readAnswer(
      { status: 200, headers, body: Readable.from(chunks, { objectMode: false }) },
      { signal, ms: () => 5, ...more },
    )
  }
  const echo = await shown('application/json', [Buffer.from('{"got":'), Buffer.from('"it"}')])
  t.match(echo, { text: '{"got":"it"}', ms: 5, notes: [] })
  t.same(echo.headers, [
    ['content-type', 'application/json'],
    ['x-request-id', 'r1'],
    ['retry-after', '7'],
  ])
  const long = await shown('text/plain', [Buffer.from(`${'x'.repeat(64 * 1024)}and more`)])
  t.equal(long.text.length, 64 * 1024)
  t.match(long.notes, ['Only the beginning is shown.'])
  const endless = await shown(
    'text/event-stream',
    (function* () {
      for (;;) yield Buffer.from('data: x\n\n')
    })(),
  )
  t.match(endless.notes.join(' '), /stream of events.*Only the beginning/)
  const sound = await shown('audio/wav', [Buffer.alloc(2048)])
  t.same(sound.notes, ['2,048 bytes of audio/wav, which is not shown here.'])
  t.equal(sound.text, '')
  const much = await shown('application/octet-stream', Array(20).fill(Buffer.alloc(100_000)))
  t.match(much.notes, [/^More than 1 MB of/])
  t.match((await shown('', [Buffer.from([0, 1, 2])])).notes, [/3 bytes of binary data/])
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half')
      throw new Error('gone')
    })(),
    { objectMode: false },
  )
  const half = await readAnswer(
    { status: 200, headers: { 'content-type': 'text/plain' }, body: broken },
    { signal: new AbortController().signal, ms: () => 1 },
  )
  t.match(half, { text: 'half', notes: [/broke off/] })
  const late = new AbortController()
  const slow = readAnswer(
    { status: 200, headers: { 'content-type': 'text/plain' }, body: new Readable({ signal: late.signal, read() {} }) },
    { signal: late.signal, ms: () => 1 },
  )
  late.abort()
  t.match((await slow).notes, [/took too long/])
})

t.test('a call goes to the product’s own endpoint at a path that its rules let through, or nowhere', async (t) => {
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
    places: createPlaces(),
    modelIdOf: async () => undefined,
    wordsFor: () => 'words',
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
  t.match(await send({ 'path.id': 'x' }), { answer: { text: 'ok' } })
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
  t.same(opened, [], 'nothing of that was sent')

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
  t.match((await unread.read('m', caller)).reference, { uploaded: false, notes: [/cannot be read from 3scale/] })
  for (const [text, words] of [
    ['{"openapi":', /not valid JSON or YAML/],
    ['{"openapi":"3.0.0"}', /names no operation/],
  ] as const) {
    const odd = createReferences(deps({ models: { ...deps().models, readSpec: async () => text } }))
    t.match((await odd.read('m', caller)).reference, { uploaded: false, notes: [words] })
  }
})
