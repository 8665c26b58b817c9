import type { Metric } from '../../../clients/threescale/types.js'

export type MetricRole = 'calls' | 'prompt_tokens' | 'completion_tokens' | 'total_tokens' | 'method' | 'other'
export type StandardRole = Exclude<MetricRole, 'method' | 'other'>

export const standardRoles: StandardRole[] = ['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens']

/** A metric or method of a product, with its role. */
export interface UsageMetric {
  /** undefined for metrics of a backend, of which only the name is known */
  id: number | undefined
  /** system name in 3scale */
  metric: string
  name: string
  unit: string
  role: MetricRole
  /** creation time, before which nothing was counted; '' if unknown */
  createdAt: string
}

const tokenRoles: MetricRole[] = ['prompt_tokens', 'completion_tokens', 'total_tokens']

export function countsTokens({ role }: Pick<UsageMetric, 'role'>): boolean {
  return tokenRoles.includes(role)
}

/** Roles configured in PORTAL_CONFIG, by system name. They take precedence over names and units. */
export type MetricNames = Partial<Record<StandardRole, string>>

/**
 * The metrics of a product: calls first, then tokens, methods, and all others. `used` are the metrics of the mapping rules;
 * those of a backend (`chat.12`) are not in the list of the product.
 */
export function classifyMetrics(metrics: Metric[], used: string[], names: MetricNames = {}): UsageMetric[] {
  const listed = new Set(metrics.map(({ systemName }) => systemName))
  const hits = metrics.find(({ systemName, parentId }) => systemName === (names.calls ?? 'hits') && !parentId)
  const own = metrics.map((metric) => classifyMetric(metric, hits?.id, names))
  const ofBackends = [...new Set(used)]
    .filter((name) => !listed.has(name) && /\.\d+$/.test(name) && !/^hits\.\d+$/.test(name))
    .map(
      (name): UsageMetric => ({
        id: undefined,
        metric: name,
        name: withoutBackendId(name),
        unit: 'hit',
        role: 'method',
        createdAt: '',
      }),
    )
  const all = [...own, ...ofBackends]
  // Each role has one metric, the first one created. Others that look alike are shown under their own names.
  const assigned = new Set<MetricRole>()
  return all
    .map((measure) => {
      if (measure.role === 'method' || measure.role === 'other') return measure
      if (assigned.has(measure.role)) return { ...measure, role: 'other' as const }
      assigned.add(measure.role)
      return measure
    })
    .sort((a, b) => roleOrder.indexOf(a.role) - roleOrder.indexOf(b.role))
}

const roleOrder: MetricRole[] = ['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'method', 'other']

function classifyMetric(metric: Metric, hits: number | undefined, names: MetricNames): UsageMetric {
  const { id, systemName, name, unit, createdAt } = metric
  return { id, metric: systemName, name, unit, role: findRole(metric, hits, names), createdAt: createdAt }
}

function findRole(
  { id, systemName, unit, parentId }: Metric,
  hits: number | undefined,
  names: MetricNames,
): MetricRole {
  const stated = (Object.keys(names) as StandardRole[]).find((role) => names[role] === systemName)
  if (stated) return stated
  if (id === hits) return 'calls'
  if (parentId !== undefined) return 'method'
  const role = tokenRole(systemName, unit)
  return role && names[role] === undefined ? role : 'other'
}

const filler = new Set(['llm', 'ai', 'model', 'token', 'tokens', 'count', 'usage', 'used', 'number', 'of', 'nr', 'num'])
const sides: Record<string, StandardRole> = {
  prompt: 'prompt_tokens',
  input: 'prompt_tokens',
  completion: 'completion_tokens',
  output: 'completion_tokens',
  generated: 'completion_tokens',
  total: 'total_tokens',
  all: 'total_tokens',
}

/** A token metric by its unit or name. The only word of its name that is not filler determines the role. */
function tokenRole(systemName: string, unit: string): StandardRole | undefined {
  const words = withoutBackendId(systemName)
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
  if (!/\btokens?\b/i.test(unit) && !words.some((word) => word === 'token' || word === 'tokens')) return undefined
  const distinctive = words.filter((word) => !filler.has(word))
  if (distinctive.length === 0) return 'total_tokens'
  return distinctive.length === 1 ? sides[distinctive[0] ?? ''] : undefined
}

function withoutBackendId(systemName: string): string {
  return systemName.replace(/\.\d+$/, '')
}
