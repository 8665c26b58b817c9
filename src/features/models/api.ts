import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { bodyOf, sendBody } from '../../web/body.js'
import { createKept } from '../../web/kept.js'
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

const PRIVATE = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding, authorization, origin',
}
/** lists kept in memory */
const KEPT_BYTES = 6_000_000

export async function modelsApi(app: FastifyInstance, { models, open }: ModelsApiDeps) {
  const kept = createKept(KEPT_BYTES)

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
      const { q, type, limit, cursor } = request.query
      const { found, ageSeconds, stale } = await models.list({ ...(q && { q }), ...(type && { type }) }, request.caller)
      const make = () => {
        const page = pageOf(found.models, request.query, (model) => model.system_name)
        return bodyOf(String(reply.serialize({ ...page, ...(stale ? { stale } : {}) })))
      }
      reply.headers({ age: String(Math.floor(ageSeconds)), ...PRIVATE })
      return sendBody(reply, await kept.madeOf(found, `${limit} ${cursor} ${stale}`, make))
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
      reply.headers({ age: String(Math.floor(ageSeconds)), ...PRIVATE })
      return sendBody(reply, await kept.madeOf(model, '', () => bodyOf(String(reply.serialize(model)))))
    },
  )
}

function operation(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['models'], ...parts }
}
