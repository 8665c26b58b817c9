import { type SortOrder, sorted } from '../../web/api/pagination.js'
import type { Application } from './schemas.js'

export const applicationSorts = ['name', '-name', 'model', '-model', 'state', '-state', 'created', '-created'] as const
export type ApplicationSort = (typeof applicationSorts)[number]

export interface ApplicationFilters {
  /** words of name, description, model and plan in any order, or a complete id */
  q?: string | undefined
  /** the exact name */
  name?: string | undefined
  /** system_name */
  model?: string | undefined
  state?: string | undefined
  sort?: ApplicationSort | undefined
}

/** What a list is filtered and sorted by. */
export type ApplicationColumns = Pick<
  Application,
  'id' | 'name' | 'description' | 'state' | 'model' | 'model_name' | 'plan_name' | 'created_at'
>

const keys: Record<string, (application: ApplicationColumns) => string> = {
  name: ({ name }) => name,
  model: ({ model_name }) => model_name ?? '',
  state: ({ state }) => state,
  created: ({ created_at }) => created_at,
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** Newest first by default. Equal keys are sorted by id. */
export function sortOrder(sort: ApplicationSort = '-created') {
  const key = keys[sort.replace('-', '')] ?? (() => '')
  return {
    positionOf: (application) => [key(application), application.id],
    // Times are of one form, and states are lower-case words.
    ...(key === keys.created || key === keys.state ? {} : { compare: compareText }),
    descending: sort.startsWith('-'),
  } satisfies SortOrder<ApplicationColumns>
}

function compareText(a: string | number, b: string | number): number {
  return collator.compare(String(a), String(b))
}

/** The applications that match the filters, in the requested order. */
export function filterAndSort<T extends ApplicationColumns>(
  applications: T[],
  { q = '', name, model, state, sort }: ApplicationFilters,
): T[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  const matching = applications.filter(
    (one) =>
      (!name || one.name === name) &&
      (!model || one.model === model) &&
      (!state || one.state === state) &&
      words.every((word) => searchableText(one).includes(word) || word === String(one.id)),
  )
  return sorted<T>(matching, sortOrder(sort))
}

function searchableText({ name, description, model_name, plan_name }: ApplicationColumns): string {
  return `${name} ${description} ${model_name ?? ''} ${plan_name}`.toLowerCase()
}
