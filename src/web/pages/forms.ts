import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { TSchema } from 'typebox'
import { problem } from '../../errors.js'
import { fieldErrors } from '../api/validation/field-errors.js'
import { lazy } from '../api/validation/schema-compilers.js'

const ajv = lazy(() => formats.default(new Ajv({ allErrors: true, strict: false })))
const compiled = new WeakMap<TSchema, ValidateFunction>()

/** The text values of a posted form. Of a repeated field, the last value counts. */
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
export function fieldGroup(values: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, value]) => [name.slice(prefix.length + 1), value]),
  )
}

/** Validates a value with a schema of the API. Throws invalid_fields with a message for each field. */
export function validateForm<T>(schema: TSchema, value: unknown): T {
  const validate = compiled.get(schema) ?? ajv().compile(schema)
  compiled.set(schema, validate)
  if (validate(value)) return value as T
  throw problem('invalid_fields', { fields: fieldErrors(validate.errors ?? []) })
}
