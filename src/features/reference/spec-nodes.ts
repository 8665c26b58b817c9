import { member, nodeAt, textOf } from '../../clients/threescale/spec.js'
import type { Schema } from '../../web/openapi/shapes.js'
import { type Budget, createBudget } from './spec-budget.js'
import { isCredential } from './spec-credentials.js'
import { exampleOf, exampleText, fittingExample, withUsual } from './spec-examples.js'
import { merge, withMark } from './spec-merge.js'
import { withChoices, withFittingScalars } from './spec-schemas.js'
import { createFit } from './spec-values.js'

const MOST_PROPERTIES = 100
const LONGEST_PROPERTY = 100
const LONGEST_DEFAULT = 500
const DEEPEST = 7
const LONGEST = 600
/** The longest `$ref` that is looked at. */
const LONGEST_POINTER = 300
const MOST_HOPS = 20
/** Levels of combined schemas in which 3scale's extension is looked for. */
const DEEPEST_CREDENTIAL = 3

const scalars = new Set(['string', 'integer', 'number', 'boolean', 'null', 'object', 'array', 'file'])

export type Nodes = ReturnType<typeof createNodes>

interface Followed {
  node: unknown
  /** pointers that were followed */
  trail: string[]
  /** what the schema is called that it lies in itself */
  again: string
}

/** Reads nodes of an uploaded spec, which may be wrong, endless or hostile: nothing here throws, everything is bounded. */
export function createNodes(spec: unknown) {
  const budget = createBudget()
  /** names of properties that carry the credential, wherever they are declared */
  const credentials = new Set<string>()
  const fit = createFit({ steps: budget.steps, entriesOf: budget.entriesOf, credentials })
  let outside = false

  return {
    /** What a `$ref` names, within this document only. */
    follow: (node: unknown): unknown => follow(node, []).node,
    schemaOf: (node: unknown): Schema => schemaOf(node, [], 0),
    entriesOf: budget.entriesOf,
    carriesCredential: (node: unknown): boolean => carriesCredential(node),
    /** A value as its schema has it; undefined where it is none of its type. */
    fit,
    /** A value that fits a schema; `sent`: as short as may be sent, and required members as they are in `usual`. */
    exampleOf: (schema: Schema, sent: boolean, usual?: object): unknown =>
      withUsual(exampleOf(schema, { fit, sent }), schema, usual, fit),
    /** An example of the document for a schema; undefined where it is of another type. */
    given: (value: unknown, schema: Schema): unknown => fittingExample(value, schema, { fit, sent: true }),
    /** A text as far as the budget of the document has room for it. */
    kept,
    shortText: (value: unknown, longest?: number): string | undefined => kept(shortText(value, longest)) || undefined,
    exampleText: (value: unknown): string => kept(exampleText(value, budget.keysOf)),
    /** Whether another entry of a list may be kept, with so many characters. */
    hasRoom: budget.characters,
    /** true: something was left out because there is too much of it */
    exhausted: budget.exhausted,
    /** true: something lies in another document, which is never loaded */
    outside: () => outside,
  }

  function kept(text: string | undefined): string {
    return text !== undefined && budget.characters(text.length) ? text : ''
  }

  function follow(start: unknown, before: string[]): Followed {
    const trail = [...before]
    let node = start
    for (let hops = 0; hops <= MOST_HOPS; hops++) {
      const target = member(node, '$ref')
      if (typeof target !== 'string') return { node, trail, again: '' }
      if (target.length > LONGEST_POINTER || !budget.steps(1)) return { node: undefined, trail, again: '' }
      if (trail.includes(target)) return { node: undefined, trail, again: lastPiece(target) }
      if (!target.startsWith('#')) {
        outside = true
        return { node: undefined, trail, again: '' }
      }
      trail.push(target)
      node = nodeAt(spec, target)
    }
    return { node: undefined, trail, again: '' }
  }

  function schemaOf(start: unknown, before: string[], depth: number): Schema {
    if (depth > DEEPEST || !budget.node()) return {}
    const { node, trail, again } = follow(start, before)
    if (again !== '') return { type: 'object', description: kept(`As above: ${again}.`) }
    if (typeof node !== 'object' || node === null) return {}
    const below = (part: unknown) => schemaOf(part, trail, depth + 1)
    const merged = listed(member(node, 'allOf')).map(below)
    const choices = [...listed(member(node, 'anyOf')), ...listed(member(node, 'oneOf'))]
      .slice(0, 5)
      .map((part) => withMark(below(part), node, part, budget.entriesOf))
    const own = ownOf(node, budget, below, isHidden)
    // from OpenAPI 3.1 on a reference may have members beside it
    const beside = start !== node && typeof start === 'object' && start !== null ? [start] : []
    const besides = beside.map((each) => ownOf(each, budget, below, isHidden))
    return withFittingScalars(withChoices(merge([...merged, own, ...besides]), choices))
  }

  /** By 3scale's extension in a parameter or schema, in what it refers to and in what it is combined with. */
  function carriesCredential(start: unknown, depth = 0): boolean {
    if (isCredential(start)) return true
    if (depth > DEEPEST_CREDENTIAL || typeof start !== 'object' || start === null || !budget.steps(1)) return false
    const { node } = follow(start, [])
    const combined = ['allOf', 'anyOf', 'oneOf'].flatMap((name) => listed(member(node, name)).slice(0, 5))
    const parts = [...(node === start ? [] : [node]), member(node, 'schema'), ...combined]
    return parts.some((part) => carriesCredential(part, depth + 1))
  }

  function isHidden(name: string, part: unknown): boolean {
    if (!carriesCredential(part)) return false
    credentials.add(name)
    return true
  }
}

/** Limits of numbers, texts and lists. Before OpenAPI 3.1, `exclusiveMinimum` says of `minimum` that it is excluded. */
function limitsIn(node: object): { [K in keyof Schema]: Schema[K] | undefined } {
  const [minimum, maximum] = [numberOf(member(node, 'minimum')), numberOf(member(node, 'maximum'))]
  const [above, below] = [member(node, 'exclusiveMinimum'), member(node, 'exclusiveMaximum')]
  return {
    minimum: above === true ? undefined : minimum,
    maximum: below === true ? undefined : maximum,
    exclusiveMinimum: above === true ? minimum : numberOf(above),
    exclusiveMaximum: below === true ? maximum : numberOf(below),
    minLength: numberOf(member(node, 'minLength')),
    maxLength: numberOf(member(node, 'maxLength')),
    minItems: numberOf(member(node, 'minItems')),
  }
}

function lastPiece(pointer: string): string {
  return pointer.split('/').pop()?.slice(0, 80) ?? ''
}

/** The facts of one schema without what it is combined with. */
function ownOf(
  node: object,
  budget: Budget,
  below: (part: unknown) => Schema,
  isHidden: (name: string, part: unknown) => boolean,
): Schema {
  const given = (name: string) => member(node, name)
  const room = (values: unknown[]) =>
    budget.characters(values.reduce<number>((sum, each) => sum + String(each).length, 0))
  const types = [...new Set(listed([given('type')].flat()).filter((type) => typeof type === 'string'))].filter((type) =>
    scalars.has(type),
  )
  if (given('const') === null) types.push('null')
  const type = given('nullable') === true && types.length > 0 ? [...types, 'null'] : types
  const all = budget
    .entriesOf(given('properties'))
    .filter(([name]) => name.length <= LONGEST_PROPERTY)
    .slice(0, MOST_PROPERTIES)
  const hidden = new Set(all.filter(([name, part]) => isHidden(name, part)).map(([name]) => name))
  const properties = all.filter(([name]) => !hidden.has(name)).filter(([name]) => budget.characters(name.length))
  const items = given('items')
  const more = given('additionalProperties')
  const example = given('example') ?? listed(given('examples'))[0] ?? given('x-example')
  const choices = listed(given('enum')).filter(isScalar).slice(0, 30)
  const required = listed(given('required')).filter(
    (name) => textOf(name, LONGEST_PROPERTY) !== undefined && !hidden.has(String(name)),
  )
  const description = shortText(given('description'))
  const scalar = (value: unknown) => (isScalar(value) && room([value]) ? value : undefined)
  // a list or object that is short enough for one line; an empty one says nothing
  const small = (value: unknown) => {
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return undefined
    const text = exampleText(value, budget.keysOf)
    return text !== '' && text.length <= LONGEST_DEFAULT && room([text]) ? value : undefined
  }
  const schema: { [K in keyof Schema]: Schema[K] | undefined } = {
    type: type.includes('file') ? 'string' : type.length > 1 ? type : type[0],
    description: description !== undefined && room([description]) ? description : undefined,
    format: type.includes('file') ? 'binary' : textOf(given('format'), 40),
    enum: choices.length > 0 && room(choices) ? choices : undefined,
    const: scalar(given('const')),
    default: scalar(given('default')) ?? small(given('default')),
    examples: example === undefined ? undefined : [example],
    ...limitsIn(node),
    required: room(required) ? (required as string[]) : [],
    properties:
      properties.length > 0 ? Object.fromEntries(properties.map(([name, part]) => [name, below(part)])) : undefined,
    items: typeof items === 'object' && items !== null && !Array.isArray(items) ? below(items) : undefined,
    additionalProperties: typeof more === 'object' && more !== null ? below(more) : undefined,
  }
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)) as Schema
}

const ofSchemas = [
  ...[
    'type',
    'format',
    'enum',
    'const',
    'default',
    'example',
    'examples',
    'x-example',
    'minimum',
    'maximum',
    'maxLength',
  ],
  ...['exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'minItems', 'nullable', 'properties', 'items'],
  ...['additionalProperties', 'allOf', 'anyOf', 'oneOf'],
]

/** OpenAPI 2 has the members of a schema in the parameter itself. */
export function withoutWords(node: unknown): unknown {
  return Object.fromEntries(ofSchemas.map((name) => [name, member(node, name)]))
}

/** Plain text of one line, cut where it is long. */
function shortText(value: unknown, longest = LONGEST): string | undefined {
  if (typeof value !== 'string') return undefined
  const plain = value
    .slice(0, longest * 2)
    .replace(/\s+/g, ' ')
    .trim()
  if (plain === '') return undefined
  return plain.length > longest ? `${plain.slice(0, longest).trimEnd()}…` : plain
}

export function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, 100) : []
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= 200 : typeof value === 'number' || typeof value === 'boolean'
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
