import type { Schema } from '../../web/openapi/shapes.js'

/** What is known of a usual call, by the end of its path (OpenAI's API reference, vLLM, text-embeddings-inference). */
export interface KnownCall {
  method: 'GET' | 'POST'
  ending: RegExp
  summary: string
  /** media type of what is sent, JSON where it is left out */
  type?: string
  body?: Schema
  /** an example to send, without the model id */
  example?: Record<string, unknown>
  answer: string
  answerType?: string
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

export const knownCalls: KnownCall[] = [
  {
    method: 'POST',
    ending: /\/chat\/completions$/,
    summary: 'Chat with the model',
    body: object(['messages'], { messages: { type: 'array', items: message }, ...generation }),
    example: { messages: [{ role: 'user', content: 'Say hello in five words.' }], max_tokens: 64 },
    answer: 'The answer in choices[0].message.content, and the tokens that were used.',
  },
  {
    method: 'POST',
    ending: /(?<!chat)\/completions$/,
    summary: 'Continue a text',
    body: object(['prompt'], { prompt: text('the text to continue'), ...generation }),
    example: { prompt: 'San Francisco is a', max_tokens: 16 },
    answer: 'The text in choices[0].text, and the tokens that were used.',
  },
  {
    method: 'POST',
    ending: /\/embeddings$/,
    summary: 'Turn texts into vectors',
    body: object(['input'], {
      input: texts('the texts'),
      encoding_format: { enum: ['float', 'base64'], description: 'how the numbers are written' },
    }),
    example: { input: ['The sky is blue.'], encoding_format: 'float' },
    answer: 'One vector for each text in data[].embedding.',
  },
  {
    method: 'POST',
    ending: /\/rerank$/,
    summary: 'Sort documents by a question',
    body: object(['query', 'documents'], {
      query: text('what is looked for'),
      documents: texts('what is sorted'),
      top_n: whole('only so many of the best'),
    }),
    example: { query: 'What is the capital of France?', documents: ['Paris is in France.', 'Berlin is in Germany.'] },
    answer: 'Index and relevance_score of each document, the best first.',
  },
  {
    method: 'POST',
    ending: /\/images\/generations$/,
    summary: 'Make a picture',
    body: object(['prompt'], {
      prompt: text('what is on it'),
      n: whole('how many'),
      size: text('for example 1024x1024'),
      response_format: { enum: ['b64_json', 'url'] },
    }),
    example: { prompt: 'a lighthouse at dawn', response_format: 'b64_json' },
    answer: 'The pictures in data[].b64_json.',
  },
  {
    method: 'POST',
    ending: /\/audio\/(transcriptions|translations)$/,
    summary: 'Turn a recording into text',
    type: 'multipart/form-data',
    body: object(['file'], { file: { type: 'string', format: 'binary', description: 'the recording' } }),
    answer: 'What is said, in text.',
  },
  {
    method: 'POST',
    ending: /\/audio\/speech$/,
    summary: 'Turn a text into speech',
    body: object(['input', 'voice'], {
      input: text('what is said'),
      voice: text('who says it; which voices there are depends on the model'),
      response_format: { enum: ['wav', 'mp3', 'opus', 'flac'] },
    }),
    example: { input: 'Hello, nice to meet you.', voice: 'alloy', response_format: 'wav' },
    answer: 'The sound.',
    answerType: 'audio/wav',
  },
  {
    method: 'GET',
    ending: /\/models$/,
    summary: 'List the model ids',
    answer: 'The ids to send, in data[].id.',
  },
  {
    method: 'GET',
    ending: /\/(health|healthz|livez|readyz|ping)$/,
    summary: 'See whether the model server works',
    answer: 'It works.',
  },
]
