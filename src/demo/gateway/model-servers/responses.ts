import { likeness, vectorOf } from './embeddings.js'
import { chat, completion, failure, usageOf } from './generation.js'
import { png, wav } from './media.js'

export interface ModelServer {
  type: 'chat' | 'completion' | 'embedding' | 'rerank' | 'image' | 'speech_to_text' | 'text_to_speech' | 'custom'
  id: string
  context: number
}

/** `stream`: one event each */
export type Answer = { status: number; body: unknown; type?: string } | { stream: object[] }

export type Body = Record<string, unknown>
type Respond = (server: ModelServer, body: Body) => Answer

const routes: Record<string, { method: string; types: ModelServer['type'][]; respond: Respond }> = {
  '/models': {
    method: 'GET',
    types: ['chat', 'completion', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech'],
    respond: models,
  },
  '/health': {
    method: 'GET',
    types: ['chat', 'completion', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech', 'custom'],
    respond: () => ({ status: 200, body: {} }),
  },
  '/chat/completions': { method: 'POST', types: ['chat'], respond: chat },
  '/completions': { method: 'POST', types: ['chat', 'completion'], respond: completion },
  '/embeddings': { method: 'POST', types: ['embedding'], respond: embeddings },
  '/rerank': { method: 'POST', types: ['rerank'], respond: rerank },
  '/images/generations': { method: 'POST', types: ['image'], respond: image },
  '/audio/transcriptions': {
    method: 'POST',
    types: ['speech_to_text'],
    respond: () => ({ status: 200, body: { text: 'Hello from the recording.' } }),
  },
  '/audio/speech': {
    method: 'POST',
    types: ['text_to_speech'],
    respond: () => ({ status: 200, body: wav(), type: 'audio/wav' }),
  },
  '/predict': {
    method: 'POST',
    types: ['custom'],
    respond: (_server, body) => ({ status: 200, body: { score: 0.42, received: Object.keys(body) } }),
  },
}

/** Imitates vLLM: 404 for an unknown path, 405 for a wrong method, and 404 in vLLM's error format for another model ID. */
export function answerFor(
  server: ModelServer,
  method: string,
  path: string,
  contentType: string,
  raw: Buffer,
): Answer | undefined {
  const route = routes[path.replace(/^\/v1(?=\/)/, '')]
  if (!route?.types.includes(server.type)) return undefined
  if (route.method !== method) return { status: 405, body: { detail: 'Method Not Allowed' } }
  if (method === 'GET') return route.respond(server, {})
  const body = contentType.startsWith('multipart/form-data') ? multipart(raw) : parse(raw)
  if (!body) return { status: 400, body: failure('The request body is not valid JSON.', 'BadRequestError', 400) }
  if (server.type !== 'custom' && body.model !== server.id) {
    return { status: 404, body: failure(`The model \`${String(body.model)}\` does not exist.`, 'NotFoundError', 404) }
  }
  return route.respond(server, body)
}

function models({ id, context }: ModelServer): Answer {
  return {
    status: 200,
    body: {
      object: 'list',
      data: [
        {
          id,
          object: 'model',
          created: 1764000000,
          owned_by: 'vllm',
          root: id,
          max_model_len: context,
          // vLLM reports an id of another kind too
          permission: [{ id: 'modelperm-1764', object: 'model_permission' }],
        },
      ],
    },
  }
}

function embeddings(server: ModelServer, body: Body): Answer {
  const inputs = Array.isArray(body.input) ? body.input.map(String) : [String(body.input ?? '')]
  const data = inputs.map((input, index) => {
    const vector = vectorOf(input)
    const embedding =
      body.encoding_format === 'base64' ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector
    return { object: 'embedding', index, embedding }
  })
  const { prompt_tokens } = usageOf(inputs.join(' '), '')
  return {
    status: 200,
    body: { object: 'list', model: server.id, data, usage: { prompt_tokens, total_tokens: prompt_tokens } },
  }
}

function rerank(server: ModelServer, body: Body): Answer {
  const documents = Array.isArray(body.documents) ? body.documents.map(String) : []
  const scored = documents.map((text, index) => ({
    index,
    document: { text },
    relevance_score: likeness(String(body.query ?? ''), text),
  }))
  return {
    status: 200,
    body: {
      id: 'rerank-demo',
      model: server.id,
      usage: { total_tokens: documents.length * 8 },
      results: scored.sort((a, b) => b.relevance_score - a.relevance_score),
    },
  }
}

function image(): Answer {
  return { status: 200, body: { created: 1764000000, data: [{ b64_json: png().toString('base64') }] } }
}

function parse(raw: Buffer): Body | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString('utf8') || '{}')
    return typeof value === 'object' && value !== null ? (value as Body) : undefined
  } catch {
    return undefined
  }
}

function multipart(raw: Buffer): Body {
  const model = /name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)/.exec(raw.toString('latin1'))?.[1]
  return { model: model === undefined ? undefined : Buffer.from(model, 'latin1').toString('utf8') }
}
