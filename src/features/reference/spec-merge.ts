import { member, textOf } from '../../clients/threescale/spec.js'
import type { Schema } from '../../web/openapi/shapes.js'

const MOST_REQUIRED = 100

/** Schemas that all hold, as one. */
export function merge(parts: Schema[]): Schema {
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {})) as Record<string, Schema>
  const required = [...new Set(parts.flatMap((part) => part.required ?? []))].slice(0, MOST_REQUIRED)
  return {
    ...Object.assign({}, ...parts),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  }
}

/** By schema: values of a large list are compared with the same choices. */
const alternatives = new WeakMap<Schema, Schema[]>()

/**
 * The choices of a schema, each with what stands beside them: in `properties: …, anyOf: [{ required: [a] }, { required: [b] }]` the
 * properties hold for both.
 */
export function choicesOf(schema: Schema): Schema[] {
  const known = alternatives.get(schema)
  if (known) return known
  const { anyOf = [], ...beside } = schema
  const choices = anyOf.map((choice) => merge([beside, choice]))
  alternatives.set(schema, choices)
  return choices
}

/**
 * A choice that the document names by a reference, with the value that marks it: `discriminator` of OpenAPI 3 says in which property
 * it is and, in `mapping`, how the reference is named there.
 */
export function withMark(
  choice: Schema,
  node: unknown,
  part: unknown,
  entriesOf: (value: unknown) => [string, unknown][],
): Schema {
  const discriminator = member(node, 'discriminator')
  const [name, target] = [textOf(member(discriminator, 'propertyName'), 100), textOf(member(part, '$ref'), 300)]
  const own = name !== undefined && Object.hasOwn(choice.properties ?? {}, name) ? choice.properties?.[name] : undefined
  if (name === undefined || target === undefined || !own || own.enum || own.const !== undefined) return choice
  const last = target.split('/').pop()
  const named = entriesOf(member(discriminator, 'mapping')).find(([, to]) => to === target || to === last)
  return { ...choice, properties: { ...choice.properties, [name]: { ...own, const: named?.[0] ?? last } } }
}
