import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { unchanged } from '../../web/etag.js'
import { Page, Paging, pageOf } from '../../web/paging.js'
import type { Models } from './models.js'
import { Model } from './schemas.js'

export interface ModelsApiDeps {
  models: Models
  open: boolean
}

const Name = Type.Object({ system_name: Type.String({ minLength: 1, maxLength: 255, examples: ['granite-chat'] }) })
const List = Type.Intersect([
  Paging,
  Type.Object({
    q: Type.Optional(Type.String({ maxLength: 200, description: 'words in name and description' })),
    type: Type.Optional(Type.String({ maxLength: 40, description: 'chat, embedding and so on', examples: ['chat'] })),
  }),
])

export async function modelsApi(app: FastifyInstance, { models, open }: ModelsApiDeps) {
  app.get<{ Querystring: Paging & { q?: string; type?: string } }>(
    '/models',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('listModels', 'List the models you may use', {
        querystring: List,
        response: {
          200: Page(Model, {
            stale: Type.Optional(
              Type.Boolean({ description: 'true while 3scale does not answer; see the Age header' }),
            ),
          }),
          304: Type.Null(),
        },
      }),
    },
    async (request, reply) => {
      const { q, type } = request.query
      const shown = await models.list({ ...(q ? { q } : {}), ...(type ? { type } : {}) }, request.caller)
      const page = pageOf(shown.models, request.query, (model) => model.system_name)
      const more = `${page.next_cursor} ${shown.stale}`
      if (unchanged(request, reply, { items: page.items, ageSeconds: shown.ageSeconds, more }))
        return reply.code(304).send()
      return { ...page, ...(shown.stale ? { stale: true } : {}) }
    },
  )

  app.get<{ Params: { system_name: string } }>(
    '/models/:system_name',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('readModel', 'Read a model', { params: Name, response: { 200: Model, 304: Type.Null() } }),
    },
    async (request, reply) => {
      const { model, ageSeconds } = await models.find(request.params.system_name, request.caller)
      if (unchanged(request, reply, { items: [model], ageSeconds })) return reply.code(304).send()
      return model
    },
  )
}

function operation(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['models'], ...parts }
}
