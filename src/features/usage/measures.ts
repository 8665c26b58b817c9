import type { Metric } from '../../clients/threescale/nouns.js'

export type Role = 'calls' | 'prompt_tokens' | 'completion_tokens' | 'total_tokens' | 'method' | 'other'
export type NamedRole = Exclude<Role, 'method' | 'other'>

/** A metric or method of a product, and what it counts. */
export interface Measure {
  /** undefined for metrics of a backend, which are known by name only */
  id: number | undefined
  /** system name: what 3scale is asked for */
  metric: string
  name: string
  unit: string
  role: Role
  /** when the metric was made: nothing was counted before; '' where that is not known */
  since: string
}

/** PORTAL_CONFIG's word on which metric is which, by system name; it wins over what names and units tell. */
export type MetricNames = Partial<Record<NamedRole, string>>

/**
 * What to count of a product: calls first, then tokens, methods, and whatever else it has. `used` are the metrics of the
 * gateway's mapping rules; those of a backend (`chat.12`) are in no list of the product and are taken from there.
 */
export function measuresOf(metrics: Metric[], used: string[], names: MetricNames = {}): Measure[] {
  const known = new Set(metrics.map(({ systemName }) => systemName))
  const hits = metrics.find(({ systemName, parentId }) => systemName === (names.calls ?? 'hits') && !parentId)
  const own = metrics.map((metric) => measureOf(metric, hits?.id, names))
  const ofBackends = [...new Set(used)]
    .filter((name) => !known.has(name) && /\.\d+$/.test(name) && !/^hits\.\d+$/.test(name))
    .map((name): Measure => ({ id: undefined, metric: name, name: bare(name), unit: 'hit', role: 'method', since: '' }))
  const all = [...own, ...ofBackends]
  // one metric a role: of several that look alike the first one made is taken, the others are shown by their own names
  const taken = new Set<Role>()
  return all
    .map((measure) => {
      if (measure.role === 'method' || measure.role === 'other') return measure
      if (taken.has(measure.role)) return { ...measure, role: 'other' as const }
      taken.add(measure.role)
      return measure
    })
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role))
}

const order: Role[] = ['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'method', 'other']

function measureOf(metric: Metric, hits: number | undefined, names: MetricNames): Measure {
  const { id, systemName, name, unit, createdAt } = metric
  return { id, metric: systemName, name, unit, role: roleOf(metric, hits, names), since: createdAt }
}

function roleOf({ id, systemName, unit, parentId }: Metric, hits: number | undefined, names: MetricNames): Role {
  const stated = (Object.keys(names) as NamedRole[]).find((role) => names[role] === systemName)
  if (stated) return stated
  if (id === hits) return 'calls'
  if (parentId !== undefined) return 'method'
  const role = tokenRole(systemName, unit)
  return role && names[role] === undefined ? role : 'other'
}

const filler = new Set(['llm', 'ai', 'model', 'token', 'tokens', 'count', 'usage', 'used', 'number', 'of', 'nr', 'num'])
const sides: Record<string, NamedRole> = {
  prompt: 'prompt_tokens',
  input: 'prompt_tokens',
  completion: 'completion_tokens',
  output: 'completion_tokens',
  generated: 'completion_tokens',
  total: 'total_tokens',
  all: 'total_tokens',
}

/** A token metric by its unit or its name; which one is told by the one word of its name that is not filler. */
function tokenRole(systemName: string, unit: string): NamedRole | undefined {
  const words = bare(systemName)
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
  if (!/\btokens?\b/i.test(unit) && !words.some((word) => word === 'token' || word === 'tokens')) return undefined
  const telling = words.filter((word) => !filler.has(word))
  if (telling.length === 0) return 'total_tokens'
  return telling.length === 1 ? sides[telling[0] ?? ''] : undefined
}

function bare(systemName: string): string {
  return systemName.replace(/\.\d+$/, '')
}
