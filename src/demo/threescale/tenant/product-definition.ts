/** A product in a few words; `products.ts` turns it into calls. */
export interface Sketch {
  system_name: string
  name: string
  description: string
  type: keyof typeof rulesByType
  /** instead of those of the type: HTTP method, pattern, metric, increment, whether it is the last rule to apply */
  rules?: [method: string, pattern: string, metric?: string, delta?: number, last?: boolean][]
  policies?: { name: string; version: string; configuration: Record<string, unknown> }[]
  /** Columns of the deployed configuration that differ from those that 3scale derives; null removes one. */
  proxy?: Record<string, unknown>
  version?: '1' | '2' | 'oidc'
  location?: 'query' | 'headers' | 'authorization'
  names?: { user_key?: string; app_id?: string; app_key?: string }
  /** first piece of the model server's address */
  server: string
  modelId: string
  /** backends by path, with mapping rules of their own; without it one at `/`, which is `server` */
  backends?: { path: string; server: string; rules?: [method: string, pattern: string][] }[]
  /** public address; without it a port of the demo's gateway */
  endpoint?: string
  plans?: {
    name?: string
    system_name?: string
    state?: 'published' | 'hidden'
    approval_required?: boolean
    cost_per_month?: number
    setup_fee?: number
    trial_period_days?: number
  }[]
  /** of the first plan */
  limits?: [metric: string, period: string, value: number][]
  select?: boolean
  promoted?: boolean
  defaultPlan?: boolean
  doc?: 'id' | 'plain' | 'v2' | 'v31'
}

/** HTTP method and pattern of each mapping rule; each counts a 3scale method of its own. */
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
