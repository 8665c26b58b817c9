import type { FastifyInstance } from 'fastify'
import type { OpenApiDocument } from '../../web/openapi/shapes.js'
import { docsView } from './view.js'

export interface ApiDocsDeps {
  document: () => OpenApiDocument
  publicUrl: string
  issuer: string
}

/** The REST API for people to read, made from the same document that programs read. */
export async function apiDocsPages(app: FastifyInstance, { document, publicUrl, issuer }: ApiDocsDeps) {
  let view: ReturnType<typeof docsView> | undefined
  app.get('/docs/api', { config: { open: true } }, async (_request, reply) => {
    view ??= docsView({ document: document(), publicUrl, issuer })
    return reply.page('api-docs/index', view, { of: view })
  })
}
