import type { JsonBody, RequestContent } from './body-formats.js'
import type { ModelEndpoint, ModelType } from './openai-endpoints.js'

/** Content of code examples for each type, and minimal content for tests. */
const contents: Record<Exclude<ModelType, 'custom'>, { example: RequestContent; brief?: RequestContent }> = {
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

/** The body of a code example, or a minimal one for a test, without the model id. Empty if none is known. */
export function exampleBody({ type, formats: all }: ModelEndpoint, format = all?.[0], brief = false): JsonBody {
  if (!format || type === undefined || type === 'custom') return {}
  const content = contents[type]
  return format.write((brief ? content.brief : undefined) ?? content.example)
}
