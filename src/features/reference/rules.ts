import type { MappingRule } from '../../clients/threescale/nouns.js'

type Rule = Pick<MappingRule, 'method' | 'pattern'>

/**
 * Whether the gateway lets a call through: anchored at the start only, `$` ends the path, `{x}` is one piece of a segment,
 * parameters of a pattern must be there (APIcast, gateway/src/apicast/mapping_rule.lua). `search` is not looked at where it
 * is left out. The path is taken decoded and with single slashes, as nginx does.
 */
export function letsThrough(rules: Rule[], method: string, path: string, search?: URLSearchParams): boolean {
  const plain = decoded(path).replace(/\/{2,}/g, '/')
  return rules.some((rule) => {
    if (rule.method !== method && rule.method !== 'ANY') return false
    const { expression, parameters } = read(rule.pattern)
    if (!expression.test(plain)) return false
    return search === undefined || parameters.every(([name, value]) => fits(search.getAll(name), value))
  })
}

/** A pattern as a template of OpenAPI, and its query parameters. */
export function templateOf(pattern: string): { path: string; exact: boolean; parameters: [string, string][] } {
  const [path = '/', query = ''] = pattern.split('?')
  return { path: path.replace(/\$$/, ''), exact: path.endsWith('$'), parameters: [...new URLSearchParams(query)] }
}

/** Placeholders of a template replaced by something that any rule takes. */
export function sampleOf(path: string): string {
  return path.replace(/\{[^{}/]*\}/g, 'x')
}

function fits(values: string[], wanted: string): boolean {
  return /\{[-\w]+\}/.test(wanted) ? values.length > 0 : values.at(-1) === wanted
}

function read(pattern: string): { expression: RegExp; parameters: [string, string][] } {
  const { path, exact, parameters } = templateOf(pattern)
  const source = path
    .replace(/\/{2,}/g, '/')
    .split(/(\{[^}]+\})/)
    .map((part) =>
      part.startsWith('{') ? "[\\w\\-.~%!$&'()*+,;=@: ]+" : decoded(part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    )
    .join('')
  return { expression: new RegExp(`^${source}${exact ? '$' : ''}`), parameters }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
