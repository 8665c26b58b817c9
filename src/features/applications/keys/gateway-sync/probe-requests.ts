import {
  acceptsRequest,
  matchingRules,
  patternTemplate,
  samplePath,
} from '../../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { MappingRule } from '../../../../clients/threescale/types.js'
import { findEndpoint } from '../../../../model-calls/openai-endpoints.js'
import type { CallRule } from '../../../../model-calls/paths/call-paths.js'

/** A request whose key the gateway checks and that runs no model. */
export interface ProbeRequest {
  method: string
  /** without a query or patterns */
  path: string
  body?: object
}

export interface ProbeRequestOptions {
  /** the path of calls to the model, for mapping rules that match it as a prefix */
  callPath?: string | undefined
  /** system names of the metrics that the plan limits */
  limited?: ReadonlySet<string>
  /** prefers a request that the model server answers, even with a key that the gateway should have rejected */
  isAnswered?: boolean
}

const BELOW = '/maas-portal-probe'
/** A product can have hundreds of mapping rules, and each candidate is compared with all of them. */
const MAX_CANDIDATES = 12
/** Exceeds the cost of every limited metric. */
const UNANSWERED_COST = 1000

/**
 * Finds the cheapest request that runs no model: preferably one that adds to no limited metric, and a GET. Undefined if every
 * request could run the model. The gateway caches a key per usage, and a pattern is anchored at its start only
 * (APIcast, mapping_rule.lua, cache_handler.lua), so a request one level below `/v1/chat/completions` uses the same cache
 * entry as a chat, and the model server does not know it.
 */
export function findProbeRequest(
  rules: MappingRule[],
  { callPath, limited = new Set(), isAnswered = false }: ProbeRequestOptions = {},
): ProbeRequest | undefined {
  let best: { probe: ProbeRequest; cost: number } | undefined
  let candidates = 0
  for (const rule of rules) {
    const probe = candidateOf(rules, rule, callPath)
    if (!probe) continue
    const counted = matchingRules(rules, probe.method, probe.path).filter(({ metric }) => limited.has(metric))
    const unanswered = isAnswered && probe.path.endsWith(BELOW) ? UNANSWERED_COST : 0
    const cost = unanswered + 2 * counted.length + (probe.method === 'GET' ? 0 : 1)
    if (!best || cost < best.cost) best = { probe, cost }
    if (best.cost === 0 || ++candidates === MAX_CANDIDATES) break
  }
  return best?.probe
}

function candidateOf(rules: MappingRule[], rule: CallRule, callPath: string | undefined): ProbeRequest | undefined {
  const { method, pattern } = rule
  const { path, exact, parameters } = patternTemplate(pattern)
  if (parameters.length > 0) return undefined
  const effectiveMethod = method === 'ANY' ? 'GET' : method
  const isRead = effectiveMethod === 'GET'
  const own = samplePath(path)
  // reads of known endpoints run no model
  if (isRead && findEndpoint('GET', own)) return { method: effectiveMethod, path: own }
  const within =
    effectiveMethod === 'POST' && callPath !== undefined && acceptsRequest([rule], effectiveMethod, callPath)
  const target = findEndpoint(effectiveMethod, own)?.type === undefined && within ? callPath : own
  if (exact || !(isRead || findEndpoint(effectiveMethod, target)?.type)) return undefined
  const probed = target.replace(/\/$/, '') + BELOW
  if (usageOf(rules, effectiveMethod, probed) !== usageOf(rules, effectiveMethod, target)) return undefined
  return { method: effectiveMethod, path: probed, ...(isRead ? {} : { body: {} }) }
}

function usageOf(rules: MappingRule[], method: string, path: string): string {
  return matchingRules(rules, method, path)
    .map(({ metric, delta }) => `${metric}+${delta}`)
    .sort()
    .join()
}
