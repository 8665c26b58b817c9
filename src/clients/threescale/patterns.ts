import type { MappingRule } from './nouns.js'

type Rule = Pick<MappingRule, 'method' | 'pattern'>

/**
 * The rules that a call without a form meets, in order: all that match, until one says that it is the last (APIcast,
 * gateway/src/apicast/mapping_rules_matcher.lua).
 */
export function rulesFor(rules: MappingRule[], method: string, path: string, search = ''): MappingRule[] {
  const fitting = matcher(method, path, new URLSearchParams(search))
  const met = rules.filter(fitting)
  const last = met.findIndex((rule) => rule.last)
  return last === -1 ? met : met.slice(0, last + 1)
}

/** Whether the gateway lets a call through. `search` is not looked at where it is left out. */
export function letsThrough(rules: Rule[], method: string, path: string, search?: URLSearchParams): boolean {
  return rules.some(matcher(method, path, search))
}

/** A pattern as a template of OpenAPI, and its query parameters. `exact`: `$` ends the path, else it is a prefix. */
export function templateOf(pattern: string): { path: string; exact: boolean; parameters: [string, string][] } {
  const [before = '/', query = ''] = pattern.split('?')
  const path = before.replace(/\/{2,}/g, '/')
  return { path: path.replace(/\$$/, ''), exact: path.endsWith('$'), parameters: [...new URLSearchParams(query)] }
}

/** Placeholders of a template replaced by something that any rule takes. */
export function sampleOf(path: string): string {
  return path.replace(/\{[^{}/]*\}/g, 'x')
}

/**
 * Anchored at the start only, `$` ends the path, `{x}` is one piece of a segment, `//` is `/`, parameters of a pattern must
 * be there and the last of a name counts (gateway/src/apicast/mapping_rule.lua).
 */
function matcher(method: string, path: string, search: URLSearchParams | undefined): (rule: Rule) => boolean {
  const asked = normalised(path)
  return (rule) => {
    if (asked === undefined) return false
    if (rule.method !== method && rule.method !== 'ANY') return false
    const template = templateOf(rule.pattern)
    if (!expressionOf(template).test(asked)) return false
    return search === undefined || template.parameters.every(([name, value]) => fits(search.getAll(name), value))
  }
}

function expressionOf({ path, exact }: { path: string; exact: boolean }): RegExp {
  const source = path
    .split(/(\{[^}]+\})/)
    .map((part) => (/^\{.+\}$/.test(part) ? "[\\w\\-.~%!$&'()*+,;=@:]+" : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}${exact ? '$' : ''}`)
}

function fits(values: string[], wanted: string): boolean {
  return /\{[-\w]+\}/.test(wanted) ? values.length > 0 : values.at(-1) === wanted
}

/** As nginx and APIcast do before they look: decoded, single slashes, dots resolved, escaped again. Undefined: no path. */
function normalised(path: string): string | undefined {
  const kept: string[] = []
  const [before, ...pieces] = decoded(path).split(/\/+/)
  if (before !== '') return undefined
  for (const [index, piece] of pieces.entries()) {
    const dots = piece === '.' || piece === '..'
    if (piece === '..' && kept.pop() === undefined) return undefined
    if (!dots) kept.push(piece)
    else if (index === pieces.length - 1) kept.push('')
  }
  return encodeURI(`/${kept.join('/')}`).replace(/[?#]/g, encodeURIComponent)
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
