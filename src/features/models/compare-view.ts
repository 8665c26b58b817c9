import { factsOf, planView } from './model-view.js'
import type { Model } from './schemas.js'
import { cardView } from './view.js'
import { capabilityLabels } from './words.js'

export const MOST = 4
/** A list of choices longer than this is better searched in the catalogue. */
const SHORT = 100

interface Cell {
  of: string
  lines: string[]
  code: boolean
  href: string
}

/** Up to four models side by side: one row a fact, one column a model. */
export function compareView(i: { chosen: Model[]; others: Model[]; asked: number; known: number }) {
  const { chosen, others } = i
  const cards = chosen.map((model) => ({ ...cardView(model), without: addressWithout(chosen, model) }))
  const facts = chosen.map((model) => new Map(factsOf(model).map((fact) => [fact.label, fact])))
  const labels = [...new Set(facts.flatMap((own) => [...own.keys()]))].filter((label) => label !== 'Can do')
  const cells = (make: (model: Model, index: number) => Partial<Cell>): Cell[] =>
    chosen.map((model, index) => ({
      of: model.name,
      lines: ['Not specified'],
      code: false,
      href: '',
      ...make(model, index),
    }))
  const row = (label: string, make: (model: Model, index: number) => Partial<Cell>) => ({ label, cells: cells(make) })
  const known = Object.keys(capabilityLabels) as (keyof typeof capabilityLabels)[]
  return {
    title: 'Compare models',
    cards,
    rows: [
      row('What it is for', (model) => ({ lines: [model.summary || 'Not specified'] })),
      ...labels.map((label) =>
        row(label, (_model, index) => {
          const fact = facts[index]?.get(label)
          return fact ? { lines: [fact.value], code: fact.code === true, href: fact.href ?? '' } : {}
        }),
      ),
      ...known
        .filter((name) => chosen.some((model) => model.capabilities.includes(name)))
        .map((name) =>
          row(capabilityLabels[name], (model) => ({
            lines: [model.capabilities.includes(name) ? 'Yes' : 'Not specified'],
          })),
        ),
      row('Plans', (model) => ({
        lines: model.plans.map(planView).map(({ name, price, limits }) => `${name}: ${price}; ${limits.join(', ')}`),
      })),
    ],
    kept: chosen.map(({ system_name }) => system_name),
    choices:
      chosen.length < MOST && others.length <= SHORT
        ? others.map(({ system_name, name }) => ({ systemName: system_name, name }))
        : [],
    full: chosen.length >= MOST,
    note: [
      i.known > MOST ? `Only the first ${MOST} are shown.` : '',
      i.known < i.asked ? 'A model that you asked for is not here, or not yours to see.' : '',
    ]
      .join(' ')
      .trim(),
    empty: chosen.length === 0,
  }
}

function addressWithout(chosen: Model[], left: Model): string {
  const query = new URLSearchParams(
    chosen.filter((model) => model !== left).map(({ system_name }) => ['model', system_name]),
  )
  return query.size > 0 ? `/models/compare?${query}` : '/models/compare'
}
