import type { FormatName } from '../../model-calls/body-formats.js'
import { exampleOf } from '../../model-calls/example-bodies.js'
import { endpointAt, formatNamed, type JsonBody } from '../../model-calls/openai-endpoints.js'
import type { Schema } from '../../web/openapi/shapes.js'

/** What is known of a usual call beside its path (OpenAI's API reference, vLLM, text-embeddings-inference). */
export interface KnownCall {
  summary: string
  /** media type of what is sent, JSON where it is left out */
  type?: string
  body?: Schema
  answer: string
  answerType?: string
}

/**
 * By the end of the path, as in the table of endpoints; `known` is the format of the server where that is known. `example` is a short
 * body to send, without the model id.
 */
export function knownCallAt(
  method: string,
  path: string,
  known?: FormatName,
): (KnownCall & { example: JsonBody }) | undefined {
  const endpoint = endpointAt(method, path)
  if (!endpoint) return undefined
  const [usual] = endpoint.formats ?? []
  const format = formatNamed(endpoint, known) ?? usual
  const call = knownCalls[format && format !== usual ? `${endpoint.path} ${format.name}` : endpoint.path]
  return call && { ...call, example: exampleOf(endpoint, format, true) }
}

const text = (description: string): Schema => ({ type: 'string', description })
const whole = (description: string): Schema => ({ type: 'integer', minimum: 1, description })
const number = (minimum: number, maximum: number, description: string): Schema => ({
  type: 'number',
  minimum,
  maximum,
  description,
})
const texts = (description: string): Schema => ({ type: 'array', items: { type: 'string' }, description })

const generation: Record<string, Schema> = {
  max_tokens: whole('maximum length of the answer, in tokens'),
  temperature: number(0, 2, 'sampling temperature: a higher value gives more varied answers'),
  top_p: number(0, 1, 'nucleus sampling: only the most likely tokens, up to this total probability'),
  stop: texts('sequences that end the answer'),
  stream: { type: 'boolean', default: false, description: 'return the answer as server-sent events' },
}
const message: Schema = {
  type: 'object',
  required: ['role', 'content'],
  properties: {
    role: { enum: ['system', 'user', 'assistant'], description: 'author of the message' },
    content: text('text of the message'),
  },
}
const object = (required: string[], properties: Record<string, Schema>): Schema => ({
  type: 'object',
  required: ['model', ...required],
  properties: { model: text('the model id to send'), ...properties },
})

const plain = (required: string[], properties: Record<string, Schema>): Schema => ({
  type: 'object',
  required,
  properties,
})
const ofTgi = plain(['inputs'], {
  inputs: text('the text to continue'),
  parameters: plain([], { max_new_tokens: whole('maximum length of the answer, in tokens') }),
})
const teiRerank: KnownCall = {
  summary: 'Rank texts by relevance to a query',
  body: plain(['query', 'texts'], { query: text('the search query'), texts: texts('the texts to rank') }),
  answer: 'Index and score of each text, best first.',
}
const cohereEmbed: KnownCall = {
  summary: 'Create embeddings of texts',
  body: object(['texts'], {
    texts: texts('the texts to embed'),
    input_type: text('search_document, search_query, classification or clustering'),
    embedding_types: texts('encoding of the vectors, for example float'),
  }),
  answer: 'One vector for each text in embeddings.float.',
}
const teiEmbed: KnownCall = {
  summary: 'Create embeddings of texts',
  body: plain(['inputs'], { inputs: texts('the texts to embed') }),
  answer: 'One vector for each text.',
}

const health: KnownCall = { summary: 'Check whether the model server works', answer: 'The model server works.' }

const transcription: KnownCall = {
  summary: 'Convert speech to text',
  type: 'multipart/form-data',
  body: object(['file'], { file: { type: 'string', format: 'binary', description: 'the recording' } }),
  answer: 'The text of the recording, in text.',
}

const knownCalls: Record<string, KnownCall> = {
  '/chat/completions': {
    summary: 'Chat with the model',
    body: object(['messages'], { messages: { type: 'array', items: message }, ...generation }),
    answer: 'The answer in choices[0].message.content, and the tokens that were used.',
  },
  '/completions': {
    summary: 'Continue a text',
    body: object(['prompt'], { prompt: text('the text to continue'), ...generation }),
    answer: 'The text in choices[0].text, and the tokens that were used.',
  },
  '/embeddings': {
    summary: 'Create embeddings of texts',
    body: object(['input'], {
      input: texts('the texts to embed'),
      encoding_format: { enum: ['float', 'base64'], description: 'encoding of the vectors' },
    }),
    answer: 'One vector for each text in data[].embedding.',
  },
  '/embed': teiEmbed,
  '/embed cohere': cohereEmbed,
  '/v1/embed': cohereEmbed,
  '/v2/embed': cohereEmbed,
  '/v1/embed tei': teiEmbed,
  '/v2/embed tei': teiEmbed,
  '/api/embed': {
    summary: 'Create embeddings of texts',
    body: object(['input'], { input: texts('the texts to embed') }),
    answer: 'One vector for each text in embeddings.',
  },
  '/embedding': {
    summary: 'Create embeddings of texts',
    body: plain(['content'], { content: texts('the texts to embed') }),
    answer: 'One vector for each text in [].embedding.',
  },
  '/api/chat': {
    summary: 'Chat with the model',
    body: object(['messages'], {
      messages: { type: 'array', items: message },
      stream: { type: 'boolean', default: true },
    }),
    answer: 'The answer in message.content.',
  },
  '/api/generate': {
    summary: 'Continue a text',
    body: object(['prompt'], { prompt: text('the text to continue'), stream: { type: 'boolean', default: true } }),
    answer: 'The text in response.',
  },
  '/completion': {
    summary: 'Continue a text',
    body: plain(['prompt'], {
      prompt: text('the text to continue'),
      n_predict: whole('maximum length of the answer, in tokens'),
      stream: { type: 'boolean', default: false },
    }),
    answer: 'The text in content.',
  },
  '/generate': { summary: 'Continue a text', body: ofTgi, answer: 'The text in generated_text.' },
  '/generate_stream': {
    summary: 'Continue a text as a stream',
    body: ofTgi,
    answer: 'Server-sent events with token.text.',
    answerType: 'text/event-stream',
  },
  '/generate sglang': {
    summary: 'Continue a text',
    body: plain(['text'], { text: text('the text to continue'), sampling_params: { type: 'object' } }),
    answer: 'The text in text.',
  },
  '/score': {
    summary: 'Score the similarity of texts',
    body: object(['text_1', 'text_2'], {
      text_1: text('the text to compare'),
      text_2: texts('the texts to compare it with'),
    }),
    answer: 'A score for each pair in data[].score.',
  },
  '/rerank': {
    summary: 'Rank documents by relevance to a query',
    body: object(['query', 'documents'], {
      query: text('the search query'),
      documents: texts('the documents to rank'),
      top_n: whole('the number of results to return'),
    }),
    answer: 'Index and relevance_score of each document, best first.',
  },
  '/rerank tei': teiRerank,
  '/reranking': {
    summary: 'Rank documents by relevance to a query',
    body: object(['query', 'documents'], {
      query: text('the search query'),
      documents: texts('the documents to rank'),
    }),
    answer: 'Index and relevance_score of each document.',
  },
  '/reranking tei': teiRerank,
  '/v1/ranking': {
    summary: 'Rank passages by relevance to a query',
    body: object(['query', 'passages'], {
      query: plain(['text'], { text: text('the search query') }),
      passages: { type: 'array', items: plain(['text'], { text: text('a passage to rank') }) },
    }),
    answer: 'Index and logit of each passage, best first.',
  },
  '/images/generations': {
    summary: 'Create an image',
    body: object(['prompt'], {
      prompt: text('what the image shows'),
      n: whole('number of images'),
      size: text('for example 1024x1024'),
      response_format: { enum: ['b64_json', 'url'] },
    }),
    answer: 'The images in data[].url or data[].b64_json.',
  },
  '/audio/transcriptions': transcription,
  '/audio/translations': transcription,
  '/audio/speech': {
    summary: 'Convert text to speech',
    body: object(['input', 'voice'], {
      input: text('the text to speak'),
      voice: text('name of a voice of the model'),
      response_format: { enum: ['wav', 'mp3', 'opus', 'flac'] },
    }),
    answer: 'The audio file.',
    answerType: 'audio/wav',
  },
  '/models': {
    summary: 'List the model ids',
    answer: 'The ids to send, in data[].id.',
  },
  '/info': { summary: 'Read what the model server serves', answer: 'The id in model_id.' },
  '/api/tags': { summary: 'List the models', answer: 'The ids to send, in models[].model.' },
  '/health': health,
  '/healthz': health,
  '/livez': health,
  '/readyz': health,
  '/ping': health,
}
