import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../../errors.js'
import { markdownToHtml } from '../../../web/pages/markdown.js'
import { highlightInSlices } from '../../../web/pages/syntax-highlighting.js'
import type { Snippet } from '../../snippets/schemas.js'
import { type ModelFilters, parseFilters } from '../filters.js'
import { ownModelsUnavailable } from '../messages.js'
import type { CatalogueListing, Models } from '../models.js'
import type { Model } from '../schemas.js'
import type { CardRenderer } from './card-renderer.js'
import { compareView, MAX_COMPARED } from './compare-view.js'
import { modelView } from './detail-view.js'
import { type CatalogueResults, catalogueView, PER_PAGE, resultsView } from './list-view.js'

export interface ModelPagesDeps {
  models: Models
  snippets: { forModel(model: Model): Snippet[] }
  /** true: visitors see the catalogue too */
  open: boolean
  cards: CardRenderer
}

type CatalogueQuery = Record<string, unknown>
type ModelParams = { system_name: string }

export async function modelPages(app: FastifyInstance, { models, snippets, open, cards }: ModelPagesDeps) {
  app.get<{ Querystring: CatalogueQuery }>('/models', { config: { open } }, async (request, reply) => {
    const filters = parseFilters(request.query)
    const { listing, note } = filters.mine
      ? await listMine(request, filters)
      : { listing: await models.list(filters, request.caller), note: '' }
    if (request.query.fragment === 'results') return fragment(reply, await results(listing, filters, request))
    const staleSeconds = listing.stale ? listing.ageSeconds : undefined
    const signedIn = request.caller !== undefined
    const view = async () =>
      catalogueView({ ...(await results(listing, filters, request)), note, staleSeconds, signedIn })
    return reply.page('models/index', view, note || listing.stale || filters.mine ? {} : { source: listing.result })
  })

  app.get<{ Querystring: CatalogueQuery }>(
    '/models/compare',
    { config: { open, weight: 3 } },
    async (request, reply) => {
      const requested = [...new Set([request.query.model ?? []].flat().map(String))]
      const all = (await models.list({ sort: 'name' }, request.caller)).models
      const visible = await models.pick(requested, request.caller)
      // A model that is not visible to the caller gets the same response as one that does not exist.
      if (requested.length > 0 && visible.length === 0) throw problem('not_found')
      const chosen = visible.slice(0, MAX_COMPARED)
      return reply.page(
        'models/compare',
        compareView({ chosen, all, requested: requested.length, visible: visible.length }),
      )
    },
  )

  app.get<{ Params: ModelParams }>(
    '/models/:system_name',
    { config: { open, missing: 'system_name' } },
    async (request, reply) => {
      const { model, ageSeconds, stale } = await models.find(request.params.system_name, request.caller)
      const view = async () => {
        const code = snippets.forModel(model)
        await highlightInSlices(code)
        return modelView({
          model,
          successor: await successorOf(model, request),
          descriptionHtml: markdownToHtml(model.description),
          snippets: code,
          staleSeconds: stale ? ageSeconds : undefined,
        })
      }
      return reply.page('models/show', view, stale ? {} : { source: model })
    },
  )

  /** Undefined if the caller may not see the successor. */
  async function successorOf({ successor }: Model, { caller }: FastifyRequest): Promise<Model | undefined> {
    if (!successor) return undefined
    return (await models.pick([successor], caller))[0]
  }

  async function results(
    listing: CatalogueListing,
    filters: ModelFilters,
    { query }: FastifyRequest<{ Querystring: CatalogueQuery }>,
  ) {
    const { models: matches } = listing
    const pages = Math.max(1, Math.ceil(matches.length / PER_PAGE))
    const page = Math.min(pages, Math.max(1, Math.trunc(Number(query.page)) || 1))
    const cardsHtml = await cards(matches.slice((page - 1) * PER_PAGE, page * PER_PAGE), { compare: true })
    return { ...listing, cardsHtml, page, filters }
  }

  /** Needs a call to 3scale. If 3scale does not respond, all models are listed instead. */
  async function listMine({ caller }: FastifyRequest, filters: ModelFilters) {
    try {
      return { listing: await models.list(filters, caller), note: '' }
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope'))
        throw error
      const { mine: _mine, ...others } = filters
      return { listing: await models.list(others, caller), note: ownModelsUnavailable }
    }
  }

  /** Only the search results, for the script of the page. The separate URL prevents HTTP caches from mixing the two. */
  async function fragment(reply: FastifyReply, view: CatalogueResults) {
    const html = await app.view('models/results', resultsView(view))
    return reply.type('text/html; charset=utf-8').header('cache-control', 'private, no-cache').send(html)
  }
}
