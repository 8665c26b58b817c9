import { acceptsRequest, patternTemplate } from '../../clients/threescale/tenant-rules/mapping-rules.js'
import type { BackendPath } from '../../clients/threescale/types.js'
import type { FormatName } from '../body-formats.js'
import {
  defaultEndpoint,
  endpoints,
  findBodyFormat,
  findEndpoint,
  isOtherServicePath,
  isSingleCall,
  type ModelType,
  modelTypes,
  typeFromPaths,
  typeHintFromPath,
} from '../openai-endpoints.js'
import { type CallRule, postRules, resolveCallPath } from './call-paths.js'

/** Configuration of a product's gateway. */
export interface ProductRules {
  rules: CallRule[]
  backends: BackendPath[]
}

/**
 * Infers the model type from mapping rules. `named`: a rule matches a call of this type (`/v1/embeddings`). Otherwise the type is
 * assumed: the rules allow everything below a path (`/`, `/v1`, `/llama`), and such a model server most likely serves chat models.
 * Undefined for custom services, and if no rule allows POST.
 */
export function inferModelType({ rules, backends }: ProductRules): { type: ModelType; named: boolean } | undefined {
  const posts = postRules(rules)
  const paths = posts
    .map(({ pattern }) => patternTemplate(pattern).path)
    .filter((path) => !isBackendPath(path, backends))
  const named = typeFromPaths(paths)
  if (named) return { type: named, named: true }
  if (paths.some(isOtherServicePath)) return undefined
  const type = assumedType(posts, backends)
  return type && { type, named: false }
}

/** A base path and its source: a rule, an API document, or a rule that is only a prefix. */
export interface BasePath {
  path: string
  from: 'rule' | 'document' | 'prefix'
}

/**
 * The base path of calls of a type, below the public address: the part before `/chat/completions` of OpenAI clients. Sources in
 * order: a rule that matches such a call, a path in `documented` (POST calls of the API document) that the rules allow, and a
 * prefix that a rule allows. Of several, those with the body format `format`, those that reach a backend, and the most common
 * (`/v1`) are preferred.
 */
export function resolveBasePath(
  type: ModelType,
  { rules, backends }: ProductRules,
  { documented = [], format }: { documented?: string[] | undefined; format?: FormatName | undefined } = {},
): BasePath {
  const posts = postRules(rules)
  const named = mostLikely(candidatesFromRules(type, posts, backends, format))
  if (named) return { path: named.base, from: 'rule' }
  const stated = mostLikely(
    candidatesFromRules(
      type,
      documented.map((path) => ({ method: 'POST', pattern: path })),
      backends,
      format,
    ).filter(
      ({ rank, base }) => rank < UNREACHABLE && isAllowed(type, base, posts) && !isVersionedBackend(base, backends),
    ),
  )
  if (stated) return { path: stated.base, from: 'document' }
  const prefixed = mostLikely(candidatesFromPrefixes(type, posts, backends, format))
  if (prefixed) return { path: prefixed.base, from: 'prefix' }
  return { path: versionedStart([...posts, ...rules]), from: 'rule' }
}

/** Rank of paths without a backend. */
const UNREACHABLE = 10

interface CandidatePath {
  base: string
  /** the lowest is the most likely */
  rank: number
  /** the part that rule and backend determine; the rest is assumed */
  below: string
}

function mostLikely(candidates: CandidatePath[]): CandidatePath | undefined {
  return candidates.reduce<CandidatePath | undefined>(
    (best, candidate) => (best && best.rank <= candidate.rank ? best : candidate),
    undefined,
  )
}

/** Rules that match a call of the type; those without further requirements have the lowest rank. */
function candidatesFromRules(
  type: ModelType,
  posts: CallRule[],
  backends: BackendPath[],
  format?: FormatName,
): CandidatePath[] {
  return posts.flatMap(({ pattern }) => {
    const { path, parameters } = patternTemplate(pattern)
    const endpoint = findEndpoint('POST', path)
    if (endpoint?.type !== type || isBackendPath(path, backends)) return []
    const base = withoutSlash(path).slice(0, -endpoint.path.length)
    const doubts: [boolean, number][] = [
      [!reachesBackend(path, backends), UNREACHABLE],
      [path.includes('{'), 4],
      [format !== undefined && !findBodyFormat(endpoint, format), 3],
      [parameters.length > 0, 2],
      [endpoint.sdk === undefined, 1],
    ]
    const rank = doubts.reduce((sum, [doubt, weight]) => sum + (doubt ? weight : 0), 0)
    return [{ base, rank, below: base }]
  })
}

function isAllowed(type: ModelType, base: string, posts: CallRule[]): boolean {
  return resolveCallPath(type, base, posts) !== undefined
}

/** A document describes the model server. Below an address with a version, its own version would be repeated. */
function isVersionedBackend(base: string, backends: BackendPath[]): boolean {
  return backends.some(({ path, versioned }) => versioned && base.startsWith(withoutSlash(path)))
}

const USUAL = 1
const VERSIONED = 2
const WITHIN = 3
const UNVERSIONED = 4
const APPENDED = 5
const ROOT: BackendPath = { path: '/', versioned: false }

/** Base paths below the prefixes that rules allow. */
function candidatesFromPrefixes(
  type: ModelType,
  posts: CallRule[],
  backends: BackendPath[],
  format?: FormatName,
): CandidatePath[] {
  const own = endpoints.find((each) => each.type === type && findBodyFormat(each, format))
  const isNative = own !== undefined && findBodyFormat(own, format)?.native === true
  const endpoint = own ?? defaultEndpoint(type)
  if (!endpoint) return []
  return posts.flatMap(({ pattern }) => {
    const { path: template, exact, parameters } = patternTemplate(pattern)
    // A prefix matches everything below it, so `/v1/{everything}` equals `/v1/`.
    const path = template.replace(/(\/v\d\w*)\/\{[^{}/]+\}$/, '$1')
    if (exact || path.includes('{') || parameters.some(([, value]) => value.includes('{'))) return []
    if (isSingleCall(path) && !isBackendPath(path, backends)) return []
    const candidates = (at: BackendPath) =>
      candidatesBelow(withoutSlash(path), at, endpoint.path, isNative).filter(({ base }) =>
        acceptsRequest([{ method: 'POST', pattern }], 'POST', base + endpoint.path),
      )
    const reached = backends.flatMap(candidates)
    if (reached.length > 0) return reached
    return candidates(ROOT).map((candidate) => ({ ...candidate, rank: candidate.rank + UNREACHABLE }))
  })
}

/** `/v4`, and `/v1beta/openai` of Gemini */
const versionedEnd = /\/v\d\w*(?:\/openai)?$/

/** The base path of calls ending in `ending`, below both a rule's prefix and the path of a backend. `isNative`: no version. */
function candidatesBelow(
  prefix: string,
  { path, versioned }: BackendPath,
  ending: string,
  isNative: boolean,
): CandidatePath[] {
  const mount = withoutSlash(path)
  if (!prefix.startsWith(mount) && !mount.startsWith(prefix)) return []
  const below = prefix.length > mount.length ? prefix : mount
  const at = (base: string, rank: number): CandidatePath[] => [{ base, rank, below }]
  if ((versioned || isNative) && (mount + ending).startsWith(prefix)) return at(mount, USUAL)
  if (isNative) return at(below, APPENDED)
  if (`${mount}/v1${ending}`.startsWith(prefix)) return at(`${mount}/v1`, USUAL)
  if (versionedEnd.test(below)) return at(below, VERSIONED)
  for (const [whole, version, rank] of [
    [`/v1${ending}`, '/v1', WITHIN],
    [ending, '', UNVERSIONED],
  ] as const) {
    const start = startAtEndOf(below, whole)
    if (start !== undefined) return at(below.slice(0, -start.length) + version, rank)
  }
  return /\/v\d\w*(\/|$)/.test(below) ? [] : at(`${below}/v1`, APPENDED)
}

/** The longest start of `whole`, in full segments, at the end of `path`: `/v1/chat` for `/llama/v1/chat`. */
function startAtEndOf(path: string, whole: string): string | undefined {
  const segments = whole.split('/').slice(1, -1)
  return segments
    .map((_, index) => `/${segments.slice(0, segments.length - index).join('/')}`)
    .find((start) => path.endsWith(start))
}

/** The type whose calls match the rules best; undefined for paths that are no OpenAI base path. */
function assumedType(posts: CallRule[], backends: BackendPath[]): ModelType | undefined {
  const candidates = modelTypes.flatMap((type) => {
    const candidate = mostLikely(
      candidatesFromPrefixes(type, posts, backends).filter(({ base, below, rank }) => {
        const hint = typeHintFromPath(below)
        if (hint !== undefined && hint !== type) return false
        // `/api/chat` is a native call of Ollama.
        if (rank === APPENDED && startsEndpoint(below)) return false
        return base === '' || base.endsWith('/v1') || /\/v\d\w*\/openai$/.test(base) || rank === USUAL
      }),
    )
    return candidate ? [{ type, rank: candidate.rank }] : []
  })
  const least = Math.min(...candidates.map(({ rank }) => rank))
  return candidates.find(({ rank }) => rank === least)?.type
}

/** Whether the last segment of a path starts an endpoint: `/audio` of `/audio/speech`. */
function startsEndpoint(path: string): boolean {
  const last = path.slice(path.lastIndexOf('/'))
  return endpoints.some(({ sdk, path: own }) => sdk !== undefined && own.startsWith(`${last}/`))
}

function isBackendPath(path: string, backends: BackendPath[]): boolean {
  return backends.some((backend) => backend.path !== '/' && withoutSlash(backend.path) === withoutSlash(path))
}

function reachesBackend(path: string, backends: BackendPath[]): boolean {
  return backends.some((backend) => path.startsWith(withoutSlash(backend.path)))
}

/** Fallback if no call of the type is allowed: the first path up to `/v1`. */
function versionedStart(rules: CallRule[]): string {
  const starts = rules.map(({ pattern }) => /^([^{]*?\/v1)(\/|$)/.exec(patternTemplate(pattern).path)?.[1])
  return starts.find((path) => path !== undefined) ?? ''
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '')
}
