import { capabilityLabels } from '../messages.js'
import { capabilities, type Model } from '../schemas.js'
import { factsOf, planView } from './detail-view.js'
import { cardView } from './list-view.js'
import {
  factLabels,
  notSpecified,
  onlyFirstShown,
  planSummary,
  requestedModelMissing,
  titles,
  yes,
} from './messages.js'

export const MAX_COMPARED = 4
/** A longer list of choices is not offered: the catalogue's search is easier to use. */
const MAX_CHOICES = 100

interface CompareCell {
  of: string
  lines: string[]
  code: boolean
  href: string
}

/** A table of up to four models: one row per fact, one column per model. */
export function compareView(i: { chosen: Model[]; all: Model[]; requested: number; visible: number }) {
  const { chosen, all } = i
  const cards = chosen.map((model) => ({ ...cardView(model), without: hrefWithout(chosen, model) }))
  const facts = chosen.map((model) => new Map(factsOf(model).map((fact) => [fact.label, fact])))
  const labels = [...new Set(facts.flatMap((own) => [...own.keys()]))].filter(
    (label) => label !== factLabels.capabilities,
  )
  const cells = (cell: (model: Model, index: number) => Partial<CompareCell>): CompareCell[] =>
    chosen.map((model, index) => ({
      of: model.name,
      lines: [notSpecified],
      code: false,
      href: '',
      ...cell(model, index),
    }))
  const row = (label: string, cell: (model: Model, index: number) => Partial<CompareCell>) => ({
    label,
    cells: cells(cell),
  })
  return {
    title: titles.compare,
    cards,
    rows: [
      row(factLabels.summary, (model) => ({ lines: [model.summary || notSpecified] })),
      ...labels.map((label) =>
        row(label, (_model, index) => {
          const fact = facts[index]?.get(label)
          return fact ? { lines: [fact.value], code: fact.code === true, href: fact.href ?? '' } : {}
        }),
      ),
      ...capabilities
        .filter((name) => chosen.some((model) => model.capabilities.includes(name)))
        .map((name) =>
          row(capabilityLabels[name], (model) => ({
            lines: [model.capabilities.includes(name) ? yes : notSpecified],
          })),
        ),
      row(factLabels.plans, (model) => ({
        lines: model.plans.map(planView).map(({ name, price, limits }) => planSummary(name, price, limits)),
      })),
    ],
    selected: chosen.map(({ system_name }) => system_name),
    choices:
      chosen.length < MAX_COMPARED && all.length - chosen.length <= MAX_CHOICES
        ? all
            .filter((model) => !chosen.includes(model))
            .map(({ system_name, name }) => ({ systemName: system_name, name }))
        : [],
    full: chosen.length >= MAX_COMPARED,
    note: [
      i.visible > MAX_COMPARED ? onlyFirstShown(MAX_COMPARED) : '',
      i.visible < i.requested ? requestedModelMissing : '',
    ]
      .join(' ')
      .trim(),
    empty: chosen.length === 0,
  }
}

function hrefWithout(chosen: Model[], removed: Model): string {
  const query = new URLSearchParams(
    chosen.filter((model) => model !== removed).map(({ system_name }) => ['model', system_name]),
  )
  return query.size > 0 ? `/models/compare?${query}` : '/models/compare'
}
