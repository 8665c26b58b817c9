import type { Incoming } from './policy-request.js'
import type { Rule } from './product.js'

export type Usage = Record<string, number>

/**
 * Usage of a request by the product's mapping rules; empty: none matched. A pattern is anchored at its start only, `$`
 * anchors its end, `{name}` is one piece of a segment (gateway/src/apicast/mapping_rule.lua). Rules of other backends
 * than the one the request is routed to match and do not count (mapping_rules_matcher.lua, clean_usage_by_owner_id).
 */
export function usageOf(
  rules: Rule[],
  incoming: Incoming,
  backend: number | undefined,
): { usage: Usage; patterns: string[] } {
  const usage: Usage = {}
  const patterns: string[] = []
  for (const rule of rules) {
    if (rule.method !== incoming.method && rule.method !== 'ANY') continue
    if (!pathExpression(rule.pattern).test(incoming.path)) continue
    if (!parametersMatch(rule.parameters, incoming)) continue
    patterns.push(rule.pattern)
    const isOfOther = backend !== undefined && rule.owner !== undefined && rule.owner !== backend
    if (!isOfOther) usage[rule.metric] = (usage[rule.metric] ?? 0) + rule.delta
    if (rule.last) break
  }
  return { usage, patterns }
}

/** As APIcast writes it to its debug header and the key of its cache: by name (usage.lua, encoded_format). */
export function encodeUsage(usage: Usage): string {
  return Object.entries(usage)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([metric, amount]) => `${encodeURIComponent(`usage[${metric}]`)}=${amount}`)
    .join('&')
}

const expressions = new Map<string, RegExp>()

function pathExpression(pattern: string): RegExp {
  const known = expressions.get(pattern)
  if (known) return known
  const [path = ''] = pattern.split('?')
  const source = path
    .replace(/\/{2,}/g, '/')
    .split(/(\{[^}]+\}|\$$)/)
    .map((part) => {
      if (part === '$') return '$'
      return part.startsWith('{') ? "[\\w\\-.~%!$&'()*+,;=@:]+" : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  const expression = new RegExp(`^${source}`)
  expressions.set(pattern, expression)
  return expression
}

/** Parameters of a form body precede those of the URL; of several values, the last one counts. */
function parametersMatch(parameters: Record<string, string>, { query, form }: Incoming): boolean {
  return Object.entries(parameters).every(([name, expected]) => {
    const values = form.get(name) ?? query.getAll(name)
    return /\{[-\w]+\}/.test(expected) ? values.length > 0 : values.at(-1) === expected
  })
}
