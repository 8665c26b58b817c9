import { boundedText, memberOf } from '../../../clients/threescale/specs/spec.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'

const MAX_REQUIRED = 100

/** Merges schemas that apply together. */
export function mergeSchemas(parts: OpenApiSchema[]): OpenApiSchema {
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {})) as Record<string, OpenApiSchema>
  const required = [...new Set(parts.flatMap((part) => part.required ?? []))].slice(0, MAX_REQUIRED)
  return {
    ...Object.assign({}, ...parts),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  }
}

/** Cached by schema, because the values of a large list are compared with the same choices. */
const alternatives = new WeakMap<OpenApiSchema, OpenApiSchema[]>()

/**
 * The choices of a schema, each merged with its sibling members: in `properties: …, anyOf: [{ required: [a] }, { required: [b] }]`, the
 * properties apply to both.
 */
export function choicesOf(schema: OpenApiSchema): OpenApiSchema[] {
  const known = alternatives.get(schema)
  if (known) return known
  const { anyOf = [], ...siblings } = schema
  const choices = anyOf.map((choice) => mergeSchemas([siblings, choice]))
  alternatives.set(schema, choices)
  return choices
}

/**
 * Adds the discriminator value to a choice that is a reference. `discriminator` of OpenAPI 3 names the property, and `mapping` the
 * value for each reference.
 */
export function withDiscriminator(
  choice: OpenApiSchema,
  node: unknown,
  part: unknown,
  entriesOf: (value: unknown) => [string, unknown][],
): OpenApiSchema {
  const discriminator = memberOf(node, 'discriminator')
  const [name, target] = [
    boundedText(memberOf(discriminator, 'propertyName'), 100),
    boundedText(memberOf(part, '$ref'), 300),
  ]
  const own = name !== undefined && Object.hasOwn(choice.properties ?? {}, name) ? choice.properties?.[name] : undefined
  if (name === undefined || target === undefined || !own || own.enum || own.const !== undefined) return choice
  const last = target.split('/').pop()
  const named = entriesOf(memberOf(discriminator, 'mapping')).find(([, to]) => to === target || to === last)
  return { ...choice, properties: { ...choice.properties, [name]: { ...own, const: named?.[0] ?? last } } }
}
