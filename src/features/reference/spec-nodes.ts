import { member, textOf } from '../../clients/threescale/spec.js'
import type { Schema } from '../../web/openapi/shapes.js'

/** Bounds of one spec: what is beyond them is left out. */
const MOST_NODES = 8000
const MOST_PROPERTIES = 100
const DEEPEST = 7
const LONGEST = 600
const LONGEST_EXAMPLE = 20_000

const scalars = new Set(['string', 'integer', 'number', 'boolean', 'null', 'object', 'array', 'file'])

export type Nodes = ReturnType<typeof createNodes>

/** Reads nodes of an uploaded spec, which may be wrong, endless or hostile: nothing here throws, everything is bounded. */
export function createNodes(spec: unknown) {
  let left = MOST_NODES
  let outside = false

  return {
    /** What a `$ref` names, within this document only. */
    follow: (node: unknown): unknown => follow(node, []).node,
    schemaOf: (node: unknown): Schema => schemaOf(node, [], 0),
    /** true: something was left out because there is too much of it */
    exhausted: () => left <= 0,
    /** true: something lies in another document, which is never loaded */
    outside: () => outside,
  }

  function follow(node: unknown, trail: string[]): { node: unknown; trail: string[]; again: string } {
    const target = member(node, '$ref')
    if (typeof target !== 'string') return { node, trail, again: '' }
    const name = target.split('/').pop()?.slice(0, 80) ?? ''
    if (trail.includes(target) || trail.length > 20) return { node: undefined, trail, again: name }
    if (!target.startsWith('#')) {
      outside = true
      return { node: undefined, trail, again: '' }
    }
    return follow(at(spec, target), [...trail, target])
  }

  function schemaOf(start: unknown, before: string[], depth: number): Schema {
    if (left <= 0 || depth > DEEPEST) return {}
    left--
    const { node, trail, again } = follow(start, before)
    if (again !== '') return { type: 'object', description: `As above: ${again}.` }
    if (typeof node !== 'object' || node === null) return {}
    const below = (part: unknown) => schemaOf(part, trail, depth + 1)
    const merged = listed(member(node, 'allOf')).map(below)
    const choices = [...listed(member(node, 'anyOf')), ...listed(member(node, 'oneOf'))].slice(0, 5).map(below)
    const own = ownOf(node, below)
    return withChoices(merge([...merged, own]), choices)
  }
}

/** The facts of one schema without what it is combined with. */
function ownOf(node: object, below: (part: unknown) => Schema): Schema {
  const types = listed([member(node, 'type')].flat()).filter((type) => scalars.has(String(type))) as string[]
  const type = member(node, 'nullable') === true && types.length > 0 ? [...types, 'null'] : types
  const properties = entriesOf(member(node, 'properties')).slice(0, MOST_PROPERTIES)
  const items = member(node, 'items')
  const more = member(node, 'additionalProperties')
  const example = member(node, 'example') ?? listed(member(node, 'examples'))[0]
  const choices = listed(member(node, 'enum')).filter(isScalar).slice(0, 30)
  const standard = member(node, 'default')
  const schema: { [K in keyof Schema]: Schema[K] | undefined } = {
    type: type.includes('file') ? 'string' : type.length > 1 ? type : type[0],
    description: shortText(member(node, 'description')),
    format: type.includes('file') ? 'binary' : textOf(member(node, 'format'), 40),
    enum: choices.length > 0 ? choices : undefined,
    const: isScalar(member(node, 'const')) ? member(node, 'const') : undefined,
    default: isScalar(standard) ? standard : undefined,
    examples: example === undefined ? undefined : [example],
    minimum: numberOf(member(node, 'minimum')),
    maximum: numberOf(member(node, 'maximum')),
    maxLength: numberOf(member(node, 'maxLength')),
    required: listed(member(node, 'required')).filter((name) => typeof name === 'string') as string[],
    properties:
      properties.length > 0 ? Object.fromEntries(properties.map(([name, part]) => [name, below(part)])) : undefined,
    items: typeof items === 'object' && items !== null && !Array.isArray(items) ? below(items) : undefined,
    additionalProperties: typeof more === 'object' && more !== null ? below(more) : undefined,
  }
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)) as Schema
}

function merge(parts: Schema[]): Schema {
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {})) as Record<string, Schema>
  const required = parts.flatMap((part) => part.required ?? [])
  return {
    ...Object.assign({}, ...parts),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  }
}

/** "an object or null" is shown as the object. */
function withChoices(schema: Schema, choices: Schema[]): Schema {
  if (choices.length === 0) return schema
  const real = choices.filter(({ type }) => type !== 'null')
  const [only] = real
  return only && real.length === 1 ? merge([only, schema]) : { ...schema, anyOf: choices }
}

/** A value that fits: what the spec gives, else the plainest that can be. */
export function exampleOf(schema: Schema, depth = 0): unknown {
  const given = schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0]
  if (given !== undefined) return given
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0], depth)
  const type = [schema.type ?? []].flat()[0]
  if (schema.properties && depth < 5) {
    const all = Object.entries(schema.properties)
    const needed = all.filter(([name, inner]) => schema.required?.includes(name) || inner.examples)
    const chosen = (needed.length > 0 ? needed : all).slice(0, 15)
    return Object.fromEntries(chosen.map(([name, inner]) => [name, exampleOf(inner, depth + 1)]))
  }
  if (schema.items) return depth < 5 ? [exampleOf(schema.items, depth + 1)] : []
  if (type === 'integer' || type === 'number') return schema.minimum ?? 0
  if (type === 'boolean') return false
  if (type === 'array') return []
  if (type === 'string') return schema.format === 'binary' ? '' : 'string'
  return type === 'null' ? null : {}
}

/** Text of an example, cut where it is long; empty where it cannot be written. */
export function exampleText(value: unknown): string {
  if (typeof value === 'string') return cut(value)
  try {
    return cut(JSON.stringify(value, null, 2) ?? '')
  } catch {
    // nested too deep, or in a circle of YAML aliases
    return ''
  }
}

function cut(text: string): string {
  return text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE)}\n… (cut)` : text
}

/** The node at a pointer of this document (RFC 6901). */
function at(spec: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split('/')
    .slice(1, 30)
    .reduce<unknown>((node, piece) => member(node, decoded(piece).replace(/~1/g, '/').replace(/~0/g, '~')), spec)
}

function decoded(piece: string): string {
  try {
    return decodeURIComponent(piece)
  } catch {
    return piece
  }
}

/** OpenAPI 2 has the members of a schema in the parameter itself. */
export function withoutWords(node: unknown): unknown {
  return typeof node === 'object' && node !== null ? { ...node, description: undefined, required: undefined } : {}
}

/** Plain text of one line, cut where it is long. */
export function shortText(value: unknown, longest = LONGEST): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const plain = value
    .slice(0, longest * 2)
    .replace(/\s+/g, ' ')
    .trim()
  return plain.length > longest ? `${plain.slice(0, longest).trimEnd()}…` : plain
}

export function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, 100) : []
}

export function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).filter(([name]) => name !== '__proto__' && name.length <= 300)
    : []
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= 200 : typeof value === 'number' || typeof value === 'boolean'
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
