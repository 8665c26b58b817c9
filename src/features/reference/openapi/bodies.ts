import { boundedText, memberOf } from '../../../clients/threescale/specs/spec.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import type { BodyVariant, OperationResponse, RequestBody } from '../reference-types.js'
import { withoutExamples } from './schema-normalization.js'
import { boundedList, type SchemaReader, schemaMembersOf } from './schema-reader.js'

const MAX_RESPONSES = 12
const MAX_VARIANTS = 3
const MAX_FIELDS = 50
const MAX_EXAMPLES = 10

/** The use of an example. */
interface ExampleUse {
  sent: boolean
  /** the standard request of such a call */
  usual: object | undefined
}

const RESPONSE_USE: ExampleUse = { sent: false, usual: undefined }

/** The request body: `requestBody`, or in OpenAPI 2 the parameters in `body` and `formData`. */
export function bodyOf(
  spec: unknown,
  nodes: SchemaReader,
  operation: unknown,
  parameters: unknown[],
  usual: object | undefined,
): RequestBody | undefined {
  const body = nodes.follow(memberOf(operation, 'requestBody'))
  if (typeof body === 'object' && body !== null) {
    return {
      required: memberOf(body, 'required') === true,
      description: nodes.shortText(memberOf(body, 'description')) ?? '',
      variants: variantsOf(nodes, memberOf(body, 'content'), { sent: true, usual }),
    }
  }
  const inBody = parameters.find((node) => memberOf(node, 'in') === 'body')
  const form = parameters.filter((node) => memberOf(node, 'in') === 'formData' && !nodes.carriesCredential(node))
  if (inBody === undefined && form.length === 0) return undefined
  const schema = inBody === undefined ? formSchema(nodes, form) : nodes.schemaOf(memberOf(inBody, 'schema'))
  const common = form.length === 0 ? 'application/json' : formType(form)
  return {
    required: memberOf(inBody, 'required') === true,
    description: nodes.shortText(memberOf(inBody, 'description')) ?? '',
    variants: openApi2Variants(nodes, openApi2Types(spec, operation, 'consumes', common), schema, {
      exampleOf: (type) => openApi2Example(inBody, type),
      use: { sent: true, usual },
    }),
  }
}

/** In OpenAPI 2, one schema applies to all media types, which the operation or the document lists. */
function openApi2Variants(
  nodes: SchemaReader,
  types: string[],
  schema: OpenApiSchema,
  { exampleOf, use }: { exampleOf(type: string): unknown; use: ExampleUse },
): BodyVariant[] {
  const displayed = withoutExamples(schema)
  return types.map((type) => ({
    type,
    schema: displayed,
    example: exampleFor(nodes, type, schema, exampleOf(type), use),
  }))
}

function openApi2Types(spec: unknown, operation: unknown, name: 'consumes' | 'produces', common: string): string[] {
  const types = boundedList(memberOf(operation, name) ?? memberOf(spec, name))
    .filter(isMediaType)
    .slice(0, MAX_VARIANTS)
  return types.length > 0 ? types : [common]
}

function formType(form: unknown[]): string {
  return form.some((node) => memberOf(node, 'type') === 'file')
    ? 'multipart/form-data'
    : 'application/x-www-form-urlencoded'
}

function formSchema(nodes: SchemaReader, form: unknown[]): OpenApiSchema {
  const fields = form.slice(0, MAX_FIELDS).flatMap((node) => {
    const name = boundedText(memberOf(node, 'name'), 100)
    if (name === undefined || name === '__proto__') return []
    const description = nodes.shortText(memberOf(node, 'description'))
    return [[name, { ...nodes.schemaOf(schemaMembersOf(node)), ...(description ? { description } : {}) }] as const]
  })
  const required = form.flatMap((node) => {
    const name = memberOf(node, 'required') === true ? boundedText(memberOf(node, 'name'), 100) : undefined
    return name === undefined ? [] : [name]
  })
  return { type: 'object', properties: Object.fromEntries(fields), required }
}

export function responsesOf(spec: unknown, nodes: SchemaReader, operation: unknown): OperationResponse[] {
  const types = openApi2Types(spec, operation, 'produces', 'application/json')
  return nodes
    .entriesOf(memberOf(operation, 'responses'))
    .filter(([status]) => /^([1-5](\d\d|XX)|default)$/i.test(status))
    .slice(0, MAX_RESPONSES)
    .map(([status, at]) => {
      const response = nodes.follow(at)
      const schema = memberOf(response, 'schema')
      const examples = nodes.entriesOf(memberOf(response, 'examples'))
      const variants =
        schema === undefined
          ? variantsOf(nodes, memberOf(response, 'content'), RESPONSE_USE)
          : openApi2Variants(nodes, types, nodes.schemaOf(schema), {
              exampleOf: (type) => examples.find(([name]) => name === type)?.[1],
              use: RESPONSE_USE,
            })
      return { status, description: nodes.shortText(memberOf(response, 'description')) ?? '', variants }
    })
}

function variantsOf(nodes: SchemaReader, content: unknown, use: ExampleUse): BodyVariant[] {
  return nodes
    .entriesOf(content)
    .filter(([type]) => isMediaType(type) && nodes.hasRoom(type.length))
    .slice(0, MAX_VARIANTS)
    .map(([type, media]) => {
      const schema = nodes.schemaOf(memberOf(media, 'schema'))
      const example = memberOf(media, 'example') ?? firstExample(nodes, memberOf(media, 'examples'))
      return { type, schema: withoutExamples(schema), example: exampleFor(nodes, type, schema, example, use) }
    })
}

function exampleFor(
  nodes: SchemaReader,
  type: string,
  schema: OpenApiSchema,
  documented: unknown,
  { sent, usual }: ExampleUse,
): string {
  const json = /json/.test(type)
  const form = /x-www-form-urlencoded/.test(type)
  const own = json || form ? nodes.fitExample(documented, schema) : documented
  const value = own ?? (json || form ? nodes.exampleOf(schema, sent, usual) : schema.examples?.[0])
  if (form && typeof (value ?? {}) === 'object') {
    const fields = nodes
      .entriesOf(value)
      .slice(0, MAX_FIELDS)
      .flatMap(([name, field]) => boundedList([field].flat()).map((each) => [name, each] as const))
      .filter(([, field]) => typeof field !== 'object')
    return nodes.exampleText(
      new URLSearchParams(fields.map(([name, field]) => [name, String(field).slice(0, 500)])).toString(),
    )
  }
  return value === undefined ? '' : nodes.exampleText(value)
}

/** `x-example`, or `x-examples` by media type, of a body parameter of OpenAPI 2. */
function openApi2Example(parameter: unknown, type: string): unknown {
  const examples = memberOf(parameter, 'x-examples')
  return memberOf(parameter, 'x-example') ?? memberOf(examples, type) ?? memberOf(examples, 'default')
}

/** The first example in the document itself. An `externalValue` is not loaded. */
export function firstExample(nodes: SchemaReader, examples: unknown): unknown {
  return nodes
    .entriesOf(examples)
    .slice(0, MAX_EXAMPLES)
    .map(([, example]) => memberOf(nodes.follow(example), 'value'))
    .find((value) => value !== undefined)
}

function isMediaType(type: unknown): type is string {
  return typeof type === 'string' && /^[\w.+-]{1,60}\/[\w.+*-]{1,80}(;\s*[\w-]{1,30}=[\w."-]{1,60})?$/.test(type)
}
