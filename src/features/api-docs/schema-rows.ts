import { type OpenApiDocument, resolve, type Schema } from '../../web/openapi/shapes.js'

export interface SchemaRow {
  name: string
  type: string
  /** the noun's place on the page, where the type is one */
  href: string
  required: boolean
  description: string
}

const words: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
}

/** The fields of an object, those of plain objects inside it with a dot. */
export function rowsOf(document: OpenApiDocument, schema: Schema, prefix = ''): SchemaRow[] {
  const target = resolve(document, schema)
  if (target.allOf) return target.allOf.flatMap((part) => rowsOf(document, part, prefix))
  return Object.entries(target.properties ?? {}).flatMap(([name, inner]) => {
    const row = {
      name: prefix + name,
      ...typeOf(inner),
      required: target.required?.includes(name) === true,
      description: [inner.description, limitsOf(inner)].filter(Boolean).join('; '),
    }
    const nested = inner.items ?? inner
    return [row, ...(nested.$ref || depth(prefix) > 1 ? [] : rowsOf(document, nested, `${prefix}${name}.`))]
  })
}

export function typeOf(schema: Schema): { type: string; href: string } {
  const noun = schema.$ref?.split('/').pop()
  if (noun) return { type: noun, href: `#noun-${noun}` }
  if (schema.items) {
    const { type, href } = typeOf(schema.items)
    return { type: `list of ${type}`, href }
  }
  const [first, second] = schema.anyOf ?? []
  if (first && second) {
    const { type, href } = typeOf(first)
    return { type: `${type} or ${typeOf(second).type}`, href }
  }
  if (schema.enum) return { type: schema.enum.map(String).join(', '), href: '' }
  if (schema.format === 'date-time') return { type: 'time (RFC 3339)', href: '' }
  if (typeof schema.additionalProperties === 'object')
    return { type: `names to ${typeOf(schema.additionalProperties).type}`, href: '' }
  const types = [schema.type ?? 'object'].flat().map((type) => words[type] ?? type)
  return { type: types.join(' or '), href: '' }
}

function limitsOf({ minimum, maximum, default: standard, maxLength }: Schema): string {
  return [
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '',
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    standard === undefined ? '' : `else ${JSON.stringify(standard)}`,
  ]
    .filter(Boolean)
    .join(', ')
}

function depth(prefix: string): number {
  return prefix.split('.').length - 1
}
