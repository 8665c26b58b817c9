import type { ErrorObject } from 'ajv'
import {
  choiceError,
  EMPTY_QUERY_PARAMETER,
  keywordErrors,
  NOT_ACCEPTED,
  REPEATED_QUERY_PARAMETER,
  typeError,
  UNKNOWN_FIELD,
  unknownParameter,
} from './messages.js'

type SchemaError = Partial<ErrorObject>

/** Keyword of the portal: a query parameter that the route does not have. */
export const UNKNOWN_PARAMETER = 'unknownParameter'
/** Keyword of the portal: a query parameter that was sent more than once. */
export const REPEATED_PARAMETER = 'repeatedParameter'

/** Keyword of the portal: a query parameter with an empty value. */
export const EMPTY_PARAMETER = 'emptyParameter'

/** A body can have thousands of errors. */
const MAX_ERRORS = 200
const MAX_FIELDS = 50

/** Keywords that only report that a part of the schema did not match. The errors of that part are more specific. */
const summaries = new Set(['anyOf', 'oneOf', 'allOf', 'if', 'not', 'contains', 'propertyNames'])
const ofType = new Set(['type'])
const ofChoice = new Set(['const', 'enum'])

/** Errors of a validator as field -> message. Names of nested fields are joined with a dot. */
export function fieldErrors(errors: readonly SchemaError[]): Record<string, string> {
  const fields = new Map<string, SchemaError[]>()
  const considered = errors.slice(0, MAX_ERRORS)
  for (const error of considered) {
    const name = fieldName(error)
    fields.set(name, [...(fields.get(name) ?? []), error])
  }
  const messages: [name: string, message: string][] = []
  for (const [name, group] of fields) {
    const message = messageOf(group, hasInner(name, [...fields.keys()]))
    if (message !== undefined) messages.push([name, message])
  }
  return Object.fromEntries(messages.slice(0, MAX_FIELDS))
}

function fieldName({ instancePath = '', params = {}, propertyName }: SchemaError): string {
  const path = instancePath.split('/').slice(1).map(unescaped)
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Record<string, unknown>
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty ?? params.propertyName ?? propertyName
  return [...path, ...(typeof member === 'string' ? [member] : [])].join('.') || 'body'
}

/** RFC 6901 */
function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}

function hasInner(name: string, names: string[]): boolean {
  return names.some((other) => other !== name && (name === 'body' || other.startsWith(`${name}.`)))
}

/** One message for all errors of a field; undefined if those of its members are more specific. */
function messageOf(group: SchemaError[], hasMembers: boolean): string | undefined {
  const isUnknown = group.some(({ propertyName, keyword }) => propertyName !== undefined || keyword === 'propertyNames')
  if (isUnknown) return UNKNOWN_FIELD
  const specific = group.find(
    ({ keyword = '' }) => !summaries.has(keyword) && !ofType.has(keyword) && !ofChoice.has(keyword),
  )
  if (specific) return messageByKeyword(specific)
  if (hasMembers) return undefined
  const choices = group.filter(({ keyword = '' }) => ofChoice.has(keyword)).flatMap(choicesOf)
  const types = group.filter(({ keyword = '' }) => ofType.has(keyword)).flatMap(({ params }) => typesOf(params?.type))
  if (choices.length > 0) return choiceError([...new Set([...choices, ...(types.includes('null') ? ['null'] : [])])])
  return types.length > 0 ? typeError(types) : NOT_ACCEPTED
}

function messageByKeyword({ keyword = '', params = {} }: SchemaError): string {
  const { names, closest } = params as Record<string, unknown>
  switch (keyword) {
    case UNKNOWN_PARAMETER:
      return unknownParameter(closest, names as string[])
    case EMPTY_PARAMETER:
      return EMPTY_QUERY_PARAMETER
    case REPEATED_PARAMETER:
      return REPEATED_QUERY_PARAMETER
    default:
      return keywordErrors[keyword]?.(params) ?? NOT_ACCEPTED
  }
}

function choicesOf({ params = {} }: SchemaError): string[] {
  const { allowedValue, allowedValues } = params as { allowedValue?: unknown; allowedValues?: unknown[] }
  return (allowedValues ?? [allowedValue]).map((value) => (value === '' ? '""' : String(value)))
}

function typesOf(type: unknown): string[] {
  return [type ?? []].flat().map(String)
}
