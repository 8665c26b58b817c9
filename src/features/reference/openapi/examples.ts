import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import { choicesOf } from './merge-schemas.js'
import { type FitValue, typesOf } from './value-fitting.js'

export const MAX_EXAMPLE_LENGTH = 20_000
/** Levels of nesting in an example. */
const MAX_EXAMPLE_DEPTH = 40
/** Levels of nesting in a generated example. */
const MAX_GENERATED_DEPTH = 5
const MAX_MEMBERS = 15
const MAX_ITEMS = 20
const MAX_GENERATED_LENGTH = 200

export interface ExampleOptions {
  fit: FitValue
  /** true: for a request, which contains only required members, so that the server chooses the rest */
  sent: boolean
}

const texts: Record<string, string> = {
  binary: '',
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  email: 'name@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/** A value that fits the schema: from the spec if it has the right type, otherwise a minimal value. */
export function exampleOf(schema: OpenApiSchema, deps: ExampleOptions, depth = 0): unknown {
  for (const value of [schema.examples?.[0], schema.default, schema.const, schema.enum?.[0]]) {
    const fitting = value === null ? undefined : deps.fit(value, schema)
    if (fitting !== undefined) return complete(fitting, schema, deps, depth)
  }
  const [choice] = choicesOf(schema)
  if (choice) return exampleOf(choice, deps, depth)
  const type = typesOf(schema)[0]
  if (schema.properties && depth < MAX_GENERATED_DEPTH) {
    const chosen = membersFor(schema, schema.properties, deps).slice(0, MAX_MEMBERS)
    return Object.fromEntries(chosen.map(([name, inner]) => [name, exampleOf(inner, deps, depth + 1)]))
  }
  if (schema.items) {
    const count = Math.min(MAX_ITEMS, Math.max(1, schema.minItems ?? 1))
    return depth < MAX_GENERATED_DEPTH ? Array(count).fill(exampleOf(schema.items, deps, depth + 1)) : []
  }
  if (type === 'integer' || type === 'number') return numberFor(schema, type === 'integer')
  if (type === 'boolean') return false
  if (type === 'array') return []
  if (type === 'string') return texts[schema.format ?? ''] ?? plainText(schema)
  return type === 'null' ? null : {}
}

/** The number closest to 0 within the limits. */
function numberFor(schema: OpenApiSchema, whole: boolean): number {
  const { exclusiveMinimum: above, exclusiveMaximum: below, minimum = 0, maximum = 0 } = schema
  const step = whole ? 1 : above !== undefined && below !== undefined ? (below - above) / 2 : 1
  if (above !== undefined && above >= minimum) return (whole ? Math.floor(above) : above) + step
  if (below !== undefined && below <= minimum) return (whole ? Math.ceil(below) : below) - step
  return schema.minimum ?? Math.min(0, maximum)
}

function plainText({ minLength = 0, maxLength }: OpenApiSchema): string {
  return 'string'.padEnd(Math.min(minLength, MAX_GENERATED_LENGTH), ' string').slice(0, maxLength)
}

/** Required members; if there are none, those with an example, otherwise all. A response includes members with an example. */
function membersFor(
  { required = [] }: OpenApiSchema,
  properties: Record<string, OpenApiSchema>,
  { sent }: ExampleOptions,
) {
  const all = Object.entries(properties)
  const necessary = all.filter(([name]) => required.includes(name) || (sent && name === 'model'))
  const shown = all.filter(([name, inner]) => required.includes(name) || inner.examples)
  if (sent && necessary.length > 0) return necessary
  return shown.length > 0 ? shown : all
}

/** Adds the required members that an example lacks. */
function complete(value: unknown, schema: OpenApiSchema, deps: ExampleOptions, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth >= MAX_GENERATED_DEPTH) return value
  const lacking = (schema.required ?? []).flatMap((name) => {
    const inner = schema.properties?.[name]
    return inner && !Object.hasOwn(value, name) ? [[name, exampleOf(inner, deps, depth + 1)] as const] : []
  })
  return lacking.length > 0 ? { ...value, ...Object.fromEntries(lacking) } : value
}

/**
 * Fills required members without a documented value from the standard request. If the example has none of its members, because the
 * document has no body or requires nothing, the members that the document does not exclude are added.
 */
export function withUsualMembers(
  generated: unknown,
  schema: OpenApiSchema,
  usual: object | undefined,
  fit: FitValue,
): unknown {
  if (!usual || typeof generated !== 'object' || generated === null || schema.examples) return generated
  const better = Object.entries(usual).flatMap(([name, value]) => {
    const inner = schema.properties?.[name]
    if (!inner || !Object.hasOwn(generated, name) || inner.examples || inner.default !== undefined) return []
    const fitting = fit(value, inner)
    return fitting === undefined ? [] : [[name, fitting] as const]
  })
  return { ...generated, ...Object.fromEntries(better), ...missingMembers(generated, schema, usual, fit) }
}

function missingMembers(generated: object, { properties = {} }: OpenApiSchema, usual: object, fit: FitValue): object {
  const entries = Object.entries(usual)
  if (entries.some(([name]) => Object.hasOwn(generated, name))) return {}
  const isBare = Object.keys(properties).every((name) => name === 'model')
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      const inner = Object.hasOwn(properties, name) ? properties[name] : isBare ? {} : undefined
      const fitting = inner && typeof value !== 'number' ? fit(value, inner) : undefined
      return fitting === undefined ? [] : [[name, fitting]]
    }),
  )
}

/** An example of the document, converted to the type of its schema; undefined if it has another type. */
export function fittingExample(value: unknown, schema: OpenApiSchema, deps: ExampleOptions): unknown {
  const fitting = value === undefined || value === null ? undefined : deps.fit(value, schema)
  return fitting === undefined ? undefined : complete(fitting, schema, deps, 0)
}

/** The text of an example, truncated; empty if it is nested too deeply. `keysOf` counts against the budget. */
export function exampleText(value: unknown, keysOf: (value: object) => string[]): string {
  if (typeof value === 'string') return cut(value)
  const writer = createJsonWriter(keysOf)
  return writer.write(value, 0) ? cut(writer.text()) : ''
}

function cut(text: string): string {
  return text.length > MAX_EXAMPLE_LENGTH ? `${text.slice(0, MAX_EXAMPLE_LENGTH)}\n… (cut)` : text
}

/** Writes JSON with two spaces, as `JSON.stringify` does, and stops after the limit, however large the value. */
function createJsonWriter(keysOf: (value: object) => string[]) {
  let text = ''

  return { write, text: () => text }

  /** Returns false if the value is nested too deeply. */
  function write(value: unknown, depth: number): boolean {
    if (depth > MAX_EXAMPLE_DEPTH) return false
    if (typeof value !== 'object' || value === null) {
      // Text beyond the limit is cut, so it is not escaped.
      text +=
        typeof value === 'string'
          ? JSON.stringify(value.slice(0, MAX_EXAMPLE_LENGTH))
          : (JSON.stringify(value) ?? 'null')
      return true
    }
    const isList = Array.isArray(value)
    const names = isList ? undefined : keysOf(value)
    const count = names ? names.length : (value as unknown[]).length
    if (count === 0) {
      text += isList ? '[]' : '{}'
      return true
    }
    text += isList ? '[' : '{'
    for (let index = 0; index < count && text.length <= MAX_EXAMPLE_LENGTH; index++) {
      const name = names?.[index]
      text += `${index > 0 ? ',' : ''}\n${'  '.repeat(depth + 1)}${name === undefined ? '' : `${JSON.stringify(name.slice(0, MAX_EXAMPLE_LENGTH))}: `}`
      const member = (value as Record<string | number, unknown>)[name ?? index]
      if (!write(member, depth + 1)) return false
    }
    text += `\n${'  '.repeat(depth)}${isList ? ']' : '}'}`
    return true
  }
}
