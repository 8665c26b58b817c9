import { modelIdOrigin } from '../../model-calls/example-calls.js'
import { number } from '../../web/words.js'
import { type Capability, capabilities, type Model, modelStates, modelTypes } from './schemas.js'
import { addressOf, type Filters, type Sorting } from './search.js'
import { capabilityLabels, contextWords, shortPrice, staleWords, stateLabels, typeLabels } from './words.js'

export const typeColors: Record<Model['type'], string> = {
  chat: 'blue',
  completion: 'teal',
  embedding: 'purple',
  rerank: 'purple',
  image: 'orange',
  speech_to_text: 'green',
  text_to_speech: 'green',
  custom: 'grey',
}

const sortLabels: Record<Sorting, string> = {
  name: 'Name',
  newest: 'Newest first',
  context: 'Longest context',
  price: 'Lowest price',
}

const idWords: Record<ReturnType<typeof modelIdOrigin>, string> = {
  known: '',
  listed: 'The code asks the server',
  open: 'Not known',
  none: 'Not required',
}

export const PER_PAGE = 48

export interface Results {
  /** of all pages */
  found: Model[]
  /** cards of this page, rendered */
  cardsHtml: string
  page: number
  total: number
  /** how many of each type the caller may see */
  byType: Map<string, number>
  filters: Filters
}

/** The part of the page that changes with every letter typed. */
export function resultsView({ found, cardsHtml, page, total, byType, filters }: Results) {
  const { type, ...others } = filters
  const filtered = Object.keys(filters).some((name) => name !== 'sort')
  const pages = Math.max(1, Math.ceil(found.length / PER_PAGE))
  return {
    count: filtered ? `${number(found.length)} of ${number(total)} models` : `${number(total)} models`,
    cardsHtml,
    types: [
      { label: 'All', count: total, href: addressOf(others), current: !type },
      ...modelTypes
        .filter((value) => byType.has(value))
        .map((value) => ({
          label: typeLabels[value],
          count: byType.get(value),
          href: addressOf({ ...others, type: value }),
          current: value === type,
        })),
    ],
    previous: page > 1 ? addressOf(filters, page - 1) : '',
    next: page < pages ? addressOf(filters, page + 1) : '',
    position: pages > 1 ? `Page ${page} of ${pages}` : '',
    nothingMatches: found.length === 0 && filtered,
    nothingOfMine: found.length === 0 && filters.mine === true,
    nothingAtAll: found.length === 0 && !filtered,
  }
}

export function catalogueView(i: Results & { staleSeconds: number | undefined; signedIn: boolean; note: string }) {
  const { filters } = i
  const choices = <T extends string>(values: readonly T[], labels: Record<T, string>, chosen: string | undefined) =>
    values.map((value) => ({ value, label: labels[value], selected: value === chosen }))
  return {
    title: 'Models',
    ...resultsView(i),
    q: filters.q ?? '',
    type: filters.type ?? '',
    capabilities: choices(capabilities, capabilityLabels, filters.capability),
    states: choices(modelStates, stateLabels, filters.state),
    sorts: choices(Object.keys(sortLabels) as Sorting[], sortLabels, filters.sort),
    mine: filters.mine === true,
    signedIn: i.signedIn,
    filtered: Object.keys(filters).length > 0,
    note: i.note,
    stale: staleWords(i.staleSeconds),
  }
}

export function cardView(model: Model) {
  const { system_name, plans } = model
  return {
    name: model.name,
    systemName: system_name,
    href: `/models/${encodeURIComponent(system_name)}`,
    keyHref: model.state === 'retired' ? '' : `/applications/new?model=${encodeURIComponent(system_name)}`,
    kind: model.type,
    type: typeLabels[model.type],
    color: typeColors[model.type],
    state: model.state === 'available' ? '' : stateLabels[model.state],
    stateColor: model.state === 'deprecated' ? 'orange' : 'grey',
    owner: model.owner?.name ?? '',
    summary: model.summary,
    chips: model.capabilities.map((name: Capability) => capabilityLabels[name]),
    modelId: model.model_id ?? '',
    noModelId: model.model_id === null ? idWords[modelIdOrigin(model)] : '',
    endpoint: model.base_url.replace(/^https?:\/\//, ''),
    context: contextWords(model),
    plans: plans.map((plan) => `${plan.name} (${shortPrice(plan)})`).join(', '),
  }
}
