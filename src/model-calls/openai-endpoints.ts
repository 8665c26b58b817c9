import type { BodyFormat, FormatName, JsonBody } from './body-formats.js'
import * as formats from './body-formats.js'
import { isBesideChat, isCallOfOtherService, lastOf } from './other-calls.js'

export { isBesideChat, isCallOfOtherService, type JsonBody }

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

/** A call that model servers are known by: OpenAI's, vLLM's, text-embeddings-inference's (TEI) and those of other servers. */
export interface Endpoint {
  method: 'GET' | 'POST'
  /** how its path ends, below the base URL */
  path: string
  /** type of the models that answer it */
  type?: ModelType
  /** true: services of another kind have such a path too, so it does not tell the type of a model */
  vague?: true
  /** a piece of other servers' paths that end so too */
  apart?: string
  /** true: servers have it at their root too, not only below `/v1` */
  atRoot?: true
  /** method of the OpenAI clients, the same in Python and JavaScript */
  sdk?: string
  /** members that OpenAI clients have to send and others need not */
  sdkBody?: JsonBody
  /** forms of its body; several where servers disagree, the most usual first */
  formats?: [BodyFormat, ...BodyFormat[]]
  /** a recording is sent instead of JSON */
  upload?: true
  /** the response is sound, saved under this name */
  file?: string
  /** its response states how many tokens were used */
  tellsTokens?: true
}

/** The one table of calls. Of several endpoints of a type, the one that OpenAI clients call comes first. */
export const endpoints: Endpoint[] = [
  {
    method: 'POST',
    path: '/chat/completions',
    type: 'chat',
    sdk: 'chat.completions.create',
    formats: [formats.openaiChat],
    tellsTokens: true,
  },
  { method: 'POST', path: '/api/chat', type: 'chat', atRoot: true, formats: [formats.ollamaChat] },
  {
    method: 'POST',
    path: '/completions',
    type: 'completion',
    sdk: 'completions.create',
    formats: [formats.openaiCompletion],
    tellsTokens: true,
  },
  { method: 'POST', path: '/completion', type: 'completion', atRoot: true, formats: [formats.llamaCppCompletion] },
  { method: 'POST', path: '/api/generate', type: 'completion', atRoot: true, formats: [formats.ollamaGenerate] },
  {
    method: 'POST',
    path: '/generate',
    type: 'completion',
    vague: true,
    apart: '/models/',
    atRoot: true,
    formats: [formats.tgiGenerate, formats.sglangGenerate],
  },
  {
    method: 'POST',
    path: '/generate_stream',
    type: 'completion',
    apart: '/models/',
    atRoot: true,
    formats: [formats.tgiGenerate],
  },
  {
    method: 'POST',
    path: '/embeddings',
    type: 'embedding',
    sdk: 'embeddings.create',
    // they ask for base64 by themselves, which not every server knows; of other clients some servers refuse it
    sdkBody: { encoding_format: 'float' },
    formats: [formats.openaiEmbedding],
    tellsTokens: true,
  },
  {
    method: 'POST',
    path: '/embed',
    type: 'embedding',
    atRoot: true,
    formats: [formats.teiEmbed, formats.cohereEmbed],
  },
  ...['/v2/embed', '/v1/embed'].map(
    (path): Endpoint => ({
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
    (path): Endpoint => ({ method: 'GET', path }),
  ),
]

/** What OpenAI clients call for a type; undefined for services of their own kind. */
export function usualEndpointOf(type: ModelType): Endpoint | undefined {
  return endpoints.find((endpoint) => endpoint.type === type)
}

/** The format of that name among those of an endpoint. */
export function formatNamed(endpoint: Endpoint, name: FormatName | undefined): BodyFormat | undefined {
  return endpoint.formats?.find((format) => format.name === name)
}

/**
 * The endpoint that a path names by its end, in upper case too; `/chat/completions` is not `/completions`. A POST may have a
 * slash at its end, unless such a path is rather a prefix: `/embed/`.
 */
export function endpointAt(method: string, path: string): Endpoint | undefined {
  const plain = path.toLowerCase().replace(/\/$/, '')
  const found = endpoints
    .filter(({ method: own, path: end, apart }) => own === method && plain.endsWith(end) && !isApart(plain, apart))
    .sort((one, other) => other.path.length - one.path.length)[0]
  if (found === undefined || !path.endsWith('/')) return found
  const isWhole =
    (found.sdk !== undefined && found.path.lastIndexOf('/') > 0) || /\/v\d\w*$/.test(plain.slice(0, -found.path.length))
  return method === 'POST' && isWhole ? found : undefined
}

/** The same, only where the path alone tells the type of the model. */
export function typedEndpointAt(path: string): Endpoint | undefined {
  const found = endpointAt('POST', path)
  return found?.vague ? undefined : found
}

function isApart(path: string, apart: string | undefined): boolean {
  return apart !== undefined && path.includes(apart)
}

/** The type that the paths of POST calls name; of several, the first of `modelTypes`. */
export function typeNamedBy(paths: string[]): ModelType | undefined {
  const named = new Set(paths.map((path) => typedEndpointAt(path)?.type))
  return modelTypes.find((type) => named.has(type))
}

/**
 * Whether a path is one call rather than a prefix of many: its end, or for other servers any piece of it, is the name of a
 * call. `/llama/v1` and `/llama/` are prefixes.
 */
export function isOneCall(path: string): boolean {
  return typedEndpointAt(path) !== undefined || isBesideChat(path) || isCallOfOtherService(path)
}

/** The type that one piece of a path hints at: `/embed/v1` is not where one chats. */
export function typeHintedBy(path: string): ModelType | undefined {
  const pieces = new Set(path.split('/'))
  return endpoints.find(
    ({ type, vague, path: own }) => type !== undefined && type !== 'chat' && !vague && pieces.has(lastOf(own)),
  )?.type
}
