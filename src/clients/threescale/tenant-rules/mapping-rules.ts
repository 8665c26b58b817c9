import type { MappingRule } from '../types.js'

type Rule = Pick<MappingRule, 'method' | 'pattern'>

/** 3scale stores 255 characters. A longer pattern matches nothing. */
const MAX_PATTERN_CHARACTERS = 2000

/**
 * The rules that match a request without a form, in order, up to the first one that is marked as last (APIcast,
 * gateway/src/apicast/mapping_rules_matcher.lua).
 */
export function matchingRules(rules: MappingRule[], method: string, path: string, search = ''): MappingRule[] {
  const matches = createMatcher(method, path, new URLSearchParams(search))
  const matching = rules.filter(matches)
  const last = matching.findIndex((rule) => rule.last)
  return last === -1 ? matching : matching.slice(0, last + 1)
}

/** Whether the gateway accepts a request. Without `search` the query is ignored. */
export function acceptsRequest(rules: Rule[], method: string, path: string, search?: URLSearchParams): boolean {
  return rules.some(createMatcher(method, path, search))
}

/** A pattern as an OpenAPI path template and query parameters. `exact`: the pattern ends in `$`; otherwise it is a prefix. */
export function patternTemplate(pattern: string): { path: string; exact: boolean; parameters: [string, string][] } {
  const [before = '/', query = ''] = pattern.split('?')
  const path = before.replace(/\/{2,}/g, '/')
  return { path: path.replace(/\$$/, ''), exact: path.endsWith('$'), parameters: [...new URLSearchParams(query)] }
}

/** Replaces the placeholders of a template with a value that each rule matches. */
export function samplePath(path: string): string {
  return path.replace(/\{[^{}/]*\}/g, 'x')
}

/**
 * A pattern is anchored at the start only, `$` ends the path, `{x}` matches a part of a segment, and `//` equals `/`. The request must
 * have all query parameters of the pattern; the last value of a name counts (gateway/src/apicast/mapping_rule.lua).
 */
function createMatcher(method: string, path: string, search: URLSearchParams | undefined): (rule: Rule) => boolean {
  const requestPath = normalise(path)
  return (rule) => {
    if (requestPath === undefined) return false
    if (rule.method !== method && rule.method !== 'ANY') return false
    if (rule.pattern.length > MAX_PATTERN_CHARACTERS) return false
    const parts = parsePattern(rule)
    if (!matchesPath(parts, requestPath)) return false
    return search === undefined || parts.parameters.every(([name, value]) => matchesValue(search.getAll(name), value))
  }
}

interface PatternParts {
  start: string
  /** consecutive placeholders, which match at least one character each, and the text after them */
  rest: { placeholders: number; literal: string }[]
  exact: boolean
  parameters: [string, string][]
}

/** Cached, because each path of a specification is compared with each rule. */
const parsedPatterns = new WeakMap<Rule, PatternParts>()

function parsePattern(rule: Rule): PatternParts {
  const cached = parsedPatterns.get(rule)
  if (cached) return cached
  const { path, exact, parameters } = patternTemplate(rule.pattern)
  const [start = '', ...literals] = path.split(/\{[^{}]+\}/)
  const rest: PatternParts['rest'] = []
  let placeholders = 0
  for (const [index, literal] of literals.entries()) {
    placeholders++
    if (literal === '' && index < literals.length - 1) continue
    rest.push({ placeholders, literal })
    placeholders = 0
  }
  const parts = { start, rest, exact, parameters }
  parsedPatterns.set(rule, parts)
  return parts
}

/** Matches from left to right without backtracking, so the time is linear in the path for any number of placeholders. */
function matchesPath({ start, rest, exact }: PatternParts, path: string): boolean {
  if (!path.startsWith(start)) return false
  let at = start.length
  let end = 0
  for (const [index, { placeholders, literal }] of rest.entries()) {
    if (at >= end) end = endOfSegment(path, at)
    const isLast = exact && index === rest.length - 1
    // the first occurrence is enough: from there the next placeholder can match all that it could from a later one
    const next = isLast ? path.length - literal.length : path.indexOf(literal, at + placeholders)
    if (next < at + placeholders || next > end || !path.startsWith(literal, next)) return false
    at = next + literal.length
  }
  return !exact || at === path.length
}

/** In a normalised path, a slash is the only character that no placeholder matches. */
function endOfSegment(path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash === -1 ? path.length : slash
}

function matchesValue(values: string[], expected: string): boolean {
  return /\{[-\w]+\}/.test(expected) ? values.length > 0 : values.at(-1) === expected
}

/** As nginx and APIcast do: decoded, single slashes, dots resolved, escaped again. Undefined if it is no path. */
function normalise(path: string): string | undefined {
  const segments: string[] = []
  const [before, ...pieces] = decode(path).split(/\/+/)
  if (before !== '') return undefined
  for (const [index, piece] of pieces.entries()) {
    const dots = piece === '.' || piece === '..'
    if (piece === '..' && segments.pop() === undefined) return undefined
    if (!dots) segments.push(piece)
    else if (index === pieces.length - 1) segments.push('')
  }
  return encodeURI(`/${segments.join('/')}`.toWellFormed()).replace(/[?#]/g, encodeURIComponent)
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
