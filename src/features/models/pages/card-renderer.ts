import type { Model } from '../schemas.js'
import { cardView } from './list-view.js'

export type CardRenderer = ReturnType<typeof createCardRenderer>

/** Renders cards as HTML. A model is immutable, so each of its cards is rendered once while the catalogue contains it. */
export function createCardRenderer(render: (view: object) => Promise<string>) {
  const plain = new WeakMap<Model, string>()
  const comparable = new WeakMap<Model, string>()

  return async (models: Model[], { compare }: { compare: boolean }): Promise<string> => {
    const cache = compare ? comparable : plain
    let html = ''
    for (const model of models) {
      let card = cache.get(model)
      if (card === undefined) {
        card = await render({ ...cardView(model), compare })
        cache.set(model, card)
      }
      html += card
    }
    return html
  }
}
