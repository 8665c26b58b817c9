import type { TokenPolicy } from '../../../clients/threescale/types.js'
import { countsTokens, type UsageMetric } from '../statistics/metric-roles.js'
import { caveats } from './messages.js'

export interface MeteredGateway {
  metrics: string[]
  tokenPolicy: TokenPolicy | undefined
}

/**
 * Known gaps in the token counts of a product (gateway.md 4.1 to 4.4, and llm_metrics_policy of models-aas). Empty if no gap
 * is known.
 */
export function tokenCaveats(
  metrics: UsageMetric[],
  { metrics: mapped, tokenPolicy }: MeteredGateway,
  generatesText: boolean,
): string[] {
  const tokenMetrics = metrics.filter(countsTokens)
  if (tokenMetrics.length === 0) return [caveats.noTokenMetric]
  if (!tokenPolicy) return tokenMetrics.some(({ metric }) => mapped.includes(metric)) ? [] : [caveats.noPolicy]
  if (!tokenPolicy.beforeApicast) return [caveats.policyOrder]
  if (tokenPolicy.metrics.some((metric) => metric.includes('{{'))) return [caveats.swappedRules]
  const existing = new Set(metrics.map(({ metric }) => metric))
  const missing = tokenPolicy.metrics.filter((metric) => !existing.has(metric))
  return [
    caveats.incomplete,
    ...(generatesText && !tokenPolicy.countsStreams ? [caveats.streams] : []),
    ...(missing.length > 0 ? [caveats.unknownMetrics(missing.join(', '))] : []),
  ]
}
