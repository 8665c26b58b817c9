import type { FastifyInstance } from 'fastify'
import { isProblem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { codeView } from '../../web/code.js'
import type { Snippet } from '../snippets/schemas.js'
import type { Cards } from './cards.js'
import type { Models } from './models.js'
import type { Model } from './schemas.js'

export interface HomeDeps {
  models: Pick<Models, 'list'>
  snippets: { forModel(model: Model, options?: { only?: string }): Snippet[] }
  cards: Cards
  /** true: visitors see the catalogue too */
  open: boolean
  brand: string
  tagline: string
}

const SHOWN = 6

/** The first page: what this is, three steps, real code, and the first models where the visitor may see them. */
export function homePage(app: FastifyInstance, { models, snippets, cards, open, brand, tagline }: HomeDeps): void {
  app.get('/', { config: { open: true } }, async (request, reply) => {
    const { caller } = request
    const shown = open || caller ? await listOrNothing(caller) : []
    const first = shown.find(({ type, model_id }) => type === 'chat' && model_id !== null)
    const sample = first && snippets.forModel(first, { only: 'curl' })[0]
    return reply.page('home/index', {
      title: 'Welcome',
      brand,
      tagline,
      signedIn: caller !== undefined,
      sample: sample && { ...codeView(sample), model: first.name },
      cardsHtml: await cards(shown.slice(0, SHOWN), { compare: false }),
      more: shown.length > SHOWN ? `See all ${shown.length} models` : '',
    })
  })

  /** The first page is worth showing without the catalogue too. */
  async function listOrNothing(caller: Caller | undefined): Promise<Model[]> {
    try {
      return (await models.list({}, caller)).models
    } catch (error) {
      if (isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope'))
        return []
      throw error
    }
  }
}
