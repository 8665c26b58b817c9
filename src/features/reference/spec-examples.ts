import type { Schema } from '../../web/openapi/shapes.js'
import { choicesOf } from './spec-merge.js'
import { type Fit, typesOf } from './spec-values.js'

export const LONGEST_EXAMPLE = 20_000
/** Levels of nesting that an example is shown with. */
const DEEPEST_EXAMPLE = 40
/** Levels of an example that is made. */
const DEEPEST_MADE = 5
const MOST_MEMBERS = 15
const MOST_ITEMS = 20
const LONGEST_MADE = 200

export interface ExampleDeps {
  fit: Fit
  /** true: a request, which has only what it requires, so that the server chooses the rest */
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

/** A value that fits: what the spec gives where it is of the right type, else the plainest that can be. */
export function exampleOf(schema: Schema, deps: ExampleDeps, depth = 0): unknown {
  for (const given of [schema.examples?.[0], schema.default, schema.const, schema.enum?.[0]]) {
    const found = given === null ? undefined : deps.fit(given, schema)
    if (found !== undefined) return completed(found, schema, deps, depth)
  }
  const [choice] = choicesOf(schema)
  if (choice) return exampleOf(choice, deps, depth)
  const type = typesOf(schema)[0]
  if (schema.properties && depth < DEEPEST_MADE) {
    const chosen = membersFor(schema, schema.properties, deps).slice(0, MOST_MEMBERS)
    return Object.fromEntries(chosen.map(([name, inner]) => [name, exampleOf(inner, deps, depth + 1)]))
  }
  if (schema.items) {
    const count = Math.min(MOST_ITEMS, Math.max(1, schema.minItems ?? 1))
    return depth < DEEPEST_MADE ? Array(count).fill(exampleOf(schema.items, deps, depth + 1)) : []
  }
  if (type === 'integer' || type === 'number') return numberFor(schema, type === 'integer')
  if (type === 'boolean') return false
  if (type === 'array') return []
  if (type === 'string') return texts[schema.format ?? ''] ?? plainText(schema)
  return type === 'null' ? null : {}
}

/** The number nearest to 0 that the limits allow. */
function numberFor(schema: Schema, whole: boolean): number {
  const { exclusiveMinimum: above, exclusiveMaximum: below, minimum = 0, maximum = 0 } = schema
  const step = whole ? 1 : above !== undefined && below !== undefined ? (below - above) / 2 : 1
  if (above !== undefined && above >= minimum) return (whole ? Math.floor(above) : above) + step
  if (below !== undefined && below <= minimum) return (whole ? Math.ceil(below) : below) - step
  return schema.minimum ?? Math.min(0, maximum)
}

function plainText({ minLength = 0, maxLength }: Schema): string {
  return 'string'.padEnd(Math.min(minLength, LONGEST_MADE), ' string').slice(0, maxLength)
}

/** What is required; where nothing is, what has an example, else everything. A response shows what has an example as well. */
function membersFor({ required = [] }: Schema, properties: Record<string, Schema>, { sent }: ExampleDeps) {
  const all = Object.entries(properties)
  const needed = all.filter(([name]) => required.includes(name) || (sent && name === 'model'))
  const shown = all.filter(([name, inner]) => required.includes(name) || inner.examples)
  if (sent && needed.length > 0) return needed
  return shown.length > 0 ? shown : all
}

/** An example with what it lacks of what its schema requires. */
function completed(value: unknown, schema: Schema, deps: ExampleDeps, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth >= DEEPEST_MADE) return value
  const lacking = (schema.required ?? []).flatMap((name) => {
    const inner = schema.properties?.[name]
    return inner && !Object.hasOwn(value, name) ? [[name, exampleOf(inner, deps, depth + 1)] as const] : []
  })
  return lacking.length > 0 ? { ...value, ...Object.fromEntries(lacking) } : value
}

/**
 * Members that the document requires and shows no value for, as a usual request of this kind has them. If a request would have none
 * of its members, as of a server that documents no body or requires nothing, those are added that the document does not exclude.
 */
export function withUsual(made: unknown, schema: Schema, usual: object | undefined, fit: Fit): unknown {
  if (!usual || typeof made !== 'object' || made === null || schema.examples) return made
  const better = Object.entries(usual).flatMap(([name, value]) => {
    const inner = schema.properties?.[name]
    if (!inner || !Object.hasOwn(made, name) || inner.examples || inner.default !== undefined) return []
    const found = fit(value, inner)
    return found === undefined ? [] : [[name, found] as const]
  })
  return { ...made, ...Object.fromEntries(better), ...lackingIn(made, schema, usual, fit) }
}

function lackingIn(made: object, { properties = {} }: Schema, usual: object, fit: Fit): object {
  const entries = Object.entries(usual)
  if (entries.some(([name]) => Object.hasOwn(made, name))) return {}
  const isBare = Object.keys(properties).every((name) => name === 'model')
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      const inner = Object.hasOwn(properties, name) ? properties[name] : isBare ? {} : undefined
      const found = inner && typeof value !== 'number' ? fit(value, inner) : undefined
      return found === undefined ? [] : [[name, found]]
    }),
  )
}

/** An example of a document in the type of its schema, else one that is made; undefined where there is neither. */
export function fittingExample(given: unknown, schema: Schema, deps: ExampleDeps): unknown {
  const found = given === undefined || given === null ? undefined : deps.fit(given, schema)
  return found === undefined ? undefined : completed(found, schema, deps, 0)
}

/** Text of an example, cut where it is long; empty where it is nested too deep. `keysOf` counts what it lists. */
export function exampleText(value: unknown, keysOf: (value: object) => string[]): string {
  if (typeof value === 'string') return cut(value)
  const writing = createWriting(keysOf)
  return writing.write(value, 0) ? cut(writing.text()) : ''
}

function cut(text: string): string {
  return text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE)}\n… (cut)` : text
}

/** JSON in two spaces, as `JSON.stringify` writes it; ends soon after the longest example, however much there is. */
function createWriting(keysOf: (value: object) => string[]) {
  let text = ''

  return { write, text: () => text }

  /** False: nested too deep. */
  function write(value: unknown, depth: number): boolean {
    if (depth > DEEPEST_EXAMPLE) return false
    if (typeof value !== 'object' || value === null) {
      // what lies behind the cut needs not be escaped
      text +=
        typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST_EXAMPLE)) : (JSON.stringify(value) ?? 'null')
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
    for (let index = 0; index < count && text.length <= LONGEST_EXAMPLE; index++) {
      const name = names?.[index]
      text += `${index > 0 ? ',' : ''}\n${'  '.repeat(depth + 1)}${name === undefined ? '' : `${JSON.stringify(name.slice(0, LONGEST_EXAMPLE))}: `}`
      const member = (value as Record<string | number, unknown>)[name ?? index]
      if (!write(member, depth + 1)) return false
    }
    text += `\n${'  '.repeat(depth)}${isList ? ']' : '}'}`
    return true
  }
}
