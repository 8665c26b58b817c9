import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { TSchema } from 'typebox'
import { problem } from '../errors.js'
import { once } from './compilers.js'

const ajv = once(() => formats.default(new Ajv({ allErrors: true, strict: false })))
const compiled = new WeakMap<TSchema, ValidateFunction>()

/** The flat text values of a posted form, as typed; a repeated field keeps its last value. */
export function formValues(body: unknown): Record<string, string> {
  const values: Record<string, string> = {}
  if (typeof body !== 'object' || body === null) return values
  for (const [name, value] of Object.entries(body)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value
    if (typeof last === 'string') values[name] = last
  }
  return values
}

/** Fields named `prefix.name` as one object. */
export function group(values: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, value]) => [name.slice(prefix.length + 1), value]),
  )
}

/** Checks a value against the API's own schema; throws invalid_fields with a sentence beside each field. */
export function checked<T>(schema: TSchema, value: unknown): T {
  const validate = compiled.get(schema) ?? ajv().compile(schema)
  compiled.set(schema, validate)
  if (validate(value)) return value as T
  throw problem('invalid_fields', { fields: fieldErrors(validate.errors ?? []) })
}

/** Ajv's errors as field -> sentence; nested fields are joined with a dot. */
export function fieldErrors(errors: readonly Partial<ErrorObject>[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const error of errors) {
    const name = fieldName(error)
    fields[name] ??= sentence(error)
  }
  return fields
}

function fieldName(error: Partial<ErrorObject>): string {
  const path = (error.instancePath ?? '').split('/').slice(1)
  const member = error.params?.missingProperty ?? error.params?.additionalProperty
  return [...path, ...(typeof member === 'string' ? [member] : [])].join('.') || 'body'
}

function sentence(error: Partial<ErrorObject>): string {
  const limit = error.params?.limit
  switch (error.keyword) {
    case 'required':
      return 'This is required.'
    case 'minLength':
      return limit === 1 ? 'This is required.' : `Use at least ${limit} characters.`
    case 'maxLength':
      return `Use at most ${limit} characters.`
    case 'minProperties':
      return 'Name what to change.'
    case 'additionalProperties':
      return 'There is no such field.'
    default:
      return `This ${error.message ?? 'is not valid'}.`
  }
}
