import { isOptional } from '../api-body.js'
import { exampleOf } from './examples.js'
import { problemResponses, problemsOf } from './problems.js'
import {
  type Media,
  type OpenApiDocument,
  type Operation,
  type Parameter,
  type Response,
  resolve,
  type Schema,
} from './shapes.js'
import { headerRefs, problemSchema, sharedHeaders, sharedParameters } from './shared.js'

/** What a route tells about itself beside its schemas: `METHOD /path` of the document -> further problems. */
export type NamedProblems = ReadonlyMap<string, number[]>

/**
 * Makes the routes' raw document whole: nouns by name, every problem that can come, headers, and an example for each body.
 * Routes therefore say only what is their own.
 */
export function finishDocument(raw: unknown, named: NamedProblems): OpenApiDocument {
  const nouns: Record<string, Schema> = {}
  const document = tidy(raw, nouns) as OpenApiDocument
  const { components } = document
  components.schemas = sorted({ ...components.schemas, ...nouns, Problem: problemSchema })
  components.headers = sharedHeaders
  components.parameters = sharedParameters
  components.responses = problemResponses()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operations[method] = finishOperation(document, method, path, operation, named.get(`${method} ${path}`) ?? [])
    }
  }
  document.paths = sorted(document.paths)
  for (const schema of Object.values(components.schemas)) {
    if (schema.examples) schema.examples = [exampleOf(document, schema)]
  }
  return withoutUnused(document)
}

function finishOperation(
  document: OpenApiDocument,
  method: string,
  path: string,
  operation: Operation,
  named: number[],
): Operation {
  const answers = Object.entries(operation.responses).map(([status, response]) => [
    status,
    finishAnswer(document, status, response, operation),
  ])
  const parameters = (operation.parameters ?? [])
    .filter(({ name = '' }) => !/^(idempotency-key|prefer)$/i.test(name))
    .map((parameter) => withExample(document, parameter))
  if (method === 'post') parameters.push({ $ref: '#/components/parameters/IdempotencyKey' })
  if (prefers(operation)) parameters.push({ $ref: '#/components/parameters/Prefer' })
  if ('304' in operation.responses) parameters.push({ $ref: '#/components/parameters/IfNoneMatch' })
  const { requestBody, responses, ...rest } = operation
  return {
    ...rest,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody: finishBody(document, requestBody) } : {}),
    responses: { ...Object.fromEntries(answers), ...problemsOf(method, path, operation, named) },
  }
}

/** Where nothing has to be sent, a body may be missing. */
function finishBody(document: OpenApiDocument, body: NonNullable<Operation['requestBody']>) {
  const schemas = Object.values(body.content).map(({ schema = {} }) => resolve(document, schema))
  return { ...body, required: !schemas.every(isOptional), content: withExamples(document, body.content) }
}

/** Invented text in a filter would only mislead. */
function withExample(document: OpenApiDocument, parameter: Parameter): Parameter {
  const { schema = {}, examples, ...rest } = parameter
  const [told] = Object.values(examples ?? {}).map(({ value }) => value)
  const wish = parameter.example ?? told ?? schema.default ?? schema.enum?.[0]
  if (wish === undefined && parameter.in !== 'path') return parameter
  return { ...rest, schema, example: exampleOf(document, schema, wish) }
}

/** Whether the caller may ask for an early response. */
function prefers({ parameters = [] }: Operation): boolean {
  return parameters.some(({ name }) => name?.toLowerCase() === 'prefer')
}

const descriptions: Record<string, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Accepted.',
  204: 'Done; there is nothing to say.',
  304: 'Nothing has changed.',
}

function finishAnswer(document: OpenApiDocument, status: string, response: Response, operation: Operation): Response {
  const tagged = '304' in operation.responses && (status === '200' || status === '304')
  const early = prefers(operation) && status === '202' ? ['Location', 'Preference-Applied', 'Retry-After'] : []
  const headers = headerRefs(...(tagged ? ['ETag', 'Age'] : []), ...(status === '201' ? ['Location'] : []), ...early)
  const description = response.description === 'Default Response' ? undefined : response.description
  const content = status === '204' || status === '304' ? undefined : response.content
  return {
    description: description ?? descriptions[status] ?? 'An answer.',
    headers: { ...headers, ...response.headers },
    ...(content ? { content: withExamples(document, content) } : {}),
  }
}

function withExamples(document: OpenApiDocument, content: Record<string, Media>): Record<string, Media> {
  const entries = Object.entries(content).map(([type, media]) => {
    const { schema = {}, example } = media
    return [type, { schema, example: exampleOf(document, schema, example) }]
  })
  return Object.fromEntries(entries)
}

/** TypeBox writes choices as unions of constants and "or null" as a union; both have a shorter form that people can read. */
function tidy(value: unknown, nouns: Record<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((inner) => tidy(inner, nouns))
  if (typeof value !== 'object' || value === null) return value
  const node = Object.fromEntries(
    Object.entries(withOwnExamples(value)).map(([name, inner]) => [name, tidy(inner, nouns)]),
  )
  const { 'x-noun': noun, ...schema } = node as Schema & { 'x-noun'?: string }
  if (noun === undefined) return shorter(node)
  nouns[noun] = { ...shorter(schema), title: noun }
  return { $ref: `#/components/schemas/${noun}` }
}

/** The plugin moves the example of a whole body from its schema to the place of use; a noun keeps its own. */
function withOwnExamples(value: object): object {
  const { schema, example } = value as { schema?: object; example?: unknown }
  if (!schema || !('x-noun' in schema) || example === undefined) return value
  return { ...value, schema: { ...schema, examples: [example] } }
}

function shorter(schema: Schema): Schema {
  const { anyOf, ...rest } = schema
  if (!Array.isArray(anyOf)) return schema
  const choices = anyOf.map((part) => part.const ?? (part.enum?.length === 1 ? part.enum[0] : undefined))
  if (choices.every((choice) => typeof choice === 'string')) return { ...rest, type: 'string', enum: choices }
  const [first, second, ...others] = anyOf
  if (typeof first?.type !== 'string' || second?.type !== 'null' || others.length > 0) return schema
  return { ...first, ...rest, type: [first.type, 'null'], ...(first.enum ? { enum: [...first.enum, null] } : {}) }
}

function withoutUnused(document: OpenApiDocument): OpenApiDocument {
  const text = JSON.stringify(document)
  const { responses } = document.components
  for (const name of Object.keys(responses)) {
    if (!text.includes(`"#/components/responses/${name}"`)) delete responses[name]
  }
  return document
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
