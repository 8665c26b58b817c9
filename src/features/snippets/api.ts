import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { problem } from '../../errors.js'
import { Page } from '../../web/api/pagination.js'
import { annotateAudit } from '../../web/audit/audit.js'
import type { Caller } from '../../web/auth/caller.js'
import { callerOf } from '../../web/auth/guard.js'
import type { Applications } from '../applications/applications.js'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { wrongModel } from './messages.js'
import { ClientName, Snippet } from './schemas.js'
import type { Snippets } from './snippets.js'

export interface SnippetsApiDeps {
  models: { find(systemName: string, caller: Caller | undefined): Promise<{ model: Model }> }
  snippets: Snippets
  applications: Pick<Applications, 'read'>
  open: boolean
}

const SnippetParams = Type.Object({
  system_name: Type.String({ minLength: 1, maxLength: 255, description: 'of the model', examples: ['granite-chat'] }),
})
const SnippetQuery = Type.Object({
  application_id: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 999_999_999_999_999, description: 'one of your applications for this model' }),
  ),
  client: Type.Optional(Type.Unsafe<string>({ ...ClientName, description: 'only this client' })),
  reveal: Type.Optional(
    Type.Boolean({
      description:
        'true, with `application_id`: returns the code with the key in `with_key`. This also requires the scope `maas:reveal`',
    }),
  ),
})
type SnippetRequest = FastifyRequest<{ Params: { system_name: string }; Querystring: Static<typeof SnippetQuery> }>

export async function snippetsApi(app: FastifyInstance, { models, snippets, applications, open }: SnippetsApiDeps) {
  app.get(
    '/models/:system_name/snippets',
    {
      config: { scope: 'maas:read', open, anonymous: true },
      schema: {
        operationId: 'listSnippets',
        summary: 'List code snippets for a model',
        description:
          'Returns one snippet per client on a single page: `next_cursor` is always null. The code reads the credential from the environment. With `application_id` and `reveal=true`, each snippet also includes a version with the key.',
        tags: ['models'],
        params: SnippetParams,
        querystring: SnippetQuery,
        response: { 200: Page(Snippet) },
      },
    },
    async (request: SnippetRequest) => {
      const { client } = request.query
      const { model, credentials } = await modelAndCredentials(request)
      const options = { ...(client ? { only: client } : {}), ...(credentials ? { credentials } : {}) }
      return { items: snippets.forModel(model, options), next_cursor: null }
    },
  )

  /** With an application, its own model, even if the model is no longer on offer. Its key only with `reveal`. */
  async function modelAndCredentials(
    request: SnippetRequest,
  ): Promise<{ model: Model; credentials?: Application['credentials'] }> {
    const { application_id, reveal = false } = request.query
    const name = request.params.system_name
    if (application_id === undefined) return models.find(name, request.caller)
    const { application, model } = await applications.read(callerOf(request), application_id, { reveal })
    if (model?.system_name !== name) throw problem('invalid_fields', { fields: { application_id: wrongModel } })
    if (!reveal) return { model }
    annotateAudit(request, { event: 'key.reveal', target: { application: application.id } })
    return { model, credentials: application.credentials }
  }
}
