const ofType = (type: string) => ({ schema: { type } })

const userKey = {
  name: 'user_key',
  in: 'query',
  description: 'Your API access key',
  required: true,
  'x-data-threescale-name': 'user_keys',
  ...ofType('string'),
}

const responses = {
  '200': { description: 'response', content: contentOf('ResponseModel') },
  default: { description: 'unexpected error', content: contentOf('ErrorModel') },
}

/** The API document of the sample product that 3scale creates with each tenant. */
export const echoDocument = {
  openapi: '3.0.0',
  info: {
    version: '1.0.0',
    title: 'Echo API',
    description: 'A sample echo API',
  },
  paths: {
    '/': {
      get: {
        description: 'Echo API with no parameters',
        operationId: 'echo_no_params',
        parameters: [userKey],
        responses,
      },
    },
    '/{echo}': {
      get: {
        description: 'Echo API with parameters',
        operationId: 'echo_with_params',
        parameters: [
          { name: 'echo', in: 'path', description: 'The string to be echoed', required: true, ...ofType('string') },
          userKey,
        ],
        responses,
      },
    },
  },
  servers: [
    {
      url: 'http://echo-api.3scale.net/',
    },
  ],
  components: {
    schemas: {
      ResponseModel: {
        type: 'object',
        required: ['method', 'path', 'args', 'headers'],
        properties: {
          method: {
            type: 'string',
          },
          path: {
            type: 'string',
          },
          args: {
            type: 'string',
          },
          headers: {
            type: 'object',
          },
        },
      },
      ErrorModel: {
        type: 'object',
        required: ['code', 'message'],
        properties: {
          code: {
            type: 'integer',
            format: 'int32',
          },
          message: {
            type: 'string',
          },
        },
      },
    },
  },
}

function contentOf(schema: string) {
  const types = ['application/json', 'application/xml', 'text/xml', 'text/html']
  return Object.fromEntries(types.map((type) => [type, { schema: { $ref: `#/components/schemas/${schema}` } }]))
}
