import type { BackendPath } from '../clients/threescale/nouns.js'
import { letsThrough, templateOf } from '../clients/threescale/patterns.js'
import type { FormatName } from './body-formats.js'
import { callPathOf, postsOf, type Rule } from './call-paths.js'
import {
  endpointAt,
  endpoints,
  formatNamed,
  isCallOfOtherService,
  isOneCall,
  type ModelType,
  modelTypes,
  typeHintedBy,
  typeNamedBy,
  usualEndpointOf,
} from './openai-endpoints.js'

/** What is known of a product's gateway without asking anybody. */
export interface ProductRules {
  rules: Rule[]
  backends: BackendPath[]
}

/**
 * The type that mapping rules tell. `named`: a rule names a call of that type (`/v1/embeddings`). Otherwise it is assumed:
 * the rules let everything through below a path (`/`, `/v1`, `/llama`), and a model server that is mapped so is most likely
 * one to chat with. Undefined: a service of its own kind, or nothing that takes a POST.
 */
export function typeOfRules({ rules, backends }: ProductRules): { type: ModelType; named: boolean } | undefined {
  const posts = postsOf(rules)
  const paths = posts.map(({ pattern }) => templateOf(pattern).path).filter((path) => !isBackendPath(path, backends))
  const named = typeNamedBy(paths)
  if (named) return { type: named, named: true }
  if (paths.some(isCallOfOtherService)) return undefined
  const type = assumedType(posts, backends)
  return type && { type, named: false }
}

/** A base path, and what it was read from: a rule, an API document, or a rule that is only a prefix. */
export interface BasePath {
  path: string
  from: 'rule' | 'document' | 'prefix'
}

/**
 * The base path of calls of a type, below the public address: what OpenAI clients append `/chat/completions` to. From the
 * rule that names such a call, else from a path in `documented` (POST calls of the API document) that the rules let through,
 * else below what a rule lets through as a prefix. Of several, one that has the body format `format`, one that reaches a
 * backend, and the most usual (`/v1`) first.
 */
export function basePathOf(
  type: ModelType,
  { rules, backends }: ProductRules,
  { documented = [], format }: { documented?: string[] | undefined; format?: FormatName | undefined } = {},
): BasePath {
  const posts = postsOf(rules)
  const named = best(namedPlaces(type, posts, backends, format))
  if (named) return { path: named.base, from: 'rule' }
  const stated = best(
    namedPlaces(
      type,
      documented.map((path) => ({ method: 'POST', pattern: path })),
      backends,
      format,
    ).filter(
      ({ rank, base }) => rank < UNREACHABLE && passes(type, base, posts) && !isVersionedBackend(base, backends),
    ),
  )
  if (stated) return { path: stated.base, from: 'document' }
  const prefixed = best(prefixPlaces(type, posts, backends, format))
  if (prefixed) return { path: prefixed.base, from: 'prefix' }
  return { path: versionedStart([...posts, ...rules]), from: 'rule' }
}

/** no backend is there, so nothing answers; the rules are shown as they are */
const UNREACHABLE = 10

interface Place {
  base: string
  /** the least is the most likely */
  rank: number
  /** what of it the rule and the backend determine; the rest is assumed */
  below: string
}

function best(places: Place[]): Place | undefined {
  return places.reduce<Place | undefined>(
    (least, place) => (least && least.rank <= place.rank ? least : place),
    undefined,
  )
}

/** Rules that name a call of the type, those that need nothing else first. */
function namedPlaces(type: ModelType, posts: Rule[], backends: BackendPath[], format?: FormatName): Place[] {
  return posts.flatMap(({ pattern }) => {
    const { path, parameters } = templateOf(pattern)
    const endpoint = endpointAt('POST', path)
    if (endpoint?.type !== type || isBackendPath(path, backends)) return []
    const base = withoutSlash(path).slice(0, -endpoint.path.length)
    const doubts: [boolean, number][] = [
      [!reaches(path, backends), UNREACHABLE],
      [path.includes('{'), 4],
      [format !== undefined && !formatNamed(endpoint, format), 3],
      [parameters.length > 0, 2],
      [endpoint.sdk === undefined, 1],
    ]
    const rank = doubts.reduce((sum, [doubt, weight]) => sum + (doubt ? weight : 0), 0)
    return [{ base, rank, below: base }]
  })
}

function passes(type: ModelType, base: string, posts: Rule[]): boolean {
  return callPathOf(type, base, posts) !== undefined
}

/** A document describes the model server; below an address with a version its own would be there twice. */
function isVersionedBackend(base: string, backends: BackendPath[]): boolean {
  return backends.some(({ path, versioned }) => versioned && base.startsWith(withoutSlash(path)))
}

const USUAL = 1
const VERSIONED = 2
const WITHIN = 3
const UNVERSIONED = 4
const APPENDED = 5
const ROOT: BackendPath = { path: '/', versioned: false }

/** Bases below what rules let through as prefixes. */
function prefixPlaces(type: ModelType, posts: Rule[], backends: BackendPath[], format?: FormatName): Place[] {
  const own = endpoints.find((each) => each.type === type && formatNamed(each, format))
  const isNative = own !== undefined && formatNamed(own, format)?.native === true
  const endpoint = own ?? usualEndpointOf(type)
  if (!endpoint) return []
  return posts.flatMap(({ pattern }) => {
    const { path: template, exact, parameters } = templateOf(pattern)
    // a prefix takes whatever follows: `/v1/{everything}` is `/v1/`
    const path = template.replace(/(\/v\d\w*)\/\{[^{}/]+\}$/, '$1')
    if (exact || path.includes('{') || parameters.some(([, value]) => value.includes('{'))) return []
    if (isOneCall(path) && !isBackendPath(path, backends)) return []
    const places = (at: BackendPath) =>
      placeBelow(withoutSlash(path), at, endpoint.path, isNative).filter(({ base }) =>
        letsThrough([{ method: 'POST', pattern }], 'POST', base + endpoint.path),
      )
    const reached = backends.flatMap(places)
    if (reached.length > 0) return reached
    return places(ROOT).map((place) => ({ ...place, rank: place.rank + UNREACHABLE }))
  })
}

/** `/v4`, and `/v1beta/openai` of Gemini */
const versionedEnd = /\/v\d\w*(?:\/openai)?$/

/** The base of calls that end in `ending`, below both a prefix of rules and the path of a backend. `isNative`: without a version. */
function placeBelow(prefix: string, { path, versioned }: BackendPath, ending: string, isNative: boolean): Place[] {
  const mount = withoutSlash(path)
  if (!prefix.startsWith(mount) && !mount.startsWith(prefix)) return []
  const below = prefix.length > mount.length ? prefix : mount
  const at = (base: string, rank: number): Place[] => [{ base, rank, below }]
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

/** The longest beginning of `whole`, in whole pieces, that `path` ends in: `/v1/chat` of `/llama/v1/chat`. */
function startAtEndOf(path: string, whole: string): string | undefined {
  const pieces = whole.split('/').slice(1, -1)
  return pieces
    .map((_, index) => `/${pieces.slice(0, pieces.length - index).join('/')}`)
    .find((start) => path.endsWith(start))
}

/** The type whose calls fit best into what the rules let through; a path that is no OpenAI base tells none. */
function assumedType(posts: Rule[], backends: BackendPath[]): ModelType | undefined {
  const candidates = modelTypes.flatMap((type) => {
    const place = best(
      prefixPlaces(type, posts, backends).filter(({ base, below, rank }) => {
        const hint = typeHintedBy(below)
        if (hint !== undefined && hint !== type) return false
        // `/api/chat` is Ollama's own call
        if (rank === APPENDED && startsEndpoint(below)) return false
        return base === '' || base.endsWith('/v1') || /\/v\d\w*\/openai$/.test(base) || rank === USUAL
      }),
    )
    return place ? [{ type, rank: place.rank }] : []
  })
  const least = Math.min(...candidates.map(({ rank }) => rank))
  return candidates.find(({ rank }) => rank === least)?.type
}

/** Whether the last piece of a path begins an endpoint: `/audio` of `/audio/speech`. */
function startsEndpoint(path: string): boolean {
  const last = path.slice(path.lastIndexOf('/'))
  return endpoints.some(({ sdk, path: own }) => sdk !== undefined && own.startsWith(`${last}/`))
}

function isBackendPath(path: string, backends: BackendPath[]): boolean {
  return backends.some((backend) => backend.path !== '/' && withoutSlash(backend.path) === withoutSlash(path))
}

function reaches(path: string, backends: BackendPath[]): boolean {
  return backends.some((backend) => path.startsWith(withoutSlash(backend.path)))
}

/** Where no call of the type is let through: the first path with `/v1` in it, to its end. */
function versionedStart(rules: Rule[]): string {
  const found = rules.map(({ pattern }) => /^([^{]*?\/v1)(\/|$)/.exec(templateOf(pattern).path)?.[1])
  return found.find((path) => path !== undefined) ?? ''
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '')
}
