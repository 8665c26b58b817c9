import type { Rule } from './product.js'

export type Usage = Record<string, number>

/**
 * Usage of a request by the product's mapping rules; empty: none matched. A pattern is anchored at its start only, `$`
 * anchors its end, `{name}` is one piece of a segment (gateway/src/apicast/mapping_rule.lua).
 */
export function usageOf(
  rules: Rule[],
  method: string,
  path: string,
  query: URLSearchParams,
  form: URLSearchParams,
): Usage {
  const usage: Usage = {}
  for (const rule of rules) {
    if (rule.method !== method && rule.method !== 'ANY') continue
    const [pattern = '', args] = rule.pattern.split('?')
    if (!pathExpression(pattern).test(path)) continue
    if (args !== undefined && !argsMatch(new URLSearchParams(args), query, form)) continue
    usage[rule.metric] = (usage[rule.metric] ?? 0) + rule.delta
    if (rule.last) break
  }
  return usage
}

const expressions = new Map<string, RegExp>()

function pathExpression(pattern: string): RegExp {
  const known = expressions.get(pattern)
  if (known) return known
  const anchored = pattern.endsWith('$')
  const source = (anchored ? pattern.slice(0, -1) : pattern)
    .replace(/\/{2,}/g, '/')
    .split(/(\{[^}]*\})/)
    .map((part) => (part.startsWith('{') ? "[\\w\\-.~%!$&'()*+,;=@:]+" : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('')
  const expression = new RegExp(`^${source}${anchored ? '$' : ''}`)
  expressions.set(pattern, expression)
  return expression
}

function argsMatch(wanted: URLSearchParams, query: URLSearchParams, form: URLSearchParams): boolean {
  return [...wanted].every(([name, value]) => {
    const values = form.has(name) ? form.getAll(name) : query.getAll(name)
    if (/^\{.*\}$/.test(value)) return values.length > 0
    return values.at(-1) === value
  })
}

/** The path as nginx sees it: dots resolved, slashes collapsed, escapes normalised. Undefined: not a path. */
export function normalisePath(raw: string): string | undefined {
  try {
    const decoded = raw
      .split('/')
      .map((piece) =>
        encodeURIComponent(decodeURIComponent(piece)).replace(/%(21|24|26|27|28|29|2A|2B|2C|3B|3D|40|3A)/g, (code) =>
          decodeURIComponent(code),
        ),
      )
    const kept: string[] = []
    for (const piece of decoded) {
      if (piece === '..') kept.pop()
      else if (piece !== '.') kept.push(piece)
    }
    return `/${kept.join('/')}`.replace(/\/{2,}/g, '/')
  } catch {
    return undefined
  }
}
