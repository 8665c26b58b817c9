import { problem } from '../../errors.js'
import { parseId } from '../../web/api/validation/ids.js'
import type { GatewayOperation } from './gateway-operations.js'
import { errors } from './messages.js'
import type { OperationParameter } from './reference-types.js'

/** A call as entered in the form, checked against the operation. */
export interface TryItRequest {
  application: number
  /** encoded, below the endpoint */
  path: string
  query: [name: string, value: string][]
  headers: Record<string, string>
  body: { type: string; text: string } | undefined
}

const MAX_VALUE_LENGTH = 2000
export const MAX_BODY_LENGTH = 100_000

/** Parses the form of an operation. Throws invalid_fields with a message for each field. */
export function parseTryItForm(operation: GatewayOperation, values: Record<string, string>): TryItRequest {
  const fieldErrors: Record<string, string> = {}
  const entered = operation.fields.map((field) => {
    const name = fieldName(field)
    const value = (values[name] ?? '').trim()
    const error = validateField(field, value)
    if (error) fieldErrors[name] = error
    return { field, value }
  })
  const inLocation = (location: OperationParameter['in']) =>
    entered.filter(({ field, value }) => field.in === location && value !== '')
  const application = parseId(values.application) ?? 0
  if (!application) fieldErrors.application = errors.application
  const body = parseBody(operation, values, fieldErrors)
  if (Object.keys(fieldErrors).length > 0) throw problem('invalid_fields', { fields: fieldErrors })
  const filled = new Map(inLocation('path').map(({ field, value }) => [field.name, value]))
  return {
    application,
    path: fillPath(operation, filled),
    query: inLocation('query').flatMap(({ field, value }) =>
      valuesOf(field, value).map((each) => [field.name, each] as [string, string]),
    ),
    headers: Object.fromEntries(inLocation('header').map(({ field, value }) => [field.name.toLowerCase(), value])),
    body,
  }
}

/** Removes an empty optional segment with its slash. Slashes in a multi-segment value are not encoded. */
function fillPath({ callPath, fields }: GatewayOperation, filled: Map<string, string>): string {
  const multiSegment = new Set(fields.flatMap((field) => (field.multiSegment ? [field.name] : [])))
  return callPath.replace(/(\/?)\{([^{}/]+)\}/g, (_whole, slash: string, name: string) => {
    const value = filled.get(name) ?? ''
    if (value === '') return ''
    return (
      slash + (multiSegment.has(name) ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value))
    )
  })
}

/** The name of the form field: `query.limit`. */
export function fieldName({ in: location, name }: OperationParameter): string {
  return `${location}.${name}`
}

function valuesOf({ repeatable }: OperationParameter, value: string): string[] {
  return repeatable ? value.split(',').map((each) => each.trim()) : [value]
}

function validateField({ in: location, required }: OperationParameter, value: string): string {
  if (value === '') return required ? errors.required : ''
  if (value.length > MAX_VALUE_LENGTH) return errors.tooLong(MAX_VALUE_LENGTH)
  // The gateway decodes and resolves a path before it applies mapping rules.
  if (location === 'path' && value.split(/[/\\]/).some((segment) => segment === '.' || segment === '..'))
    return errors.otherPath
  if (location === 'path' && /\p{Surrogate}/u.test(value)) return errors.invalidCharacters
  if (location === 'header' && !/^[\x20-\x7e]*$/.test(value)) return errors.ascii
  return ''
}

function parseBody(
  operation: GatewayOperation,
  values: Record<string, string>,
  fieldErrors: Record<string, string>,
): TryItRequest['body'] {
  const variant = operation.sendableBodies.find(({ type }) => type === values.type) ?? operation.sendableBodies[0]
  if (!variant || operation.method === 'GET' || operation.method === 'HEAD') return undefined
  const text = values.body ?? ''
  if (text.trim() === '') {
    if (operation.body?.required) fieldErrors.body = errors.body
    return undefined
  }
  if (text.length > MAX_BODY_LENGTH) fieldErrors.body = errors.tooLong(MAX_BODY_LENGTH)
  else if (/json/.test(variant.type)) fieldErrors.body = validateJson(text)
  if (fieldErrors.body === '') delete fieldErrors.body
  return { type: variant.type, text }
}

function validateJson(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 120) : ''
    return errors.json(reason)
  }
}
