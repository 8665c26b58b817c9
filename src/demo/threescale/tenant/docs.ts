import type { ApiDoc, Service } from '../store.js'

/** ActiveDocs as operators upload them: OpenAPI 3.0 with or without an example, Swagger 2.0, OpenAPI 3.1. */
export function docFor(kind: 'id' | 'plain' | 'v2' | 'v31', service: Service, modelId: string): Omit<ApiDoc, 'id'> {
  const rule = service.rules.find(({ http_method }) => http_method === 'POST')
  const path = rule?.pattern ?? '/predict'
  const example = kind === 'id' ? { model: modelId, messages: [{ role: 'user', content: 'Hello' }] } : undefined
  const request = {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'object', properties: { model: { type: 'string' } } },
        ...(example ? { example } : {}),
      },
    },
  }
  const info = {
    title: service.name,
    version: '1.0.0',
    description: `The HTTP interface of ${service.name}.`,
    ...(kind === 'id' ? { 'x-maas': { context_length: 131072 } } : {}),
  }
  const spec =
    kind === 'v2'
      ? {
          swagger: '2.0',
          info,
          host: new URL(service.endpoint).host,
          paths: {
            [path]: {
              post: {
                summary: 'Call the model',
                parameters: [{ in: 'body', name: 'body', schema: { type: 'object' } }],
                responses: { 200: { description: 'OK' } },
              },
            },
          },
        }
      : {
          openapi: kind === 'v31' ? '3.1.0' : '3.0.1',
          info,
          servers: [{ url: service.endpoint }],
          paths: {
            [path]: {
              post: { summary: 'Call the model', requestBody: request, responses: { 200: { description: 'OK' } } },
            },
          },
        }
  return {
    system_name: `${service.system_name.replaceAll('-', '_')}_docs`,
    name: `${service.name} API`,
    service_id: service.id,
    published: true,
    body: JSON.stringify(spec),
  }
}
