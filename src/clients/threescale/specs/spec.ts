import { createHash } from 'node:crypto'
import { parseYaml } from './yaml.js'

/** Longer documents are not parsed. */
export const SPEC_BYTES = 4_000_000
/** YAML takes about fifty times as long as JSON. */
const YAML_BYTES = 400_000
/** Segments of a pointer. */
const MAX_POINTER_SEGMENTS = 30
const MAX_POINTER_CHARACTERS = 300
/** References to references. */
const MAX_HOPS = 20

/**
 * The body of an ActiveDocs entry as an object: JSON as 3scale requires it, JSON or YAML inside a JSON text, or plain YAML.
 * Undefined for anything else; never throws. The time is linear in the length, and for the longest documents far more than
 * one may block others: `composition/documents` reads them in a thread of its own.
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
  return parseYaml(text)
}

/** Identifies the text of a document. */
export function specHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

/** An own member of an untrusted value; undefined if there is none. */
export function memberOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined
}

/** By document and pointer, because thousands of references may have the same deep target. */
const resolved = new WeakMap<object, Map<string, unknown>>()

/** The node at a JSON pointer (RFC 6901) such as `#/components/schemas/A`; undefined if there is none. */
export function nodeAtPointer(spec: unknown, pointer: string): unknown {
  if (typeof spec !== 'object' || spec === null) return undefined
  const nodes = resolved.get(spec) ?? new Map<string, unknown>()
  resolved.set(spec, nodes)
  if (!nodes.has(pointer)) nodes.set(pointer, resolve(spec, pointer))
  return nodes.get(pointer)
}

function resolve(spec: object, pointer: string): unknown {
  const [start, ...pieces] = pointer.split('/', MAX_POINTER_SEGMENTS)
  if (start !== '#') return undefined
  return pieces.reduce<unknown>(
    (node, piece) => memberOf(node, decoded(piece).replace(/~1/g, '/').replace(/~0/g, '~')),
    spec,
  )
}

/**
 * The target of a reference within the document; undefined if the reference points to another document, to itself or to nothing.
 * `mayFollow` is called before each reference.
 */
export function resolveReference(spec: unknown, start: unknown, mayFollow: () => boolean = () => true): unknown {
  let node = start
  for (let hops = 0; hops <= MAX_HOPS; hops++) {
    const target = memberOf(node, '$ref')
    if (typeof target !== 'string') return node
    if (target.length > MAX_POINTER_CHARACTERS || !target.startsWith('#/') || !mayFollow()) return undefined
    node = nodeAtPointer(spec, target)
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

/** Undefined for empty and longer texts. */
export function boundedText(value: unknown, maxLength = 255): string | undefined {
  return typeof value === 'string' && value.length <= maxLength && value.trim() !== '' ? value.trim() : undefined
}

/** Undefined for other protocols: a link to them could run or open something. */
export function webAddress(value: unknown, maxLength = 2000): string | undefined {
  if (typeof value !== 'string' || value.length > maxLength || !URL.canParse(value)) return undefined
  const { protocol, username, password, href } = new URL(value)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? href : undefined
}

/** A plain e-mail address, which is safe in a `mailto:` link. */
export function mailAddress(value: unknown, maxLength?: number): string | undefined {
  const text = boundedText(value, maxLength)
  return text !== undefined && /^[^\s@<>"]+@[^\s@<>"]+$/.test(text) ? text : undefined
}
