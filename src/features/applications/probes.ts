import type { MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough, rulesFor, sampleOf, templateOf } from '../../clients/threescale/patterns.js'
import type { Rule } from '../../model-calls/call-paths.js'
import { endpointAt } from '../../model-calls/openai-endpoints.js'

/** A request that the gateway checks the key of, and that runs no model. */
export interface Probe {
  method: string
  /** without its query; no pattern is left in it */
  path: string
  body?: object
}

export interface ProbeOptions {
  /** where requests to the model go, for rules that match it as a prefix */
  callPath?: string | undefined
  /** system names of the metrics that the plan limits */
  limited?: ReadonlySet<string>
  /** rather one that the model server answers, even to a key that the gateway should have refused */
  isAnswered?: boolean
}

const BELOW = '/maas-portal-probe'
/** A product may have hundreds of mapping rules, and each candidate is compared with all of them. */
const CANDIDATES = 12
/** Outweighs every limited metric. */
const UNANSWERED = 1000

/**
 * The cheapest request that runs no model: one that adds to no limited metric where there is one, and rather a GET; undefined
 * where every request could run the model. The gateway caches a key per usage, and a pattern is anchored at its start only
 * (APIcast, mapping_rule.lua, cache_handler.lua), so a request one step below `/v1/chat/completions` meets the same cache
 * entry as a chat, and the model server does not know it.
 */
export function probeFor(
  rules: MappingRule[],
  { callPath, limited = new Set(), isAnswered = false }: ProbeOptions = {},
): Probe | undefined {
  let best: { probe: Probe; cost: number } | undefined
  let candidates = 0
  for (const rule of rules) {
    const probe = candidateOf(rules, rule, callPath)
    if (!probe) continue
    const counted = rulesFor(rules, probe.method, probe.path).filter(({ metric }) => limited.has(metric))
    const unanswered = isAnswered && probe.path.endsWith(BELOW) ? UNANSWERED : 0
    const cost = unanswered + 2 * counted.length + (probe.method === 'GET' ? 0 : 1)
    if (!best || cost < best.cost) best = { probe, cost }
    if (best.cost === 0 || ++candidates === CANDIDATES) break
  }
  return best?.probe
}

function candidateOf(rules: MappingRule[], rule: Rule, callPath: string | undefined): Probe | undefined {
  const { method, pattern } = rule
  const { path, exact, parameters } = templateOf(pattern)
  if (parameters.length > 0) return undefined
  const verb = method === 'ANY' ? 'GET' : method
  const read = verb === 'GET'
  const own = sampleOf(path)
  // reads of the table are answered without running a model
  if (read && endpointAt('GET', own)) return { method: verb, path: own }
  const within = verb === 'POST' && callPath !== undefined && letsThrough([rule], verb, callPath)
  const target = endpointAt(verb, own)?.type === undefined && within ? callPath : own
  if (exact || !(read || endpointAt(verb, target)?.type)) return undefined
  const asked = target.replace(/\/$/, '') + BELOW
  if (usageOf(rules, verb, asked) !== usageOf(rules, verb, target)) return undefined
  return { method: verb, path: asked, ...(read ? {} : { body: {} }) }
}

function usageOf(rules: MappingRule[], method: string, path: string): string {
  return rulesFor(rules, method, path)
    .map(({ metric, delta }) => `${metric}+${delta}`)
    .sort()
    .join()
}
