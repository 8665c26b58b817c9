import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import serializerOf from 'fast-json-stringify'
import type { FastifySchemaCompiler } from 'fastify'
import type { FastifySerializerCompiler, FastifySchemaValidationError as SchemaError } from 'fastify/types/schema.js'
import { closestMatch } from 'leven'
import type { TSchema } from 'typebox'
import { EMPTY_PARAMETER, REPEATED_PARAMETER, UNKNOWN_PARAMETER } from './field-errors.js'

/*
 * Validators and serializers are compiled from the schemas of a route at its first request. To compile all of them at the start would
 * lengthen the start by half.
 */

const settings = { allErrors: true, strict: false, useDefaults: true, addUsedSchema: false, validateSchema: false }
const bodies = lazy(() => formats.default(new Ajv(settings)))
const addresses = lazy(() => formats.default(new Ajv({ ...settings, coerceTypes: true })))

/**
 * Text of a URL is converted to numbers and booleans, JSON is not. A query may have only the parameters of its schema, each at most
 * once: a misspelled filter must not return everything.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = lazy(() => (httpPart === 'body' ? bodies() : addresses()).compile(schema))
  const parameterErrors = lazy(() => parameterErrorsOf(schema))
  return (value) => {
    const validate = validator()
    const isValid = validate(value)
    if (httpPart !== 'querystring') return isValid || { error: validate.errors ?? [] }
    const errors = [...parameterErrors()(value), ...(validate.errors ?? []).map(toParameterError)]
    return errors.length === 0 || { error: errors }
  }
}

/** Longer names are not compared with others. */
const MAX_COMPARED = 40
/** From this length on, two characters may differ; below, too many names would match. */
const LONG = 5
const whole = { instancePath: '', schemaPath: '#' }

/** Errors about the names of query parameters. */
function parameterErrorsOf(schema: TSchema): (query: object) => SchemaError[] {
  const parameters = parametersOf(schema)
  const names = [...parameters].flatMap(([name, of]) => (of['x-internal'] ? [] : [name])).sort()
  return (query) =>
    Object.entries(query).flatMap(([name, value]) => {
      const params = { additionalProperty: name }
      if (!parameters.has(name)) {
        const closest =
          name.length > MAX_COMPARED
            ? undefined
            : closestMatch(name, names, { maxDistance: name.length < LONG ? 1 : 2 })
        return [{ keyword: UNKNOWN_PARAMETER, ...whole, params: { ...params, names, closest } }]
      }
      return Array.isArray(value) && parameters.get(name)?.type !== 'array'
        ? [{ keyword: REPEATED_PARAMETER, ...whole, params }]
        : []
    })
}

function parametersOf({ properties = {}, allOf = [] }: ParametersSchema): Map<string, Parameter> {
  return new Map([...allOf.flatMap((part) => [...parametersOf(part)]), ...Object.entries(properties)])
}

interface Parameter {
  type?: unknown
  /** accepted, but not in the document */
  'x-internal'?: boolean
}

interface ParametersSchema {
  properties?: Record<string, Parameter>
  allOf?: ParametersSchema[]
}

function toParameterError(error: SchemaError): SchemaError {
  const isEmpty = error.keyword === 'minLength' && error.params?.limit === 1
  return isEmpty ? { ...error, keyword: EMPTY_PARAMETER } : error
}

/** A response has only the members of its schema. */
export const serializerCompiler: FastifySerializerCompiler<TSchema> = ({ schema }) => {
  const serializer = lazy(() => serializerOf(schema))
  return (value) => serializer()(value)
}

/** A value that is created at the first call. */
export function lazy<T>(create: () => T): () => T {
  let created: { value: T } | undefined
  return () => {
    created ??= { value: create() }
    return created.value
  }
}
