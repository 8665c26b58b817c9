import type { Model, ModelType } from '../models/schemas.js'

type Body = Record<string, unknown>

/** The smallest call that shows what a model of its type does. */
export interface Call {
  method: 'GET' | 'POST'
  /** the whole address */
  url: string
  /** base URL of an OpenAI client for this call: with or without /v1, as the mapping rules have it */
  base: string
  /** without the model id */
  body: Body | undefined
  /** the usual call of this type, which the client libraries know; else they post to the whole address */
  usual: boolean
  /** method of the openai clients, the same in Python and JavaScript */
  sdk?: string | undefined
  /** a recording is sent instead of JSON */
  upload?: boolean | undefined
  /** the answer is sound, not text */
  file?: string | undefined
}

interface Shape extends Pick<Call, 'sdk' | 'upload' | 'file'> {
  ending: string
  body: Body
}

const SENTENCES = ['The sky is blue.', 'Grass is green.']

/** What each type is asked, the usual path first (OpenAI's, vLLM's and text-embeddings-inference's paths). */
const shapes: Record<ModelType, Shape[]> = {
  chat: [
    {
      ending: '/chat/completions',
      sdk: 'chat.completions.create',
      body: { messages: [{ role: 'user', content: 'Say hello in five words.' }] },
    },
  ],
  completion: [
    { ending: '/completions', sdk: 'completions.create', body: { prompt: 'San Francisco is a', max_tokens: 15 } },
  ],
  // clients ask for base64 by themselves, which not every server knows
  embedding: [
    { ending: '/embeddings', sdk: 'embeddings.create', body: { input: SENTENCES, encoding_format: 'float' } },
    { ending: '/embed', body: { inputs: SENTENCES } },
  ],
  rerank: [
    {
      ending: '/rerank',
      body: {
        query: 'What is the capital of France?',
        documents: ['Paris is the capital of France.', 'Berlin is in Germany.'],
      },
    },
    { ending: '/score', body: { text_1: 'What is the capital of France?', text_2: ['Paris', 'Berlin'] } },
  ],
  image: [
    {
      ending: '/images/generations',
      sdk: 'images.generate',
      body: { prompt: 'a lighthouse at dawn', response_format: 'b64_json' },
    },
  ],
  speech_to_text: [
    { ending: '/audio/transcriptions', sdk: 'audio.transcriptions.create', body: {}, upload: true },
    { ending: '/audio/translations', sdk: 'audio.translations.create', body: {}, upload: true },
  ],
  text_to_speech: [
    {
      ending: '/audio/speech',
      sdk: 'audio.speech.create',
      body: { input: 'Hello, nice to meet you.', voice: 'alloy', response_format: 'wav' },
      file: 'speech.wav',
    },
  ],
  custom: [],
}

/** `body` replaces the example, for code that repeats what somebody has sent. */
export function callOf(model: Model, body?: Body): Call {
  for (const shape of shapes[model.type]) {
    const path = pathFor(model, shape.ending)
    if (path === undefined) continue
    const { ending, ...rest } = shape
    return {
      ...rest,
      method: 'POST',
      url: model.endpoint + path,
      base: model.endpoint + path.slice(0, -ending.length),
      body: body ?? shape.body,
      usual: shape === shapes[model.type][0],
    }
  }
  return unknownCall(model, body)
}

/** A rule that names the path, else one that lets it through as a prefix (gateway: patterns are anchored at the start). */
function pathFor({ paths }: Model, ending: string): string | undefined {
  const posts = paths.filter(({ method, path }) => method === 'POST' && !path.includes('{'))
  const named = posts.find(
    ({ path }) => path.endsWith(ending) && !(ending === '/completions' && path.endsWith('/chat/completions')),
  )
  if (named) return named.path
  return [`/v1${ending}`, ending].find((candidate) => posts.some(({ path }) => candidate.startsWith(path)))
}

/** A service of its own kind: something is sent to the first path that takes it. */
function unknownCall(model: Model, body: Body | undefined): Call {
  const plain = model.paths.filter(({ path }) => !path.includes('{'))
  const post =
    plain.find(({ method, path }) => method === 'POST' && path !== '/') ?? plain.find(({ method }) => method === 'POST')
  const read = plain.find(({ method }) => method === 'GET')
  const path = post?.path ?? read?.path ?? '/'
  return {
    method: post ? 'POST' : 'GET',
    url: model.endpoint + path,
    base: model.base_url,
    body: post ? (body ?? { input: 'Hello' }) : undefined,
    usual: false,
  }
}

/** Where the model server tells its ids, if the gateway lets that through. */
export function modelListUrl(model: Model, { base }: Call): string {
  const usual = `${base}/models`
  const gets = model.paths.filter(({ method, path }) => method === 'GET' && !path.includes('{'))
  if (gets.some(({ path }) => usual.startsWith(model.endpoint + path))) return usual
  const other = gets.find(({ path }) => path.endsWith('/models'))
  return other ? model.endpoint + other.path : usual
}

const ASKED_FOR = new Set(['messages', 'prompt', 'input', 'stream', 'stream_options', 'encoding_format'])

/** What is set beside what is asked: temperature, max_tokens and so on. */
export function parametersOf({ body = {} }: Call): [name: string, value: unknown][] {
  return Object.entries(body).filter(([name]) => !ASKED_FOR.has(name))
}

/** Services of their own kind know no `model`. */
export function needsModelId({ type }: Model): boolean {
  return type !== 'custom'
}
