import type { BackendPath } from '../clients/threescale/nouns.js'
import { letsThrough, sampleOf, templateOf } from '../clients/threescale/patterns.js'
import { queryOf, type Rule, rootOf } from './call-paths.js'
import { placeholdersIn } from './path-templates.js'

/** An operation of an API document. Paths are templates with `{name}`. */
export interface DocumentedOperation {
  method: string
  /** path of the server that the document names; empty where it names none */
  base: string
  /** below `base` */
  path: string
}

/** Where an operation lies at the gateway. */
export interface MappedOperation {
  /** template below the public address */
  path: string
  /** values of placeholders that the mapping rules require: `/v2/models/iris/infer` lets no other model through */
  values: Record<string, string>
  /** query parameters that the mapping rules require */
  query: [name: string, value: string][]
}

/**
 * The call by which the mapping rules let an operation of a document through; undefined where they let none. The document may
 * know the path of its server, another one, or none, and nothing of the paths in `mounts` that backends are reached at.
 */
export function mappedOperation(
  operation: DocumentedOperation,
  rules: Rule[],
  mounts: string[],
): MappedOperation | undefined {
  const own = rules.filter(({ method }) => method === operation.method || method === 'ANY')
  if (own.length === 0) return undefined
  const candidates = candidatesFor(operation, mounts)
  for (const path of candidates) {
    const sample = sampleOf(path)
    if (!letsThrough(own, operation.method, sample)) continue
    const passing = own.filter((rule) => letsThrough([rule], operation.method, sample))
    return { path, values: {}, query: queryOf(passing) }
  }
  for (const path of candidates) {
    if (!path.includes('{')) continue
    const pieces = path.split('/')
    for (const rule of own) {
      const values = valuesFor(pieces, piecesOf(rule))
      if (values && letsThrough([rule], operation.method, sampleOf(filled(path, values))))
        return { path, values, query: queryOf([rule]) }
    }
  }
  return undefined
}

/** Paths that the backends of a product are mounted at, except the root, and the one above its base URL. */
export function mountsOf(basePath: string, backends: BackendPath[]): string[] {
  const mounts = [rootOf(basePath), ...backends.map(({ path }) => path.replace(/\/+$/, ''))]
  return [...new Set(mounts)].filter((mount) => mount !== '')
}

/** Below each mount first: a rule for everything lets a call through at the root too, where no backend may be. */
function candidatesFor({ base, path }: DocumentedOperation, mounts: string[]): string[] {
  const written = [base + path, path, `/v1${path}`]
  const below = mounts
    .filter((mount) => !(base + path).startsWith(`${mount}/`))
    .flatMap((mount) => written.map((each) => mount + each))
  const all = [...below, ...written]
  return [...new Set([...all, ...all.map(withOtherEnd)])]
}

/** Frameworks answer a path with and without a slash at its end; a mapping rule may name one of them. */
function withOtherEnd(path: string): string {
  return path.endsWith('/') && path.length > 1 ? path.slice(0, -1) : `${path}/`
}

/** By rule: each is compared with all operations of a document. */
const piecesByRule = new WeakMap<Rule, string[]>()

function piecesOf(rule: Rule): string[] {
  const known = piecesByRule.get(rule)
  if (known) return known
  const pieces = templateOf(rule.pattern).path.split('/')
  piecesByRule.set(rule, pieces)
  return pieces
}

/** What the placeholders of a template are in the path of a rule, piece by piece; undefined where the two do not agree. */
function valuesFor(template: string[], given: string[]): Record<string, string> | undefined {
  const values: Record<string, string> = {}
  for (const [index, segment] of template.entries()) {
    const other = given[index]
    if (other === undefined) break
    const at = segment.indexOf('{')
    if (at === -1) {
      // the last piece of a rule may be the beginning of one
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
  return placeholdersIn(template).reduce((path, name) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    return value === undefined ? path : path.replaceAll(`{${name}}`, value)
  }, template)
}
