import { idPattern } from '../validation/ids.js'
import { isOptionalBody } from '../validation/request-body.js'
import { exampleOf } from './examples.js'
import { problemResponses, problemsOf } from './problems.js'
import { refine } from './refine-schemas.js'
import { headerRefs, problemSchema, sharedHeaders, sharedParameters } from './shared-components.js'
import {
  type OpenApiDocument,
  type OpenApiMedia,
  type OpenApiOperation,
  type OpenApiParameter,
  type OpenApiResponse,
  type OpenApiSchema,
  resolve,
} from './types.js'

/** `METHOD /path` of the document -> statuses of further problems. */
export type RouteProblems = ReadonlyMap<string, number[]>

/**
 * Completes the raw document of the routes: named schemas, all problems, headers, and an example for each body. Routes declare only
 * what is specific to them.
 */
export function completeDocument(raw: unknown, named: RouteProblems): OpenApiDocument {
  const namedSchemas: Record<string, OpenApiSchema> = {}
  const document = tidy(raw, namedSchemas) as OpenApiDocument
  const { components } = document
  components.schemas = sorted({ ...components.schemas, ...namedSchemas, Problem: problemSchema })
  components.headers = sharedHeaders
  components.parameters = sharedParameters
  components.responses = problemResponses()
  refine(document)
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operations[method] = completeOperation(document, method, path, operation, named.get(`${method} ${path}`) ?? [])
    }
  }
  document.paths = sorted(document.paths)
  for (const schema of Object.values(components.schemas)) {
    if (schema.examples) schema.examples = [exampleOf(document, schema)]
  }
  return withoutUnused(document)
}

function completeOperation(
  document: OpenApiDocument,
  method: string,
  path: string,
  operation: OpenApiOperation,
  named: number[],
): OpenApiOperation {
  const documented = Object.entries(operation.responses).map(([status, response]) => [
    status,
    completeResponse(document, status, response, operation),
  ])
  const parameters = (operation.parameters ?? [])
    .filter(({ name = '', schema }) => !/^(idempotency-key|prefer|if-match)$/i.test(name) && !schema?.['x-internal'])
    .map((parameter) => withExample(document, numbered(parameter)))
  if (method === 'post') parameters.push({ $ref: '#/components/parameters/IdempotencyKey' })
  if (readsHeader(operation, 'prefer')) parameters.push({ $ref: '#/components/parameters/Prefer' })
  if ('304' in operation.responses) parameters.push({ $ref: '#/components/parameters/IfNoneMatch' })
  if (readsHeader(operation, 'if-match')) parameters.push({ $ref: '#/components/parameters/IfMatch' })
  const { requestBody, responses, ...rest } = operation
  return {
    ...rest,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody: completeBody(document, requestBody) } : {}),
    responses: {
      ...Object.fromEntries(documented),
      ...problemsOf(method, path, readsHeader(operation, 'if-match') ? [412, ...named] : named),
    },
  }
}

/** A body is optional if an empty object is valid. */
function completeBody(document: OpenApiDocument, body: NonNullable<OpenApiOperation['requestBody']>) {
  const schemas = Object.values(body.content).map(({ schema = {} }) => resolve(document, schema))
  return { ...body, required: !schemas.every(isOptionalBody), content: withExamples(document, body.content) }
}

/** Ids in paths are numbers for clients. The route checks the digits, because it accepts no other spelling of a number. */
function numbered(parameter: OpenApiParameter): OpenApiParameter {
  if (parameter.in !== 'path' || parameter.schema?.pattern !== idPattern) return parameter
  const schema = { type: 'integer', format: 'int64', minimum: 1, maximum: 999_999_999_999_999 }
  return { ...parameter, schema, ...(parameter.example === undefined ? {} : { example: Number(parameter.example) }) }
}

/** Filters have no invented example, which would mislead. */
function withExample(document: OpenApiDocument, parameter: OpenApiParameter): OpenApiParameter {
  const { schema = {}, examples, ...rest } = parameter
  const [first] = Object.values(examples ?? {}).map(({ value }) => value)
  const example = parameter.example ?? first ?? schema.default ?? schema.enum?.[0]
  if (example === undefined && parameter.in !== 'path') return parameter
  return { ...rest, schema, example: exampleOf(document, schema, example) }
}

/** Whether the route reads the header. */
function readsHeader({ parameters = [] }: OpenApiOperation, header: string): boolean {
  return parameters.some(({ name }) => name?.toLowerCase() === header)
}

const ACCEPTED =
  'Accepted: the request is processed after this response. `Location` is the operation that reports its result.'
const descriptions: Record<string, string> = {
  200: 'Success.',
  201: 'Created.',
  202: 'Accepted: part of the request requires approval by the operator. The body is the current state.',
  204: 'Success, without a body.',
  304: 'Not modified since the response with this ETag.',
}

function completeResponse(
  document: OpenApiDocument,
  status: string,
  response: OpenApiResponse,
  operation: OpenApiOperation,
): OpenApiResponse {
  const cached = '304' in operation.responses && (status === '200' || status === '304')
  const tagged = cached || (status.startsWith('20') && isTagged(response))
  const aged = cached && operation.tags.includes('models')
  const replayed = readsHeader(operation, 'idempotency-key') && status.startsWith('20')
  const asyncHeaders =
    readsHeader(operation, 'prefer') && status === '202' ? ['Location', 'Preference-Applied', 'Retry-After'] : []
  const headers = headerRefs(
    ...(tagged ? ['ETag'] : []),
    ...(aged ? ['Age'] : []),
    ...(status === '201' ? ['Location'] : []),
    ...(replayed ? ['Idempotency-Replayed'] : []),
    ...asyncHeaders,
    ...(operation.deprecated ? ['Deprecation', 'Sunset'] : []),
  )
  const own = response.description === 'Default Response' ? undefined : response.description
  const description = asyncHeaders.length > 0 ? ACCEPTED : own
  const content = status === '204' || status === '304' ? undefined : response.content
  return {
    description: description ?? descriptions[status] ?? 'Response.',
    headers: { ...headers, ...response.headers },
    ...(content ? { content: withExamples(document, content) } : {}),
  }
}

/** The schemas whose responses have an entity tag in every operation. */
function isTagged({ content = {} }: OpenApiResponse): boolean {
  return Object.values(content).some(({ schema }) => /\/(Application|Rotation|Member)$/.test(schema?.$ref ?? ''))
}

function withExamples(document: OpenApiDocument, content: Record<string, OpenApiMedia>): Record<string, OpenApiMedia> {
  const entries = Object.entries(content).map(([type, media]) => {
    const { schema = {}, example } = media
    return [type, { schema, example: exampleOf(document, schema, example) }]
  })
  return Object.fromEntries(entries)
}

/** TypeBox writes enums as unions of constants and nullable types as unions. Both have a shorter, readable form. */
function tidy(value: unknown, namedSchemas: Record<string, OpenApiSchema>): unknown {
  if (Array.isArray(value)) return value.map((inner) => tidy(inner, namedSchemas))
  if (typeof value !== 'object' || value === null) return value
  const node = Object.fromEntries(
    Object.entries(withOwnExamples(value)).map(([name, inner]) => [name, tidy(inner, namedSchemas)]),
  )
  const { 'x-schema-name': name, ...schema } = node as OpenApiSchema & { 'x-schema-name'?: string }
  if (name === undefined) return shorter(node)
  namedSchemas[name] = { ...shorter(schema), title: name }
  return { $ref: `#/components/schemas/${name}` }
}

/** The plugin moves the example of a body out of its schema. A named schema keeps its example. */
function withOwnExamples(value: object): object {
  const { schema, example } = value as { schema?: object; example?: unknown }
  if (!schema || !('x-schema-name' in schema) || example === undefined) return value
  return { ...value, schema: { ...schema, examples: [example] } }
}

function shorter(schema: OpenApiSchema): OpenApiSchema {
  const { anyOf, ...rest } = schema
  if (!Array.isArray(anyOf)) return schema
  const values = anyOf.filter(({ type }) => type !== 'null')
  const choices = values.map((part) => part.const ?? (part.enum?.length === 1 ? part.enum[0] : undefined))
  if (choices.every((choice) => typeof choice === 'string'))
    return values.length < anyOf.length
      ? { ...rest, type: ['string', 'null'], enum: [...choices, null] }
      : { ...rest, type: 'string', enum: choices }
  const [first, second, ...others] = anyOf
  if (typeof first?.type !== 'string' || second?.type !== 'null' || others.length > 0) return schema
  if (first.type === 'object') return schema
  return { ...first, ...rest, type: [first.type, 'null'], ...(first.enum ? { enum: [...first.enum, null] } : {}) }
}

function withoutUnused(document: OpenApiDocument): OpenApiDocument {
  const text = JSON.stringify(document)
  const { responses, headers } = document.components
  for (const [kind, items] of Object.entries({ responses, headers })) {
    for (const name of Object.keys(items)) {
      if (!text.includes(`"#/components/${kind}/${name}"`)) delete items[name]
    }
  }
  return document
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
