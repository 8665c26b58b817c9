import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { patternTemplate } from '../../src/clients/threescale/tenant-rules/mapping-rules.js'
import type { BackendPath } from '../../src/clients/threescale/types.js'
import { exampleCall, modelIdSource, modelListPath, testCallBody } from '../../src/model-calls/example-calls.js'
import { endpoints, findEndpoint, type ModelType, modelTypes } from '../../src/model-calls/openai-endpoints.js'
import { inferModelType, type ProductRules, resolveBasePath } from '../../src/model-calls/paths/base-paths.js'
import { projectRoot } from '../../src/project-root.js'

const endpoint = 'https://host'
const ruleOf = (method: string, pattern: string) => ({ method, path: patternTemplate(pattern).path, pattern })
const ROOT: BackendPath[] = [{ path: '/', versioned: false }]

/** Parses `GET / POST /v1` into rules. */
function productOf(rules: string, backends = ROOT): ProductRules & { paths: ReturnType<typeof ruleOf>[] } {
  const paths = rules
    .split(' ')
    .flatMap((word, index, words) => (index % 2 ? [ruleOf(words[index - 1] ?? '', word)] : []))
  return { rules: paths, paths, backends }
}

/** Builds a model as the catalogue does. */
function modelOf(rules: string, reported?: ModelType, backends = ROOT) {
  const product = productOf(rules, backends)
  const type = reported ?? inferModelType(product)?.type ?? 'custom'
  const base_url = endpoint + resolveBasePath(type, product).path
  return { type, endpoint, base_url, paths: product.paths, model_id: null }
}

/** Base URL, call and path of the model list, each below the endpoint. */
function seen(rules: string, reported?: ModelType, backends = ROOT) {
  const model = modelOf(rules, reported, backends)
  const { method, path } = exampleCall(model)
  return [model.type, model.base_url.slice(endpoint.length), `${method} ${path}`, modelListPath(model) ?? '']
}

const at = (...paths: string[]): BackendPath[] => paths.map((path) => ({ path, versioned: false }))
const versioned = (path: string): BackendPath[] => [{ path, versioned: true }]

t.test('prefix rules result in a chat model by default, below the path that they allow', async (t) => {
  for (const [rules, base, call, list] of [
    ['GET / POST /', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET / GET /v1 POST /v1', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET /v1/ POST /v1/', '/v1', '/v1/chat/completions', '/v1/models'],
    ['ANY /', '/v1', '/v1/chat/completions', '/v1/models'],
    ['POST /', '/v1', '/v1/chat/completions', ''],
    ['GET / POST /llama', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET /llama POST /llama', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET /llama/v1 POST /llama/v1', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET /llama/ POST /llama/', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET / POST /team/llama', '/team/llama/v1', '/team/llama/v1/chat/completions', '/team/llama/v1/models'],
    ['GET / POST /v1/chat', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET / POST /llama/v1/chat', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET / POST /chat', '', '/chat/completions', '/models'],
    ['GET /models$ POST /v1', '/v1', '/v1/chat/completions', '/models'],
    ['GET / POST /llama POST /', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET / POST /llama POST /mistral', '/llama/v1', '/llama/v1/chat/completions', '/llama/v1/models'],
    ['GET / POST /v1/responses POST /v1', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET / POST //v1', '/v1', '/v1/chat/completions', '/v1/models'],
    ['GET / POST /v1?team=a', '/v1', '/v1/chat/completions?team=a', '/v1/models'],
  ] as const) {
    t.same(seen(rules), ['chat', base, `POST ${call}`, list], rules)
    t.same(inferModelType(productOf(rules)), { type: 'chat', named: false }, rules)
    t.equal(resolveBasePath('chat', productOf(rules)).from, 'prefix', rules)
  }
})

t.test('a rule that names a call takes precedence over prefixes', async (t) => {
  for (const [rules, type, base, call, list] of [
    ['POST /v1/chat/completions GET /v1/models', 'chat', '/v1', '/v1/chat/completions', '/v1/models'],
    ['POST /v1/chat/completions$ GET /v1/models$', 'chat', '/v1', '/v1/chat/completions', '/v1/models'],
    ['POST /chat/completions GET /models', 'chat', '', '/chat/completions', '/models'],
    [
      'POST /llama/v1/chat/completions GET /llama/v1/models',
      'chat',
      '/llama/v1',
      '/llama/v1/chat/completions',
      '/llama/v1/models',
    ],
    ['POST /openai/v1/chat/completions$', 'chat', '/openai/v1', '/openai/v1/chat/completions', ''],
    ['GET / POST /bge/v1/chat/completions', 'chat', '/bge/v1', '/bge/v1/chat/completions', '/bge/v1/models'],
    ['POST /chat/completions GET /v1/models', 'chat', '', '/chat/completions', '/v1/models'],
    ['ANY /v1/chat/completions', 'chat', '/v1', '/v1/chat/completions', ''],
    ['POST /v1/completions GET /v1/models', 'completion', '/v1', '/v1/completions', '/v1/models'],
    ['POST /v1/chat/completions POST /v1/completions GET /health', 'chat', '/v1', '/v1/chat/completions', ''],
    ['GET / POST /v1/embeddings', 'embedding', '/v1', '/v1/embeddings', '/v1/models'],
    ['GET / POST / POST /v1/embeddings', 'embedding', '/v1', '/v1/embeddings', '/v1/models'],
    ['POST /embed GET /info', 'embedding', '', '/embed', ''],
    ['GET / POST /embed', 'embedding', '', '/embed', '/v1/models'],
    ['POST /rerank GET /', 'rerank', '', '/rerank', '/v1/models'],
    ['POST /v1/score GET /v1/models', 'rerank', '/v1', '/v1/score', '/v1/models'],
    ['POST /v1/images/generations', 'image', '/v1', '/v1/images/generations', ''],
    ['POST /v1/audio/translations', 'speech_to_text', '/v1', '/v1/audio/translations', ''],
    ['POST /v1/audio/speech', 'text_to_speech', '/v1', '/v1/audio/speech', ''],
  ] as const) {
    t.same(seen(rules), [type, base, `POST ${call}`, list], rules)
    t.same(inferModelType(productOf(rules)), { type, named: true }, rules)
    t.equal(resolveBasePath(type, productOf(rules)).from, 'rule', rules)
  }
})

t.test('prefixes of other calls determine their type', async (t) => {
  t.same(seen('GET / POST /v1/audio'), ['speech_to_text', '/v1', 'POST /v1/audio/transcriptions', '/v1/models'])
  t.same(seen('GET / POST /v1/images'), ['image', '/v1', 'POST /v1/images/generations', '/v1/models'])
  t.same(seen('GET / POST /rerank/'), ['rerank', '/rerank/v1', 'POST /rerank/v1/rerank', '/rerank/v1/models'])
})

t.test('custom services remain custom', async (t) => {
  for (const [rules, base, call] of [
    ['POST /predict GET /', '', 'POST /predict'],
    ['POST /predict GET /health', '', 'POST /predict'],
    ['POST / GET / POST /predict', '', 'POST /predict'],
    ['POST /v2/models/iris/versions/1/infer GET /', '', 'POST /v2/models/iris/versions/1/infer'],
    ['POST /v1/models/iris:predict', '/v1', 'POST /v1/models/iris:predict'],
    ['POST /predictions/iris GET /ping', '', 'POST /predictions/iris'],
    ['POST /invocations GET /', '', 'POST /invocations'],
    ['POST /analyze GET /', '', 'POST /analyze'],
    ['POST /v1/responses GET /v1/models', '/v1', 'POST /v1/responses'],
    ['POST /v1/sentiment GET /', '/v1', 'POST /v1/sentiment'],
    ['POST /sentiment$ GET /', '', 'POST /sentiment'],
    ['POST /generate GET /', '', 'POST /generate'],
    ['POST /v2 GET /', '', 'POST /v2'],
    ['POST /{team} GET /', '', 'POST /{team}'],
    ['POST /$ GET /', '', 'POST /'],
    ['GET /', '', 'GET /'],
    ['GET /v1', '/v1', 'GET /v1'],
    ['GET /v1/chat/completions GET /v1/models', '/v1', 'GET /v1/chat/completions'],
  ] as const) {
    const [type, ...rest] = seen(rules)
    t.equal(type, 'custom', rules)
    t.same(rest.slice(0, 2), [base, call], rules)
  }
})

t.test('with a type from facts or an API document, the same rules lead to calls of that type', async (t) => {
  for (const [rules, type, base, call] of [
    ['GET / POST /', 'embedding', '/v1', '/v1/embeddings'],
    ['GET / POST /v1', 'rerank', '/v1', '/v1/rerank'],
    ['GET / POST /llama', 'completion', '/llama/v1', '/llama/v1/completions'],
    ['GET / POST /', 'text_to_speech', '/v1', '/v1/audio/speech'],
    ['GET / POST /v3', 'chat', '/v3', '/v3/chat/completions'],
    ['GET / POST /api/chat/', 'chat', '/api', '/api/chat/completions'],
    ['POST /v1/completions POST /v1', 'chat', '/v1', '/v1/chat/completions'],
    ['POST /chat/completions POST /llama/v1/embeddings', 'embedding', '/llama/v1', '/llama/v1/embeddings'],
    ['POST /v1', 'custom', '/v1', '/v1'],
  ] as const)
    t.same(seen(rules, type).slice(0, 3), [type, base, `POST ${call}`], `${type} ${rules}`)
  t.same(seen('POST /invoke GET /', 'chat').slice(1, 3), ['', 'POST /invoke'], 'no rule allows a chat call')
})

t.test('with backends at paths, the base URL reaches one of them', async (t) => {
  t.same(seen('GET / POST /', undefined, at('/llama')), [
    'chat',
    '/llama/v1',
    'POST /llama/v1/chat/completions',
    '/llama/v1/models',
  ])
  t.same(seen('GET /llama/ POST /llama/', undefined, at('/llama')).slice(1, 3), [
    '/llama/v1',
    'POST /llama/v1/chat/completions',
  ])
  t.same(seen('GET / POST /llama/v1', undefined, at('/llama')).slice(1, 3), [
    '/llama/v1',
    'POST /llama/v1/chat/completions',
  ])
  t.same(seen('GET / POST /', undefined, at('/chat', '/embed')).slice(0, 3), [
    'chat',
    '/chat/v1',
    'POST /chat/v1/chat/completions',
  ])
  t.same(seen('GET / POST /chat', undefined, at('/chat')).slice(1, 3), ['/chat/v1', 'POST /chat/v1/chat/completions'])
  t.same(seen('GET / POST /', undefined, at('/embed')).slice(0, 3), [
    'embedding',
    '/embed/v1',
    'POST /embed/v1/embeddings',
  ])
  t.same(seen('GET / POST /embed', undefined, at('/embed')).slice(0, 3), [
    'embedding',
    '/embed/v1',
    'POST /embed/v1/embeddings',
  ])
  t.same(seen('GET / POST /search', undefined, at('/search')).slice(0, 2), ['chat', '/search/v1'], 'whatever its name')
  t.same(
    seen('GET / POST /', undefined, at('/', '/embed')).slice(0, 2),
    ['chat', '/v1'],
    'the root serves the other paths',
  )
  t.same(seen('POST /a/v1/embeddings POST /b/v1/embeddings', undefined, at('/b')).slice(1, 2), ['/b/v1'])
  t.same(
    seen('GET / GET /v1 POST /v1', undefined, at('/chat', '/embed')).slice(0, 2),
    ['chat', '/v1'],
    'no backend at this path',
  )
})

t.test('a private address that ends in a version has a public path without one', async (t) => {
  t.same(seen('GET / POST /', undefined, versioned('/')), ['chat', '', 'POST /chat/completions', '/models'])
  t.same(seen('GET / POST /', undefined, versioned('/llama')).slice(1, 3), ['/llama', 'POST /llama/chat/completions'])
  t.same(seen('GET / POST /v1', undefined, versioned('/')).slice(1, 3), ['/v1', 'POST /v1/chat/completions'])
  t.same(seen('POST /v1/chat/completions', undefined, versioned('/')).slice(1, 2), ['/v1'])
})

t.test('below a prefix, an API document decides, as far as the rules allow its calls', async (t) => {
  const base = (rules: string, documented: string[], backends = ROOT, type: ModelType = 'chat') => {
    const { path, from } = resolveBasePath(type, productOf(rules, backends), { documented })
    return `${path} ${from}`
  }
  t.equal(base('GET / POST /', ['/openai/v1/chat/completions']), '/openai/v1 document')
  t.equal(base('GET / POST /', ['/v1/embeddings', '/v1/chat/completions']), '/v1 document')
  t.equal(base('GET / POST /', ['/v1/embeddings']), '/v1 prefix', 'another type')
  t.equal(base('GET / POST /llama', ['/v1/chat/completions']), '/llama/v1 prefix', 'not allowed by a rule')
  t.equal(
    base('POST /v1/chat/completions POST /', ['/openai/v1/chat/completions']),
    '/v1 rule',
    'the rule names the call',
  )
  t.equal(base('GET / POST /', ['/v1/chat/completions'], at('/llama')), '/llama/v1 prefix', 'no backend at this path')
  t.equal(base('GET / POST /', ['/v1/chat/completions'], versioned('/')), ' prefix', 'not twice')
})

t.test('query conditions and path parameters are preserved, and placeholders for the caller are marked', async (t) => {
  const azure = modelOf('POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21')
  const { url, address, query, base, usual, placeholders } = exampleCall(azure)
  t.same(
    { url, address, query, base, usual, placeholders },
    {
      url: 'https://host/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
      address: 'https://host/openai/deployments/gpt-4o/chat/completions',
      query: [['api-version', '2024-10-21']],
      base: 'https://host/openai/deployments/gpt-4o',
      usual: false,
      placeholders: [],
    },
  )
  t.equal(testCallBody(azure)?.path, '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21')
  const open = modelOf('POST /openai/deployments/{deployment}/chat/completions?api-version={version}')
  t.match(exampleCall(open), {
    url: 'https://host/openai/deployments/{deployment}/chat/completions?api-version={version}',
    placeholders: ['{deployment}', '{version}'],
  })
  t.equal(testCallBody(open), undefined)
  t.equal(
    modelListPath(modelOf('GET / POST /{team}/v1/chat/completions')),
    undefined,
    'the portal does not send a request there either',
  )
  t.equal(exampleCall(modelOf('POST /{a}/predict GET /')).url, 'https://host/{a}/predict', 'never the bare host')
  t.equal(exampleCall(modelOf('POST /{t}/v1/chat/completions POST /v1/chat/completions')).path, '/v1/chat/completions')
  t.equal(
    exampleCall(modelOf('POST /v1/chat/completions?v=1 POST /v1')).path,
    '/v1/chat/completions?v=1',
    'the rule that names the call states the required query',
  )
})

t.test('docs/models.md matches the behavior', async (t) => {
  const text = readFileSync(join(projectRoot, 'docs/models.md'), 'utf8')
  const [, table = ''] = /\| rules \| type \| base URL \|\n\|[-|]+\|\n([\s\S]*?)\n\n/.exec(text) ?? []
  const rows = table.split('\n')
  t.ok(rows.length > 10)
  for (const row of rows) {
    const [, cell = '', words = '', address = ''] = row.split('|')
    const rules = [...cell.matchAll(/`((?:GET|POST) [^`]+)`/g)].map(([, rule]) => rule).join(' ')
    const path = /backend at `([^`]+)`/.exec(cell)?.[1] ?? '/'
    const backends = [{ path, versioned: /private base URL with `\/v1`/.test(cell) }]
    const [type, base] = seen(rules, undefined, backends)
    t.equal(`\`https://host${base}\``, address.trim(), row)
    t.ok(words.trim().startsWith(String(type).replaceAll('_', ' ')), row)
    const { named } = inferModelType(productOf(rules, backends)) ?? {}
    t.equal(named === false, /assumed/.test(words), row)
  }
})

t.test('the origin of the model id in code is reported', async (t) => {
  const origin = (rules: string, model_id: string | null = null) => modelIdSource({ ...modelOf(rules), model_id })
  t.equal(origin('GET / POST /'), 'listed')
  t.equal(origin('GET / POST /', 'org/m'), 'known')
  t.equal(origin('POST /v1/chat/completions'), 'open', 'no rule allows a request for the list')
  t.equal(origin('POST /v1/chat/completions GET /v1/models?all={all}'), 'open')
  t.equal(origin('POST /v1/chat/completions GET /health'), 'open')
  t.equal(origin('POST /embed GET /info'), 'none')
  t.equal(origin('POST /predict GET /'), 'none')
})

t.test(
  'every type except custom has an endpoint, each with its own path, which paths match by their end',
  async (t) => {
    for (const type of modelTypes)
      t.equal(
        endpoints.some((each) => each.type === type),
        type !== 'custom',
        type,
      )
    t.equal(new Set(endpoints.map(({ method, path }) => `${method} ${path}`)).size, endpoints.length)
    for (const each of endpoints) t.equal(findEndpoint(each.method, `/any${each.path}`), each, each.path)
    for (const [method, path] of [
      ['GET', '/v1/chat/completions'],
      ['POST', '/v1/models'],
      ['POST', '/v1/mycompletions'],
      ['POST', '/v1/completions/x'],
      ['POST', '/'],
    ] as const)
      t.equal(findEndpoint(method, path), undefined, `${method} ${path}`)
  },
)

t.test('for rules of every shape, the call is below the displayed base URL', async (t) => {
  const pieces = ['', '/v1', '/llama', '/chat', '/v1/chat', '/embed', '/v3', '/a/b', '/predict', '/v1/audio']
  for (const prefix of pieces)
    for (const ending of ['', '/', '$', '?a=b', '/chat/completions', '/v1/embeddings$', '/{x}/rerank'])
      for (const reported of [undefined, ...modelTypes]) {
        const rules = `GET / POST ${prefix}${ending}`.replace('POST $', 'POST /$').replace(/POST (\?|$)/, 'POST /$1')
        const model = modelOf(rules, reported)
        const call = exampleCall(model)
        const named = findEndpoint('POST', call.address.slice(endpoint.length))
        if (named?.type === model.type)
          t.equal(call.address, model.base_url + named.path, `${reported} ${rules}: base and call agree`)
        t.ok(call.address.startsWith(`${endpoint}/`), rules)
        t.notMatch(call.address.slice(endpoint.length), /\/\/|\$/, rules)
      }
})
