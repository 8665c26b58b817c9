import type { Content, JsonBody } from './body-formats.js'
import type { Endpoint, ModelType } from './openai-endpoints.js'

/** What code shows of each type, and what a test sends, which is as short as it can be. */
const contents: Record<Exclude<ModelType, 'custom'>, { example: Content; brief?: Content }> = {
  chat: { example: { messages: [{ role: 'user', content: 'Say hello in five words.' }] } },
  completion: { example: { prompt: 'San Francisco is a', parameters: { max_tokens: 15 } } },
  embedding: { example: { texts: ['The sky is blue.', 'Grass is green.'] }, brief: { texts: ['Hello'] } },
  rerank: {
    example: {
      query: 'What is the capital of France?',
      documents: ['Paris is the capital of France.', 'Berlin is in Germany.'],
    },
    brief: { query: 'capital of France', documents: ['Paris', 'Berlin'] },
  },
  image: { example: { prompt: 'a lighthouse at dawn' }, brief: { prompt: 'a small red square' } },
  speech_to_text: { example: {} },
  text_to_speech: { example: { prompt: 'Hello, nice to meet you.' }, brief: { prompt: 'Hello' } },
}

/** The body that code shows, or a short one for a test, without the model id; empty where none is known. */
export function exampleOf({ type, formats: all }: Endpoint, format = all?.[0], brief = false): JsonBody {
  if (!format || type === undefined || type === 'custom') return {}
  const content = contents[type]
  return format.write((brief ? content.brief : undefined) ?? content.example)
}
