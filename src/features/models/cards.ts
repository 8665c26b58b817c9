import type { Model } from './schemas.js'
import { cardView } from './view.js'

export type Cards = ReturnType<typeof createCards>

/** Cards as HTML. A model never changes, so each of its cards is rendered once for as long as the catalogue has it. */
export function createCards(render: (view: object) => Promise<string>) {
  const plain = new WeakMap<Model, string>()
  const comparable = new WeakMap<Model, string>()

  return async (models: Model[], { compare }: { compare: boolean }): Promise<string> => {
    const kept = compare ? comparable : plain
    let html = ''
    for (const model of models) {
      let card = kept.get(model)
      if (card === undefined) {
        card = await render({ ...cardView(model), compare })
        kept.set(model, card)
      }
      html += card
    }
    return html
  }
}
