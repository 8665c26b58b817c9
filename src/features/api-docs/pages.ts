import type { FastifyInstance } from 'fastify'
import type { OpenApiDocument } from '../../web/api/openapi/types.js'
import { apiDocsView } from './view.js'

export interface ApiDocsDeps {
  document: () => OpenApiDocument
  publicUrl: string
  issuer: string
}

/** The documentation of the REST API, rendered from its OpenAPI document. */
export async function apiDocsPages(app: FastifyInstance, { document, publicUrl, issuer }: ApiDocsDeps) {
  let rendering: ReturnType<typeof apiDocsView> | undefined
  app.get('/docs/api', { config: { open: true } }, async (_request, reply) => {
    rendering ??= apiDocsView({ document: document(), publicUrl, issuer })
    const view = await rendering
    return reply.page('api-docs/index', view, { source: view })
  })
}
