interface Service {
  id: number
  system_name: string
  name: string
  endpoint: string
  modelId: string
  rules: [method: string, pattern: string, ...rest: unknown[]][]
}

/**
 * ActiveDocs as operators upload them: OpenAPI 3.0 with or without an example, Swagger 2.0, OpenAPI 3.1. Shape and habits
 * are those of models-aas (deployment/3scale/openapi): the title is the model's name, a server that is a placeholder, and
 * the paths of vLLM.
 */
export function docFor(kind: 'id' | 'plain' | 'v2' | 'v31', service: Service) {
  const info = {
    title: service.name,
    version: '1.0.0',
    description: `The HTTP interface of ${service.name}.`,
    ...(kind === 'id' ? { 'x-maas': { model_id: service.modelId, context_length: 131072 } } : {}),
  }
  const spec = kind === 'v2' ? swagger(service, info) : openapi(kind, service, info, service.modelId)
  return {
    system_name: `${service.system_name.replaceAll('-', '_')}_docs`,
    name: `${service.name} API`,
    service_id: service.id,
    published: true,
    body: JSON.stringify(spec),
  }
}

const schemas = {
  Message: {
    type: 'object',
    required: ['role', 'content'],
    properties: {
      role: { type: 'string', enum: ['system', 'user', 'assistant'] },
      content: { type: 'string', description: 'The text of the message.' },
    },
  },
  Request: {
    type: 'object',
    required: ['model', 'messages'],
    properties: {
      model: { type: 'string', description: 'The model ID.' },
      messages: { type: 'array', items: { $ref: '#/components/schemas/Message' } },
      max_tokens: { type: 'integer', minimum: 1, default: 256, description: 'The maximum number of output tokens.' },
      temperature: { type: 'number', minimum: 0, maximum: 2 },
    },
  },
  Error: {
    type: 'object',
    properties: { error: { type: 'object', properties: { message: { type: 'string' }, code: { type: 'integer' } } } },
  },
}

function openapi(kind: 'id' | 'plain' | 'v31', service: Service, info: object, modelId: string) {
  const chats = service.rules.some(([, pattern]) => pattern.endsWith('/chat/completions'))
  const schema = chats ? { $ref: '#/components/schemas/Request' } : anything
  const example = kind === 'id' ? { model: modelId, messages: [{ role: 'user', content: 'Hello' }] } : undefined
  const failure = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }
  return {
    openapi: kind === 'v31' ? '3.1.0' : '3.0.1',
    info,
    servers: [{ url: kind === 'plain' ? 'https://Main_URL:443' : service.endpoint }],
    security: [{ bearerAuth: [] }],
    paths: {
      [pathOf(service)]: {
        post: {
          summary: 'Call the model',
          description: chats ? 'Sends a conversation. The model replies to **the last message**.' : '',
          requestBody: {
            required: true,
            content: { 'application/json': { schema, ...(example ? { example } : {}) } },
          },
          responses: {
            200: { description: 'OK', content: { 'application/json': { schema: { type: 'object' } } } },
            404: { description: 'No such model', ...failure },
            429: { description: 'Limit exceeded' },
          },
        },
      },
      ...readsOf(service),
    },
    components: { schemas, securitySchemes: { bearerAuth: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  }
}

const anything = { type: 'object', properties: { model: { type: 'string' } } }

function swagger(service: Service, info: object) {
  return {
    swagger: '2.0',
    info,
    host: new URL(service.endpoint).host,
    paths: {
      [pathOf(service)]: {
        post: {
          summary: 'Call the model',
          parameters: [{ in: 'body', name: 'body', schema: { type: 'object' } }],
          responses: { 200: { description: 'OK' } },
        },
      },
    },
  }
}

function pathOf({ rules }: Service): string {
  return rules.find(([method]) => method === 'POST')?.[1] ?? '/predict'
}

function readsOf({ rules }: Service): Record<string, object> {
  const reads = rules.filter(([method, pattern]) => method === 'GET' && /\/(models|health)$/.test(pattern))
  return Object.fromEntries(
    reads.map(([, pattern]) => [
      pattern,
      {
        get: {
          summary: pattern.endsWith('/health') ? 'Health of the server' : 'List the models',
          responses: { 200: { description: 'OK' } },
        },
      },
    ]),
  )
}
