/**
 * Small API documents with the structure and conventions of those that vendors and model servers publish: where they name a model,
 * how they write types, examples and paths, and how they describe the API.
 */
type Node = Record<string, unknown>

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: unknown, more: Node = {}) => ({ content: { 'application/json': { schema, ...more } } })
const ok = { 200: { description: 'OK' } }
const post = (summary: string, body: unknown, more: Node = {}) => ({
  post: { summary, requestBody: { required: true, ...(body as Node) }, responses: ok, ...more },
})

/** OpenAI: 3.1, a version in the server address, hundreds of operations, schemas with `allOf`, model ids in `anyOf`. */
const openai = {
  openapi: '3.1.0',
  info: {
    title: 'OpenAI API',
    description: 'The OpenAI REST API. Please see https://platform.example/docs for more details.',
    version: '2.3.0',
    termsOfService: 'https://vendor.example/policies/terms-of-use',
    contact: { name: 'OpenAI Support', url: 'https://help.vendor.example/' },
    license: { name: 'MIT', url: 'https://vendor.example/LICENSE' },
  },
  servers: [{ url: 'https://api.vendor.example/v1' }],
  paths: {
    ...Object.fromEntries(
      Array.from({ length: 270 }, (_, index) => [
        `/admin/thing${String(index).padStart(3, '0')}`,
        { get: { summary: `Thing ${index}`, description: `Reads **thing** ${index}.`.repeat(20), responses: ok } },
      ]),
    ),
    '/images/generations': post('Create image', json(ref('CreateImageRequest'))),
    '/embeddings': post('Create embeddings', json(ref('CreateEmbeddingRequest'))),
    '/completions': post('Create completion', json(ref('CreateCompletionRequest'))),
    '/chat/completions': post(
      'Creates a model response for the given `chat` conversation. [Learn more](https://platform.example/docs)',
      json(ref('CreateChatCompletionRequest')),
      {
        operationId: 'createChatCompletion',
        tags: ['Chat'],
        description: 'See the **[guide](https://platform.example)**.',
      },
    ),
    '/responses': post('Create a model response', json(ref('CreateResponse')), { tags: ['Responses'] }),
    '/models': { get: { summary: 'List models', responses: ok } },
  },
  components: {
    securitySchemes: { ApiKeyAuth: { type: 'http', scheme: 'bearer' } },
    schemas: {
      ModelIdsShared: { anyOf: [{ type: 'string' }, { type: 'string', enum: ['gpt-5', 'gpt-5-mini', 'o3'] }] },
      CreateImageRequest: {
        type: 'object',
        properties: {
          prompt: { type: 'string', example: 'A cute baby sea otter' },
          model: {
            anyOf: [{ type: 'string' }, { type: 'string', enum: ['gpt-image-1.5', 'dall-e-3'] }],
            example: 'gpt-image-1.5',
          },
        },
        required: ['prompt'],
      },
      CreateEmbeddingRequest: {
        type: 'object',
        properties: {
          input: {
            oneOf: [
              { type: 'string', example: 'This is a test.' },
              { type: 'array', items: { type: 'string' } },
            ],
          },
          model: { anyOf: [{ type: 'string' }], example: 'text-embedding-3-small' },
          dimensions: { type: 'integer', minimum: 1 },
        },
        required: ['model', 'input'],
      },
      CreateCompletionRequest: {
        type: 'object',
        properties: { model: { type: 'string', default: 'gpt-3.5-turbo-instruct' }, prompt: { type: 'string' } },
        required: ['model', 'prompt'],
      },
      CreateModelResponseProperties: {
        type: 'object',
        properties: {
          temperature: { type: ['number', 'null'], minimum: 0, maximum: 2, default: 1, example: 1 },
          user: { type: 'string', example: 'user-1234' },
        },
      },
      CreateChatCompletionRequest: {
        allOf: [
          ref('CreateModelResponseProperties'),
          {
            type: 'object',
            properties: {
              messages: { type: 'array', minItems: 1, items: ref('ChatCompletionRequestMessage') },
              model: {
                ...ref('ModelIdsShared'),
                example: 'gpt-5.4',
                description: 'Used to [generate](https://x.example).',
              },
              stream: { anyOf: [{ type: 'boolean', default: false }, { type: 'null' }] },
              n: { type: ['integer', 'null'], minimum: 1, maximum: 128, default: 1, example: 1 },
            },
            required: ['model', 'messages'],
          },
        ],
      },
      ChatCompletionRequestMessage: {
        oneOf: [
          {
            type: 'object',
            properties: { role: { type: 'string', enum: ['developer'] }, content: { type: 'string' } },
            required: ['role', 'content'],
          },
          {
            type: 'object',
            properties: { role: { type: 'string', enum: ['user'] }, content: { type: 'string' } },
            required: ['role', 'content'],
          },
        ],
      },
      CreateResponse: {
        allOf: [
          { type: 'object', properties: { model: { ...ref('ModelIdsShared'), example: 'gpt-5.1' } } },
          { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
        ],
      },
    },
  },
}

/** Mistral: an address without a version, examples in lists, and the model of each call as its default. */
const mistral = {
  openapi: '3.1.0',
  info: { title: 'Mistral AI API', description: 'Our Chat Completion and Embeddings APIs.', version: '1.0.0' },
  servers: [{ url: 'https://api.vendor.example', description: 'Production server' }],
  paths: {
    '/v1/models': { get: { summary: 'List Models', responses: ok } },
    '/v1/embeddings': post('Embeddings', json(ref('EmbeddingRequest'))),
    '/v1/fim/completions': post('Fim Completion', json(ref('FIMCompletionRequest'))),
    '/v1/chat/completions': post('Chat Completion', json(ref('ChatCompletionRequest')), {
      responses: {
        200: { description: 'Successful Response', content: { 'text/event-stream': { schema: { type: 'object' } } } },
      },
    }),
  },
  components: {
    schemas: {
      EmbeddingRequest: {
        type: 'object',
        properties: {
          model: { type: 'string', title: 'Model', examples: ['mistral-embed'] },
          input: {
            anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
            examples: [['Embed this.']],
          },
        },
        required: ['model', 'input'],
      },
      FIMCompletionRequest: {
        type: 'object',
        properties: { model: { type: 'string', default: 'codestral-2404' }, prompt: { type: 'string' } },
        required: ['prompt', 'model'],
      },
      ChatCompletionRequest: {
        type: 'object',
        properties: {
          model: { type: 'string', title: 'Model', examples: ['mistral-small-latest'] },
          temperature: { anyOf: [{ type: 'number', maximum: 1.5, minimum: 0 }, { type: 'null' }] },
          stream: { type: 'boolean', default: false },
          messages: {
            type: 'array',
            items: {
              type: 'object',
              properties: { role: { const: 'user', type: 'string' }, content: { type: 'string' } },
              required: ['role', 'content'],
            },
            examples: [[{ role: 'user', content: 'Who is the best French painter?' }]],
          },
        },
        required: ['messages', 'model'],
      },
    },
  },
}

/** Cohere: proprietary calls, complete bodies as named examples, HTML and Markdown in descriptions. */
const cohere = {
  openapi: '3.0.1',
  info: { title: 'Cohere API', version: '1.0', contact: { email: 'support@vendor.example' } },
  servers: [{ url: 'https://api.vendor.example' }],
  paths: {
    '/v1/chat': post(
      'Chat',
      json(ref('Chat'), { examples: { Default: { value: { model: 'command', message: 'Hi' } } } }),
    ),
    '/v2/rerank': post(
      'Rerank',
      json(ref('Rerank'), {
        example: { model: 'rerank-v4.0', query: 'capital?', documents: ['Carson City', 'Saipan'], top_n: '2' },
      }),
    ),
  },
  components: {
    schemas: {
      Chat: { type: 'object', properties: { model: { type: 'string' }, message: { type: 'string' } } },
      Rerank: {
        type: 'object',
        properties: {
          model: { type: 'string' },
          query: { type: 'string' },
          documents: { type: 'array', items: { type: 'string' } },
          top_n: { type: 'integer', minimum: 1 },
        },
        required: ['model', 'query', 'documents'],
      },
    },
  },
}

/** text-embeddings-inference: Rust with utoipa, with `nullable`, and examples and defaults of every type as strings. */
const tei = {
  openapi: '3.0.3',
  info: {
    title: 'Text Embeddings Inference',
    description: 'Text Embedding Webserver',
    contact: { name: 'An Author' },
    license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    version: '1.8.2',
  },
  paths: {
    '/embed': post(
      'Get Embeddings. Returns a 424 status code if the model is not an embedding model.',
      json(ref('EmbedRequest')),
    ),
    '/rerank': post('Get Ranks', json(ref('RerankRequest'))),
    '/v1/embeddings': post('OpenAI compatible route', json(ref('OpenAICompatRequest'))),
    '/health': { get: { summary: 'Health check method', responses: ok } },
  },
  components: {
    schemas: {
      Input: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      EmbedRequest: {
        type: 'object',
        required: ['inputs'],
        properties: {
          inputs: ref('Input'),
          normalize: { type: 'boolean', default: 'true', example: 'true' },
          truncate: { type: 'boolean', default: 'false', example: 'false', nullable: true },
          dimensions: { type: 'integer', default: 'null', example: 'null', nullable: true, minimum: 0 },
        },
      },
      RerankRequest: {
        type: 'object',
        required: ['query', 'texts'],
        properties: {
          query: { type: 'string', example: 'What is Deep Learning?' },
          raw_scores: { type: 'boolean', default: 'false', example: 'false' },
          texts: { type: 'array', items: { type: 'string' }, example: '["Deep Learning is ...", "hello"]' },
        },
      },
      OpenAICompatRequest: {
        type: 'object',
        required: ['input'],
        properties: {
          input: ref('Input'),
          model: { type: 'string', nullable: true, example: 'null', default: 'null' },
          encoding_format: { type: 'string', enum: ['float', 'base64'], default: 'Float' },
          user: { type: 'string', nullable: true, example: 'null' },
        },
      },
    },
  },
}

/** text-generation-inference: the same generator, with the id of an arbitrary model as the example. */
const tgi = {
  openapi: '3.0.3',
  info: {
    title: 'Text Generation Inference',
    description: 'Text Generation Webserver',
    contact: { name: 'An Author' },
    license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    version: '3.3.7-dev0',
  },
  paths: {
    '/generate': post('Generate tokens', json({ type: 'object', properties: { inputs: { type: 'string' } } })),
    '/v1/completions': post('Generate tokens', json(ref('CompletionRequest'))),
    '/v1/chat/completions': post('Generate tokens', json(ref('ChatRequest'))),
    '/v1/models': { get: { summary: 'Get model info', responses: ok } },
  },
  components: {
    schemas: {
      CompletionRequest: {
        type: 'object',
        required: ['prompt'],
        properties: {
          model: { type: 'string', nullable: true, example: 'mistralai/Mistral-7B-Instruct-v0.2' },
          prompt: { type: 'string', example: 'What is Deep Learning?' },
          max_tokens: { type: 'integer', default: '1024', example: '32', nullable: true, minimum: 0 },
        },
      },
      ChatRequest: {
        type: 'object',
        required: ['messages'],
        properties: {
          messages: {
            type: 'array',
            items: ref('Message'),
            example: '[{"role": "user", "content": "What is Deep Learning?"}]',
          },
          model: { type: 'string', nullable: true, example: 'mistralai/Mistral-7B-Instruct-v0.2' },
          n: { type: 'integer', format: 'int32', nullable: true, example: '2', minimum: 0 },
          stream: { type: 'boolean' },
          logprobs: { type: 'boolean', nullable: true, default: 'false', example: 'false' },
          temperature: { type: 'number', format: 'float', nullable: true, example: 1.0 },
          stop: { type: 'array', items: { type: 'string' }, nullable: true, example: 'null' },
          tool_prompt: { type: 'string', nullable: true, example: 'Given the functions available' },
        },
      },
      Message: {
        type: 'object',
        required: ['role', 'content'],
        properties: {
          role: { type: 'string', example: 'user' },
          content: { type: 'string', example: 'My name is David' },
        },
      },
    },
  },
}

/** vLLM: FastAPI, no server, no example, the model as a string or null, `{name:path}` in a path. */
const vllm = {
  openapi: '3.1.0',
  info: { title: 'FastAPI', version: '0.1.0' },
  paths: {
    '/health': { get: { summary: 'Health', responses: ok } },
    '/tokenize': post('Tokenize', json({ type: 'object' })),
    '/v1/models': { get: { summary: 'Show Available Models', responses: ok } },
    '/v1/embeddings': post('Create Embedding', json(ref('EmbeddingRequest'))),
    '/v1/chat/completions': post('Create Chat Completion', json(ref('ChatCompletionRequest'))),
    '/v1/models/{model_id:path}': {
      parameters: [{ name: 'model_id', in: 'path', required: true, schema: { type: 'string' } }],
      get: { summary: 'Retrieve', responses: ok },
    },
  },
  components: {
    schemas: {
      EmbeddingRequest: {
        type: 'object',
        required: ['input'],
        properties: { model: { anyOf: [{ type: 'string' }, { type: 'null' }] }, input: { type: 'string' } },
      },
      ChatCompletionRequest: {
        type: 'object',
        required: ['messages'],
        properties: {
          messages: {
            type: 'array',
            items: {
              anyOf: [
                {
                  type: 'object',
                  required: ['role'],
                  properties: { role: { type: 'string', const: 'user' }, content: { type: 'string' } },
                },
              ],
            },
          },
          model: { anyOf: [{ type: 'string' }, { type: 'null' }], title: 'Model' },
          stream: { anyOf: [{ type: 'boolean' }, { type: 'null' }], default: false },
          n: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: 1 },
        },
      },
    },
  },
}

const INFER = `/v2/models/$\{MODEL_NAME}/versions/$\{MODEL_VERSION}/infer`

/** The open inference protocol of KServe and Triton: placeholders as `${…}`, declared in another case. */
const kserve = {
  openapi: '3.0.0',
  info: { title: 'Open Inference Protocol REST', version: '2.0' },
  paths: {
    '/v2/health/live': { get: { summary: 'Live', responses: ok } },
    [INFER]: {
      parameters: [
        { name: 'model_name', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'MODEL_VERSION', in: 'path', required: true, schema: { type: 'string' } },
      ],
      ...post('Infer', json(ref('inference_request'))),
    },
  },
  components: {
    schemas: {
      inference_request: {
        type: 'object',
        required: ['inputs'],
        properties: {
          id: { type: 'string' },
          inputs: {
            type: 'array',
            items: {
              type: 'object',
              required: ['name', 'shape', 'datatype', 'data'],
              properties: {
                name: { type: 'string' },
                shape: { type: 'array', items: { type: 'integer' } },
                datatype: { type: 'string' },
                data: { type: 'array', items: {} },
              },
            },
          },
        },
      },
    },
  },
}

/** Swagger 2 of a custom service, in the format of 3scale's own documents. */
const swagger = {
  swagger: '2.0',
  info: {
    title: 'Sentiment',
    version: '1',
    license: { name: 'Proprietary' },
    termsOfService: 'https://vendor.example/terms',
  },
  host: 'sentiment.vendor.example',
  basePath: '/v1',
  consumes: ['application/json'],
  securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'X-Vendor-Key' } },
  paths: {
    '/analyse': {
      post: {
        summary: 'Analyse',
        parameters: [
          { in: 'header', name: 'x-vendor-key', required: true, type: 'string' },
          { in: 'query', name: 'user_key', required: true, type: 'string', 'x-data-threescale-name': 'user_keys' },
          { in: 'query', name: 'top', type: 'integer', required: true, 'x-example': '3' },
          {
            in: 'body',
            name: 'body',
            required: true,
            schema: {
              type: 'object',
              required: ['text', 'app_id'],
              properties: {
                text: { type: 'string', example: 'good' },
                app_id: { type: 'string', 'x-data-threescale-name': 'app_ids' },
              },
            },
            'x-examples': { 'application/json': { text: 'very good', app_id: 'canary' } },
          },
        ],
        responses: ok,
      },
    },
  },
}

export const vendorDocuments = { openai, mistral, cohere, tei, tgi, vllm, kserve, swagger }
