import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import serializerOf from 'fast-json-stringify'
import type { FastifySchemaCompiler } from 'fastify'
import type { FastifySerializerCompiler } from 'fastify/types/schema.js'
import type { TSchema } from 'typebox'

/*
 * What checks requests of the API and writes its answers, made of a route's schemas when they are first needed: all of them
 * at once would be a fourth of a start. Schemas are our own and checked by the tests (test/rules/house).
 */

const settings = { allErrors: true, strict: false, useDefaults: true, addUsedSchema: false, validateSchema: false }
const bodies = once(() => formats.default(new Ajv(settings)))
const addresses = once(() => formats.default(new Ajv({ ...settings, coerceTypes: true })))

/** Text of an address becomes numbers and booleans where those are wanted; JSON is taken as it is. */
export const validators: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = once(() => (httpPart === 'body' ? bodies() : addresses()).compile(schema))
  return (value) => {
    const validate = validator()
    return validate(value) || { error: validate.errors ?? [] }
  }
}

/** Only what the schema names leaves the portal. */
export const serializers: FastifySerializerCompiler<TSchema> = ({ schema }) => {
  const serializer = once(() => serializerOf(schema))
  return (value) => serializer()(value)
}

/** Made at the first call, the same at every other. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
