import { boundedText, memberOf, nodeAtPointer } from '../../../clients/threescale/specs/spec.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import { recursiveSchema } from '../messages.js'
import { isCredential } from './credential-parameters.js'
import { exampleOf, exampleText, fittingExample, withUsualMembers } from './examples.js'
import { mergeSchemas, withDiscriminator } from './merge-schemas.js'
import { createReadingBudget, type ReadingBudget } from './reading-budget.js'
import { withChoices, withFittingScalars } from './schema-normalization.js'
import { createFitValue } from './value-fitting.js'

const MAX_PROPERTIES = 100
const MAX_PROPERTY_LENGTH = 100
const MAX_DEFAULT_LENGTH = 500
const MAX_DEPTH = 7
const MAX_TEXT_LENGTH = 600
/** The longest `$ref` that is followed. */
const MAX_POINTER_LENGTH = 300
const MAX_HOPS = 20
/** Levels of combined schemas that are searched for 3scale's extension. */
const MAX_CREDENTIAL_DEPTH = 3

const scalars = new Set(['string', 'integer', 'number', 'boolean', 'null', 'object', 'array', 'file'])

export type SchemaReader = ReturnType<typeof createSchemaReader>

interface ResolvedNode {
  node: unknown
  /** the pointers followed so far */
  trail: string[]
  /** name of the schema, if it contains itself */
  recursive: string
}

/** Reads nodes of an uploaded spec, which can be invalid, recursive or hostile: nothing here throws, everything is bounded. */
export function createSchemaReader(spec: unknown) {
  const budget = createReadingBudget()
  /** names of properties that carry the credential, anywhere in the document */
  const credentials = new Set<string>()
  const fit = createFitValue({ steps: budget.steps, entriesOf: budget.entriesOf, credentials })
  let hasExternal = false

  return {
    /** Resolves a `$ref` within this document. */
    follow: (node: unknown): unknown => follow(node, []).node,
    schemaOf: (node: unknown): OpenApiSchema => schemaOf(node, [], 0),
    entriesOf: budget.entriesOf,
    carriesCredential: (node: unknown): boolean => carriesCredential(node),
    /** A value converted to the type of its schema; undefined if it does not have that type. */
    fit,
    /** A value that fits a schema. `sent`: only required members, with the values of `usual`. */
    exampleOf: (schema: OpenApiSchema, sent: boolean, usual?: object): unknown =>
      withUsualMembers(exampleOf(schema, { fit, sent }), schema, usual, fit),
    /** An example of the document, converted to the type of its schema; undefined if it has another type. */
    fitExample: (value: unknown, schema: OpenApiSchema): unknown => fittingExample(value, schema, { fit, sent: true }),
    /** The text, or '' if the budget of the document does not cover it. */
    bounded,
    shortText: (value: unknown, longest?: number): string | undefined =>
      bounded(shortText(value, longest)) || undefined,
    exampleText: (value: unknown): string => bounded(exampleText(value, budget.keysOf)),
    /** Whether the budget covers another entry with so many characters. */
    hasRoom: budget.characters,
    /** true: content was omitted because the document is too large */
    exhausted: budget.exhausted,
    /** true: the document refers to another one, which is never loaded */
    hasExternal: () => hasExternal,
  }

  function bounded(text: string | undefined): string {
    return text !== undefined && budget.characters(text.length) ? text : ''
  }

  function follow(start: unknown, before: string[]): ResolvedNode {
    const trail = [...before]
    let node = start
    for (let hops = 0; hops <= MAX_HOPS; hops++) {
      const target = memberOf(node, '$ref')
      if (typeof target !== 'string') return { node, trail, recursive: '' }
      if (target.length > MAX_POINTER_LENGTH || !budget.steps(1)) return { node: undefined, trail, recursive: '' }
      if (trail.includes(target)) return { node: undefined, trail, recursive: lastSegment(target) }
      if (!target.startsWith('#')) {
        hasExternal = true
        return { node: undefined, trail, recursive: '' }
      }
      trail.push(target)
      node = nodeAtPointer(spec, target)
    }
    return { node: undefined, trail, recursive: '' }
  }

  function schemaOf(start: unknown, before: string[], depth: number): OpenApiSchema {
    if (depth > MAX_DEPTH || !budget.node()) return {}
    const { node, trail, recursive } = follow(start, before)
    if (recursive !== '') return { type: 'object', description: bounded(recursiveSchema(recursive)) }
    if (typeof node !== 'object' || node === null) return {}
    const below = (part: unknown) => schemaOf(part, trail, depth + 1)
    const merged = boundedList(memberOf(node, 'allOf')).map(below)
    const choices = [...boundedList(memberOf(node, 'anyOf')), ...boundedList(memberOf(node, 'oneOf'))]
      .slice(0, 5)
      .map((part) => withDiscriminator(below(part), node, part, budget.entriesOf))
    const own = ownSchema(node, budget, below, isCredentialProperty)
    // From OpenAPI 3.1 on, a reference can have sibling members.
    const siblings = (start !== node && typeof start === 'object' && start !== null ? [start] : []).map((each) =>
      ownSchema(each, budget, below, isCredentialProperty),
    )
    return withFittingScalars(withChoices(mergeSchemas([...merged, own, ...siblings]), choices))
  }

  /** Whether 3scale's extension is in a parameter or schema, in its reference or in the schemas combined with it. */
  function carriesCredential(start: unknown, depth = 0): boolean {
    if (isCredential(start)) return true
    if (depth > MAX_CREDENTIAL_DEPTH || typeof start !== 'object' || start === null || !budget.steps(1)) return false
    const { node } = follow(start, [])
    const combined = ['allOf', 'anyOf', 'oneOf'].flatMap((name) => boundedList(memberOf(node, name)).slice(0, 5))
    const parts = [...(node === start ? [] : [node]), memberOf(node, 'schema'), ...combined]
    return parts.some((part) => carriesCredential(part, depth + 1))
  }

  function isCredentialProperty(name: string, part: unknown): boolean {
    if (!carriesCredential(part)) return false
    credentials.add(name)
    return true
  }
}

/** Limits of numbers, texts and lists. Before OpenAPI 3.1, `exclusiveMinimum` is a flag that excludes `minimum`. */
function limitsIn(node: object): { [K in keyof OpenApiSchema]: OpenApiSchema[K] | undefined } {
  const [minimum, maximum] = [numberOf(memberOf(node, 'minimum')), numberOf(memberOf(node, 'maximum'))]
  const [above, below] = [memberOf(node, 'exclusiveMinimum'), memberOf(node, 'exclusiveMaximum')]
  return {
    minimum: above === true ? undefined : minimum,
    maximum: below === true ? undefined : maximum,
    exclusiveMinimum: above === true ? minimum : numberOf(above),
    exclusiveMaximum: below === true ? maximum : numberOf(below),
    minLength: numberOf(memberOf(node, 'minLength')),
    maxLength: numberOf(memberOf(node, 'maxLength')),
    minItems: numberOf(memberOf(node, 'minItems')),
  }
}

function lastSegment(pointer: string): string {
  return pointer.split('/').pop()?.slice(0, 80) ?? ''
}

/** One schema without the schemas combined with it. */
function ownSchema(
  node: object,
  budget: ReadingBudget,
  below: (part: unknown) => OpenApiSchema,
  isCredentialProperty: (name: string, part: unknown) => boolean,
): OpenApiSchema {
  const member = (name: string) => memberOf(node, name)
  const room = (values: unknown[]) =>
    budget.characters(values.reduce<number>((sum, each) => sum + String(each).length, 0))
  const types = [...new Set(boundedList([member('type')].flat()).filter((type) => typeof type === 'string'))].filter(
    (type) => scalars.has(type),
  )
  if (member('const') === null) types.push('null')
  const type = member('nullable') === true && types.length > 0 ? [...types, 'null'] : types
  const all = budget
    .entriesOf(member('properties'))
    .filter(([name]) => name.length <= MAX_PROPERTY_LENGTH)
    .slice(0, MAX_PROPERTIES)
  const hidden = new Set(all.filter(([name, part]) => isCredentialProperty(name, part)).map(([name]) => name))
  const properties = all.filter(([name]) => !hidden.has(name)).filter(([name]) => budget.characters(name.length))
  const items = member('items')
  const more = member('additionalProperties')
  const example = member('example') ?? boundedList(member('examples'))[0] ?? member('x-example')
  const choices = boundedList(member('enum')).filter(isScalar).slice(0, 30)
  const required = boundedList(member('required')).filter(
    (name) => boundedText(name, MAX_PROPERTY_LENGTH) !== undefined && !hidden.has(String(name)),
  )
  const description = shortText(member('description'))
  const scalar = (value: unknown) => (isScalar(value) && room([value]) ? value : undefined)
  // A list or object that fits on one line; an empty one has no information.
  const small = (value: unknown) => {
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return undefined
    const text = exampleText(value, budget.keysOf)
    return text !== '' && text.length <= MAX_DEFAULT_LENGTH && room([text]) ? value : undefined
  }
  const schema: { [K in keyof OpenApiSchema]: OpenApiSchema[K] | undefined } = {
    type: type.includes('file') ? 'string' : type.length > 1 ? type : type[0],
    description: description !== undefined && room([description]) ? description : undefined,
    format: type.includes('file') ? 'binary' : boundedText(member('format'), 40),
    enum: choices.length > 0 && room(choices) ? choices : undefined,
    const: scalar(member('const')),
    default: scalar(member('default')) ?? small(member('default')),
    examples: example === undefined ? undefined : [example],
    ...limitsIn(node),
    required: room(required) ? (required as string[]) : [],
    properties:
      properties.length > 0 ? Object.fromEntries(properties.map(([name, part]) => [name, below(part)])) : undefined,
    items: typeof items === 'object' && items !== null && !Array.isArray(items) ? below(items) : undefined,
    additionalProperties: typeof more === 'object' && more !== null ? below(more) : undefined,
  }
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)) as OpenApiSchema
}

const schemaMembers = [
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

/** In OpenAPI 2, the parameter itself contains the members of the schema. */
export function schemaMembersOf(node: unknown): unknown {
  return Object.fromEntries(schemaMembers.map((name) => [name, memberOf(node, name)]))
}

/** Plain text on one line, truncated. */
function shortText(value: unknown, longest = MAX_TEXT_LENGTH): string | undefined {
  if (typeof value !== 'string') return undefined
  const plain = value
    .slice(0, longest * 2)
    .replace(/\s+/g, ' ')
    .trim()
  if (plain === '') return undefined
  return plain.length > longest ? `${plain.slice(0, longest).trimEnd()}…` : plain
}

export function boundedList(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, 100) : []
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= 200 : typeof value === 'number' || typeof value === 'boolean'
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
