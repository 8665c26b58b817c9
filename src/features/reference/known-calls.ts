import { endpointAt, type JsonBody } from '../../model-calls/openai-endpoints.js'
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

/** By the end of the path, as in the table of endpoints. `example` is a short body to send, without the model id. */
export function knownCallAt(method: string, path: string): (KnownCall & { example: JsonBody }) | undefined {
  const endpoint = endpointAt(method, path)
  const known = endpoint && knownCalls[endpoint.path]
  return known && { ...known, example: { ...endpoint.example, ...endpoint.brief } }
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
  max_tokens: whole('the longest answer, in tokens'),
  temperature: number(0, 2, 'how freely the next word is chosen'),
  top_p: number(0, 1, 'only among the likeliest words that together have this probability'),
  stop: texts('texts that end the answer'),
  stream: { type: 'boolean', default: false, description: 'the answer comes as server-sent events' },
}
const message: Schema = {
  type: 'object',
  required: ['role', 'content'],
  properties: {
    role: { enum: ['system', 'user', 'assistant'], description: 'who says it' },
    content: text('what is said'),
  },
}
const object = (required: string[], properties: Record<string, Schema>): Schema => ({
  type: 'object',
  required: ['model', ...required],
  properties: { model: text('the model id to send'), ...properties },
})

const health: KnownCall = { summary: 'See whether the model server works', answer: 'It works.' }

const fromSound: KnownCall = {
  summary: 'Turn a recording into text',
  type: 'multipart/form-data',
  body: object(['file'], { file: { type: 'string', format: 'binary', description: 'the recording' } }),
  answer: 'What is said, in text.',
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
    summary: 'Turn texts into vectors',
    body: object(['input'], {
      input: texts('the texts'),
      encoding_format: { enum: ['float', 'base64'], description: 'how the numbers are written' },
    }),
    answer: 'One vector for each text in data[].embedding.',
  },
  '/embed': {
    summary: 'Turn texts into vectors',
    body: { type: 'object', required: ['inputs'], properties: { inputs: texts('the texts') } },
    answer: 'One vector for each text.',
  },
  '/score': {
    summary: 'Score how well texts fit together',
    body: object(['text_1', 'text_2'], { text_1: text('one text'), text_2: texts('what it is compared with') }),
    answer: 'A score for each pair in data[].score.',
  },
  '/rerank': {
    summary: 'Sort documents by a question',
    body: object(['query', 'documents'], {
      query: text('what is looked for'),
      documents: texts('what is sorted'),
      top_n: whole('only so many of the best'),
    }),
    answer: 'Index and relevance_score of each document, the best first.',
  },
  '/images/generations': {
    summary: 'Make a picture',
    body: object(['prompt'], {
      prompt: text('what is on it'),
      n: whole('how many'),
      size: text('for example 1024x1024'),
      response_format: { enum: ['b64_json', 'url'] },
    }),
    answer: 'The pictures in data[].b64_json.',
  },
  '/audio/transcriptions': fromSound,
  '/audio/translations': fromSound,
  '/audio/speech': {
    summary: 'Turn a text into speech',
    body: object(['input', 'voice'], {
      input: text('what is said'),
      voice: text('who says it; which voices there are depends on the model'),
      response_format: { enum: ['wav', 'mp3', 'opus', 'flac'] },
    }),
    answer: 'The sound.',
    answerType: 'audio/wav',
  },
  '/models': {
    summary: 'List the model ids',
    answer: 'The ids to send, in data[].id.',
  },
  '/health': health,
  '/healthz': health,
  '/livez': health,
  '/readyz': health,
  '/ping': health,
}
