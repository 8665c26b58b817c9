import { templateOf } from '../../clients/threescale/patterns.js'
import { followed, member } from '../../clients/threescale/spec.js'
import type { ProductRules } from '../../model-calls/base-paths.js'
import type { FormatName } from '../../model-calls/body-formats.js'
import { documentedBase } from '../../model-calls/documented-base.js'
import { formatIn } from '../../model-calls/documented-format.js'
import { type DocumentedOperation, mappedOperation, mountsOf } from '../../model-calls/mapped-operations.js'
import { endpointAt, isBesideChat, type ModelType, typeNamedBy } from '../../model-calls/openai-endpoints.js'
import { templateFrom } from '../../model-calls/path-templates.js'
import type { Facts } from './facts.js'
import { createExamples } from './spec-model-examples.js'

/** A POST operation of a document, with what its own request says of the model. */
export interface SpecOperation extends Omit<DocumentedOperation, 'method'> {
  /** `model` in an example of the request, or the only value that its schema accepts */
  modelId?: string
  /** true: the request has a `stream` field, or the response is server-sent events */
  streams?: true
  /** the form of its body, where servers disagree */
  format?: FormatName
}

/** What an operation that the mapping rules let through says of models of its type; `custom` for one of no known type. */
export type ShownByType = Partial<Record<ModelType, Pick<SpecOperation, 'modelId' | 'streams' | 'format'>>>

const MOST_OPERATIONS = 500
const MOST_PATHS = 2000
const LONGEST_PATH = 300
/** characters of paths and ids of one document, which are kept in memory */
const MOST_CHARACTERS = 60_000
const MOST_CALLS = 20
/** operations that are compared with mapping rules, times the rules */
const MOST_COMPARISONS = 50_000
const LEAST_COMPARED = 50
/** paths that operations are looked for below */
const MOST_MOUNTS = 5

/** The POST operations of a document, known ones first; bounded, and never an error. */
export function operationsOf(spec: Record<string, unknown>): SpecOperation[] {
  const examples = createExamples(spec)
  let characters = MOST_CHARACTERS
  return postsIn(spec)
    .slice(0, MOST_OPERATIONS)
    .map(({ path, item, operation }) => {
      const format = formatIn(spec, path, operation)
      return {
        base: documentedBase(spec, item, operation),
        path,
        ...examples.modelOf(item, operation),
        ...(format ? { format } : {}),
      }
    })
    .filter(({ base, path, modelId = '' }) => {
      characters -= base.length + path.length + modelId.length
      return characters > 0
    })
}

function postsIn(spec: Record<string, unknown>) {
  const paths = member(spec, 'paths')
  if (typeof paths !== 'object' || paths === null || Array.isArray(paths)) return []
  const posts = Object.entries(paths)
    .slice(0, MOST_PATHS)
    .filter(([written]) => written.length <= LONGEST_PATH)
    .map(([written, at]) => {
      const item = followed(spec, at)
      return { path: templateFrom(written).path, item, operation: followed(spec, member(item, 'post')) }
    })
    .filter(({ path, operation }) => path.startsWith('/') && typeof operation === 'object' && operation !== null)
  const isKnown = ({ path }: { path: string }) => endpointAt('POST', path) !== undefined
  return [...posts.filter(isKnown), ...posts.filter((post) => !isKnown(post))]
}

export interface Deduced {
  facts: Facts
  shown: ShownByType
}

/** What the document says of the calls that the mapping rules let through, and of no other. */
export function deducedFacts(operations: SpecOperation[], product: ProductRules): Deduced {
  const mounts = mountsOf('', product.backends)
  const named = product.rules.flatMap(({ pattern }) => {
    const { path } = templateOf(pattern)
    const ending = endpointAt('POST', path)?.path
    return ending === undefined ? [] : mountsOf(path.slice(0, -ending.length), [])
  })
  const all = [...new Set([...mounts, ...named])].slice(0, MOST_MOUNTS)
  const most = Math.max(LEAST_COMPARED, MOST_COMPARISONS / Math.max(1, product.rules.length))
  const mapped = operations
    .slice(0, most)
    .filter((operation) => mappedOperation({ method: 'POST', ...operation }, product.rules, all) !== undefined)
  const type = typeOf(mapped.map(({ base, path }) => base + path))
  const calls = callsIn(operations)
  return {
    facts: { ...(type ? { type } : {}), ...(calls.length > 0 ? { calls } : {}) },
    shown: shownBy(mapped),
  }
}

/** A document whose mapped calls are of no known type describes a service of its own kind, unless chat servers have them too. */
function typeOf(paths: string[]): Facts['type'] {
  return typeNamedBy(paths) ?? (paths.length === 0 || paths.some(isBesideChat) ? undefined : 'custom')
}

/** Where the document has calls of known types: below the path of its server, or as they are written. */
function callsIn(operations: SpecOperation[]): string[] {
  const known = operations.filter(({ path }) => endpointAt('POST', path) !== undefined)
  return [...new Set([...known.map(({ base, path }) => base + path), ...known.map(({ path }) => path)])].slice(
    0,
    MOST_CALLS,
  )
}

function shownBy(mapped: SpecOperation[]): ShownByType {
  const shown: ShownByType = {}
  for (const { path, modelId, streams, format } of mapped) {
    const type = endpointAt('POST', path)?.type ?? 'custom'
    const known = shown[type] ?? {}
    shown[type] = {
      ...known,
      ...(modelId !== undefined && known.modelId === undefined ? { modelId } : {}),
      ...(streams ? { streams } : {}),
      ...(format && !known.format ? { format } : {}),
    }
  }
  return shown
}
