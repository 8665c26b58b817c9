import { memberOf, resolveReference } from '../../../clients/threescale/specs/spec.js'
import { patternTemplate } from '../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { FormatName } from '../../../model-calls/body-formats.js'
import { documentedBodyFormat } from '../../../model-calls/documented-body-format.js'
import {
  findEndpoint,
  isAuxiliaryChatPath,
  type ModelType,
  typeFromPaths,
} from '../../../model-calls/openai-endpoints.js'
import type { ProductRules } from '../../../model-calls/paths/base-paths.js'
import { documentedBasePath } from '../../../model-calls/paths/documented-base-path.js'
import { type DocumentedOperation, mapOperation, mountPaths } from '../../../model-calls/paths/mapped-operations.js'
import { parsePathTemplate } from '../../../model-calls/paths/path-templates.js'
import type { Facts } from '../catalogue/facts.js'
import { createModelExamples } from './model-examples.js'

/** A POST operation of a document, with the model facts in its request. */
export interface SpecOperation extends Omit<DocumentedOperation, 'method'> {
  /** `model` in an example of the request, or the only value that its schema accepts */
  modelId?: string
  /** true: the request has a `stream` field, or the response is server-sent events */
  streams?: true
  /** the format of its body, where servers expect different ones */
  format?: FormatName
}

/** Facts in operations that the mapping rules accept, by model type; `custom` for operations of no known type. */
export type ExamplesByType = Partial<Record<ModelType, Pick<SpecOperation, 'modelId' | 'streams' | 'format'>>>

const MAX_OPERATIONS = 500
const MAX_PATHS = 2000
const MAX_PATH_LENGTH = 300
/** characters of paths and ids held in memory per document */
const MAX_CHARACTERS = 60_000
const MAX_CALLS = 20
/** operations compared with mapping rules, times the number of rules */
const MAX_COMPARISONS = 50_000
const MIN_COMPARED = 50
/** base paths below which operations are matched */
const MAX_MOUNTS = 5

/** The POST operations of a document, known endpoints first. Bounded; never throws. */
export function operationsOf(spec: Record<string, unknown>): SpecOperation[] {
  const examples = createModelExamples(spec)
  let characters = MAX_CHARACTERS
  return postsIn(spec)
    .slice(0, MAX_OPERATIONS)
    .map(({ path, item, operation }) => {
      const format = documentedBodyFormat(spec, path, operation)
      return {
        base: documentedBasePath(spec, item, operation),
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
  const paths = memberOf(spec, 'paths')
  if (typeof paths !== 'object' || paths === null || Array.isArray(paths)) return []
  const posts = Object.entries(paths)
    .slice(0, MAX_PATHS)
    .filter(([written]) => written.length <= MAX_PATH_LENGTH)
    .map(([written, at]) => {
      const item = resolveReference(spec, at)
      return { path: parsePathTemplate(written).path, item, operation: resolveReference(spec, memberOf(item, 'post')) }
    })
    .filter(({ path, operation }) => path.startsWith('/') && typeof operation === 'object' && operation !== null)
  const isKnown = ({ path }: { path: string }) => findEndpoint('POST', path) !== undefined
  return [...posts.filter(isKnown), ...posts.filter((post) => !isKnown(post))]
}

export interface DeducedFacts {
  facts: Facts
  examples: ExamplesByType
}

/** The facts in the calls of a document that the mapping rules accept; other calls do not count. */
export function deduceFacts(operations: SpecOperation[], product: ProductRules): DeducedFacts {
  const mounts = mountPaths('', product.backends)
  const named = product.rules.flatMap(({ pattern }) => {
    const { path } = patternTemplate(pattern)
    const ending = findEndpoint('POST', path)?.path
    return ending === undefined ? [] : mountPaths(path.slice(0, -ending.length), [])
  })
  const all = [...new Set([...mounts, ...named])].slice(0, MAX_MOUNTS)
  const most = Math.max(MIN_COMPARED, MAX_COMPARISONS / Math.max(1, product.rules.length))
  const mapped = operations
    .slice(0, most)
    .filter((operation) => mapOperation({ method: 'POST', ...operation }, product.rules, all) !== undefined)
  const type = typeOf(mapped.map(({ base, path }) => base + path))
  const calls = knownPaths(operations)
  return {
    facts: { ...(type ? { type } : {}), ...(calls.length > 0 ? { calls } : {}) },
    examples: examplesIn(mapped),
  }
}

/** A document whose mapped calls have no known type describes a custom service, unless chat servers have these calls too. */
function typeOf(paths: string[]): Facts['type'] {
  return typeFromPaths(paths) ?? (paths.length === 0 || paths.some(isAuxiliaryChatPath) ? undefined : 'custom')
}

/** Paths of calls of known types: below the path of the document's server, then as written. */
function knownPaths(operations: SpecOperation[]): string[] {
  const known = operations.filter(({ path }) => findEndpoint('POST', path) !== undefined)
  return [...new Set([...known.map(({ base, path }) => base + path), ...known.map(({ path }) => path)])].slice(
    0,
    MAX_CALLS,
  )
}

function examplesIn(mapped: SpecOperation[]): ExamplesByType {
  const shown: ExamplesByType = {}
  for (const { path, modelId, streams, format } of mapped) {
    const type = findEndpoint('POST', path)?.type ?? 'custom'
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
