import type { MappingRule } from '../clients/threescale/nouns.js'
import { letsThrough, sampleOf, templateOf } from '../clients/threescale/patterns.js'
import { type Endpoint, endpointAt, endpoints, type ModelType } from './openai-endpoints.js'

/** A mapping rule: method and pattern as 3scale has them. */
export type Rule = Pick<MappingRule, 'method' | 'pattern'>

/** One call at the gateway: path below the public address, and query parameters that the mapping rule requires. */
export interface CallPath {
  endpoint: Endpoint
  path: string
  query: [name: string, value: string][]
}

/** The call of a type at `basePath`; undefined where the rules let none through. */
export function callPathOf(type: ModelType, basePath: string, rules: Rule[]): CallPath | undefined {
  const own = endpoints.filter((endpoint) => endpoint.type === type)
  const posts = postsOf(rules)
  for (const endpoint of own) {
    const path = basePath + endpoint.path
    const naming = posts.filter(({ pattern }) => templateOf(pattern).path === path)
    if (naming.length > 0) return { endpoint, path, query: queryOf(naming) }
  }
  for (const endpoint of own) {
    const path = basePath + endpoint.path
    const passing = posts.filter((rule) => letsThrough([rule], 'POST', sampleOf(path)))
    if (passing.length > 0) return { endpoint, path, query: queryOf(passing) }
  }
  return undefined
}

/** Where the model server lists its models; undefined where the rules let no such request through, or only callers know. */
export function modelListPathOf(type: ModelType, basePath: string, rules: Rule[]): string | undefined {
  const reads = rules.filter(({ method }) => method === 'GET' || method === 'ANY')
  const named = reads
    .map(({ pattern }) => templateOf(pattern))
    .filter(({ path, parameters }) => endpointAt('GET', path)?.path === '/models' && parameters.length === 0)
    .map(({ path }) => path)
    .filter(isWhole)
  if (type === 'custom') return named[0]
  const call = callPathOf(type, basePath, rules)
  // `/rerank` at the root of a server says nothing of its list
  const lists = call?.endpoint.atRoot && basePath === '' ? ['/v1/models', '/models'] : [`${basePath}/models`]
  const usual = lists.filter(isWhole)
  return (
    usual.find((path) => named.includes(path)) ??
    usual.find((path) => letsThrough(rules, 'GET', path, new URLSearchParams())) ??
    named[0]
  )
}

function isWhole(path: string): boolean {
  return !path.includes('{')
}

/** Parts of an address that only whoever calls it knows: `{deployment}` of a path, `{version}` of a query. */
export function placeholdersOf({ path, query }: Pick<CallPath, 'path' | 'query'>): string[] {
  const text = [path, ...query.map(([, value]) => value)].join(' ')
  return [...new Set(text.match(/\{[^{}/]+\}/g) ?? [])]
}

/** Rules that let a POST through. */
export function postsOf(rules: Rule[]): Rule[] {
  return rules.filter(({ method }) => method === 'POST' || method === 'ANY')
}

/** Of rules that let a call through, what the least demanding one requires in the query. */
function queryOf(rules: Rule[]): [string, string][] {
  return rules
    .map(({ pattern }) => templateOf(pattern).parameters)
    .reduce((least, parameters) => (parameters.length < least.length ? parameters : least))
}
