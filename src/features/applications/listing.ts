import type { Application } from './schemas.js'

export const sorts = ['name', '-name', 'model', '-model', 'state', '-state', 'created', '-created'] as const
export type Sort = (typeof sorts)[number]

export interface Filters {
  /** words that the name, the description, the model or the plan holds, in any order */
  q?: string | undefined
  /** system_name */
  model?: string | undefined
  state?: string | undefined
  sort?: Sort | undefined
}

const keys: Record<string, (application: Application) => string> = {
  name: ({ name }) => name,
  model: ({ model_name }) => model_name,
  state: ({ state }) => state,
  created: ({ created_at }) => created_at,
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** Those that fit, in the order asked for; newest first where nothing is asked. The id decides between equals. */
export function arrange(
  applications: Application[],
  { q = '', model, state, sort = '-created' }: Filters,
): Application[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  const down = sort.startsWith('-')
  const key = keys[sort.replace('-', '')] ?? (() => '')
  return applications
    .filter((one) => !model || one.model === model)
    .filter((one) => !state || one.state === state)
    .filter((one) => words.every((word) => haystack(one).includes(word)))
    .sort((a, b) => (collator.compare(key(a), key(b)) || a.id - b.id) * (down ? -1 : 1))
}

function haystack({ id, name, description, model_name, plan_name }: Application): string {
  return `${id} ${name} ${description} ${model_name} ${plan_name}`.toLowerCase()
}
