import { formatDate } from '../../../web/pages/format.js'
import type { ApplicationColumns, ApplicationFilters, ApplicationSort } from '../filters.js'
import type { Application } from '../schemas.js'
import { listPage } from './messages.js'
import { repairMessage, stateMessages } from './state-messages.js'

export const PER_PAGE = 25

const collator = new Intl.Collator('en')

/** Columns with the sort key of each; the plan is not sortable. */
const columns = [
  { sortKey: 'name', label: listPage.columns.name },
  { sortKey: 'model', label: listPage.columns.model },
  { sortKey: '', label: listPage.columns.plan },
  { sortKey: 'state', label: listPage.columns.state },
  { sortKey: 'created', label: listPage.columns.created },
] as const

export interface PageRange {
  page: number
  pages: number
  /** the rows from `first` up to `last`, which is excluded */
  first: number
  last: number
}

/** The page of that number, or the nearest one. */
export function pageOf(count: number, requested: number): PageRange {
  const pages = Math.max(1, Math.ceil(count / PER_PAGE))
  const page = Math.min(Math.max(1, requested), pages)
  const first = (page - 1) * PER_PAGE
  return { page, pages, first, last: Math.min(first + PER_PAGE, count) }
}

/** `all`: the applications of the account; `matching`: how many match the filters; `rows`: those of the page, sorted. */
export function applicationListView(i: {
  all: ApplicationColumns[]
  matching: number
  rows: Application[]
  range: PageRange
  filters: ApplicationFilters
  /** the number of applications while their complete list is read */
  loading?: number
}) {
  const { all, matching, filters, loading } = i
  const { page, pages, first, last } = i.range
  const isFiltered = Boolean(filters.q || filters.model || filters.state)
  const hrefWith = (change: Record<string, string>) => hrefOf(filters, change)
  return {
    title: listPage.title,
    empty: all.length === 0,
    searchable: (all.length > 5 || isFiltered) && loading === undefined,
    q: filters.q ?? '',
    sort: filters.sort ?? '',
    models: modelsOf(all).map(([value, label]) => ({ value, label, selected: value === filters.model })),
    states: Object.entries(stateMessages)
      .filter(([value]) => all.some(({ state }) => state === value) || value === filters.state)
      .map(([value, { label }]) => ({ value, label, selected: value === filters.state })),
    filtered: isFiltered,
    nothingMatches: matching === 0 && all.length > 0,
    loading: loading === undefined ? '' : listPage.loading,
    count:
      isFiltered && loading === undefined
        ? listPage.filtered(matching, all.length)
        : listPage.count(loading ?? all.length),
    range: matching > PER_PAGE ? listPage.range(first + 1, last, matching) : '',
    previous: page > 1 ? hrefWith({ page: String(page - 1) }) : '',
    next: page < pages ? hrefWith({ page: String(page + 1) }) : '',
    columns: columns.map(({ sortKey, label }) => columnView(sortKey, label, filters.sort ?? '-created', hrefWith)),
    rows: i.rows.map((application) => ({
      name: application.name || listPage.unnamed(application.id),
      href: `/applications/${application.id}`,
      model: application.model_name || listPage.modelGone,
      plan: application.plan_name,
      created: formatDate(application.created_at),
      ...(application.repair_required ? repairMessage : stateMessages[application.state]),
    })),
  }
}

/** A click on the heading sorts by the column, a second click reverses the order. */
function columnView(
  sortKey: string,
  label: string,
  sort: ApplicationSort,
  hrefWith: (change: Record<string, string>) => string,
) {
  const isAscending = sort === sortKey
  const isDescending = sort === `-${sortKey}`
  const aria = isAscending ? 'ascending' : isDescending ? 'descending' : 'none'
  const next = isAscending || (sortKey === 'created' && !isDescending) ? `-${sortKey}` : sortKey
  return {
    label,
    aria,
    arrow: isAscending ? '↑' : isDescending ? '↓' : '',
    href: sortKey === '' ? '' : hrefWith({ sort: next }),
  }
}

function hrefOf({ q, model, state, sort }: ApplicationFilters, change: Record<string, string>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ q, model, state, sort, ...change })) if (value) query.set(name, value)
  return `/applications?${query}`
}

function modelsOf(all: ApplicationColumns[]): [string, string][] {
  const names = new Map<string, string>()
  for (const { model, model_name } of all) if (model !== null) names.set(model, model_name ?? model)
  return [...names].sort(([, a], [, b]) => collator.compare(a, b))
}
