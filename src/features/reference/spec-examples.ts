import type { Schema } from '../../web/openapi/shapes.js'

export const LONGEST_EXAMPLE = 20_000
/** Levels of nesting that an example is shown with. */
const DEEPEST_EXAMPLE = 40

/** A value that fits: what the spec gives, else the plainest that can be. */
export function exampleOf(schema: Schema, depth = 0): unknown {
  const given = schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0]
  if (given !== undefined) return given
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0], depth)
  const type = [schema.type ?? []].flat()[0]
  if (schema.properties && depth < 5) {
    const all = Object.entries(schema.properties)
    const needed = all.filter(([name, inner]) => schema.required?.includes(name) || inner.examples)
    const chosen = (needed.length > 0 ? needed : all).slice(0, 15)
    return Object.fromEntries(chosen.map(([name, inner]) => [name, exampleOf(inner, depth + 1)]))
  }
  if (schema.items) return depth < 5 ? [exampleOf(schema.items, depth + 1)] : []
  if (type === 'integer' || type === 'number') return schema.minimum ?? 0
  if (type === 'boolean') return false
  if (type === 'array') return []
  if (type === 'string') return schema.format === 'binary' ? '' : 'string'
  return type === 'null' ? null : {}
}

/** Text of an example, cut where it is long; empty where it is nested too deep. `keysOf` counts what it lists. */
export function exampleText(value: unknown, keysOf: (value: object) => string[]): string {
  if (typeof value === 'string') return cut(value)
  const writing = createWriting(keysOf)
  return writing.write(value, 0) ? cut(writing.text()) : ''
}

function cut(text: string): string {
  return text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE)}\n… (cut)` : text
}

/** JSON in two spaces, as `JSON.stringify` writes it; ends soon after the longest example, however much there is. */
function createWriting(keysOf: (value: object) => string[]) {
  let text = ''

  return { write, text: () => text }

  /** False: nested too deep. */
  function write(value: unknown, depth: number): boolean {
    if (depth > DEEPEST_EXAMPLE) return false
    if (typeof value !== 'object' || value === null) {
      // what lies behind the cut needs not be escaped
      text +=
        typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST_EXAMPLE)) : (JSON.stringify(value) ?? 'null')
      return true
    }
    const isList = Array.isArray(value)
    const names = isList ? undefined : keysOf(value)
    const count = names ? names.length : (value as unknown[]).length
    if (count === 0) {
      text += isList ? '[]' : '{}'
      return true
    }
    text += isList ? '[' : '{'
    for (let index = 0; index < count && text.length <= LONGEST_EXAMPLE; index++) {
      const name = names?.[index]
      text += `${index > 0 ? ',' : ''}\n${'  '.repeat(depth + 1)}${name === undefined ? '' : `${JSON.stringify(name.slice(0, LONGEST_EXAMPLE))}: `}`
      const member = (value as Record<string | number, unknown>)[name ?? index]
      if (!write(member, depth + 1)) return false
    }
    text += `\n${'  '.repeat(depth)}${isList ? ']' : '}'}`
    return true
  }
}
