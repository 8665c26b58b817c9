import type { Schema } from '../../web/openapi/shapes.js'
import { merge } from './spec-merge.js'
import { fitScalar } from './spec-values.js'

/** Without the examples, which are of any size: they are in the bodies and parameters that are shown. */
export function withoutExamples({ examples: _examples, ...schema }: Schema): Schema {
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

/** "an object or null" is shown as the object. */
export function withChoices(schema: Schema, choices: Schema[]): Schema {
  if (choices.length === 0) return schema
  const real = choices.filter(({ type }) => type !== 'null')
  const [only] = real
  return only && real.length === 1 ? merge([only, schema]) : { ...schema, anyOf: choices }
}

/** Choices, constants and defaults in the type of their schema; what is of another type is left out. */
export function withFittingScalars(schema: Schema): Schema {
  const { enum: choices, const: only, default: standard, ...rest } = schema
  const fitting = choices?.map((choice) => fitScalar(choice, rest)).filter((choice) => choice !== undefined)
  const fixed = fitScalar(only, rest)
  const typed: Schema = {
    ...rest,
    ...(fitting && fitting.length > 0 ? { enum: fitting } : {}),
    ...(fixed === undefined ? {} : { const: fixed }),
  }
  const usual = fitScalar(standard, typed)
  return usual === undefined ? typed : { ...typed, default: usual }
}
