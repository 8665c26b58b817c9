import { dateWords, number } from '../../web/words.js'
import type { Filters, Sort } from './listing.js'
import type { Application } from './schemas.js'
import { needsRepair, states } from './states.js'

export const PER_PAGE = 25

const columns = [
  { name: 'name', label: 'Name' },
  { name: 'model', label: 'Model' },
  { name: '', label: 'Plan' },
  { name: 'state', label: 'State' },
  { name: 'created', label: 'Made' },
] as const

/** `all` are those of the account, `shown` those that fit the filters, in order. */
export function applicationListView(i: {
  all: Application[]
  shown: Application[]
  filters: Filters
  page: number
  models: number
}) {
  const { all, shown, filters } = i
  const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE))
  const page = Math.min(Math.max(1, i.page), pages)
  const first = (page - 1) * PER_PAGE
  const filtered = Boolean(filters.q || filters.model || filters.state)
  const at = (change: Record<string, string>) => hrefOf(filters, change)
  return {
    title: 'Applications',
    empty: all.length === 0,
    hasModels: i.models > 0,
    searchable: all.length > 5 || filtered,
    q: filters.q ?? '',
    sort: filters.sort ?? '',
    models: modelsOf(all).map(([value, label]) => ({ value, label, selected: value === filters.model })),
    states: Object.entries(states)
      .filter(([value]) => all.some(({ state }) => state === value) || value === filters.state)
      .map(([value, { label }]) => ({ value, label, selected: value === filters.state })),
    filtered,
    nothingMatches: shown.length === 0 && all.length > 0,
    count: filtered ? `${number(shown.length)} of ${number(all.length)} applications` : countWords(all.length),
    range:
      shown.length > PER_PAGE
        ? `${number(first + 1)} to ${number(Math.min(first + PER_PAGE, shown.length))} of ${number(shown.length)}`
        : '',
    previous: page > 1 ? at({ page: String(page - 1) }) : '',
    next: page < pages ? at({ page: String(page + 1) }) : '',
    columns: columns.map(({ name, label }) => columnView(name, label, filters.sort ?? '-created', at)),
    rows: shown.slice(first, first + PER_PAGE).map((application) => ({
      name: application.name || `Application ${application.id}`,
      href: `/applications/${application.id}`,
      model: application.model_name || 'No longer offered',
      plan: application.plan_name,
      created: dateWords(application.created_at),
      ...(application.repair_needed ? needsRepair : states[application.state]),
    })),
  }
}

/** A click on the heading sorts by it; a second one turns it round. */
function columnView(name: string, label: string, sort: Sort, at: (change: Record<string, string>) => string) {
  const up = sort === name
  const down = sort === `-${name}`
  const aria = up ? 'ascending' : down ? 'descending' : 'none'
  const other = up || (name === 'created' && !down) ? `-${name}` : name
  return { label, aria, arrow: up ? '↑' : down ? '↓' : '', href: name === '' ? '' : at({ sort: other }) }
}

function hrefOf({ q, model, state, sort }: Filters, change: Record<string, string>): string {
  const query = new URLSearchParams()
  const wanted = { q, model, state, sort, ...change }
  for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value)
  return `/applications?${query}`
}

function modelsOf(all: Application[]): [string, string][] {
  const names = new Map(all.filter(({ model }) => model !== '').map(({ model, model_name }) => [model, model_name]))
  return [...names].sort(([, a], [, b]) => a.localeCompare(b, 'en'))
}

function countWords(count: number): string {
  return count === 1 ? '1 application' : `${number(count)} applications`
}
