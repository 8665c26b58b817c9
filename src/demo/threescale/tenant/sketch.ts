import type { Plan, Service } from '../store.js'

/** A product in a few words; `products.ts` makes the records of it. */
export interface Sketch {
  system_name: string
  name: string
  description: string
  type: keyof typeof rulesByType
  /** instead of those of the type: verb, pattern, method, how often it counts, whether it is the last to look at */
  rules?: [verb: string, pattern: string, metric?: string, delta?: number, last?: boolean][]
  policies?: Service['policies']
  /** columns of the gateway settings that differ; null takes one out */
  proxy?: Record<string, unknown>
  version?: Service['backend_version']
  location?: Service['location']
  names?: Partial<Service['names']>
  /** first piece of the model server's address */
  server: string
  modelId: string
  /** public address; without it a port of the demo's gateway */
  endpoint?: string
  plans?: Partial<Plan>[]
  /** of the first plan */
  limits?: [metric: string, period: string, value: number][]
  select?: boolean
  promoted?: boolean
  defaultPlan?: boolean
  doc?: 'id' | 'plain' | 'v2' | 'v31'
}

/** Verb and pattern of each mapping rule; each has a method of its own. */
export const rulesByType = {
  chat: [
    ['POST', '/v1/chat/completions'],
    ['POST', '/v1/completions'],
    ['GET', '/v1/models'],
    ['GET', '/health'],
  ],
  completion: [
    ['POST', '/v1/completions'],
    ['GET', '/v1/models'],
    ['GET', '/health'],
  ],
  embedding: [
    ['POST', '/v1/embeddings'],
    ['GET', '/v1/models'],
  ],
  rerank: [
    ['POST', '/v1/rerank'],
    ['GET', '/v1/models'],
  ],
  image: [
    ['POST', '/v1/images/generations'],
    ['GET', '/v1/models'],
  ],
  speech_to_text: [
    ['POST', '/v1/audio/transcriptions'],
    ['GET', '/v1/models'],
  ],
  text_to_speech: [
    ['POST', '/v1/audio/speech'],
    ['GET', '/v1/models'],
  ],
  custom: [
    ['POST', '/predict'],
    ['GET', '/health'],
  ],
  /** the private address ends in /v1, so the public one has none */
  bare: [
    ['POST', '/chat/completions'],
    ['GET', '/models'],
  ],
} satisfies Record<string, string[][]>
