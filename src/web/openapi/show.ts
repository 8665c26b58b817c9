import { escapedHtml, type Highlight } from '../code.js'
import type { Schema } from './shapes.js'

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
  array: 'list',
  null: 'null',
}

const colors: Record<string, string> = { GET: 'blue', POST: 'green', PATCH: 'orange', PUT: 'orange', DELETE: 'red' }

/** Of the label that shows a verb. */
export function methodColor(method: string): string {
  return colors[method] ?? 'grey'
}

/** The fields of an object, those of plain objects inside it with a dot; `resolve` gives what a `$ref` names. */
export function rowsOf(schema: Schema, resolve: (schema: Schema) => Schema, prefix = ''): SchemaRow[] {
  const target = resolve(schema)
  if (target.allOf) return target.allOf.flatMap((part) => rowsOf(part, resolve, prefix))
  return Object.entries(target.properties ?? {}).flatMap(([name, inner]) => {
    const row = {
      name: prefix + name,
      ...typeOf(inner),
      required: target.required?.includes(name) === true,
      description: [inner.description?.replace(/\.$/, ''), limitsOf(inner)].filter(Boolean).join('; '),
    }
    const nested = inner.items ?? inner
    return [row, ...(nested.$ref || depth(prefix) > 1 ? [] : rowsOf(nested, resolve, `${prefix}${name}.`))]
  })
}

export function typeOf(schema: Schema): { type: string; href: string } {
  const noun = schema.$ref?.split('/').pop()
  if (noun) return { type: noun, href: `#noun-${noun}` }
  if (schema.items) {
    const { type, href } = typeOf(schema.items)
    return { type: `list of ${type}`, href }
  }
  const [first, ...others] = schema.anyOf ?? schema.oneOf ?? []
  if (first && others.length > 0) {
    const { type, href } = typeOf(first)
    return { type: [...new Set([type, ...others.map((other) => typeOf(other).type)])].join(' or '), href }
  }
  if (schema.enum) return { type: schema.enum.map(String).join(', '), href: '' }
  if (schema.const !== undefined) return { type: JSON.stringify(schema.const), href: '' }
  if (schema.format === 'date-time') return { type: 'time (RFC 3339)', href: '' }
  if (schema.format === 'binary') return { type: 'file', href: '' }
  if (typeof schema.additionalProperties === 'object')
    return { type: `names to ${typeOf(schema.additionalProperties).type}`, href: '' }
  const types = [schema.type ?? 'object'].flat().map((type) => words[type] ?? type)
  return { type: types.join(' or '), href: '' }
}

/** A text of that media type as HTML: only JSON is highlighted, since the text may be anybody's. */
export function exampleHtml(text: string, type: string, highlight: Highlight, { cache }: { cache: boolean }): string {
  return type.includes('json') ? highlight(text, 'json', { cache }) : escapedHtml(text)
}

function limitsOf(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, default: standard, maxLength } = schema
  return [
    above === undefined ? '' : `more than ${above}`,
    below === undefined ? '' : `less than ${below}`,
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '',
    minimum !== undefined && maximum === undefined ? `at least ${minimum}` : '',
    minimum === undefined && maximum !== undefined ? `at most ${maximum}` : '',
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    standard === undefined ? '' : `else ${JSON.stringify(standard)}`,
  ]
    .filter(Boolean)
    .join(', ')
}

function depth(prefix: string): number {
  return prefix.split('.').length - 1
}
