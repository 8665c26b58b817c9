import type { BodyFormat, FormatName, JsonBody } from './body-formats.js'
import * as formats from './body-formats.js'
import { isAuxiliaryChatPath, isOtherServicePath, lastSegment } from './other-endpoints.js'

export { isAuxiliaryChatPath, isOtherServicePath, type JsonBody }

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

/** A call of model servers: those of OpenAI, vLLM, text-embeddings-inference (TEI), and other servers. */
export interface ModelEndpoint {
  method: 'GET' | 'POST'
  /** end of the path, below the base URL */
  path: string
  /** type of the models that support it */
  type?: ModelType
  /** true: other services also have this path, so it does not identify the model type */
  isAmbiguous?: true
  /** part of the paths of other servers with the same end */
  excludedPath?: string
  /** true: servers also have it at their root, not only below `/v1` */
  atRoot?: true
  /** method of the OpenAI clients, the same in Python and JavaScript */
  sdk?: string
  /** members that only OpenAI clients must send */
  sdkBody?: JsonBody
  /** body formats; several if servers differ, the most common first */
  formats?: [BodyFormat, ...BodyFormat[]]
  /** true: the request is a recording instead of JSON */
  upload?: true
  /** the response is audio, saved under this name */
  file?: string
  /** true: the response contains token counts */
  reportsTokens?: true
}

/** The only table of endpoints. The endpoint that OpenAI clients call is the first of its type. */
export const endpoints: ModelEndpoint[] = [
  {
    method: 'POST',
    path: '/chat/completions',
    type: 'chat',
    sdk: 'chat.completions.create',
    formats: [formats.openaiChat],
    reportsTokens: true,
  },
  { method: 'POST', path: '/api/chat', type: 'chat', atRoot: true, formats: [formats.ollamaChat] },
  {
    method: 'POST',
    path: '/completions',
    type: 'completion',
    sdk: 'completions.create',
    formats: [formats.openaiCompletion],
    reportsTokens: true,
  },
  { method: 'POST', path: '/completion', type: 'completion', atRoot: true, formats: [formats.llamaCppCompletion] },
  { method: 'POST', path: '/api/generate', type: 'completion', atRoot: true, formats: [formats.ollamaGenerate] },
  {
    method: 'POST',
    path: '/generate',
    type: 'completion',
    isAmbiguous: true,
    excludedPath: '/models/',
    atRoot: true,
    formats: [formats.tgiGenerate, formats.sglangGenerate],
  },
  {
    method: 'POST',
    path: '/generate_stream',
    type: 'completion',
    excludedPath: '/models/',
    atRoot: true,
    formats: [formats.tgiGenerate],
  },
  {
    method: 'POST',
    path: '/embeddings',
    type: 'embedding',
    sdk: 'embeddings.create',
    // OpenAI clients request base64 by default, which not all servers support. Some servers reject the parameter.
    sdkBody: { encoding_format: 'float' },
    formats: [formats.openaiEmbedding],
    reportsTokens: true,
  },
  {
    method: 'POST',
    path: '/embed',
    type: 'embedding',
    atRoot: true,
    formats: [formats.teiEmbed, formats.cohereEmbed],
  },
  ...['/v2/embed', '/v1/embed'].map(
    (path): ModelEndpoint => ({
      method: 'POST',
      path,
      type: 'embedding',
      atRoot: true,
      formats: [formats.cohereEmbed, formats.teiEmbed],
    }),
  ),
  { method: 'POST', path: '/api/embed', type: 'embedding', atRoot: true, formats: [formats.ollamaEmbed] },
  { method: 'POST', path: '/embedding', type: 'embedding', atRoot: true, formats: [formats.llamaCppEmbedding] },
  {
    method: 'POST',
    path: '/rerank',
    type: 'rerank',
    atRoot: true,
    formats: [formats.cohereRerank, formats.teiRerank],
  },
  {
    method: 'POST',
    path: '/reranking',
    type: 'rerank',
    atRoot: true,
    formats: [formats.cohereRerank, formats.teiRerank],
  },
  { method: 'POST', path: '/score', type: 'rerank', atRoot: true, formats: [formats.vllmScore] },
  { method: 'POST', path: '/v1/ranking', type: 'rerank', atRoot: true, formats: [formats.nvidiaRanking] },
  {
    method: 'POST',
    path: '/images/generations',
    type: 'image',
    sdk: 'images.generate',
    formats: [formats.openaiImage],
  },
  {
    method: 'POST',
    path: '/audio/transcriptions',
    type: 'speech_to_text',
    sdk: 'audio.transcriptions.create',
    formats: [formats.openaiRecording],
    upload: true,
  },
  {
    method: 'POST',
    path: '/audio/translations',
    type: 'speech_to_text',
    sdk: 'audio.translations.create',
    formats: [formats.openaiRecording],
    upload: true,
  },
  {
    method: 'POST',
    path: '/audio/speech',
    type: 'text_to_speech',
    sdk: 'audio.speech.create',
    formats: [formats.openaiSpeech],
    file: 'speech.wav',
  },
  { method: 'POST', path: '/tokenize' },
  { method: 'POST', path: '/detokenize' },
  { method: 'GET', path: '/models' },
  { method: 'GET', path: '/info' },
  { method: 'GET', path: '/api/tags' },
  ...['/health', '/healthz', '/livez', '/readyz', '/ping', '/version'].map(
    (path): ModelEndpoint => ({ method: 'GET', path }),
  ),
]

/** The endpoint that OpenAI clients call for a type; undefined for custom services. */
export function defaultEndpoint(type: ModelType): ModelEndpoint | undefined {
  return endpoints.find((endpoint) => endpoint.type === type)
}

/** The format with this name among the formats of an endpoint. */
export function findBodyFormat(endpoint: ModelEndpoint, name: FormatName | undefined): BodyFormat | undefined {
  return endpoint.formats?.find((format) => format.name === name)
}

/**
 * The endpoint at the end of a path, regardless of case; `/chat/completions` is not `/completions`. The path of a POST can have
 * a trailing slash, unless it is more likely a prefix, such as `/embed/`.
 */
export function findEndpoint(method: string, path: string): ModelEndpoint | undefined {
  const plain = path.toLowerCase().replace(/\/$/, '')
  const endpoint = endpoints
    .filter(
      ({ method: own, path: end, excludedPath: apart }) =>
        own === method && plain.endsWith(end) && !isExcluded(plain, apart),
    )
    .sort((one, other) => other.path.length - one.path.length)[0]
  if (endpoint === undefined || !path.endsWith('/')) return endpoint
  const isComplete =
    (endpoint.sdk !== undefined && endpoint.path.lastIndexOf('/') > 0) ||
    /\/v\d\w*$/.test(plain.slice(0, -endpoint.path.length))
  return method === 'POST' && isComplete ? endpoint : undefined
}

/** The same, only if the path identifies the model type. */
export function findTypedEndpoint(path: string): ModelEndpoint | undefined {
  const endpoint = findEndpoint('POST', path)
  return endpoint?.isAmbiguous ? undefined : endpoint
}

function isExcluded(path: string, apart: string | undefined): boolean {
  return apart !== undefined && path.includes(apart)
}

/** The model type of the paths of POST calls; of several, the first in `modelTypes`. */
export function typeFromPaths(paths: string[]): ModelType | undefined {
  const named = new Set(paths.map((path) => findTypedEndpoint(path)?.type))
  return modelTypes.find((type) => named.has(type))
}

/**
 * Whether a path is a single call rather than a prefix: its last segment, or any segment for other servers, is the name of a
 * call. `/llama/v1` and `/llama/` are prefixes.
 */
export function isSingleCall(path: string): boolean {
  return findTypedEndpoint(path) !== undefined || isAuxiliaryChatPath(path) || isOtherServicePath(path)
}

/** The type that a segment of a path suggests: `/embed/v1` is not a chat model. */
export function typeHintFromPath(path: string): ModelType | undefined {
  const segments = new Set(path.split('/'))
  return endpoints.find(
    ({ type, isAmbiguous: vague, path: own }) =>
      type !== undefined && type !== 'chat' && !vague && segments.has(lastSegment(own)),
  )?.type
}
