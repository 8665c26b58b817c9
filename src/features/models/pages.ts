import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../errors.js'
import { safeHtml } from '../../web/markdown.js'
import type { Snippet } from '../snippets/schemas.js'
import { createCards } from './cards.js'
import { compareView, MOST } from './compare-view.js'
import { homePage } from './home.js'
import { modelView } from './model-view.js'
import type { Listing, Models } from './models.js'
import type { Model } from './schemas.js'
import { type Filters, filtersOf } from './search.js'
import { catalogueView, PER_PAGE, type Results, resultsView } from './view.js'

export interface ModelPagesDeps {
  models: Models
  snippets: { forModel(model: Model): Snippet[] }
  /** true: visitors see the catalogue too */
  open: boolean
  brand: string
  tagline: string
}

type Query = Record<string, unknown>
type Named = { system_name: string }

export async function modelsPages(app: FastifyInstance, { models, snippets, open, brand, tagline }: ModelPagesDeps) {
  const cards = createCards((view) => app.view('models/card', view))
  homePage(app, { models, snippets, cards, open, brand, tagline })

  app.get<{ Querystring: Query }>('/models', { config: { open } }, async (request, reply) => {
    const filters = filtersOf(request.query)
    const { shown, note } = await list(request, filters)
    if (request.query.fragment === 'results') return fragment(reply, await results(shown, filters, request))
    const staleSeconds = shown.stale ? shown.ageSeconds : undefined
    const signedIn = request.caller !== undefined
    const view = async () =>
      catalogueView({ ...(await results(shown, filters, request)), note, staleSeconds, signedIn })
    return reply.page('models/index', view, note || shown.stale || filters.mine ? {} : { of: shown.found })
  })

  app.get<{ Querystring: Query }>('/models/compare', { config: { open, weight: 3 } }, async (request, reply) => {
    const names = [request.query.model ?? []].flat().map(String)
    const all = (await models.list({ sort: 'name' }, request.caller)).models
    const wanted = [...new Set(names)].map((name) => all.find(({ system_name }) => system_name === name))
    const known = wanted.filter((model) => model !== undefined)
    // what one may not see is not told apart from what does not exist
    if (wanted.length > 0 && known.length === 0) throw problem('not_found')
    const chosen = known.slice(0, MOST)
    const others = all.filter((model) => !chosen.includes(model))
    return reply.page('models/compare', compareView({ chosen, others, asked: wanted.length, known: known.length }))
  })

  app.get<{ Params: Named }>(
    '/models/:system_name',
    { config: { open, missing: 'system_name' } },
    async (request, reply) => {
      const { model, ageSeconds, stale } = await models.find(request.params.system_name, request.caller)
      const view = async () =>
        modelView({
          model,
          successor: await successorOf(model, request),
          descriptionHtml: safeHtml(model.description),
          snippets: snippets.forModel(model),
          staleSeconds: stale ? ageSeconds : undefined,
        })
      return reply.page('models/show', view, stale ? {} : { of: model })
    },
  )

  /** A successor that the caller may not see is not named. */
  async function successorOf({ successor }: Model, { caller }: FastifyRequest): Promise<Model | undefined> {
    if (!successor) return undefined
    return (await models.list({}, caller)).models.find(({ system_name }) => system_name === successor)
  }

  async function results(shown: Listing, filters: Filters, { query }: FastifyRequest<{ Querystring: Query }>) {
    const { models: found, total, byType } = shown
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE))
    const page = Math.min(pages, Math.max(1, Math.trunc(Number(query.page)) || 1))
    const cardsHtml = await cards(found.slice((page - 1) * PER_PAGE, page * PER_PAGE), { compare: true })
    return { found, cardsHtml, page, total, byType, filters }
  }

  /** Which models are the caller's own is the one thing here that 3scale is asked for; without it all are shown. */
  async function list({ caller }: FastifyRequest, filters: Filters) {
    try {
      return { shown: await models.list(filters, caller), note: '' }
    } catch (error) {
      if (
        !filters.mine ||
        !isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope')
      )
        throw error
      const { mine: _mine, ...others } = filters
      const note = 'The models that you have access to cannot be read from 3scale at the moment, so all are shown.'
      return { shown: await models.list(others, caller), note }
    }
  }

  /** Only what a search changes, for the script of the page; at an address of its own, so that no cache mixes them up. */
  async function fragment(reply: FastifyReply, shown: Results) {
    const html = await app.view('models/results', resultsView(shown))
    return reply.type('text/html; charset=utf-8').header('cache-control', 'private, no-cache').send(html)
  }
}
