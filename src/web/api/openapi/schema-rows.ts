import { escapeHtml, type Highlighter } from '../../pages/syntax-highlighting.js'
import type { OpenApiSchema } from './types.js'

export interface SchemaRow {
  name: string
  type: string
  /** Link to the type on the page, for a named schema. */
  href: string
  required: boolean
  description: string
}

const pluralNames: Record<string, string> = {
  string: 'strings',
  integer: 'integers',
  number: 'numbers',
  boolean: 'booleans',
  object: 'objects',
}

const colors: Record<string, string> = { GET: 'blue', POST: 'green', PATCH: 'orange', PUT: 'orange', DELETE: 'red' }

/** Color of the label of an HTTP method. */
export function methodColor(method: string): string {
  return colors[method] ?? 'grey'
}

/** The fields of an object. Names of nested fields are joined with a dot. `resolve` returns the target of a `$ref`. */
export function schemaRows(
  schema: OpenApiSchema,
  resolve: (schema: OpenApiSchema) => OpenApiSchema,
  prefix = '',
): SchemaRow[] {
  const target = resolve(schema)
  if (target.allOf) return target.allOf.flatMap((part) => schemaRows(part, resolve, prefix))
  return Object.entries(target.properties ?? {}).flatMap(([name, inner]) => {
    const row = {
      name: prefix + name,
      ...schemaType(inner),
      required: target.required?.includes(name) === true,
      description: [inner.description?.replace(/\.$/, ''), limitsOf(inner)].filter(Boolean).join('; '),
    }
    const nested = inner.items ?? inner
    return [row, ...(nested.$ref || depth(prefix) > 1 ? [] : schemaRows(nested, resolve, `${prefix}${name}.`))]
  })
}

export function schemaType(schema: OpenApiSchema): { type: string; href: string } {
  const name = schema.$ref?.split('/').pop()
  if (name) return { type: name, href: `#schema-${name}` }
  if (schema.items) {
    const { type, href } = schemaType(schema.items)
    return { type: `array of ${pluralOf(type)}`, href }
  }
  const [first, ...others] = schema.anyOf ?? schema.oneOf ?? []
  if (first && others.length > 0) {
    const { type, href } = schemaType(first)
    return { type: [...new Set([type, ...others.map((other) => schemaType(other).type)])].join(' or '), href }
  }
  const values = schema.enum ?? schema['x-extensible-enum']
  if (values) return { type: values.map(String).join(', ') + (isNullable(schema) ? ', null' : ''), href: '' }
  if (schema.const !== undefined) return { type: JSON.stringify(schema.const), href: '' }
  if (schema.format === 'date-time')
    return { type: `string (date-time)${isNullable(schema) ? ' or null' : ''}`, href: '' }
  if (schema.format === 'binary') return { type: 'file', href: '' }
  if (typeof schema.additionalProperties === 'object')
    return { type: `object with values of type ${schemaType(schema.additionalProperties).type}`, href: '' }
  return { type: [schema.type ?? 'object'].flat().join(' or '), href: '' }
}

/** The name of a type after “array of”. The name of a schema has no plural, and alternatives are in parentheses. */
function pluralOf(type: string): string {
  if (type.startsWith('array of ')) return type.replace('array', 'arrays')
  return pluralNames[type] ?? (type.includes(' or ') ? `(${type})` : type)
}

function isNullable(schema: OpenApiSchema): boolean {
  return [schema.type ?? []].flat().includes('null') && !schema.enum?.includes(null)
}

/** Text of a media type as HTML. Only JSON is highlighted, because the text may come from a user. */
export function exampleHtml(text: string, type: string, highlight: Highlighter, { cache }: { cache: boolean }): string {
  return type.includes('json') ? highlight(text, 'json', { cache }) : escapeHtml(text)
}

function limitsOf(schema: OpenApiSchema): string {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, default: standard, maxLength } = schema
  return [
    above === undefined ? '' : `more than ${above}`,
    below === undefined ? '' : `less than ${below}`,
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '',
    minimum !== undefined && maximum === undefined ? `at least ${minimum}` : '',
    minimum === undefined && maximum !== undefined ? `at most ${maximum}` : '',
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    standard === undefined ? '' : `default ${JSON.stringify(standard)}`,
  ]
    .filter(Boolean)
    .join(', ')
}

function depth(prefix: string): number {
  return prefix.split('.').length - 1
}
