import type { MappingRule } from '../clients/threescale/nouns.js'
import { letsThrough, sampleOf, templateOf } from '../clients/threescale/patterns.js'
import type { BodyFormat, FormatName } from './body-formats.js'
import { type Endpoint, endpointAt, endpoints, formatNamed, type ModelType } from './openai-endpoints.js'

/** A mapping rule: method and pattern as 3scale has them. */
export type Rule = Pick<MappingRule, 'method' | 'pattern'>

/** One call at the gateway: path below the public address, and query parameters that the mapping rule requires. */
export interface CallPath {
  endpoint: Endpoint
  /** the form of the body that is sent there */
  format: BodyFormat
  path: string
  query: [name: string, value: string][]
}

/**
 * The call of a type at `basePath`; undefined where the rules let none through. `told`: the form of the body as something
 * other than the rules states it; calls that have this form come first.
 */
export function callPathOf(
  type: ModelType,
  basePath: string,
  rules: Rule[],
  told?: FormatName | undefined,
): CallPath | undefined {
  const own = endpoints.filter((endpoint) => endpoint.type === type)
  const fitting = told ? own.filter((endpoint) => formatNamed(endpoint, told)) : []
  const ordered = [...fitting, ...own.filter((endpoint) => !fitting.includes(endpoint))]
  const posts = postsOf(rules)
  for (const endpoint of ordered) {
    const path = basePath + endpoint.path
    const named = namedAs(path, posts)
    const naming = posts.filter(({ pattern }) => templateOf(pattern).path === named)
    if (named !== undefined) return callAt(endpoint, basePath, named, queryOf(naming), rules, told)
    // a rule with placeholders in its path, one of which the operator has filled in
    const whole = posts.filter(({ pattern }) => isWholeCall(pattern, path))
    if (whole.length > 0) return callAt(endpoint, basePath, path, queryOf(whole), rules, told)
  }
  for (const endpoint of ordered) {
    const path = basePath + endpoint.path
    const passing = posts.filter((rule) => letsThrough([rule], 'POST', sampleOf(path)))
    if (passing.length > 0) return callAt(endpoint, basePath, path, queryOf(passing), rules, told)
  }
  return undefined
}

/** That path as a rule writes it: exactly so, or with a slash at its end or in upper case, which servers tell apart. */
function namedAs(path: string, posts: Rule[]): string | undefined {
  const written = posts.map(({ pattern }) => templateOf(pattern).path)
  const plain = (text: string) => text.replace(/\/$/, '').toLowerCase()
  return written.find((each) => each === path) ?? written.find((each) => plain(each) === plain(path))
}

function isWholeCall(pattern: string, path: string): boolean {
  const template = templateOf(pattern).path
  return template.includes('{') && letsThrough([{ method: 'POST', pattern: `${template}$` }], 'POST', sampleOf(path))
}

function callAt(
  endpoint: Endpoint,
  basePath: string,
  path: string,
  query: CallPath['query'],
  rules: Rule[],
  told: FormatName | undefined,
): CallPath | undefined {
  const [usual] = endpoint.formats ?? []
  const hinted = isBesideTei(rules, basePath) ? 'tei' : undefined
  const format = formatNamed(endpoint, told) ?? formatNamed(endpoint, hinted) ?? usual
  return format && { endpoint, format, path, query }
}

/** Paths that text-embeddings-inference alone has at the root of a server that reranks or embeds. */
const besideTei: [method: string, path: string][] = [
  ['GET', '/info'],
  ['POST', '/predict'],
  ['POST', '/embed'],
  ['POST', '/embed_all'],
  ['POST', '/embed_sparse'],
]

/** Two rules name calls of TEI: the one that is looked at, and one beside it. */
function isBesideTei(rules: Rule[], root: string): boolean {
  return rules.some(({ method, pattern }) => {
    const { path } = templateOf(pattern)
    return besideTei.some(([verb, end]) => (method === verb || method === 'ANY') && path === root + end)
  })
}

/** Where the model server lists its models; undefined where the rules let no such request through, or only callers know. */
export function modelListPathOf(
  type: ModelType,
  basePath: string,
  rules: Rule[],
  told?: FormatName | undefined,
): string | undefined {
  const reads = rules.filter(({ method }) => method === 'GET' || method === 'ANY')
  const named = reads
    .map(({ pattern }) => templateOf(pattern))
    .filter(({ path, parameters }) => endpointAt('GET', path)?.path === '/models' && parameters.length === 0)
    .map(({ path }) => path)
    .filter((path) => isWhole(path) && !isOfOtherServer(path, basePath, rules))
  if (type === 'custom') return named[0]
  const call = callPathOf(type, basePath, rules, told)
  // `/rerank` at the root of a server says nothing of its list
  const isAtRoot = call?.endpoint.atRoot === true && rootOf(basePath) === basePath
  const lists = [...(isAtRoot ? [`${basePath}/v1/models`] : []), `${basePath}/models`]
  const usual = lists.filter(isWhole)
  return (
    usual.find((path) => named.includes(path)) ??
    usual.find((path) => letsThrough(rules, 'GET', path, new URLSearchParams())) ??
    named[0]
  )
}

/** A list beside calls of another base path than that one, where servers are told apart by their paths. */
function isOfOtherServer(list: string, basePath: string, rules: Rule[]): boolean {
  const base = list.slice(0, -'/models'.length)
  if (rootOf(base) === rootOf(basePath)) return false
  return postsOf(rules).some(({ pattern }) => {
    const { path } = templateOf(pattern)
    return path.startsWith(`${base}/`) && endpointAt('POST', path)?.type !== undefined
  })
}

/** A base path without the version at its end. */
export function rootOf(basePath: string): string {
  return basePath.replace(/\/v\d\w*$/, '')
}

/** Where a server of that root tells what it serves by an API of its own: TEI and TGI at `/info`, Ollama at `/api/tags`. */
export function nativeInfoPathsOf({ endpoint, path, format }: CallPath, rules: Rule[]): string[] {
  const whole = path.toLowerCase().replace(/\/$/, '')
  if (!whole.endsWith(endpoint.path)) return []
  const root = rootOf(path.slice(0, whole.length - endpoint.path.length))
  const isOpen = (endpoint.formats?.length ?? 0) > 1 || format.name === 'tgi'
  const paths = format.name === 'ollama' ? ['/api/tags'] : isOpen ? ['/info'] : []
  return paths
    .map((end) => root + end)
    .filter((each) => isWhole(each) && letsThrough(rules, 'GET', each, new URLSearchParams()))
}

function isWhole(path: string): boolean {
  return !path.includes('{')
}

/** Parts of an address that its caller fills in: `{deployment}` of a path, `{version}` of a query. */
export function placeholdersOf({ path, query }: Pick<CallPath, 'path' | 'query'>): string[] {
  const text = [path, ...query.map(([, value]) => value)].join(' ')
  return [...new Set(text.match(/\{[^{}/]+\}/g) ?? [])]
}

/** Pieces of a path that stand for the id of a model, by their own name or by the piece before them. */
const idPiece = /^\{(?:deployment|model|engine)(?:[-_]?(?:id|name))?\}(?::[a-z]+)?$/i
const idPlace = /^\/(?:models|deployments|engines|serving-endpoints)\/\{(?:name|id)\}/i

/**
 * A path with the id of its model in the one place that is for it: `/openai/deployments/{deployment}`. For ids that the
 * operator states; what a server lists as an id need not be the name that a gateway routes by.
 */
export function withIdInPlace(path: string, modelId: string | undefined): string {
  if (modelId === undefined || /[/{}?#%]/.test(modelId)) return path
  const pieces = path.split('/')
  const places = pieces.flatMap((piece, index) =>
    idPiece.test(piece) || idPlace.test(`/${pieces[index - 1]}/${piece}`) ? [index] : [],
  )
  if (places.length !== 1) return path
  return pieces
    .map((piece, index) => (index === places[0] ? piece.replace(/^[^}]*\}/, () => encodeURIComponent(modelId)) : piece))
    .join('/')
}

/** Rules that let a POST through. */
export function postsOf(rules: Rule[]): Rule[] {
  return rules.filter(({ method }) => method === 'POST' || method === 'ANY')
}

/** Of rules that let a call through, what the least demanding one requires in the query. */
export function queryOf(rules: Rule[]): CallPath['query'] {
  return rules
    .map(({ pattern }) => templateOf(pattern).parameters)
    .reduce((least, parameters) => (parameters.length < least.length ? parameters : least))
}
