export const modelTypes = [
  'chat',
  'completion',
  'embedding',
  'rerank',
  'image',
  'speech_to_text',
  'text_to_speech',
  'custom',
] as const
export type ModelType = (typeof modelTypes)[number]

export type JsonBody = Record<string, unknown>

/** A call that model servers are known by: OpenAI's, vLLM's, text-embeddings-inference's (TEI) and those of other servers. */
export interface Endpoint {
  method: 'GET' | 'POST'
  /** how its path ends, below the base URL */
  path: string
  /** type of the models that answer it */
  type?: ModelType
  /** true: servers have it at their root too, not only below `/v1` */
  atRoot?: true
  /** true: it knows no `model` */
  withoutModel?: true
  /** method of the OpenAI clients, the same in Python and JavaScript */
  sdk?: string
  /** what code shows, without the model id */
  example?: JsonBody
  /** members of `example` that a test call replaces, so that it is short */
  brief?: JsonBody
  /** a recording is sent instead of JSON */
  upload?: true
  /** the response is sound, saved under this name */
  file?: string
  /** its response states how many tokens were used */
  tellsTokens?: true
}

const SENTENCES = ['The sky is blue.', 'Grass is green.']

/** The one table of calls. Of several endpoints of a type, the one that OpenAI clients call comes first. */
export const endpoints: Endpoint[] = [
  {
    method: 'POST',
    path: '/chat/completions',
    type: 'chat',
    sdk: 'chat.completions.create',
    example: { messages: [{ role: 'user', content: 'Say hello in five words.' }] },
    brief: { max_tokens: 32 },
    tellsTokens: true,
  },
  {
    method: 'POST',
    path: '/completions',
    type: 'completion',
    sdk: 'completions.create',
    example: { prompt: 'San Francisco is a', max_tokens: 15 },
    tellsTokens: true,
  },
  {
    method: 'POST',
    path: '/embeddings',
    type: 'embedding',
    sdk: 'embeddings.create',
    // clients ask for base64 by themselves, which not every server knows
    example: { input: SENTENCES, encoding_format: 'float' },
    brief: { input: ['Hello'] },
    tellsTokens: true,
  },
  {
    method: 'POST',
    path: '/embed',
    type: 'embedding',
    atRoot: true,
    withoutModel: true,
    example: { inputs: SENTENCES },
    brief: { inputs: ['Hello'] },
  },
  {
    method: 'POST',
    path: '/rerank',
    type: 'rerank',
    atRoot: true,
    example: {
      query: 'What is the capital of France?',
      documents: ['Paris is the capital of France.', 'Berlin is in Germany.'],
    },
    brief: { query: 'capital of France', documents: ['Paris', 'Berlin'] },
  },
  {
    method: 'POST',
    path: '/score',
    type: 'rerank',
    atRoot: true,
    example: { text_1: 'What is the capital of France?', text_2: ['Paris', 'Berlin'] },
  },
  {
    method: 'POST',
    path: '/images/generations',
    type: 'image',
    sdk: 'images.generate',
    example: { prompt: 'a lighthouse at dawn', response_format: 'b64_json' },
    brief: { prompt: 'a small red square' },
  },
  {
    method: 'POST',
    path: '/audio/transcriptions',
    type: 'speech_to_text',
    sdk: 'audio.transcriptions.create',
    example: {},
    upload: true,
  },
  {
    method: 'POST',
    path: '/audio/translations',
    type: 'speech_to_text',
    sdk: 'audio.translations.create',
    example: {},
    upload: true,
  },
  {
    method: 'POST',
    path: '/audio/speech',
    type: 'text_to_speech',
    sdk: 'audio.speech.create',
    example: { input: 'Hello, nice to meet you.', voice: 'alloy', response_format: 'wav' },
    brief: { input: 'Hello' },
    file: 'speech.wav',
  },
  { method: 'POST', path: '/tokenize' },
  { method: 'POST', path: '/detokenize' },
  { method: 'GET', path: '/models' },
  ...['/health', '/healthz', '/livez', '/readyz', '/ping', '/version'].map(
    (path): Endpoint => ({ method: 'GET', path }),
  ),
]

/** What OpenAI clients call for a type; undefined for services of their own kind. */
export function usualEndpointOf(type: ModelType): Endpoint | undefined {
  return endpoints.find((endpoint) => endpoint.type === type)
}

/** The endpoint that a path names by its end; `/chat/completions` is not `/completions`. */
export function endpointAt(method: string, path: string): Endpoint | undefined {
  return endpoints
    .filter((endpoint) => endpoint.method === method && path.endsWith(endpoint.path))
    .sort((one, other) => other.path.length - one.path.length)[0]
}

/** The type that the paths of POST calls name; of several, the first of `modelTypes`. */
export function typeNamedBy(paths: string[]): ModelType | undefined {
  const named = new Set(paths.map((path) => endpointAt('POST', path)?.type))
  return modelTypes.find((type) => named.has(type))
}

/** Calls that chat servers have beside `/chat/completions` (OpenAI, vLLM, text-generation-inference, llama.cpp). */
const besideChat = words(
  'responses messages tokenize detokenize apply-template generate generate_stream count_tokens moderations batches files',
)

/**
 * Calls of other servers: KServe, Triton, MLflow and SageMaker, TorchServe, TEI, vLLM's pooling models; then verbs that
 * services of their own kind use. A path to a model is a noun.
 */
const ofOtherServices = words(
  `predict predictions infer inference invoke invocations explain classify classification detect detection segment ocr
  pooling similarity embed_all embed_sparse decode encode transcribe translate synthesize summarize extract parse
  analyze analyse process execute run query search recommend rank forecast evaluate upload convert render`,
)

/**
 * Whether a path is one call rather than a prefix of many: its end, or for other servers any piece of it, is the name of a
 * call. `/llama/v1` and `/llama/` are prefixes.
 */
export function isOneCall(path: string): boolean {
  return endpointAt('POST', path) !== undefined || isBesideChat(path) || isCallOfOtherService(path)
}

/** Whether a path names a call that chat servers have too: `/v1/responses`. */
export function isBesideChat(path: string): boolean {
  return besideChat.has(lastOf(path))
}

/** Whether a path names a call that chat servers do not have: `/predict`, `/v2/models/iris/infer`, `/v1/iris:predict`. */
export function isCallOfOtherService(path: string): boolean {
  const pieces = path.split('/')
  return pieces.some((piece) => ofOtherServices.has(piece) || /[^:]:[a-z]\w+$/i.test(piece))
}

/** The type that one piece of a path hints at: `/embed/v1` is not where one chats. */
export function typeHintedBy(path: string): ModelType | undefined {
  const pieces = new Set(path.split('/'))
  return endpoints.find(({ type, path: own }) => type !== undefined && type !== 'chat' && pieces.has(lastOf(own)))?.type
}

function lastOf(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function words(text: string): Set<string> {
  return new Set(text.split(/\s+/))
}
