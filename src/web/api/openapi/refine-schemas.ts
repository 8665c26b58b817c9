import type { OpenApiDocument, OpenApiSchema } from './types.js'

/*
 * What client generators require and the schema of a route does not state: the width of numbers, and which enums may grow. Done here
 * once for all fields.
 */

const INT32 = 2 ** 31 - 1
/** Values, not schemas, even if a member is named like a keyword. */
const literals = new Set(['example', 'examples', 'enum', 'const', 'default', 'x-extensible-enum', 'x-enum-varnames'])

/** Changes `document`, before its examples are created. */
export function refine(document: OpenApiDocument): void {
  const { components, paths } = document
  walk({ paths, components }, (node) => {
    widen(node)
    nameValues(node)
    if (node['x-pattern'] === undefined) return
    node.pattern = node['x-pattern']
    delete node['x-pattern']
  })
  for (const response of responsesOf(document)) walk(response, allowMoreValues)
}

/** Generated clients in Go, Java and Kotlin use 32 bits for numbers without a format. */
function widen(node: OpenApiSchema): void {
  const types = [node.type ?? []].flat()
  if (node.format !== undefined) return
  if (types.includes('number')) node.format = 'double'
  if (types.includes('integer')) node.format = isSmall(node) ? 'int32' : 'int64'
}

/**
 * Members of every enum in Kotlin, which no value may be named after. The default is removed, because generators would write it with the
 * original name.
 */
const reserved = new Set<unknown>(['name', 'ordinal', 'entries'])

function nameValues(node: OpenApiSchema): void {
  if (!node.enum?.some((value) => reserved.has(value))) return
  delete node.default
  node['x-enum-varnames'] = node.enum.map((value) =>
    String(value).replace(/^-/, 'descending_').replace(/\W/g, '_').toUpperCase(),
  )
}

function isSmall({ minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY }: OpenApiSchema): boolean {
  return minimum >= -INT32 && maximum <= INT32
}

/** Responses may get new values. With `enum`, a client that was generated earlier would reject them. */
function allowMoreValues(node: OpenApiSchema): void {
  if (node.type === undefined || node.enum === undefined) return
  node['x-extensible-enum'] = node.enum.filter((value) => value !== null)
  delete node.enum
  delete node['x-enum-varnames']
}

/** All responses and the schemas that they reference. */
function responsesOf({ paths, components }: OpenApiDocument): unknown[] {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  const parts: unknown[] = [...operations.map(({ responses }) => responses), components.responses, components.headers]
  const names = new Set<string>()
  for (const part of parts) {
    walk(part, ({ $ref }) => {
      const name = $ref?.startsWith('#/components/schemas/') ? $ref.slice('#/components/schemas/'.length) : undefined
      if (name === undefined || names.has(name)) return
      names.add(name)
      parts.push(components.schemas[name])
    })
  }
  return parts
}

function walk(value: unknown, visit: (node: OpenApiSchema) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) visit(value as OpenApiSchema)
  for (const [name, inner] of Object.entries(value)) if (!literals.has(name)) walk(inner, visit)
}
