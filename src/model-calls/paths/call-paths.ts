import { acceptsRequest, patternTemplate, samplePath } from '../../clients/threescale/tenant-rules/mapping-rules.js'
import type { MappingRule } from '../../clients/threescale/types.js'
import type { BodyFormat, FormatName } from '../body-formats.js'
import { endpoints, findBodyFormat, findEndpoint, type ModelEndpoint, type ModelType } from '../openai-endpoints.js'

/** Method and pattern of a mapping rule in 3scale. */
export type CallRule = Pick<MappingRule, 'method' | 'pattern'>

/** A call at the gateway: the path below the public address, and the query parameters that the mapping rule requires. */
export interface CallRoute {
  endpoint: ModelEndpoint
  /** format of the request body */
  format: BodyFormat
  path: string
  query: [name: string, value: string][]
}

/**
 * The call of a type at `basePath`; undefined if the rules allow none. `documentedFormat` is the body format from a source other
 * than the rules; calls with this format are preferred.
 */
export function resolveCallPath(
  type: ModelType,
  basePath: string,
  rules: CallRule[],
  documentedFormat?: FormatName | undefined,
): CallRoute | undefined {
  const own = endpoints.filter((endpoint) => endpoint.type === type)
  const preferred = documentedFormat ? own.filter((endpoint) => findBodyFormat(endpoint, documentedFormat)) : []
  const ordered = [...preferred, ...own.filter((endpoint) => !preferred.includes(endpoint))]
  const posts = postRules(rules)
  for (const endpoint of ordered) {
    const path = basePath + endpoint.path
    const named = namedAs(path, posts)
    const naming = posts.filter(({ pattern }) => patternTemplate(pattern).path === named)
    if (named !== undefined) return callAt(endpoint, basePath, named, requiredQuery(naming), rules, documentedFormat)
    // A rule with placeholders in its path, one of which the operator has replaced.
    const complete = posts.filter(({ pattern }) => isCompleteCall(pattern, path))
    if (complete.length > 0) return callAt(endpoint, basePath, path, requiredQuery(complete), rules, documentedFormat)
  }
  for (const endpoint of ordered) {
    const path = basePath + endpoint.path
    const passing = posts.filter((rule) => acceptsRequest([rule], 'POST', samplePath(path)))
    if (passing.length > 0) return callAt(endpoint, basePath, path, requiredQuery(passing), rules, documentedFormat)
  }
  return undefined
}

/** The path as a rule writes it: identical, or with a trailing slash or other case, which servers distinguish. */
function namedAs(path: string, posts: CallRule[]): string | undefined {
  const rulePaths = posts.map(({ pattern }) => patternTemplate(pattern).path)
  const plain = (text: string) => text.replace(/\/$/, '').toLowerCase()
  return rulePaths.find((each) => each === path) ?? rulePaths.find((each) => plain(each) === plain(path))
}

function isCompleteCall(pattern: string, path: string): boolean {
  const template = patternTemplate(pattern).path
  return (
    template.includes('{') && acceptsRequest([{ method: 'POST', pattern: `${template}$` }], 'POST', samplePath(path))
  )
}

function callAt(
  endpoint: ModelEndpoint,
  basePath: string,
  path: string,
  query: CallRoute['query'],
  rules: CallRule[],
  documentedFormat: FormatName | undefined,
): CallRoute | undefined {
  const [usual] = endpoint.formats ?? []
  const hinted = hasTeiPaths(rules, basePath) ? 'tei' : undefined
  const format = findBodyFormat(endpoint, documentedFormat) ?? findBodyFormat(endpoint, hinted) ?? usual
  return format && { endpoint, format, path, query }
}

/** Paths that only text-embeddings-inference has at the root of an embedding or rerank server. */
const teiPaths: [method: string, path: string][] = [
  ['GET', '/info'],
  ['POST', '/predict'],
  ['POST', '/embed'],
  ['POST', '/embed_all'],
  ['POST', '/embed_sparse'],
]

/** Whether another rule matches a call of TEI. */
function hasTeiPaths(rules: CallRule[], root: string): boolean {
  return rules.some(({ method, pattern }) => {
    const { path } = patternTemplate(pattern)
    return teiPaths.some(([teiMethod, end]) => (method === teiMethod || method === 'ANY') && path === root + end)
  })
}

/** Path of the model list; undefined if the rules allow no such request, or the path contains a placeholder. */
export function resolveModelListPath(
  type: ModelType,
  basePath: string,
  rules: CallRule[],
  documentedFormat?: FormatName | undefined,
): string | undefined {
  const reads = rules.filter(({ method }) => method === 'GET' || method === 'ANY')
  const named = reads
    .map(({ pattern }) => patternTemplate(pattern))
    .filter(({ path, parameters }) => findEndpoint('GET', path)?.path === '/models' && parameters.length === 0)
    .map(({ path }) => path)
    .filter((path) => isWhole(path) && !isOfOtherServer(path, basePath, rules))
  if (type === 'custom') return named[0]
  const call = resolveCallPath(type, basePath, rules, documentedFormat)
  // `/rerank` at the root of a server does not determine the path of the list.
  const isAtRoot = call?.endpoint.atRoot === true && withoutVersion(basePath) === basePath
  const lists = [...(isAtRoot ? [`${basePath}/v1/models`] : []), `${basePath}/models`]
  const usual = lists.filter(isWhole)
  return (
    usual.find((path) => named.includes(path)) ??
    usual.find((path) => acceptsRequest(rules, 'GET', path, new URLSearchParams())) ??
    named[0]
  )
}

/** Whether the list belongs to calls with another base path, and therefore to another server. */
function isOfOtherServer(list: string, basePath: string, rules: CallRule[]): boolean {
  const base = list.slice(0, -'/models'.length)
  if (withoutVersion(base) === withoutVersion(basePath)) return false
  return postRules(rules).some(({ pattern }) => {
    const { path } = patternTemplate(pattern)
    return path.startsWith(`${base}/`) && findEndpoint('POST', path)?.type !== undefined
  })
}

/** A base path without the version at its end. */
export function withoutVersion(basePath: string): string {
  return basePath.replace(/\/v\d\w*$/, '')
}

/** Paths of native APIs with information about the served models: `/info` of TEI and TGI, `/api/tags` of Ollama. */
export function nativeInfoPaths({ endpoint, path, format }: CallRoute, rules: CallRule[]): string[] {
  const whole = path.toLowerCase().replace(/\/$/, '')
  if (!whole.endsWith(endpoint.path)) return []
  const root = withoutVersion(path.slice(0, whole.length - endpoint.path.length))
  const isOpen = (endpoint.formats?.length ?? 0) > 1 || format.name === 'tgi'
  const paths = format.name === 'ollama' ? ['/api/tags'] : isOpen ? ['/info'] : []
  return paths
    .map((end) => root + end)
    .filter((each) => isWhole(each) && acceptsRequest(rules, 'GET', each, new URLSearchParams()))
}

function isWhole(path: string): boolean {
  return !path.includes('{')
}

/** Parts of an address that the caller replaces: `{deployment}` in a path, `{version}` in a query. */
export function findPlaceholders({ path, query }: Pick<CallRoute, 'path' | 'query'>): string[] {
  const text = [path, ...query.map(([, value]) => value)].join(' ')
  return [...new Set(text.match(/\{[^{}/]+\}/g) ?? [])]
}

/** Segments of a path that represent the model id, by their own name or by the segment before them. */
const idSegment = /^\{(?:deployment|model|engine)(?:[-_]?(?:id|name))?\}(?::[a-z]+)?$/i
const idAfterSegment = /^\/(?:models|deployments|engines|serving-endpoints)\/\{(?:name|id)\}/i

/**
 * Replaces the only placeholder for the model id, as in `/openai/deployments/{deployment}`. For ids that the operator configured:
 * an id in the model list can differ from the name that the gateway uses for routing.
 */
export function fillInModelId(path: string, modelId: string | undefined): string {
  if (modelId === undefined || /[/{}?#%]/.test(modelId)) return path
  const segments = path.split('/')
  const matches = segments.flatMap((segment, index) =>
    idSegment.test(segment) || idAfterSegment.test(`/${segments[index - 1]}/${segment}`) ? [index] : [],
  )
  if (matches.length !== 1) return path
  return segments
    .map((segment, index) =>
      index === matches[0] ? segment.replace(/^[^}]*\}/, () => encodeURIComponent(modelId)) : segment,
    )
    .join('/')
}

/** Rules that allow POST. */
export function postRules(rules: CallRule[]): CallRule[] {
  return rules.filter(({ method }) => method === 'POST' || method === 'ANY')
}

/** The query parameters of the rule that requires the fewest. */
export function requiredQuery(rules: CallRule[]): CallRoute['query'] {
  return rules
    .map(({ pattern }) => patternTemplate(pattern).parameters)
    .reduce((least, parameters) => (parameters.length < least.length ? parameters : least))
}
