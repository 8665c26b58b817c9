import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import type { Caller } from '../../web/caller.js'
import { callerOf } from '../../web/guard.js'
import { Page } from '../../web/paging.js'
import type { Applications } from '../applications/applications.js'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { Snippet } from './schemas.js'
import type { Snippets } from './snippets.js'

export interface SnippetsApiDeps {
  models: { find(systemName: string, caller: Caller | undefined): Promise<{ model: Model }> }
  snippets: Snippets
  applications: Pick<Applications, 'read'>
  open: boolean
}

const Name = Type.Object({ system_name: Type.String({ minLength: 1, maxLength: 255 }) })
const Query = Type.Object({
  application_id: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 999_999_999_999_999, description: 'one of yours, of this model' }),
  ),
  client: Type.Optional(Type.String({ maxLength: 40 })),
  reveal: Type.Optional(
    Type.Boolean({
      description:
        'true, with `application_id`: `with_key` has the code with the key in it, which also requires the scope `maas:reveal`',
    }),
  ),
})
type Asked = FastifyRequest<{ Params: { system_name: string }; Querystring: Static<typeof Query> }>

export async function snippetsApi(app: FastifyInstance, { models, snippets, applications, open }: SnippetsApiDeps) {
  app.get(
    '/models/:system_name/snippets',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: {
        operationId: 'listSnippets',
        summary: 'Code for a model, on request with the key of an application of yours',
        tags: ['models'],
        params: Name,
        querystring: Query,
        response: { 200: Page(Snippet) },
      },
    },
    async (request: Asked) => {
      const { client } = request.query
      const { model, credentials } = await whatFor(request)
      const options = { ...(client ? { only: client } : {}), ...(credentials ? { credentials } : {}) }
      return { items: snippets.forModel(model, options), next_cursor: null }
    },
  )

  /** Of an application: its own model, also where nobody can take that anew. Its key only when asked for. */
  async function whatFor(request: Asked): Promise<{ model: Model; credentials?: Application['credentials'] }> {
    const { application_id, reveal = false } = request.query
    const name = request.params.system_name
    if (application_id === undefined) return models.find(name, request.caller)
    const { application, model } = await applications.read(callerOf(request), application_id, { reveal })
    if (model?.system_name !== name)
      throw problem('invalid_fields', { fields: { application_id: 'This application is for another model.' } })
    if (!reveal) return { model }
    audited(request, { event: 'key.reveal', target: { application: application.id } })
    return { model, credentials: application.credentials }
  }
}
