import type { FormatName } from '../../../model-calls/body-formats.js'
import { exampleBody } from '../../../model-calls/example-bodies.js'
import { findBodyFormat, findEndpoint, type JsonBody } from '../../../model-calls/openai-endpoints.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'

/** Documentation of a standard call (OpenAI's API reference, vLLM, text-embeddings-inference). */
export interface KnownCall {
  summary: string
  /** media type of the request body; JSON by default */
  type?: string
  body?: OpenApiSchema
  response: string
  responseType?: string
}

/**
 * Finds a call by the end of its path, as in the table of endpoints. `knownFormat` is the request format of the server, if it is known.
 * `example` is a short body to send, without the model id.
 */
export function knownCallAt(
  method: string,
  path: string,
  knownFormat?: FormatName,
): (KnownCall & { example: JsonBody }) | undefined {
  const endpoint = findEndpoint(method, path)
  if (!endpoint) return undefined
  const [usual] = endpoint.formats ?? []
  const format = findBodyFormat(endpoint, knownFormat) ?? usual
  const call = knownCalls[format && format !== usual ? `${endpoint.path} ${format.name}` : endpoint.path]
  return call && { ...call, example: exampleBody(endpoint, format, true) }
}

const string = (description: string): OpenApiSchema => ({ type: 'string', description })
const integer = (description: string): OpenApiSchema => ({ type: 'integer', minimum: 1, description })
const number = (minimum: number, maximum: number, description: string): OpenApiSchema => ({
  type: 'number',
  minimum,
  maximum,
  description,
})
const strings = (description: string): OpenApiSchema => ({ type: 'array', items: { type: 'string' }, description })

const generation: Record<string, OpenApiSchema> = {
  max_tokens: integer('maximum length of the response, in tokens'),
  temperature: number(0, 2, 'sampling temperature: a higher value gives more varied answers'),
  top_p: number(0, 1, 'nucleus sampling: only the most likely tokens, up to this total probability'),
  stop: strings('sequences that end the response'),
  stream: { type: 'boolean', default: false, description: 'return the response as server-sent events' },
}
const message: OpenApiSchema = {
  type: 'object',
  required: ['role', 'content'],
  properties: {
    role: { enum: ['system', 'user', 'assistant'], description: 'author of the message' },
    content: string('text of the message'),
  },
}
const object = (required: string[], properties: Record<string, OpenApiSchema>): OpenApiSchema => ({
  type: 'object',
  required: ['model', ...required],
  properties: { model: string('the model id to send'), ...properties },
})

const plain = (required: string[], properties: Record<string, OpenApiSchema>): OpenApiSchema => ({
  type: 'object',
  required,
  properties,
})
const ofTgi = plain(['inputs'], {
  inputs: string('the text to continue'),
  parameters: plain([], { max_new_tokens: integer('maximum length of the response, in tokens') }),
})
const teiRerank: KnownCall = {
  summary: 'Rank texts by relevance to a query',
  body: plain(['query', 'texts'], { query: string('the search query'), texts: strings('the texts to rank') }),
  response: 'Index and score of each text, best first.',
}
const cohereEmbed: KnownCall = {
  summary: 'Create embeddings of texts',
  body: object(['texts'], {
    texts: strings('the texts to embed'),
    input_type: string('search_document, search_query, classification or clustering'),
    embedding_types: strings('encoding of the vectors, for example float'),
  }),
  response: 'One vector for each text in embeddings.float.',
}
const teiEmbed: KnownCall = {
  summary: 'Create embeddings of texts',
  body: plain(['inputs'], { inputs: strings('the texts to embed') }),
  response: 'One vector for each text.',
}

const health: KnownCall = { summary: 'Check whether the model server works', response: 'The model server works.' }

const transcription: KnownCall = {
  summary: 'Convert speech to text',
  type: 'multipart/form-data',
  body: object(['file'], { file: { type: 'string', format: 'binary', description: 'the recording' } }),
  response: 'The text of the recording, in text.',
}

const knownCalls: Record<string, KnownCall> = {
  '/chat/completions': {
    summary: 'Chat with the model',
    body: object(['messages'], { messages: { type: 'array', items: message }, ...generation }),
    response: 'The response in choices[0].message.content, and the tokens that were used.',
  },
  '/completions': {
    summary: 'Continue a text',
    body: object(['prompt'], { prompt: string('the text to continue'), ...generation }),
    response: 'The text in choices[0].text, and the tokens that were used.',
  },
  '/embeddings': {
    summary: 'Create embeddings of texts',
    body: object(['input'], {
      input: strings('the texts to embed'),
      encoding_format: { enum: ['float', 'base64'], description: 'encoding of the vectors' },
    }),
    response: 'One vector for each text in data[].embedding.',
  },
  '/embed': teiEmbed,
  '/embed cohere': cohereEmbed,
  '/v1/embed': cohereEmbed,
  '/v2/embed': cohereEmbed,
  '/v1/embed tei': teiEmbed,
  '/v2/embed tei': teiEmbed,
  '/api/embed': {
    summary: 'Create embeddings of texts',
    body: object(['input'], { input: strings('the texts to embed') }),
    response: 'One vector for each text in embeddings.',
  },
  '/embedding': {
    summary: 'Create embeddings of texts',
    body: plain(['content'], { content: strings('the texts to embed') }),
    response: 'One vector for each text in [].embedding.',
  },
  '/api/chat': {
    summary: 'Chat with the model',
    body: object(['messages'], {
      messages: { type: 'array', items: message },
      stream: { type: 'boolean', default: true },
    }),
    response: 'The response in message.content.',
  },
  '/api/generate': {
    summary: 'Continue a text',
    body: object(['prompt'], { prompt: string('the text to continue'), stream: { type: 'boolean', default: true } }),
    response: 'The text in response.',
  },
  '/completion': {
    summary: 'Continue a text',
    body: plain(['prompt'], {
      prompt: string('the text to continue'),
      n_predict: integer('maximum length of the response, in tokens'),
      stream: { type: 'boolean', default: false },
    }),
    response: 'The text in content.',
  },
  '/generate': { summary: 'Continue a text', body: ofTgi, response: 'The text in generated_text.' },
  '/generate_stream': {
    summary: 'Continue a text as a stream',
    body: ofTgi,
    response: 'Server-sent events with token.text.',
    responseType: 'text/event-stream',
  },
  '/generate sglang': {
    summary: 'Continue a text',
    body: plain(['text'], { text: string('the text to continue'), sampling_params: { type: 'object' } }),
    response: 'The text in text.',
  },
  '/score': {
    summary: 'Score the similarity of texts',
    body: object(['text_1', 'text_2'], {
      text_1: string('the text to compare'),
      text_2: strings('the texts to compare it with'),
    }),
    response: 'A score for each pair in data[].score.',
  },
  '/rerank': {
    summary: 'Rank documents by relevance to a query',
    body: object(['query', 'documents'], {
      query: string('the search query'),
      documents: strings('the documents to rank'),
      top_n: integer('the number of results to return'),
    }),
    response: 'Index and relevance_score of each document, best first.',
  },
  '/rerank tei': teiRerank,
  '/reranking': {
    summary: 'Rank documents by relevance to a query',
    body: object(['query', 'documents'], {
      query: string('the search query'),
      documents: strings('the documents to rank'),
    }),
    response: 'Index and relevance_score of each document.',
  },
  '/reranking tei': teiRerank,
  '/v1/ranking': {
    summary: 'Rank passages by relevance to a query',
    body: object(['query', 'passages'], {
      query: plain(['text'], { text: string('the search query') }),
      passages: { type: 'array', items: plain(['text'], { text: string('a passage to rank') }) },
    }),
    response: 'Index and logit of each passage, best first.',
  },
  '/images/generations': {
    summary: 'Create an image',
    body: object(['prompt'], {
      prompt: string('what the image shows'),
      n: integer('number of images'),
      size: string('for example 1024x1024'),
      response_format: { enum: ['b64_json', 'url'] },
    }),
    response: 'The images in data[].url or data[].b64_json.',
  },
  '/audio/transcriptions': transcription,
  '/audio/translations': transcription,
  '/audio/speech': {
    summary: 'Convert text to speech',
    body: object(['input', 'voice'], {
      input: string('the text to speak'),
      voice: string('name of a voice of the model'),
      response_format: { enum: ['wav', 'mp3', 'opus', 'flac'] },
    }),
    response: 'The audio file.',
    responseType: 'audio/wav',
  },
  '/models': {
    summary: 'List the model ids',
    response: 'The ids to send, in data[].id.',
  },
  '/info': { summary: 'Read what the model server serves', response: 'The id in model_id.' },
  '/api/tags': { summary: 'List the models', response: 'The ids to send, in models[].model.' },
  '/health': health,
  '/healthz': health,
  '/livez': health,
  '/readyz': health,
  '/ping': health,
}
