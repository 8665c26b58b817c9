import type { Model } from '../models/schemas.js'

/** The smallest call that shows what a model of its type does. */
export interface Call {
  method: 'GET' | 'POST'
  /** below the endpoint */
  path: string
  body: Record<string, unknown> | undefined
  /** a recording is sent instead of JSON */
  upload?: boolean
  /** the answer is sound, not text */
  file?: string
}

const shapes: Record<Model['type'], { path: RegExp; body: Record<string, unknown>; upload?: boolean; file?: string }> =
  {
    chat: { path: /\/chat\/completions$/, body: { messages: [{ role: 'user', content: 'Say hello in five words.' }] } },
    completion: { path: /(?<!chat)\/completions$/, body: { prompt: 'San Francisco is a', max_tokens: 15 } },
    embedding: {
      path: /\/embeddings$/,
      body: { input: ['The sky is blue.', 'Grass is green.'], encoding_format: 'float' },
    },
    rerank: {
      path: /\/rerank$/,
      body: {
        query: 'What is the capital of France?',
        documents: ['Paris is the capital of France.', 'Berlin is in Germany.'],
      },
    },
    image: { path: /\/images\/generations$/, body: { prompt: 'a lighthouse at dawn', response_format: 'b64_json' } },
    speech_to_text: { path: /\/audio\/transcriptions$/, body: {}, upload: true },
    text_to_speech: {
      path: /\/audio\/speech$/,
      body: { input: 'Hello, nice to meet you.', voice: 'alloy', response_format: 'wav' },
      file: 'speech.wav',
    },
    custom: { path: /^$/, body: {} },
  }

export function callOf(model: Model): Call {
  const { path, body, ...rest } = shapes[model.type]
  const posts = model.paths.filter(({ method }) => method === 'POST')
  const mapped = posts.find((candidate) => path.test(candidate.path))
  if (mapped) return { method: 'POST', path: mapped.path, body, ...rest }
  const any = posts.find((candidate) => !candidate.path.includes('{') && candidate.path !== '/')
  if (any) return { method: 'POST', path: any.path, body: { input: 'Hello' } }
  const read = model.paths.find(({ method, path: candidate }) => method === 'GET' && !candidate.includes('{'))
  return { method: 'GET', path: read?.path ?? '/', body: undefined }
}

/** Where the model server tells its id, if the gateway lets that through. */
export function modelListPath(model: Model): string | undefined {
  return model.paths.find(({ method, path }) => method === 'GET' && /\/models$/.test(path))?.path
}

/** Custom services know no `model`. */
export function needsModelId(model: Model): boolean {
  return model.type !== 'custom'
}
