import type { MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough, rulesFor, sampleOf, templateOf } from '../../clients/threescale/patterns.js'
import type { Rule } from '../../model-calls/call-paths.js'
import { endpointAt } from '../../model-calls/openai-endpoints.js'

/** A call that reaches the gateway's check of the key, and past it costs nothing. */
export interface Probe {
  method: string
  /** as the gateway maps it */
  path: string
  asked: string
  body?: object
}

export interface NotProbed {
  method: string
  path: string
  why: string
}

const BELOW = '/maas-portal-probe'
const MOST = 12

/**
 * One probe for every mapped usage that can be asked for without running a model. The gateway remembers a key per usage,
 * and a pattern is anchored at its start only (APIcast, mapping_rule.lua, cache_handler.lua), so a call one step below
 * `/v1/chat/completions` meets the same memory as a chat, and the model server does not know it. `callPath` is where calls
 * of the model go, for rules that let it through as a prefix.
 */
export function probesFor(rules: MappingRule[], callPath?: string): { probes: Probe[]; not: NotProbed[] } {
  const seen = new Set<string>()
  const probes: Probe[] = []
  const not: NotProbed[] = []
  for (const { method, pattern } of rules) {
    const name = `${method} ${pattern}`
    if (seen.has(name)) continue
    seen.add(name)
    const probe =
      probes.length < MOST
        ? probeFor(rules, { method, pattern }, callPath)
        : 'The receipt looks at twelve paths at most.'
    if (typeof probe === 'string') not.push({ method, path: pattern, why: probe })
    else probes.push(probe)
  }
  return { probes, not }
}

function probeFor(rules: MappingRule[], rule: Rule, callPath: string | undefined): Probe | string {
  const { method, pattern } = rule
  const { path, exact, parameters } = templateOf(pattern)
  if (parameters.length > 0) return 'It depends on parameters of the call.'
  const verb = method === 'ANY' ? 'GET' : method
  const read = verb === 'GET'
  const own = sampleOf(path)
  // reads of the table are answered without running a model
  if (read && endpointAt('GET', own)) return { method: verb, path: pattern, asked: own }
  const within = verb === 'POST' && callPath !== undefined && letsThrough([rule], verb, callPath)
  const target = endpointAt(verb, own)?.type === undefined && within ? callPath : own
  if (exact || !(read || endpointAt(verb, target)?.type))
    return 'Only a real call would tell, and that could run the model.'
  const asked = target.replace(/\/$/, '') + BELOW
  if (usageOf(rules, verb, asked) !== usageOf(rules, verb, target))
    return 'The gateway counts what is below it in another way.'
  return { method: verb, path: pattern, asked, ...(read ? {} : { body: {} }) }
}

function usageOf(rules: MappingRule[], method: string, path: string): string {
  return rulesFor(rules, method, path)
    .map(({ metric, delta }) => `${metric}+${delta}`)
    .sort()
    .join()
}
