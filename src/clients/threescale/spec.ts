import { createHash } from 'node:crypto'
import { yamlValue } from './spec-yaml.js'

/** Longer documents are not read. */
export const SPEC_BYTES = 4_000_000
/** YAML takes some fifty times as long as JSON. */
const YAML_BYTES = 400_000
/** Pieces of a pointer that are followed. */
const DEEPEST_POINTER = 30
/** Characters of a reference. */
const LONGEST_POINTER = 300
/** References that lead to each other. */
const MOST_HOPS = 20

/**
 * The body of an ActiveDocs entry as an object: JSON as 3scale asks for, JSON or YAML inside a JSON text, or YAML as it
 * stands. Undefined for anything else; never throws. The time is linear in the length, and for the longest documents far more than
 * one may block others: `assembly/documents` reads them in a thread of its own.
 */
export function readSpec(body: string, depth = 0): Record<string, unknown> | undefined {
  if (body.length > SPEC_BYTES) return undefined
  const value = fromJson(body) ?? fromYaml(body)
  if (typeof value === 'string' && depth < 2) return readSpec(value, depth + 1)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fromYaml(text: string): unknown {
  if (text.length > YAML_BYTES || !/^[ \t]*['"]?(openapi|swagger|info|paths)['"]?[ \t]*:/m.test(text)) return undefined
  return yamlValue(text)
}

/** By which the text of a document is known. */
export function specHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

/** A member of anything that came from outside; undefined where there is none of its own. */
export function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined
}

/** By document and pointer. Thousands of places may refer to the same deep node, and documents are read between requests. */
const resolved = new WeakMap<object, Map<string, unknown>>()

/** The node at a pointer of a document (RFC 6901), `#/components/schemas/A`; undefined where there is none. */
export function nodeAt(spec: unknown, pointer: string): unknown {
  if (typeof spec !== 'object' || spec === null) return undefined
  const nodes = resolved.get(spec) ?? new Map<string, unknown>()
  resolved.set(spec, nodes)
  if (!nodes.has(pointer)) nodes.set(pointer, resolve(spec, pointer))
  return nodes.get(pointer)
}

function resolve(spec: object, pointer: string): unknown {
  const [start, ...pieces] = pointer.split('/', DEEPEST_POINTER)
  if (start !== '#') return undefined
  return pieces.reduce<unknown>(
    (node, piece) => member(node, decoded(piece).replace(/~1/g, '/').replace(/~0/g, '~')),
    spec,
  )
}

/**
 * The node that a reference within the document leads to; undefined where it leads to another document, to itself or to nothing.
 * `mayFollow`: whether another reference may be followed.
 */
export function followed(spec: unknown, start: unknown, mayFollow: () => boolean = () => true): unknown {
  let node = start
  for (let hops = 0; hops <= MOST_HOPS; hops++) {
    const target = member(node, '$ref')
    if (typeof target !== 'string') return node
    if (target.length > LONGEST_POINTER || !target.startsWith('#/') || !mayFollow()) return undefined
    node = nodeAt(spec, target)
  }
  return undefined
}

function decoded(piece: string): string {
  try {
    return decodeURIComponent(piece)
  } catch {
    return piece
  }
}

/** A text that says something and is no longer than that. */
export function textOf(value: unknown, longest = 255): string | undefined {
  return typeof value === 'string' && value.length <= longest && value.trim() !== '' ? value.trim() : undefined
}

/** An address of the web; another one must not be a link, which would run or open it. */
export function webAddress(value: unknown, longest = 2000): string | undefined {
  if (typeof value !== 'string' || value.length > longest || !URL.canParse(value)) return undefined
  const { protocol, username, password, href } = new URL(value)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? href : undefined
}

/** A plain e-mail address, which is safe behind `mailto:`. */
export function mailAddress(value: unknown, longest?: number): string | undefined {
  const text = textOf(value, longest)
  return text !== undefined && /^[^\s@<>"]+@[^\s@<>"]+$/.test(text) ? text : undefined
}
