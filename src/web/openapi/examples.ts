import { type OpenApiDocument, resolve, type Schema } from './shapes.js'

/**
 * An example of a schema: its own where it has one, filled up from those of its parts, so that a field added later never
 * makes an example wrong. A property that may be missing is shown only where an example names it.
 */
export function exampleOf(document: OpenApiDocument, schema: Schema, wish?: unknown): unknown {
  const target = resolve(document, schema)
  const told = wish ?? schema.examples?.[0] ?? target.examples?.[0]
  if (target.allOf) return Object.assign({}, ...target.allOf.map((part) => exampleOf(document, part, told)))
  if (target.properties) return objectExample(document, target, told)
  if (told !== undefined) return told
  if (target.default !== undefined) return target.default
  if (target.const !== undefined) return target.const
  if (target.enum) return target.enum[0]
  const choice = (target.anyOf ?? target.oneOf)?.[0]
  if (choice) return exampleOf(document, choice)
  return plainExample(document, target)
}

function objectExample(document: OpenApiDocument, { properties = {}, required = [] }: Schema, told: unknown): object {
  const wishes = (typeof told === 'object' && told !== null ? told : {}) as Record<string, unknown>
  const shown = Object.entries(properties).filter(
    ([name, inner]) => name in wishes || required.includes(name) || inner.examples !== undefined,
  )
  return Object.fromEntries(
    shown.map(([name, inner]) => [name, wishes[name] === null ? null : exampleOf(document, inner, wishes[name])]),
  )
}

function plainExample(document: OpenApiDocument, schema: Schema): unknown {
  const types = [schema.type ?? []].flat()
  switch (types.includes('null') ? 'null' : types[0]) {
    case 'array':
      return schema.items ? [exampleOf(document, schema.items)] : []
    case 'object':
      return {}
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return schema.format === 'date-time' ? '2026-03-01T10:00:00Z' : 'text'
  }
}
