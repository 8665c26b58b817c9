import type { MappingRule } from './nouns.js'

/** The rules that a call meets, in order: all that match, until one says that it is the last (APIcast, mapping_rules.lua). */
export function rulesFor(rules: MappingRule[], method: string, path: string): MappingRule[] {
  const met: MappingRule[] = []
  for (const rule of rules) {
    if (rule.method !== method && rule.method !== 'ANY') continue
    if (rule.pattern.includes('?') || !expressionOf(rule.pattern).test(path)) continue
    met.push(rule)
    if (rule.last) break
  }
  return met
}

/** Anchored at its start, and at its end only where it ends in `$` (mapping_rule.lua). */
function expressionOf(pattern: string): RegExp {
  const anchored = pattern.endsWith('$')
  const source = pattern
    .replace(/\$$/, '')
    .split(/(\{[^}]*\})/)
    .map((part) => (part.startsWith('{') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}${anchored ? '$' : ''}`)
}
