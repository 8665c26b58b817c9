import type { MappingRule } from './nouns.js'

type Rule = Pick<MappingRule, 'method' | 'pattern'>

/** 3scale stores 255 characters; a longer pattern matches nothing. */
const LONGEST_PATTERN = 2000

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
    if (rule.pattern.length > LONGEST_PATTERN) return false
    const parts = partsIn(rule)
    if (!fitsPath(parts, asked)) return false
    return search === undefined || parts.parameters.every(([name, value]) => fits(search.getAll(name), value))
  }
}

interface Parts {
  start: string
  /** placeholders in a row, which take as many characters at least, and what is written after them */
  rest: { placeholders: number; literal: string }[]
  exact: boolean
  parameters: [string, string][]
}

/** By rule: a document of many paths is compared with every rule. */
const partsOf = new WeakMap<Rule, Parts>()

function partsIn(rule: Rule): Parts {
  const known = partsOf.get(rule)
  if (known) return known
  const { path, exact, parameters } = templateOf(rule.pattern)
  const [start = '', ...literals] = path.split(/\{[^{}]+\}/)
  const rest: Parts['rest'] = []
  let placeholders = 0
  for (const [index, literal] of literals.entries()) {
    placeholders++
    if (literal === '' && index < literals.length - 1) continue
    rest.push({ placeholders, literal })
    placeholders = 0
  }
  const parts = { start, rest, exact, parameters }
  partsOf.set(rule, parts)
  return parts
}

/** From left to right without trying again, so that the time is linear in the path however many placeholders there are. */
function fitsPath({ start, rest, exact }: Parts, asked: string): boolean {
  if (!asked.startsWith(start)) return false
  let at = start.length
  let end = 0
  for (const [index, { placeholders, literal }] of rest.entries()) {
    if (at >= end) end = endOfSegment(asked, at)
    const isLast = exact && index === rest.length - 1
    // the first place will do: from there on the next placeholder may take whatever it could from a later one
    const next = isLast ? asked.length - literal.length : asked.indexOf(literal, at + placeholders)
    if (next < at + placeholders || next > end || !asked.startsWith(literal, next)) return false
    at = next + literal.length
  }
  return !exact || at === asked.length
}

/** Once it is normalised, a slash is the one character of a path that no placeholder takes. */
function endOfSegment(asked: string, from: number): number {
  const slash = asked.indexOf('/', from)
  return slash === -1 ? asked.length : slash
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
  return encodeURI(`/${kept.join('/')}`.toWellFormed()).replace(/[?#]/g, encodeURIComponent)
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
