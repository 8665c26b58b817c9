import { type OpenApiDocument, type OpenApiSchema, resolve } from './types.js'

/**
 * An example of a schema: its own example, completed with those of its parts, so that a new field never invalidates an example. Optional
 * properties are included only if an example has them.
 */
export function exampleOf(document: OpenApiDocument, schema: OpenApiSchema, preferred?: unknown): unknown {
  const target = resolve(document, schema)
  const example = preferred ?? schema.examples?.[0] ?? target.examples?.[0]
  if (target.allOf) return Object.assign({}, ...target.allOf.map((part) => exampleOf(document, part, example)))
  if (target.properties) return objectExample(document, target, example)
  if (example !== undefined) return example
  if (target.default !== undefined) return target.default
  if (target.const !== undefined) return target.const
  const [value] = target.enum ?? target['x-extensible-enum'] ?? []
  if (value !== undefined) return value
  const choice = (target.anyOf ?? target.oneOf)?.[0]
  if (choice) return exampleOf(document, choice)
  return plainExample(document, target)
}

function objectExample(
  document: OpenApiDocument,
  { properties = {}, required = [] }: OpenApiSchema,
  example: unknown,
): object {
  const values = (typeof example === 'object' && example !== null ? example : {}) as Record<string, unknown>
  const shown = Object.entries(properties).filter(
    ([name, inner]) => name in values || required.includes(name) || inner.examples !== undefined,
  )
  return Object.fromEntries(
    shown.map(([name, inner]) => [name, values[name] === null ? null : exampleOf(document, inner, values[name])]),
  )
}

const texts: Record<string, string> = {
  'date-time': '2026-03-01T10:00:00Z',
  date: '2026-03-01',
  email: 'ada@example.com',
  uri: 'https://models.example.com',
  'uri-reference': '/api/v1/applications/3001',
}

function plainExample(document: OpenApiDocument, schema: OpenApiSchema): unknown {
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
      return texts[schema.format ?? ''] ?? 'text'
  }
}
