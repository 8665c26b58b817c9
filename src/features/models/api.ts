import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { Paging, pageOf } from '../../web/paging.js'
import type { Application } from '../applications/schemas.js'
import { Snippet } from '../snippets/schemas.js'
import type { Models } from './models.js'
import { Model } from './schemas.js'

export interface ModelsApiDeps {
  models: Models
  snippets: { forModel(model: Model, options?: { credentials?: Application['credentials']; only?: string }): Snippet[] }
  open: boolean
}

const Name = Type.Object({ system_name: Type.String({ minLength: 1, maxLength: 255 }) })
const List = Type.Intersect([
  Paging,
  Type.Object({
    q: Type.Optional(Type.String({ maxLength: 200 })),
    type: Type.Optional(Type.String({ maxLength: 40 })),
  }),
])

export async function modelsApi(app: FastifyInstance, { models, snippets, open }: ModelsApiDeps) {
  app.get<{ Querystring: Paging & { q?: string; type?: string } }>(
    '/models',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('listModels', 'List the models you may use', {
        querystring: List,
        response: {
          200: Type.Object({
            items: Type.Array(Model),
            next_cursor: Type.Union([Type.String(), Type.Null()]),
            stale: Type.Optional(
              Type.Boolean({ description: 'true while 3scale does not answer; see the Age header' }),
            ),
          }),
        },
      }),
    },
    async (request, reply) => {
      const { q, type } = request.query
      const shown = await models.list({ ...(q ? { q } : {}), ...(type ? { type } : {}) }, request.caller)
      if (unchanged(request, reply, shown)) return reply.code(304).send()
      return {
        ...pageOf(shown.models, request.query, (model) => model.system_name),
        ...(shown.stale ? { stale: true } : {}),
      }
    },
  )

  app.get<{ Params: { system_name: string } }>(
    '/models/:system_name',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('readModel', 'Read a model', { params: Name, response: { 200: Model } }),
    },
    async (request) => (await models.find(request.params.system_name, request.caller)).model,
  )

  app.get<{ Params: { system_name: string }; Querystring: { client?: string } }>(
    '/models/:system_name/snippets',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('listSnippets', 'Code for a model', {
        params: Name,
        querystring: Type.Object({ client: Type.Optional(Type.String({ maxLength: 40 })) }),
        response: { 200: Type.Object({ items: Type.Array(Snippet), next_cursor: Type.Null() }) },
      }),
    },
    async (request) => {
      const { model } = await models.find(request.params.system_name, request.caller)
      const only = request.query.client
      return { items: snippets.forModel(model, only ? { only } : {}), next_cursor: null }
    },
  )
}

/** What one caller sees differs from another's, so the entity tag counts what is shown. */
function unchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  shown: { etag: string; ageSeconds: number; total: number },
): boolean {
  const etag = shown.etag.replace(/"$/, `.${shown.total}.${request.caller?.groups.join('+') ?? ''}"`)
  reply
    .header('etag', etag)
    .header('age', String(Math.floor(shown.ageSeconds)))
    .header('cache-control', 'private, no-cache')
  return request.headers['if-none-match'] === etag
}

function operation(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['models'], ...parts }
}
