import type { FastifyInstance } from 'fastify'
import { safeHtml } from '../../web/markdown.js'
import type { Application } from '../applications/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import { homePage } from './home.js'
import type { Models } from './models.js'
import type { Model } from './schemas.js'
import { catalogueView, modelView } from './view.js'

export interface ModelPagesDeps {
  models: Models
  snippets: { forModel(model: Model): Snippet[] }
  /** true: visitors see the catalogue too */
  open: boolean
  brand: string
  tagline: string
}

type Query = { q?: string; type?: string }

export async function modelsPages(app: FastifyInstance, { models, snippets, open, brand, tagline }: ModelPagesDeps) {
  homePage(app, { models, snippets, open, brand, tagline })

  app.get<{ Querystring: Query }>('/models', { config: { open } }, async (request, reply) => {
    const q = String(request.query.q ?? '').slice(0, 200)
    const type = String(request.query.type ?? '')
    const shown = await models.list({ q, type }, request.caller)
    const view = catalogueView({
      models: shown.models,
      total: shown.total,
      q,
      type,
      staleSeconds: shown.stale ? shown.ageSeconds : undefined,
      signedIn: request.caller !== undefined,
    })
    return reply.page('models/index', view)
  })

  app.get<{ Params: { system_name: string } }>('/models/:system_name', { config: { open } }, async (request, reply) => {
    const { model, ageSeconds, stale } = await models.find(request.params.system_name, request.caller)
    const applications: Application[] = []
    const view = modelView({
      model,
      descriptionHtml: safeHtml(model.description),
      snippets: snippets.forModel(model),
      applications,
      signedIn: request.caller !== undefined,
      staleSeconds: stale ? ageSeconds : undefined,
    })
    return reply.page('models/show', view)
  })
}
