import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { LANGUAGE_TAG } from '../../config/product-config.js'
import { operationsOf } from '../../web/api/openapi/operation.js'
import { Page, Paging, paginate, type SortOrder } from '../../web/api/pagination.js'
import { createResponseBody } from '../../web/pages/compression/response-body.js'
import { sendBody } from '../../web/pages/conditional-response.js'
import type { ListedModel } from './catalogue/audience.js'
import type { ListResult } from './catalogue/build-catalogue.js'
import { type ModelFilters, type PriceOption, priceOptions } from './filters.js'
import type { Models } from './models.js'
import { Capability, Model, type ModelType, ModelTypeSchema } from './schemas.js'

const operation = operationsOf('models')

export interface ModelsApiDeps {
  models: Models
  open: boolean
}

const ModelParams = Type.Object({
  system_name: Type.String({ minLength: 1, maxLength: 255, description: 'of the model', examples: ['granite-chat'] }),
})
const ListQuery = Type.Intersect([
  Paging,
  Type.Object({
    q: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'words, phrases or a sentence: a name or ID with its version, a type, task, capability or language, a context length (`128k`), or `free`',
        examples: ['german embedding'],
      }),
    ),
    type: Type.Optional(
      Type.Unsafe<ModelType>({ ...ModelTypeSchema, description: 'only models of this type', examples: ['chat'] }),
    ),
    capability: Type.Optional(
      Type.Unsafe<Capability>({
        ...Capability,
        description: 'only models with this capability, as far as it is known',
      }),
    ),
    owner: Type.Optional(
      Type.String({ maxLength: 200, description: 'only models whose `owner` has this name', examples: ['IBM'] }),
    ),
    language: Type.Optional(
      Type.String({
        pattern: LANGUAGE_TAG.source,
        maxLength: 35,
        description:
          'only models for this language, as far as it is known; a BCP 47 tag, of which the first part counts',
        examples: ['de'],
      }),
    ),
    price: Type.Optional(
      Type.Unsafe<PriceOption>({
        type: 'string',
        enum: [...priceOptions],
        description: '`free`: only models with a plan that costs nothing; `paid`: only models without one',
      }),
    ),
  }),
])

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding, authorization, origin',
}
/** Without a search: 3scale's order, retired models last. Callers with the same view share cached responses and cursors. */
const catalogueOrder: SortOrder<ListedModel> = {
  positionOf: ({ model, productId }) => [model.state === 'retired' ? 1 : 0, productId],
  shared: true,
}

function orderOf({ rankOf }: ListResult): SortOrder<ListedModel> {
  return rankOf ? { positionOf: (entry) => [rankOf(entry), entry.productId], shared: true } : catalogueOrder
}

export async function modelsApi(app: FastifyInstance, { models, open }: ModelsApiDeps) {
  app.get<{ Querystring: Paging & ModelFilters }>(
    '/models',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('listModels', 'List the models available to you', {
        description:
          'Models are listed in the order of 3scale, with retired models last. With `q`, the best matches are first, or the lowest prices if it asks for a cheap model. With `If-None-Match`, the response is 304 until something changes. `Age` is the time since the last read from 3scale. While 3scale does not respond, the last known models are returned with `stale: true`.',
        querystring: ListQuery,
        response: {
          200: Page(Model, {
            stale: Type.Optional(
              Type.Boolean({ description: 'true while 3scale does not respond; see the `Age` header' }),
            ),
            approximate: Type.Optional(
              Type.Boolean({
                description:
                  'true if no model matches every word of `q`: the items match most of them, or a word was corrected',
              }),
            ),
          }),
          304: Type.Null(),
        },
      }),
    },
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query
      const { result, ageSeconds, stale } = await models.list(filters, request.caller)
      const render = () => {
        const { items, next_cursor } = paginate(request, result.listed, orderOf(result))
        const page = { items: items.map(({ model }) => model), next_cursor }
        const approximate = result.search?.approximate ? { approximate: true } : {}
        return createResponseBody(String(reply.serialize({ ...page, ...approximate, ...(stale ? { stale } : {}) })))
      }
      reply.headers({ age: String(Math.floor(ageSeconds)), ...HEADERS })
      const origin = { source: result, template: 'GET /api/v1/models', context: { limit, cursor, stale } }
      return sendBody(reply, await app.responseCache.get(origin, render))
    },
  )

  app.get<{ Params: { system_name: string } }>(
    '/models/:system_name',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: operation('readModel', 'Read a model', {
        description: 'Includes plans, limits, prices, how to send credentials, and the source of each fact.',
        params: ModelParams,
        response: { 200: Model, 304: Type.Null() },
      }),
    },
    async (request, reply) => {
      const { model, ageSeconds } = await models.find(request.params.system_name, request.caller)
      reply.headers({ age: String(Math.floor(ageSeconds)), ...HEADERS })
      const origin = { source: model, template: 'GET /api/v1/models/:system_name', context: {} }
      const render = () => createResponseBody(String(reply.serialize(model)))
      return sendBody(reply, await app.responseCache.get(origin, render))
    },
  )
}
