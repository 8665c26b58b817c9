import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'

export interface ModelServer {
  type: 'chat' | 'completion' | 'embedding' | 'rerank' | 'image' | 'speech_to_text' | 'text_to_speech' | 'custom'
  id: string
  context: number
}

export type Answer = { status: number; body: unknown; type?: string } | { stream: object[] }

type Body = Record<string, unknown>
type Make = (server: ModelServer, body: Body) => Answer

const routes: Record<string, { verb: string; types: ModelServer['type'][]; make: Make }> = {
  '/models': {
    verb: 'GET',
    types: ['chat', 'completion', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech'],
    make: models,
  },
  '/health': {
    verb: 'GET',
    types: ['chat', 'completion', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech', 'custom'],
    make: () => ({ status: 200, body: {} }),
  },
  '/chat/completions': { verb: 'POST', types: ['chat'], make: chat },
  '/completions': { verb: 'POST', types: ['chat', 'completion'], make: completion },
  '/embeddings': { verb: 'POST', types: ['embedding'], make: embeddings },
  '/rerank': { verb: 'POST', types: ['rerank'], make: rerank },
  '/images/generations': { verb: 'POST', types: ['image'], make: image },
  '/audio/transcriptions': {
    verb: 'POST',
    types: ['speech_to_text'],
    make: () => ({ status: 200, body: { text: 'Hello from the recording.' } }),
  },
  '/audio/speech': {
    verb: 'POST',
    types: ['text_to_speech'],
    make: () => ({ status: 200, body: wav(), type: 'audio/wav' }),
  },
  '/predict': {
    verb: 'POST',
    types: ['custom'],
    make: (_server, body) => ({ status: 200, body: { score: 0.42, received: Object.keys(body) } }),
  },
}

/** What vLLM would answer: unknown paths 404, a wrong verb 405, another model's id 404 in its own error shape. */
export function answerFor(
  server: ModelServer,
  verb: string,
  path: string,
  contentType: string,
  raw: Buffer,
): Answer | undefined {
  const route = routes[path.replace(/^\/v1(?=\/)/, '')]
  if (!route?.types.includes(server.type)) return undefined
  if (route.verb !== verb) return { status: 405, body: { detail: 'Method Not Allowed' } }
  if (verb === 'GET') return route.make(server, {})
  const body = contentType.startsWith('multipart/form-data') ? multipart(raw) : parse(raw)
  if (!body) return { status: 400, body: failure('The request body is not valid JSON.', 'BadRequestError', 400) }
  if (server.type !== 'custom' && body.model !== server.id) {
    return { status: 404, body: failure(`The model \`${String(body.model)}\` does not exist.`, 'NotFoundError', 404) }
  }
  return route.make(server, body)
}

function models({ id, context }: ModelServer): Answer {
  return {
    status: 200,
    body: {
      object: 'list',
      data: [{ id, object: 'model', created: 1764000000, owned_by: 'vllm', root: id, max_model_len: context }],
    },
  }
}

function chat(server: ModelServer, body: Body): Answer {
  const messages = Array.isArray(body.messages) ? (body.messages as { content?: unknown }[]) : []
  if (messages.length === 0) return { status: 400, body: failure('messages is required', 'BadRequestError', 400) }
  const asked = String(messages.at(-1)?.content ?? '')
  const said = `Hello! I am ${server.id} and you said: ${asked.slice(0, 200)}`
  const usage = usageOf(messages.map(({ content }) => String(content ?? '')).join(' '), said)
  const base = { id: `chatcmpl-${idOf(said)}`, created: 1764000000, model: server.id }
  if (body.stream !== true) {
    return {
      status: 200,
      body: {
        ...base,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
        usage,
      },
    }
  }
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  })
  const wantsUsage = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true
  return {
    stream: [
      chunk({ role: 'assistant', content: '' }),
      ...said.split(/(?<= )/).map((content) => chunk({ content })),
      chunk({}, 'stop'),
      ...(wantsUsage ? [{ ...base, object: 'chat.completion.chunk', choices: [], usage }] : []),
    ],
  }
}

function completion(server: ModelServer, body: Body): Answer {
  const prompt = String(body.prompt ?? '')
  const text = ' city in California, says the demo.'
  return {
    status: 200,
    body: {
      id: `cmpl-${idOf(prompt)}`,
      object: 'text_completion',
      created: 1764000000,
      model: server.id,
      choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
      usage: usageOf(prompt, text),
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
    relevance_score:
      (createHash('sha1')
        .update(`${String(body.query)}|${text}`)
        .digest()[0] ?? 0) / 255,
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

function usageOf(prompt: string, completion: string) {
  const count = (text: string) => text.split(/\s+/).filter(Boolean).length
  const [prompt_tokens, completion_tokens] = [count(prompt), count(completion)]
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

function vectorOf(text: string): number[] {
  const bytes = createHash('sha256').update(text).digest()
  return Array.from(bytes, (byte) => Math.round((byte / 255 - 0.5) * 1000) / 1000)
}

function idOf(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 16)
}

function failure(message: string, type: string, code: number) {
  return { error: { message, type, param: null, code } }
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

/** A quarter of a second of silence. */
function wav(): Buffer {
  const samples = 2000
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples * 2, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8000, 24)
  header.writeUInt32LE(16_000, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples * 2, 40)
  return Buffer.concat([header, Buffer.alloc(samples * 2)])
}

/** An 8 by 8 picture of one colour. */
function png(): Buffer {
  const row = Buffer.from([0, ...Array.from({ length: 8 }, () => [238, 0, 0]).flat()])
  const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0])
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunkOf('IHDR', header),
    chunkOf('IDAT', deflateSync(Buffer.concat(Array.from({ length: 8 }, () => row)))),
    chunkOf('IEND', Buffer.alloc(0)),
  ])
}

function chunkOf(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
