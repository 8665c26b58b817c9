import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import { mergeSchemas } from './merge-schemas.js'
import { fitScalar } from './value-fitting.js'

/** Removes examples, which can be large: bodies and parameters contain them already. */
export function withoutExamples({ examples: _examples, ...schema }: OpenApiSchema): OpenApiSchema {
  const { properties, items, additionalProperties: more, anyOf } = schema
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, withoutExamples(part)])),
    }),
    ...(items && { items: withoutExamples(items) }),
    ...(typeof more === 'object' && { additionalProperties: withoutExamples(more) }),
    ...(anyOf && { anyOf: anyOf.map(withoutExamples) }),
  }
}

/** Combines the choices with the schema. "An object or null" becomes the object. */
export function withChoices(schema: OpenApiSchema, choices: OpenApiSchema[]): OpenApiSchema {
  if (choices.length === 0) return schema
  const real = choices.filter(({ type }) => type !== 'null')
  const [only] = real
  return only && real.length === 1 ? mergeSchemas([only, schema]) : { ...schema, anyOf: choices }
}

/** Converts choices, constants and defaults to the type of their schema, and removes those of another type. */
export function withFittingScalars(schema: OpenApiSchema): OpenApiSchema {
  const { enum: choices, const: only, default: standard, ...rest } = schema
  const fitting = choices?.map((choice) => fitScalar(choice, rest)).filter((choice) => choice !== undefined)
  const fixed = fitScalar(only, rest)
  const typed: OpenApiSchema = {
    ...rest,
    ...(fitting && fitting.length > 0 ? { enum: fitting } : {}),
    ...(fixed === undefined ? {} : { const: fixed }),
  }
  const usual = fitScalar(standard, typed)
  return usual === undefined ? typed : { ...typed, default: usual }
}
