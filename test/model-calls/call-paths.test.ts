import t from 'tap'
import { acceptsRequest, patternTemplate, samplePath } from '../../src/clients/threescale/tenant-rules/mapping-rules.js'
import type { BackendPath } from '../../src/clients/threescale/types.js'
import {
  alternativeFormat,
  buildBody,
  type CallableModel,
  exampleCall,
  modelInfoPaths,
  streamingMembers,
  testCallBody,
} from '../../src/model-calls/example-calls.js'
import type { ModelType } from '../../src/model-calls/openai-endpoints.js'
import { inferModelType, resolveBasePath } from '../../src/model-calls/paths/base-paths.js'
import { fillInModelId } from '../../src/model-calls/paths/call-paths.js'

/** Rules as `POST /v1 GET /`; `type:` and `format:` are facts from another source than the rules. */
interface Row {
  rules: string
  type?: ModelType
  format?: NonNullable<CallableModel['request_format']>
  backends?: BackendPath[]
}

const at = (...paths: string[]): BackendPath[] => paths.map((path) => ({ path, versioned: false }))

export function modelOf({ rules, type: reported, format, backends = at('/') }: Row) {
  const paths = rules
    .split(' ')
    .flatMap((pattern, index, words) =>
      index % 2 ? [{ method: words[index - 1] ?? '', pattern, path: patternTemplate(pattern).path }] : [],
    )
  const product = { rules: paths, backends }
  const type = reported ?? inferModelType(product)?.type ?? 'custom'
  const base_url = `https://host${resolveBasePath(type, product, { format }).path}`
  return {
    type,
    endpoint: 'https://host',
    base_url,
    paths,
    model_id: null,
    request_format: format ?? null,
    sources: {},
  }
}

/** The usual call of a type below its base path, and the fields of its body. */
const usual: Partial<Record<ModelType, [path: string, body: string]>> = {
  chat: ['/chat/completions', '+model messages'],
  completion: ['/completions', '+model max_tokens prompt'],
  embedding: ['/embeddings', '+model input'],
  rerank: ['/rerank', '+model documents query'],
}

/**
 * Rules and other facts; type; base path; path and query of the call, and fields of its body except `model` (`+model`
 * if it has one). The last two are omitted for the usual call.
 */
const rows: [Row, ModelType, string, path?: string, body?: string][] = [
  // One call by name, at any path.
  [{ rules: 'POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /v1/chat/completions$' }, 'chat', '/v1'],
  [{ rules: 'POST /a/b/v1/chat/completions$' }, 'chat', '/a/b/v1'],
  [{ rules: 'POST //v1//chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /openai/v1/chat/completions' }, 'chat', '/openai/v1'],
  [{ rules: 'POST /api/v1/chat/completions' }, 'chat', '/api/v1'],
  [{ rules: 'POST /api/chat/completions' }, 'chat', '/api'],
  [{ rules: 'POST /v1beta/openai/chat/completions' }, 'chat', '/v1beta/openai'],
  [{ rules: 'POST /inference/v1/chat/completions GET /inference/v1/models' }, 'chat', '/inference/v1'],
  [{ rules: 'POST /compatible-mode/v1/chat/completions' }, 'chat', '/compatible-mode/v1'],
  [{ rules: 'POST /openai/v1$', type: 'chat' }, 'chat', '/openai/v1', '/openai/v1', '+model messages'],
  [{ rules: 'POST /api/paas/v4/chat/completions' }, 'chat', '/api/paas/v4'],
  [{ rules: 'POST /chat/completions' }, 'chat', ''],
  [{ rules: 'ANY /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /V1/chat/completions' }, 'chat', '/V1'],
  [{ rules: 'POST /LLAMA/v1/chat/completions' }, 'chat', '/LLAMA/v1'],
  // Several rules.
  [{ rules: 'POST /a/v1/chat/completions POST /b/v1/chat/completions' }, 'chat', '/a/v1'],
  [{ rules: 'POST /a/v1/chat/completions POST /b/v1/chat/completions', backends: at('/b') }, 'chat', '/b/v1'],
  [{ rules: 'POST / POST /llama/v1/chat/completions' }, 'chat', '/llama/v1'],
  [{ rules: 'POST /v1/completions POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /v1/completions GET /v1/models' }, 'completion', '/v1'],
  [{ rules: 'POST /v1/chat', type: 'completion' }, 'completion', '/v1', '/v1/chat', '+model max_tokens prompt'],
  // Prefixes.
  [{ rules: 'POST /' }, 'chat', '/v1'],
  [{ rules: 'POST /v1' }, 'chat', '/v1'],
  [{ rules: 'POST /v1/' }, 'chat', '/v1'],
  [{ rules: 'POST /v1/{everything}' }, 'chat', '/v1'],
  [{ rules: 'POST /llama/v1/{path}', type: 'embedding' }, 'embedding', '/llama/v1'],
  [{ rules: 'POST /{everything}' }, 'custom', '', '/{everything}', 'input'],
  [{ rules: 'ANY /llama' }, 'chat', '/llama/v1'],
  [{ rules: 'POST /llama//' }, 'chat', '/llama/v1'],
  [{ rules: 'POST /api', type: 'chat' }, 'chat', '/api/v1'],
  [{ rules: 'POST /api/v1' }, 'chat', '/api/v1'],
  [{ rules: 'POST /openai/v1' }, 'chat', '/openai/v1'],
  [{ rules: 'POST /v1 POST /v2', type: 'embedding' }, 'embedding', '/v1'],
  [{ rules: 'POST /', backends: at('/llama', '/bge') }, 'chat', '/llama/v1'],
  // Only read requests.
  [{ rules: 'GET /v1/chat/completions GET /v1/models' }, 'custom', '/v1', '/v1/chat/completions', 'none'],
  [{ rules: 'GET /' }, 'custom', '', '/', 'none'],
  // Query parameters and path segments.
  [
    { rules: 'POST /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21' },
    'chat',
    '/openai/deployments/gpt-4o',
    '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
    '+model messages',
  ],
  [
    { rules: 'POST /openai/deployments/gpt-4o/chat/completions?api-version={version}' },
    'chat',
    '/openai/deployments/gpt-4o',
    '/openai/deployments/gpt-4o/chat/completions?api-version={version}',
    '+model messages',
  ],
  [
    { rules: 'POST /openai/deployments/{deployment}/chat/completions?api-version=2024-10-21' },
    'chat',
    '/openai/deployments/{deployment}',
    '/openai/deployments/{deployment}/chat/completions?api-version=2024-10-21',
    '+model messages',
  ],
  [
    { rules: 'POST /openai/deployments/{deployment}/embeddings?api-version={version}' },
    'embedding',
    '/openai/deployments/{deployment}',
    '/openai/deployments/{deployment}/embeddings?api-version={version}',
    '+model input',
  ],
  [
    { rules: 'POST /v1/chat/completions?team=a&tier=b' },
    'chat',
    '/v1',
    '/v1/chat/completions?team=a&tier=b',
    '+model messages',
  ],
  [{ rules: 'POST /v1/chat/completions?team=a POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /v1/chat/completions?q=a%20b' }, 'chat', '/v1', '/v1/chat/completions?q=a%20b', '+model messages'],
  [{ rules: 'POST /{team}/v1/chat/completions POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /{team}/v1/chat/completions' }, 'chat', '/{team}/v1'],
  // text-embeddings-inference and other embedding servers.
  [{ rules: 'POST /embed GET /info' }, 'embedding', '', '/embed', 'inputs'],
  [{ rules: 'POST /embed' }, 'embedding', '', '/embed', 'inputs'],
  [{ rules: 'POST /bge/embed GET /bge/info' }, 'embedding', '/bge', '/bge/embed', 'inputs'],
  [{ rules: 'POST /embed', format: 'cohere' }, 'embedding', '', '/embed', '+model embedding_types input_type texts'],
  [{ rules: 'POST /v2/embed' }, 'embedding', '', '/v2/embed', '+model embedding_types input_type texts'],
  [{ rules: 'POST /v1/embed' }, 'embedding', '', '/v1/embed', '+model embedding_types input_type texts'],
  [{ rules: 'POST /', type: 'embedding', format: 'tei' }, 'embedding', '', '/embed', 'inputs'],
  [{ rules: 'POST /tei', type: 'embedding', format: 'tei' }, 'embedding', '/tei', '/tei/embed', 'inputs'],
  [{ rules: 'POST /v1/embeddings POST /embed' }, 'embedding', '/v1'],
  [{ rules: 'POST /v1/embeddings POST /embed', format: 'tei' }, 'embedding', '', '/embed', 'inputs'],
  [{ rules: 'POST /api/embed' }, 'embedding', '', '/api/embed', '+model input'],
  [{ rules: 'POST /ollama/api/embed' }, 'embedding', '/ollama', '/ollama/api/embed', '+model input'],
  [{ rules: 'POST /embedding' }, 'embedding', '', '/embedding', 'content'],
  // Rerank.
  [{ rules: 'POST /rerank' }, 'rerank', ''],
  [{ rules: 'POST /v1/rerank' }, 'rerank', '/v1'],
  [{ rules: 'POST /v2/rerank' }, 'rerank', '/v2'],
  [{ rules: 'POST /v1/reranking' }, 'rerank', '/v1', '/v1/reranking', '+model documents query'],
  [{ rules: 'POST /rerank GET /info' }, 'rerank', '', '/rerank', 'query texts'],
  [{ rules: 'POST /rerank POST /predict' }, 'rerank', '', '/rerank', 'query texts'],
  [{ rules: 'POST /rerank POST /embed_sparse' }, 'rerank', '', '/rerank', 'query texts'],
  [{ rules: 'POST /bge/rerank GET /bge/info' }, 'rerank', '/bge', '/bge/rerank', 'query texts'],
  [{ rules: 'POST /bge/rerank GET /info' }, 'rerank', '/bge'],
  [{ rules: 'POST /rerank GET /info', format: 'cohere' }, 'rerank', ''],
  [{ rules: 'POST /v1/rerank', format: 'tei' }, 'rerank', '/v1', '/v1/rerank', 'query texts'],
  [{ rules: 'POST /', type: 'rerank' }, 'rerank', '/v1'],
  [{ rules: 'POST /', type: 'rerank', format: 'tei' }, 'rerank', '', '/rerank', 'query texts'],
  [
    { rules: 'POST /', type: 'rerank', format: 'tei', backends: at('/bge') },
    'rerank',
    '/bge',
    '/bge/rerank',
    'query texts',
  ],
  [{ rules: 'POST /v1/score' }, 'rerank', '/v1', '/v1/score', '+model text_1 text_2'],
  [{ rules: 'POST /v1/ranking' }, 'rerank', '', '/v1/ranking', '+model passages query'],
  // Image and audio.
  [{ rules: 'POST /v1/images/generations' }, 'image', '/v1', '/v1/images/generations', '+model prompt'],
  [{ rules: 'POST /v1/images' }, 'image', '/v1', '/v1/images/generations', '+model prompt'],
  [
    { rules: 'POST /v1/audio/speech' },
    'text_to_speech',
    '/v1',
    '/v1/audio/speech',
    '+model input response_format voice',
  ],
  [{ rules: 'POST /v1/audio/transcriptions' }, 'speech_to_text', '/v1', '/v1/audio/transcriptions', '+model'],
  // Servers with a proprietary API.
  [{ rules: 'POST /api/chat' }, 'chat', '', '/api/chat', '+model messages stream'],
  [
    { rules: 'POST /ollama/api/chat GET /ollama/api/tags' },
    'chat',
    '/ollama',
    '/ollama/api/chat',
    '+model messages stream',
  ],
  [{ rules: 'POST /api/chat POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /', format: 'ollama' }, 'chat', '', '/api/chat', '+model messages stream'],
  [{ rules: 'POST /api/generate' }, 'completion', '', '/api/generate', '+model options prompt stream'],
  [{ rules: 'POST /completion' }, 'completion', '', '/completion', 'n_predict prompt'],
  [{ rules: 'POST /generate', type: 'completion' }, 'completion', '', '/generate', 'inputs parameters'],
  [
    { rules: 'POST /generate', type: 'completion', format: 'sglang' },
    'completion',
    '',
    '/generate',
    'sampling_params text',
  ],
  [{ rules: 'POST /generate POST /generate_stream' }, 'completion', '', '/generate', 'inputs parameters'],
  [{ rules: 'POST /generate GET /' }, 'custom', '', '/generate', 'inputs parameters'],
  [{ rules: 'POST /v2/models/iris/infer' }, 'custom', '', '/v2/models/iris/infer', 'inputs'],
  [{ rules: 'POST /v2/models/iris/versions/1/infer' }, 'custom', '', '/v2/models/iris/versions/1/infer', 'inputs'],
  [{ rules: 'POST /v2/models/llama/generate' }, 'custom', '', '/v2/models/llama/generate', 'max_tokens text_input'],
  [{ rules: 'POST /v1/models/iris:predict' }, 'custom', '/v1', '/v1/models/iris:predict', 'instances'],
  [
    { rules: 'POST /v1beta/models/gemini:generateContent' },
    'custom',
    '',
    '/v1beta/models/gemini:generateContent',
    'contents',
  ],
  [
    { rules: 'POST /serving-endpoints/{name}/invocations' },
    'custom',
    '',
    '/serving-endpoints/{name}/invocations',
    'input',
  ],
  [{ rules: 'POST /v1/responses GET /v1/models' }, 'custom', '/v1', '/v1/responses', '+model input'],
  [{ rules: 'POST /v1/messages' }, 'custom', '/v1', '/v1/messages', '+model max_tokens messages'],
  // A configured type at an address that names no call of it.
  [
    { rules: 'POST /serving-endpoints/llama/invocations', type: 'chat' },
    'chat',
    '',
    '/serving-endpoints/llama/invocations',
    '+model messages',
  ],
  [{ rules: 'POST /vectors$', type: 'embedding' }, 'embedding', '', '/vectors', '+model input'],
  [{ rules: 'POST /v1/responses', type: 'chat' }, 'chat', '/v1', '/v1/responses', '+model input'],
  [{ rules: 'POST /v1/messages', type: 'chat' }, 'chat', '/v1', '/v1/messages', '+model max_tokens messages'],
  // As written in the rule.
  [{ rules: 'POST /v1/chat/completions/' }, 'chat', '/v1', '/v1/chat/completions/', '+model messages'],
  [{ rules: 'POST /v1/chat/completions/$' }, 'chat', '/v1', '/v1/chat/completions/', '+model messages'],
  [{ rules: 'POST /v1/embeddings/' }, 'embedding', '/v1', '/v1/embeddings/', '+model input'],
  [{ rules: 'POST /v1/chat/completions/ POST /v1/chat/completions' }, 'chat', '/v1'],
  [{ rules: 'POST /V1/Chat/Completions' }, 'chat', '/V1', '/V1/Chat/Completions', '+model messages'],
  [{ rules: 'POST /embed/' }, 'embedding', '/embed/v1'],
  // Gemini, Bedrock and Triton.
  [{ rules: 'POST /v1beta/openai/' }, 'chat', '/v1beta/openai'],
  [
    { rules: 'POST /v1beta/models/gemini:streamGenerateContent?alt=sse' },
    'custom',
    '',
    '/v1beta/models/gemini:streamGenerateContent?alt=sse',
    'contents',
  ],
  [{ rules: 'POST /model/amazon.nova/converse' }, 'custom', '', '/model/amazon.nova/converse', 'messages'],
  [
    { rules: 'POST /v2/models/llama/generate_stream' },
    'custom',
    '',
    '/v2/models/llama/generate_stream',
    'max_tokens text_input',
  ],
  [{ rules: 'POST /pooling' }, 'custom', '', '/pooling', '+model input'],
  [{ rules: 'POST /classify' }, 'custom', '', '/classify', '+model input'],
  [{ rules: 'POST /predict' }, 'custom', '', '/predict', 'input'],
]

t.test('rules of every kind determine type, base URL, path, query and body of the call', async (t) => {
  t.ok(rows.length >= 60)
  for (const [row, type, base, path, body] of rows) {
    const model = modelOf(row)
    const call = exampleCall(model)
    const members = [...(call.takesModel ? ['+model'] : []), ...Object.keys(call.body ?? {}).sort()].join(' ')
    const words = `${row.type ?? ''} ${row.format ?? ''} ${row.rules}`.trim()
    t.same(
      [model.type, model.base_url.slice('https://host'.length), call.path, call.body ? members : 'none'],
      [type, base, path ?? base + usual[type]?.[0], body ?? usual[type]?.[1]],
      words,
    )
    const [requested = '', search = ''] = call.path.split('?')
    t.ok(
      acceptsRequest(model.paths, call.method, samplePath(requested), new URLSearchParams(search)),
      `${words} is allowed`,
    )
  }
})

t.test('user input becomes the body of the target server, with the field names of that server', async (t) => {
  const parameters = { max_tokens: 9, temperature: 0.5 }
  const messages = [{ role: 'user', content: 'hi' }]
  const requested = { messages, prompt: 'hi', texts: ['a'], query: 'q', documents: ['a', 'b'], parameters }
  const bodyAt = (row: Row) => buildBody(modelOf(row), requested)
  t.same(bodyAt({ rules: 'POST /v1/chat/completions' }), { messages, ...parameters })
  t.same(bodyAt({ rules: 'POST /api/chat' }), {
    messages,
    stream: false,
    options: { num_predict: 9, temperature: 0.5 },
  })
  t.same(bodyAt({ rules: 'POST /v1/completions' }), { prompt: 'hi', ...parameters })
  t.same(bodyAt({ rules: 'POST /completion' }), { prompt: 'hi', n_predict: 9, temperature: 0.5 })
  t.same(bodyAt({ rules: 'POST /generate_stream' }), {
    inputs: 'hi',
    parameters: { max_new_tokens: 9, temperature: 0.5 },
  })
  t.same(bodyAt({ rules: 'POST /v1/embeddings' }), { input: ['a'] })
  t.same(bodyAt({ rules: 'POST /embed' }), { inputs: ['a'] })
  t.same(bodyAt({ rules: 'POST /rerank' }), { query: 'q', documents: ['a', 'b'] })
  t.same(bodyAt({ rules: 'POST /rerank GET /info' }), { query: 'q', texts: ['a', 'b'] })
  t.same(bodyAt({ rules: 'POST /score' }), { text_1: 'q', text_2: ['a', 'b'] })
  t.same(bodyAt({ rules: 'POST /v1/ranking' }), { query: { text: 'q' }, passages: [{ text: 'a' }, { text: 'b' }] })
  const chat = { messages, parameters }
  const chatAt = (rules: string) => buildBody(modelOf({ rules, type: 'chat' }), chat)
  t.same(chatAt('POST /serving-endpoints/llama/invocations'), { messages, ...parameters })
  t.same(chatAt('POST /v1/responses'), { input: messages, ...parameters })
  t.same(chatAt('POST /v1/messages'), { messages, ...parameters })
  t.same(buildBody(modelOf({ rules: 'POST /v1/messages', type: 'chat' }), { messages }), { messages, max_tokens: 100 })
  t.same(buildBody(modelOf({ rules: 'POST /invoke' }), { prompt: 'hi', parameters }), { ...parameters, input: 'hi' })
  const streamed = (rules: string) => streamingMembers(modelOf({ rules }))
  t.same(streamed('POST /v1/chat/completions'), { stream: true, stream_options: { include_usage: true } })
  t.same(streamed('POST /api/chat'), { stream: true })
  t.same(streamed('POST /completion'), { stream: true })
  t.equal(streamed('POST /generate_stream'), undefined, 'its path determines streaming')
  t.equal(streamed('POST /predict'), undefined)
})

t.test('a configured model id replaces its path placeholder, and nothing else', async (t) => {
  for (const [path, id, filled] of [
    ['/openai/deployments/{deployment}', 'gpt-4o', '/openai/deployments/gpt-4o'],
    ['/openai/deployments/{deployment-id}/x', 'gpt-4o', '/openai/deployments/gpt-4o/x'],
    ['/v2/models/{model_name}/infer', 'iris', '/v2/models/iris/infer'],
    ['/v2/models/{name}/infer', 'iris', '/v2/models/iris/infer'],
    ['/serving-endpoints/{name}/invocations', 'iris', '/serving-endpoints/iris/invocations'],
    ['/{Model}/v1', 'llama3.2:latest', '/llama3.2%3Alatest/v1'],
    ['/v1/models/{model}:predict', 'iris', '/v1/models/iris:predict'],
    ['/v1beta/models/{model}:generateContent', 'gemini$&', '/v1beta/models/gemini%24%26:generateContent'],
    ['/{team}/v1', 'gpt-4o', '/{team}/v1'],
    ['/{name}/v1', 'gpt-4o', '/{name}/v1'],
    ['/x{model}/v1', 'gpt-4o', '/x{model}/v1'],
    ['/models/{model}/deployments/{deployment}', 'gpt-4o', '/models/{model}/deployments/{deployment}'],
    ['/models/{model}', 'org/gpt', '/models/{model}'],
    ['/models/{model}', undefined, '/models/{model}'],
    ['/v1', 'gpt-4o', '/v1'],
  ] as const)
    t.equal(fillInModelId(path, id), filled, `${path} ${id}`)
  const kserve = modelOf({ rules: 'POST /v2/models/{name}/infer' })
  t.equal(
    exampleCall({ ...kserve, model_id: 'iris', sources: { model_id: 'portal_config' } }).path,
    '/v2/models/iris/infer',
  )
  t.equal(
    exampleCall({ ...kserve, model_id: 'iris', sources: { model_id: 'active_docs' } }).path,
    '/v2/models/{name}/infer',
    'the gateway does not route by an id from a document or a server',
  )
  const azure = modelOf({
    rules: 'POST / POST /openai/deployments/{deployment}/chat/completions?api-version=1',
  })
  const filled = { ...azure, base_url: 'https://host/openai/deployments/gpt-4o' }
  t.equal(
    exampleCall(filled).path,
    '/openai/deployments/gpt-4o/chat/completions?api-version=1',
    'with the query of its rule',
  )
})

t.test('after a rejection, another body format is tried at the same path, or the path of another format', async (t) => {
  const after = (row: Row, status: number, sources: Record<string, string> = {}) => {
    const other = alternativeFormat({ ...modelOf(row), sources }, status)
    return other && `${other.request_format} ${exampleCall(other).path}`
  }
  t.equal(after({ rules: 'POST /rerank' }, 422), 'tei /rerank')
  t.equal(after({ rules: 'POST /rerank' }, 400), 'tei /rerank')
  t.equal(after({ rules: 'POST /rerank', format: 'tei' }, 422), 'cohere /rerank', 'a server can be replaced')
  t.equal(after({ rules: 'POST /v1/rerank' }, 422), 'tei /v1/rerank')
  t.equal(after({ rules: 'POST /', type: 'rerank' }, 404), 'tei /rerank')
  t.equal(after({ rules: 'POST /', type: 'rerank' }, 422), 'tei /v1/rerank')
  t.equal(after({ rules: 'POST /embed' }, 422), 'cohere /embed')
  t.equal(after({ rules: 'POST /generate', type: 'completion' }, 422), 'sglang /generate')
  t.equal(after({ rules: 'POST /rerank' }, 404), undefined, 'no rule allows another path')
  t.equal(after({ rules: 'POST /rerank', format: 'tei' }, 422, { request_format: 'portal_config' }), undefined)
  t.equal(after({ rules: 'POST /v1/chat/completions' }, 422), undefined, 'only one format exists')
  for (const status of [200, 401, 403, 429, 500, 503]) t.equal(after({ rules: 'POST /rerank' }, status), undefined)
  t.equal(after({ rules: 'POST /predict' }, 404), undefined)
})

t.test('the addresses that report the served models are derived from the rules', async (t) => {
  const infoOf = (row: Row) => modelInfoPaths(modelOf(row)).join(' ')
  t.equal(infoOf({ rules: 'GET / POST /v1/chat/completions' }), '/v1/models')
  t.equal(infoOf({ rules: 'GET / POST /rerank' }), '/v1/models /info')
  t.equal(infoOf({ rules: 'GET / POST /v1/rerank' }), '/v1/models /info')
  t.equal(infoOf({ rules: 'GET / POST /bge/rerank' }), '/bge/v1/models /bge/info')
  t.equal(infoOf({ rules: 'POST /rerank GET /info' }), '/info')
  t.equal(infoOf({ rules: 'POST /rerank' }), '')
  t.equal(infoOf({ rules: 'POST /api/chat GET /api/tags' }), '/api/tags')
  t.equal(infoOf({ rules: 'GET / POST /api/chat' }), '/v1/models /api/tags')
  t.equal(infoOf({ rules: 'GET / POST /generate_stream' }), '/info', 'TGI requires no id')
  t.equal(infoOf({ rules: 'GET / POST /predict' }), '')
  const chats = 'POST /a/v1/chat/completions POST /b/v1/chat/completions'
  t.equal(infoOf({ rules: `${chats} GET /b/v1/models` }), '', 'the list of another server')
  t.equal(infoOf({ rules: `${chats} GET /a/v1/models` }), '/a/v1/models')
  t.equal(infoOf({ rules: `${chats} GET /v1/models` }), '/v1/models', 'the list of all')
  t.equal(infoOf({ rules: 'POST /v2/rerank POST /v1/embeddings GET /v1/models', type: 'rerank' }), '/v1/models')
})

t.test('a test call sends the short body of the code, without a parameter that a server may reject', async (t) => {
  const testOf = (rules: string, type?: ModelType) => testCallBody(modelOf({ rules, ...(type ? { type } : {}) }))?.body
  t.same(testOf('POST /v1/chat/completions'), { messages: [{ role: 'user', content: 'Say hello in five words.' }] })
  t.same(testOf('POST /v1/embeddings'), { input: ['Hello'] })
  t.same(testOf('POST /v1/images/generations'), { prompt: 'a small red square' })
  t.same(testOf('POST /rerank GET /info'), { query: 'capital of France', texts: ['Paris', 'Berlin'] })
  t.same(testOf('POST /v1/responses'), { input: 'Hello' }, 'a call that every server with this path accepts')
  for (const rules of [
    'POST /v1/audio/transcriptions',
    'POST /v2/models/iris/infer',
    'POST /predict',
    'POST /{a}/embed',
  ])
    t.equal(testOf(rules), undefined, `${rules}: only a service's own words would do`)
})
