import { readJson } from '../../clients/bounded-json.js'
import type { Schema } from '../../web/openapi/shapes.js'
import { choicesOf } from './spec-merge.js'

/** Levels of nesting that values are compared with their schema. */
const DEEPEST = 12
const LONGEST_NUMBER = 40
/** The longest text that is read as JSON. */
const LONGEST_TEXT = 20_000

export type Fit = ReturnType<typeof createFit>

/** What the reading of values may cost, and which members are the portal's to fill in. */
export interface FitDeps {
  /** whether so many more members may be looked at */
  steps(count: number): boolean
  /** members of an object, as far as the budget reaches */
  entriesOf(value: object): [string, unknown][]
  /** names of members that carry the credential */
  credentials: Set<string>
}

/**
 * Values as their schema has them. Generators write examples and defaults as text (`"type":"integer","default":"2"`; utoipa does with
 * all of them), so text is read as the type of its schema. Undefined: no value of that type.
 */
export function createFit({ steps, entriesOf, credentials }: FitDeps) {
  return (value: unknown, schema: Schema): unknown => fitted(value, schema, 0)

  function fitted(value: unknown, schema: Schema, depth: number): unknown {
    if (value === undefined || !steps(1)) return undefined
    if (depth > DEEPEST) return value
    const choices = choicesOf(schema)
    if (choices.length > 0) return firstFitting(value, choices, depth)
    const types = typesOf(schema)
    const found = types.length === 0 ? value : ofTypes(value, types, schema, depth)
    return found === undefined ? undefined : allowed(found, schema)
  }

  /** By the choice that takes all of the value, else by the first that takes any of it. */
  function firstFitting(value: unknown, choices: Schema[], depth: number): unknown {
    const exact = choices.filter((choice) => typesOf(choice).some((type) => isOf(value, type)))
    let partly: unknown
    for (const choice of [...exact, ...choices.filter((each) => !exact.includes(each))]) {
      const found = fitted(value, choice, depth + 1)
      if (found !== undefined && isWhole(found, value, choice)) return found
      partly ??= found
    }
    return partly
  }

  function ofTypes(value: unknown, types: string[], schema: Schema, depth: number): unknown {
    if (value === 'null' && types.includes('null')) return undefined
    if (types.some((type) => isOf(value, type))) {
      if (Array.isArray(value)) return itemsOf(value, schema, depth)
      return typeof value === 'object' && value !== null ? membersOf(value, schema, depth) : value
    }
    if (typeof value !== 'string') {
      const plain = typeof value === 'number' || typeof value === 'boolean'
      return plain && types.includes('string') ? String(value) : undefined
    }
    return fromText(value, types, schema, depth)
  }

  function fromText(text: string, types: string[], schema: Schema, depth: number): unknown {
    const plain = text.trim()
    if (types.includes('boolean') && /^(true|false)$/i.test(plain)) return plain.toLowerCase() === 'true'
    if (types.includes('number') || types.includes('integer')) {
      const number = plain.length <= LONGEST_NUMBER && /^[+-]?\.?\d/.test(plain) ? Number(plain) : Number.NaN
      if (types.some((type) => isOf(number, type))) return number
    }
    if (!types.some((type) => type === 'object' || type === 'array')) return undefined
    if (!/^[[{]/.test(plain) || plain.length > LONGEST_TEXT) return undefined
    const read = readJson(plain)
    if (!('value' in read) || !types.some((type) => isOf(read.value, type))) return undefined
    return ofTypes(read.value, types, schema, depth)
  }

  function itemsOf(list: unknown[], { items }: Schema, depth: number): unknown {
    if (!items || !steps(list.length)) return list
    return list.map((item) => fitted(item, items, depth + 1)).filter((item) => item !== undefined)
  }

  function membersOf(value: object, { properties = {} }: Schema, depth: number): unknown {
    return Object.fromEntries(
      entriesOf(value).flatMap(([name, member]) => {
        const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
        if (!schema) return credentials.has(name) || name === '__proto__' ? [] : [[name, member]]
        const found = fitted(member, schema, depth + 1)
        return found === undefined ? [] : [[name, found]]
      }),
    )
  }
}

/** Whether nothing was left out of an object or list, and an object has what is required of it. */
function isWhole(found: unknown, value: unknown, { required = [] }: Schema): boolean {
  if (typeof found !== 'object' || found === null || typeof value !== 'object' || value === null) return true
  if (Object.keys(found).length < Object.keys(value).length) return false
  return Array.isArray(found) || required.every((name) => Object.hasOwn(found, name))
}

/** A number or text as its schema has it, without a budget: for defaults, constants and choices. */
export const fitScalar = createFit({ steps: () => true, entriesOf: Object.entries, credentials: new Set() })

/** Types that a value may have; those that its other members make plain where it names none. */
export function typesOf({ type, properties, items }: Schema): string[] {
  const named = [type ?? []].flat()
  if (named.length > 0) return named
  return properties ? ['object'] : items ? ['array'] : []
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return typeof value === 'number' && Number.isSafeInteger(value)
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value)
  return typeof value === type
}

/** A value within the limits of its schema; a choice in other letters is that choice. */
function allowed(value: unknown, schema: Schema): unknown {
  const { enum: choices, const: only } = schema
  if (only !== undefined && value !== only && typeof value !== 'object') return undefined
  if (choices && typeof value !== 'object' && !choices.includes(value))
    return choices.find((choice) => String(choice).toLowerCase() === String(value).toLowerCase())
  if (typeof value === 'number' && !isWithin(value, schema)) return undefined
  if (Array.isArray(value) && value.length < (schema.minItems ?? 0)) return undefined
  if (typeof value === 'string' && !isWithin(value.length, { minimum: schema.minLength, maximum: schema.maxLength }))
    return undefined
  return value
}

type Limits = { [K in 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum']?: number | undefined }

function isWithin(value: number, { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: Limits) {
  return !(
    (minimum !== undefined && value < minimum) ||
    (maximum !== undefined && value > maximum) ||
    (above !== undefined && value <= above) ||
    (below !== undefined && value >= below)
  )
}
