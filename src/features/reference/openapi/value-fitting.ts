import { readJson } from '../../../infra/bounded-json.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import { choicesOf } from './merge-schemas.js'

/** Levels of nesting at which values are compared with their schema. */
const MAX_DEPTH = 12
const MAX_NUMBER_LENGTH = 40
/** The longest text that is read as JSON. */
const MAX_TEXT_LENGTH = 20_000

export type FitValue = ReturnType<typeof createFitValue>

/** The budget for reading values, and the members that the portal fills in. */
export interface FitOptions {
  /** whether the budget covers so many more members */
  steps(count: number): boolean
  /** members of an object, within the budget */
  entriesOf(value: object): [string, unknown][]
  /** names of members that carry the credential */
  credentials: Set<string>
}

/**
 * Converts values to the type of their schema. Generators write examples and defaults as text (`"type":"integer","default":"2"`; utoipa
 * writes all of them so). Undefined if the value does not have that type.
 */
export function createFitValue({ steps, entriesOf, credentials }: FitOptions) {
  return (value: unknown, schema: OpenApiSchema): unknown => fitted(value, schema, 0)

  function fitted(value: unknown, schema: OpenApiSchema, depth: number): unknown {
    if (value === undefined || !steps(1)) return undefined
    if (depth > MAX_DEPTH) return value
    const choices = choicesOf(schema)
    if (choices.length > 0) return firstFitting(value, choices, depth)
    const types = typesOf(schema)
    const result = types.length === 0 ? value : ofTypes(value, types, schema, depth)
    return result === undefined ? undefined : allowed(result, schema)
  }

  /** Uses the choice that accepts the whole value, otherwise the first that accepts a part of it. */
  function firstFitting(value: unknown, choices: OpenApiSchema[], depth: number): unknown {
    const exact = choices.filter((choice) => typesOf(choice).some((type) => isOf(value, type)))
    let partly: unknown
    for (const choice of [...exact, ...choices.filter((each) => !exact.includes(each))]) {
      const result = fitted(value, choice, depth + 1)
      if (result !== undefined && isWhole(result, value, choice)) return result
      partly ??= result
    }
    return partly
  }

  function ofTypes(value: unknown, types: string[], schema: OpenApiSchema, depth: number): unknown {
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

  function fromText(text: string, types: string[], schema: OpenApiSchema, depth: number): unknown {
    const plain = text.trim()
    if (types.includes('boolean') && /^(true|false)$/i.test(plain)) return plain.toLowerCase() === 'true'
    if (types.includes('number') || types.includes('integer')) {
      const number = plain.length <= MAX_NUMBER_LENGTH && /^[+-]?\.?\d/.test(plain) ? Number(plain) : Number.NaN
      if (types.some((type) => isOf(number, type))) return number
    }
    if (!types.some((type) => type === 'object' || type === 'array')) return undefined
    if (!/^[[{]/.test(plain) || plain.length > MAX_TEXT_LENGTH) return undefined
    const read = readJson(plain)
    if (!('value' in read) || !types.some((type) => isOf(read.value, type))) return undefined
    return ofTypes(read.value, types, schema, depth)
  }

  function itemsOf(list: unknown[], { items }: OpenApiSchema, depth: number): unknown {
    if (!items || !steps(list.length)) return list
    return list.map((item) => fitted(item, items, depth + 1)).filter((item) => item !== undefined)
  }

  function membersOf(value: object, { properties = {} }: OpenApiSchema, depth: number): unknown {
    return Object.fromEntries(
      entriesOf(value).flatMap(([name, member]) => {
        const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
        if (!schema) return credentials.has(name) || name === '__proto__' ? [] : [[name, member]]
        const result = fitted(member, schema, depth + 1)
        return result === undefined ? [] : [[name, result]]
      }),
    )
  }
}

/** Whether an object or list is complete, and an object has its required members. */
function isWhole(result: unknown, value: unknown, { required = [] }: OpenApiSchema): boolean {
  if (typeof result !== 'object' || result === null || typeof value !== 'object' || value === null) return true
  if (Object.keys(result).length < Object.keys(value).length) return false
  return Array.isArray(result) || required.every((name) => Object.hasOwn(result, name))
}

/** Converts a number or text without a budget: for defaults, constants and choices. */
export const fitScalar = createFitValue({ steps: () => true, entriesOf: Object.entries, credentials: new Set() })

/** The types that a value may have. Without `type`, they follow from the other members. */
export function typesOf({ type, properties, items }: OpenApiSchema): string[] {
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

/** A value within the limits of its schema. Choices are compared without regard to case. */
function allowed(value: unknown, schema: OpenApiSchema): unknown {
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
