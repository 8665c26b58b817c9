import { acceptsRequest, patternTemplate, samplePath } from '../../clients/threescale/tenant-rules/mapping-rules.js'
import type { BackendPath } from '../../clients/threescale/types.js'
import { type CallRule, requiredQuery, withoutVersion } from './call-paths.js'
import { placeholderNames } from './path-templates.js'

/** An operation of an API document. Paths are templates with `{name}`. */
export interface DocumentedOperation {
  method: string
  /** path of the server in the document; may be empty */
  base: string
  /** below `base` */
  path: string
}

/** The path of an operation at the gateway. */
export interface MappedOperation {
  /** template below the public address */
  path: string
  /** values of placeholders that the mapping rules require: `/v2/models/iris/infer` allows no other model */
  values: Record<string, string>
  /** query parameters that the mapping rules require */
  query: [name: string, value: string][]
}

/**
 * The call for a documented operation that the mapping rules allow; undefined if they allow none. The document may contain the
 * path of its server, another path, or none. It does not contain the paths of backends in `mounts`.
 */
export function mapOperation(
  operation: DocumentedOperation,
  rules: CallRule[],
  mounts: string[],
): MappedOperation | undefined {
  const own = rules.filter(({ method }) => method === operation.method || method === 'ANY')
  if (own.length === 0) return undefined
  const candidates = candidatesFor(operation, mounts)
  for (const path of candidates) {
    const sample = samplePath(path)
    if (!acceptsRequest(own, operation.method, sample)) continue
    const passing = own.filter((rule) => acceptsRequest([rule], operation.method, sample))
    return { path, values: {}, query: requiredQuery(passing) }
  }
  for (const path of candidates) {
    if (!path.includes('{')) continue
    const segments = path.split('/')
    for (const rule of own) {
      const values = valuesFor(segments, segmentsOf(rule))
      if (values && acceptsRequest([rule], operation.method, samplePath(filled(path, values))))
        return { path, values, query: requiredQuery([rule]) }
    }
  }
  return undefined
}

/** Paths of the backends of a product, except the root, and the path above its base URL. */
export function mountPaths(basePath: string, backends: BackendPath[]): string[] {
  const mounts = [withoutVersion(basePath), ...backends.map(({ path }) => path.replace(/\/+$/, ''))]
  return [...new Set(mounts)].filter((mount) => mount !== '')
}

/** Paths below a backend first: a rule for all paths also allows calls at the root, which may have no backend. */
function candidatesFor({ base, path }: DocumentedOperation, mounts: string[]): string[] {
  const documented = [base + path, path, `/v1${path}`]
  const below = mounts
    .filter((mount) => !(base + path).startsWith(`${mount}/`))
    .flatMap((mount) => documented.map((each) => mount + each))
  const all = [...below, ...documented]
  return [...new Set([...all, ...all.map(withOtherEnd)])]
}

/** Frameworks accept a path with and without a trailing slash; a mapping rule may contain either. */
function withOtherEnd(path: string): string {
  return path.endsWith('/') && path.length > 1 ? path.slice(0, -1) : `${path}/`
}

/** Cached by rule, because each rule is compared with all operations of a document. */
const segmentsByRule = new WeakMap<CallRule, string[]>()

function segmentsOf(rule: CallRule): string[] {
  const cached = segmentsByRule.get(rule)
  if (cached) return cached
  const segments = patternTemplate(rule.pattern).path.split('/')
  segmentsByRule.set(rule, segments)
  return segments
}

/** Values of a template's placeholders in the path of a rule, segment by segment; undefined if they do not match. */
function valuesFor(template: string[], given: string[]): Record<string, string> | undefined {
  const values: Record<string, string> = {}
  for (const [index, segment] of template.entries()) {
    const other = given[index]
    if (other === undefined) break
    const at = segment.indexOf('{')
    if (at === -1) {
      // The last segment of a rule may be incomplete.
      if (other === segment || other.includes('{') || (index === given.length - 1 && segment.startsWith(other)))
        continue
      return undefined
    }
    const end = segment.indexOf('}', at)
    const [before, name, after] = [segment.slice(0, at), segment.slice(at + 1, end), segment.slice(end + 1)]
    if (end === -1 || after.includes('{') || !other.startsWith(before) || !other.endsWith(after)) continue
    const value = other.slice(before.length, other.length - after.length)
    if (other.length < before.length + after.length || value === '' || value.includes('{')) continue
    values[name] = value
  }
  return Object.keys(values).length > 0 ? values : undefined
}

function filled(template: string, values: Record<string, string>): string {
  return placeholderNames(template).reduce((path, name) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    return value === undefined ? path : path.replaceAll(`{${name}}`, value)
  }, template)
}
