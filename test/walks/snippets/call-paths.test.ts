import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import type { Application } from '../../../src/features/applications/schemas.js'
import type { Model } from '../../../src/features/models/schemas.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, decode } from '../../helper/visitor.js'
import { shown } from '../../snippets/default-products.js'
import { expectOk, readCell } from '../../snippets/matrix.js'
import { environmentOf, inNewShell, startNode, startPython } from '../../snippets/runners.js'

type Body = Record<string, unknown>
type Reply = [status: number, body: unknown]
type Server = (method: string, path: string, query: URLSearchParams, body: Body) => Reply

const UNKNOWN: Reply = [404, { detail: 'Not Found' }]
const ranked = (list: unknown[], score: string) => list.map((_, index) => ({ index, [score]: 0.9 - index / 10 }))
const list = (id: string) => ({ object: 'list', data: [{ id, object: 'model' }] })
const said = (content: string) => ({ choices: [{ index: 0, message: { role: 'assistant', content } }] })
const missing = (field: string): Reply => [422, { detail: [{ loc: ['body', field], msg: 'Field required' }] }]

/** Model servers that accept the calls of their type and reject all others, each by the first segment of its address. */
const servers: Record<string, Server> = {
  /** text-embeddings-inference (router/src/http) */
  tei(method, path, _query, { texts, inputs, query }) {
    if (method === 'GET' && path === '/info')
      return [200, { model_id: 'BAAI/bge', model_type: { reranker: {} }, max_input_length: 512 }]
    if (method !== 'POST') return UNKNOWN
    if (path === '/rerank')
      return Array.isArray(texts) && query ? [200, ranked(texts, 'score')] : [422, 'missing field `texts`']
    if (path === '/embed')
      return Array.isArray(inputs) ? [200, inputs.map(() => [1, 2, 3])] : [422, 'missing field `inputs`']
    return UNKNOWN
  },
  /** vLLM and other servers with Cohere's format. */
  cohere(method, path, _query, { model, documents }) {
    if (method === 'GET' && path === '/v1/models') return [200, list('org/rerank')]
    if (method !== 'POST' || !/^(\/v[12])?\/rerank$/.test(path)) return UNKNOWN
    if (model !== 'org/rerank') return missing('model')
    return Array.isArray(documents) ? [200, { results: ranked(documents, 'relevance_score') }] : missing('documents')
  },
  score(method, path, _query, { model, text_1, text_2 }) {
    if (method === 'GET' && path === '/v1/models') return [200, list('org/score')]
    if (method !== 'POST' || path !== '/v1/score') return UNKNOWN
    if (model !== 'org/score' || !text_1 || !Array.isArray(text_2)) return missing('text_1')
    return [200, { data: ranked(text_2, 'score') }]
  },
  /** A chat server below a path. */
  mounted(method, path, _query, { model, messages }) {
    if (method === 'GET' && path === '/llama/v1/models') return [200, list('org/llama')]
    if (method !== 'POST' || path !== '/llama/v1/chat/completions') return UNKNOWN
    return model === 'org/llama' && messages ? [200, said('Hello from the llama')] : missing('model')
  },
  /** Azure OpenAI: the deployment is in the path, and a version in the query. */
  azure(method, path, query, { messages }) {
    const known = method === 'POST' && path === '/openai/deployments/gpt-4o/chat/completions'
    if (!known || query.get('api-version') !== '2024-10-21')
      return [404, { error: { code: '404', message: 'Resource not found' } }]
    return messages ? [200, said('Hello from the deployment')] : missing('messages')
  },
  /** A server that requires some model id and has no list. */
  unlisted(method, path, _query, { model, messages }) {
    if (method !== 'POST' || path !== '/v1/chat/completions') return UNKNOWN
    return typeof model === 'string' && messages ? [200, said(`Hello from ${model}`)] : missing('model')
  },
  /** Image models that reject `response_format`: one returns an address, one base64. */
  url(method, path, _query, body) {
    if (method === 'GET') return [200, list('org/url')]
    if (path !== '/v1/images/generations') return UNKNOWN
    const unknown = Object.keys(body).find((name) => !['model', 'prompt'].includes(name))
    if (unknown) return [400, { error: { message: `Unknown parameter: '${unknown}'.` } }]
    return [200, { data: [{ url: 'https://images.example.com/1.png' }] }]
  },
  base64(method, path, query, body) {
    const [status, answer] = servers.url?.(method, path, query, body) ?? UNKNOWN
    return [status, status === 200 && method === 'POST' ? { data: [{ b64_json: 'aW1hZ2U=' }] } : answer]
  },
  /** A server that rejects every member except the model and the texts. */
  strict(method, path, _query, body) {
    if (method === 'GET') return [200, list('org/strict')]
    if (path !== '/v1/embeddings') return UNKNOWN
    const unknown = Object.keys(body).find((name) => !['model', 'input'].includes(name))
    return unknown ? [400, { detail: `unknown member ${unknown}` }] : [200, { data: [{ index: 0, embedding: [1, 2] }] }]
  },
  ollama(method, path, _query, { model, input, messages, stream }) {
    if (method === 'GET' && path === '/api/tags') return [200, { models: [{ name: 'llama3.2', model: 'llama3.2' }] }]
    if (method !== 'POST') return UNKNOWN
    if (model !== 'llama3.2') return [400, { error: 'model is required' }]
    if (path === '/api/embed') return [200, { embeddings: [input].flat().map(() => [1, 2]) }]
    if (path !== '/api/chat' || !messages) return UNKNOWN
    return [
      200,
      { message: { role: 'assistant', content: 'Hello from Ollama' }, done: true, streamed: stream !== false },
    ]
  },
}

const announced: { name: string; method: string; url: string; body: Body }[] = []
const upstream = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', 'http://models')
  const [, name = '', ...rest] = url.pathname.split('/')
  const text = Buffer.concat(chunks).toString()
  const body = text === '' ? {} : (JSON.parse(text) as Body)
  url.searchParams.delete('user_key')
  announced.push({ name, method: request.method ?? '', url: `/${rest.join('/')}${url.search}`, body })
  const [status, answer] =
    servers[name]?.(request.method ?? '', `/${rest.join('/')}`, url.searchParams, body) ?? UNKNOWN
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const { port } = upstream.address() as AddressInfo

interface Case {
  server: string
  /** `POST /v1 GET /` */
  rules: string
  /** In PORTAL_CONFIG. */
  notes?: object
  base: string
  /** Path and query of the call. */
  path: string
  /** The content that every client's code shows. */
  answer: RegExp
  type?: string
}

const cases: Record<string, Case> = {
  'below-a-path': {
    server: 'mounted',
    rules: 'POST /llama/v1/chat/completions GET /llama/v1/models',
    base: '/llama/v1',
    path: '/llama/v1/chat/completions',
    answer: /Hello from the llama/,
  },
  'with-a-query': {
    server: 'azure',
    rules: 'POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
    base: '/openai/deployments/gpt-4o',
    path: '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
    answer: /Hello from the deployment/,
  },
  'with-a-deployment': {
    server: 'azure',
    rules: 'POST /openai/deployments/{deployment}/chat/completions?api-version=2024-10-21',
    notes: { model_id: 'gpt-4o' },
    base: '/openai/deployments/gpt-4o',
    path: '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
    answer: /Hello from the deployment/,
  },
  'without-a-list': {
    server: 'unlisted',
    rules: 'POST /v1/chat/completions',
    base: '/v1',
    path: '/v1/chat/completions',
    answer: /Hello from MODEL_ID/,
  },
  'tei-beside-info': {
    server: 'tei',
    rules: 'POST /rerank GET /info',
    base: '',
    path: '/rerank',
    answer: /"score": ?0\.9|score: 0\.9|'score': 0\.9/,
  },
  'tei-by-config': {
    server: 'tei',
    rules: 'POST / GET /',
    notes: { type: 'rerank', request_format: 'tei' },
    base: '',
    path: '/rerank',
    answer: /"score": ?0\.9|score: 0\.9|'score': 0\.9/,
  },
  'tei-embeds': {
    server: 'tei',
    rules: 'POST /embed GET /info',
    base: '',
    path: '/embed',
    answer: /\[\s*1,\s*2,\s*3\s*\]/,
  },
  'cohere-form': {
    server: 'cohere',
    rules: 'POST /rerank GET /v1/models',
    base: '',
    path: '/rerank',
    answer: /relevance_score/,
  },
  'version-two': {
    server: 'cohere',
    rules: 'POST /v2/rerank GET /v1/models',
    base: '/v2',
    path: '/v2/rerank',
    answer: /relevance_score/,
  },
  scores: {
    server: 'score',
    rules: 'POST /v1/score GET /v1/models',
    base: '/v1',
    path: '/v1/score',
    answer: /"score": ?0\.9|score: 0\.9|'score': 0\.9/,
  },
  'image-address': {
    server: 'url',
    rules: 'POST /v1/images/generations GET /v1/models',
    base: '/v1',
    path: '/v1/images/generations',
    answer: /https:\/\/images\.example\.com\/1\.png/,
  },
  'image-base64': {
    server: 'base64',
    rules: 'POST /v1/images/generations GET /v1/models',
    base: '/v1',
    path: '/v1/images/generations',
    answer: /8 characters of base64|aW1hZ2U=/,
  },
  'ollama-embeds': {
    server: 'ollama',
    rules: 'POST /api/embed GET /api/tags',
    notes: { model_id: 'llama3.2' },
    base: '',
    path: '/api/embed',
    answer: /embeddings/,
  },
  'ollama-chats': {
    server: 'ollama',
    rules: 'POST /api/chat GET /api/tags',
    notes: { model_id: 'llama3.2' },
    base: '',
    path: '/api/chat',
    answer: /Hello from Ollama/,
  },
}

const folder = t.testdir({ node: {}, python: {}, shell: {} })
const stack = await startStack()
for (const [name, { server, rules, notes: _, ...more }] of Object.entries(cases))
  await addProduct(name, server, rules, more)
await addProduct('told-by-refusal', 'tei', 'POST /rerank', {})
await addProduct('told-by-path', 'tei', 'POST /', {})
await addProduct('told-by-info', 'tei', 'POST /rerank GET /', {})
await addProduct('few-members', 'strict', 'POST /v1/embeddings GET /v1/models', {})
await addProduct('no-id', 'unlisted', 'POST /v1/chat/completions', {})
await addProduct(
  'open-places',
  'azure',
  'POST /openai/deployments/{deployment}/chat/completions?api-version={version}',
  {},
)
const config = join(folder, 'portal.yaml')
const noted = Object.entries(cases).flatMap(([name, { notes }]) => (notes ? [[name, notes] as const] : []))
writeFileSync(config, stringify({ products: { ...Object.fromEntries(noted), 'told-by-path': { type: 'rerank' } } }))
await stack.portal({ PORTAL_CONFIG: config, CATALOG_TTL: '2', CATALOG_ACCESS: 'public' })
const api = createApi(stack)
const ada = createVisitor(stack)
await ada.signIn('ada')
const token = await api.token({ username: 'ada' })
const python = startPython(`${folder}/python`)
const node = startNode(`${folder}/node`)
t.teardown(async () => {
  python.stop()
  node.stop()
  upstream.closeAllConnections()
  upstream.close()
  await stack.close()
})

async function addProduct(system_name: string, server: string, words: string, more: object): Promise<void> {
  const rules = words.split(' ').flatMap((pattern, at, all) => (at % 2 ? [[all[at - 1], pattern, 'hits']] : []))
  const answer = await fetch(`${stack.threescale}/_demo/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      system_name,
      name: system_name,
      location: 'authorization',
      rules,
      proxy: { api_backend: `http://127.0.0.1:${port}/${server}` },
      ...more,
    }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

async function applicationOf(model: string): Promise<Application> {
  const body = { model, plan: 'basic', name: model, fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  return (await readCell(api, token, model, id)).application
}

async function tested({ id }: Application): Promise<string> {
  return decode((await ada.submit(await ada.get(`/applications/${id}`), /\/test$/)).text)
}

for (const [name, required] of Object.entries(cases)) {
  t.test(`${name}: page, API, code, Test it and playground send the one request that the rules allow`, async (t) => {
    const application = await applicationOf(name)
    const cell = await readCell(api, token, name, application.id)
    const { model } = cell
    t.equal(model.base_url, model.endpoint + required.base)
    t.equal(application.base_url, model.base_url)
    t.match(decode((await ada.get(`/models/${name}`)).text), model.base_url)
    const env = environmentOf(cell)
    const calls = () => announced.splice(0).filter(({ method }) => method === 'POST')
    announced.length = 0
    for (const client of ['curl', 'python-requests', 'js-fetch', 'js-openai']) {
      const { code = '', with_key = '' } = cell.snippets.find((snippet) => snippet.client === client) ?? {}
      const ran =
        client === 'curl'
          ? await inNewShell(with_key, `${folder}/shell/${name}`)
          : await (client === 'python-requests' ? python : node).run(code, env)
      t.match(ran.out, required.answer, `${client}: ${code}`)
      t.ok(ran.ok, client)
      t.match(calls(), [{ url: required.path, body: {} }], client)
    }
    if (name !== 'without-a-list') {
      t.match(await tested(application), 'The model responded')
      t.match(calls(), [{ url: required.path }], 'Test it: one request')
    }
    if (model.type === 'chat' && name !== 'without-a-list') {
      const values = { kind: 'chat', application: String(application.id), prompt: 'hi', turns: '[]' }
      t.match(decode((await ada.post('/playground', values)).text), required.answer)
      t.match(calls(), [{ url: required.path }], 'playground: one request')
      const streamed = (await ada.post('/playground/stream', values)).text
      const pieces = [...streamed.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text)
      t.match(pieces.join(''), required.answer)
      t.match(calls(), [{ url: required.path }], 'streamed: one request')
    }
    if (model.type === 'rerank' || model.type === 'embedding') {
      const values = {
        kind: model.type,
        application: String(application.id),
        input: 'a\nb',
        query: 'q',
        documents: 'a\nb',
      }
      const played = decode((await ada.post('/playground', values)).text)
      t.match(played, model.type === 'rerank' ? '2 documents in' : /2 texts, [23] dimensions each/)
      t.match(calls(), [{ url: required.path }], 'playground: one request')
    }
  })
}

t.test('after the server rejects a request format, the other is tried once, stored, and used in code', async (t) => {
  for (const [name, before, path] of [
    ['told-by-refusal', '/rerank', '/rerank'],
    ['told-by-path', '/v1/rerank', '/rerank'],
  ] as const) {
    const application = await applicationOf(name)
    const first = await shown(api, name)
    t.equal(first.request_format, null)
    t.match(curlOf(first), `${before} `)
    t.match(curlOf(first), 'documents')
    announced.length = 0
    t.match(await tested(application), 'The model responded', name)
    t.same(posted(), [before, path], 'at most twice')
    const learned = await shown(api, name)
    t.match(learned, { request_format: 'tei', sources: { request_format: 'model_server' } })
    t.match(curlOf(learned), `${path} `)
    t.match(curlOf(learned), 'texts')
    t.match(decode((await ada.get(`/models/${name}`)).text), 'Text Embeddings Inference')
    await tested(application)
    t.same(posted(), [path], 'once from then on')
  }
})

t.test('the playground and /info of the server detect the request format in the same way', async (t) => {
  const product = 'told-by-play'
  await addProduct(product, 'tei', 'POST /rerank', {})
  await shown(api, product)
  const { id } = await applicationOf(product)
  announced.length = 0
  const values = { kind: 'rerank', application: String(id), query: 'q', documents: 'a\nb' }
  t.match(decode((await ada.post('/playground', values)).text), '2 documents in')
  t.same(posted(), ['/rerank', '/rerank'])
  t.equal((await shown(api, product)).request_format, 'tei')
  announced.length = 0
  await applicationOf('told-by-info')
  t.same(
    announced.splice(0).map(({ method, url }) => `${method} ${url}`),
    ['GET /v1/models', 'GET /info'],
    'the list, then the equivalent of TEI',
  )
  t.match(await shown(api, 'told-by-info'), { request_format: 'tei', model_id: 'BAAI/bge', context_length: 512 })
})

t.test('raw HTTP code, Test it and playground send no member that a server may reject', async (t) => {
  const application = await applicationOf('few-members')
  announced.length = 0
  const cell = await readCell(api, token, 'few-members', application.id)
  for (const client of ['curl', 'python-requests', 'js-fetch']) {
    const { with_key = '' } = cell.snippets.find((snippet) => snippet.client === client) ?? {}
    const ran =
      client === 'curl'
        ? await inNewShell(with_key, `${folder}/shell/few-${client}`)
        : await (client === 'python-requests' ? python : node).run(with_key, {})
    t.match(ran.out, /"embedding":\[1,2\]/, client)
  }
  t.match(await tested(application), 'The model responded')
  const values = { kind: 'embedding', application: String(application.id), input: 'a' }
  t.match(decode((await ada.post('/playground', values)).text), '1 text, 2 dimensions each')
})

t.test('for an unknown id, the code has a placeholder and Test it states why it is missing', async (t) => {
  const application = await applicationOf('no-id')
  const { snippets } = await readCell(api, token, 'no-id', application.id)
  for (const { client, code, note, alternative } of snippets) {
    if (alternative) continue
    t.notMatch(code, '/v1/models', client)
    t.match(`${code} ${note}`, 'MODEL_ID', client)
  }
  announced.length = 0
  t.match(await tested(application), 'no mapping rule allows listing the models')
  t.same(posted(), ['/v1/chat/completions'])
  const values = { kind: 'chat', application: String(application.id), prompt: 'hi', turns: '[]' }
  t.match(decode((await ada.post('/playground', values)).text), 'no mapping rule allows listing the models')
})

t.test('address parts that only the caller knows are marked everywhere, and no request is sent', async (t) => {
  const application = await applicationOf('open-places')
  const { model, snippets } = await readCell(api, token, 'open-places', application.id)
  t.equal(model.base_url, `${model.endpoint}/openai/deployments/{deployment}`)
  for (const { client, code, note, alternative } of snippets) {
    if (alternative) continue
    t.match(code, '{deployment}', client)
    t.match(note ?? '', 'Replace {deployment} in the address', client)
  }
  announced.length = 0
  t.match(await tested(application), 'can be tested')
  t.same(announced, [])
})

function posted(): string[] {
  return announced
    .splice(0)
    .filter(({ method }) => method === 'POST')
    .map(({ url }) => url)
}

function curlOf(model: Model): string {
  return createSnippets().forModel(model, { only: 'curl' })[0]?.code ?? ''
}
