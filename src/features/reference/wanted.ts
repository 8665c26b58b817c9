import { problem } from '../../errors.js'
import { idFrom } from '../../web/ids.js'
import type { Placed } from './placed.js'
import type { Parameter } from './shapes.js'

/** A call as somebody typed it, checked against the operation. */
export interface Wanted {
  application: number
  /** encoded, below the endpoint */
  path: string
  query: [name: string, value: string][]
  headers: Record<string, string>
  body: { type: string; text: string } | undefined
}

const LONGEST_VALUE = 2000
export const LONGEST_BODY = 100_000

/** The form of an operation. Rejects with invalid_fields, a sentence beside each field. */
export function wantedOf(operation: Placed, values: Record<string, string>): Wanted {
  const errors: Record<string, string> = {}
  const given = operation.fields.map((field) => {
    const name = fieldName(field)
    const value = (values[name] ?? '').trim()
    const complaint = complaintOf(field, value)
    if (complaint) errors[name] = complaint
    return { field, value }
  })
  const inPlace = (place: Parameter['in']) => given.filter(({ field, value }) => field.in === place && value !== '')
  const application = idFrom(values.application) ?? 0
  if (!application) errors.application = 'Choose an application.'
  const body = bodyOf(operation, values, errors)
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  const filled = new Map(inPlace('path').map(({ field, value }) => [field.name, value]))
  return {
    application,
    path: pathWith(operation, filled),
    query: inPlace('query').flatMap(({ field, value }) =>
      valuesOf(field, value).map((each) => [field.name, each] as [string, string]),
    ),
    headers: Object.fromEntries(inPlace('header').map(({ field, value }) => [field.name.toLowerCase(), value])),
    body,
  }
}

/** An optional part that is empty is left out with its slash; a value that may contain slashes keeps them. */
function pathWith({ callPath, fields }: Placed, filled: Map<string, string>): string {
  const wide = new Set(fields.flatMap((field) => (field.wide ? [field.name] : [])))
  return callPath.replace(/(\/?)\{([^{}/]+)\}/g, (_whole, slash: string, name: string) => {
    const value = filled.get(name) ?? ''
    if (value === '') return ''
    return slash + (wide.has(name) ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value))
  })
}

/** In forms: `query.limit`. */
export function fieldName({ in: place, name }: Parameter): string {
  return `${place}.${name}`
}

function valuesOf({ repeats }: Parameter, value: string): string[] {
  return repeats ? value.split(',').map((each) => each.trim()) : [value]
}

function complaintOf({ in: place, required }: Parameter, value: string): string {
  if (value === '') return required ? 'Enter a value.' : ''
  if (value.length > LONGEST_VALUE) return `Use at most ${LONGEST_VALUE.toLocaleString('en-US')} characters.`
  // the gateway decodes and resolves a path before its rules are asked
  if (place === 'path' && value.split(/[/\\]/).some((piece) => piece === '.' || piece === '..'))
    return 'This value would lead to another path.'
  if (place === 'path' && /\p{Surrogate}/u.test(value)) return 'This value cannot be sent.'
  if (place === 'header' && !/^[\x20-\x7e]*$/.test(value)) return 'Use ASCII characters only, on one line.'
  return ''
}

function bodyOf(operation: Placed, values: Record<string, string>, errors: Record<string, string>): Wanted['body'] {
  const kind = operation.sendable.find(({ type }) => type === values.type) ?? operation.sendable[0]
  if (!kind || operation.method === 'GET' || operation.method === 'HEAD') return undefined
  const text = values.body ?? ''
  if (text.trim() === '') {
    if (operation.body?.required) errors.body = 'Enter the body to send.'
    return undefined
  }
  if (text.length > LONGEST_BODY) errors.body = `Use at most ${LONGEST_BODY.toLocaleString('en-US')} characters.`
  else if (/json/.test(kind.type)) errors.body = jsonComplaint(text)
  if (errors.body === '') delete errors.body
  return { type: kind.type, text }
}

function jsonComplaint(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 120) : ''
    return `This is not JSON: ${reason}`
  }
}
