import { member, textOf } from '../../clients/threescale/spec.js'
import type { Schema } from '../../web/openapi/shapes.js'
import type { Body, Kind, Response } from './shapes.js'
import { listed, type Nodes, withoutWords } from './spec-nodes.js'
import { withoutExamples } from './spec-schemas.js'

const MOST_RESPONSES = 12
const MOST_KINDS = 3
const MOST_FIELDS = 50
const MOST_EXAMPLES = 10

/** What an example is for. */
interface Use {
  sent: boolean
  /** a request that is usual for such a call */
  usual: object | undefined
}

const RECEIVED: Use = { sent: false, usual: undefined }

/** What is sent: `requestBody`, or in OpenAPI 2 the parameters in `body` and `formData`. */
export function bodyOf(
  spec: unknown,
  nodes: Nodes,
  operation: unknown,
  given: unknown[],
  usual: object | undefined,
): Body | undefined {
  const body = nodes.follow(member(operation, 'requestBody'))
  if (typeof body === 'object' && body !== null) {
    return {
      required: member(body, 'required') === true,
      description: nodes.shortText(member(body, 'description')) ?? '',
      kinds: kindsOf(nodes, member(body, 'content'), { sent: true, usual }),
    }
  }
  const inBody = given.find((node) => member(node, 'in') === 'body')
  const form = given.filter((node) => member(node, 'in') === 'formData' && !nodes.carriesCredential(node))
  if (inBody === undefined && form.length === 0) return undefined
  const schema = inBody === undefined ? formSchema(nodes, form) : nodes.schemaOf(member(inBody, 'schema'))
  const common = form.length === 0 ? 'application/json' : formType(form)
  return {
    required: member(inBody, 'required') === true,
    description: nodes.shortText(member(inBody, 'description')) ?? '',
    kinds: oldKinds(nodes, oldTypes(spec, operation, 'consumes', common), schema, {
      exampleOf: (type) => oldExample(inBody, type),
      use: { sent: true, usual },
    }),
  }
}

/** In OpenAPI 2, one schema holds for all media types, which are those of the operation or else of the document. */
function oldKinds(
  nodes: Nodes,
  types: string[],
  schema: Schema,
  { exampleOf, use }: { exampleOf(type: string): unknown; use: Use },
): Kind[] {
  const shown = withoutExamples(schema)
  return types.map((type) => ({ type, schema: shown, example: exampleFor(nodes, type, schema, exampleOf(type), use) }))
}

function oldTypes(spec: unknown, operation: unknown, name: 'consumes' | 'produces', common: string): string[] {
  const types = listed(member(operation, name) ?? member(spec, name))
    .filter(isMediaType)
    .slice(0, MOST_KINDS)
  return types.length > 0 ? types : [common]
}

function formType(form: unknown[]): string {
  return form.some((node) => member(node, 'type') === 'file')
    ? 'multipart/form-data'
    : 'application/x-www-form-urlencoded'
}

function formSchema(nodes: Nodes, form: unknown[]): Schema {
  const fields = form.slice(0, MOST_FIELDS).flatMap((node) => {
    const name = textOf(member(node, 'name'), 100)
    if (name === undefined || name === '__proto__') return []
    const description = nodes.shortText(member(node, 'description'))
    return [[name, { ...nodes.schemaOf(withoutWords(node)), ...(description ? { description } : {}) }] as const]
  })
  const required = form.flatMap((node) => {
    const name = member(node, 'required') === true ? textOf(member(node, 'name'), 100) : undefined
    return name === undefined ? [] : [name]
  })
  return { type: 'object', properties: Object.fromEntries(fields), required }
}

export function responsesOf(spec: unknown, nodes: Nodes, operation: unknown): Response[] {
  const types = oldTypes(spec, operation, 'produces', 'application/json')
  return nodes
    .entriesOf(member(operation, 'responses'))
    .filter(([status]) => /^([1-5](\d\d|XX)|default)$/i.test(status))
    .slice(0, MOST_RESPONSES)
    .map(([status, at]) => {
      const response = nodes.follow(at)
      const schema = member(response, 'schema')
      const old = nodes.entriesOf(member(response, 'examples'))
      const kinds =
        schema === undefined
          ? kindsOf(nodes, member(response, 'content'), RECEIVED)
          : oldKinds(nodes, types, nodes.schemaOf(schema), {
              exampleOf: (type) => old.find(([name]) => name === type)?.[1],
              use: RECEIVED,
            })
      return { status, description: nodes.shortText(member(response, 'description')) ?? '', kinds }
    })
}

function kindsOf(nodes: Nodes, content: unknown, use: Use): Kind[] {
  return nodes
    .entriesOf(content)
    .filter(([type]) => isMediaType(type) && nodes.hasRoom(type.length))
    .slice(0, MOST_KINDS)
    .map(([type, media]) => {
      const schema = nodes.schemaOf(member(media, 'schema'))
      const given = member(media, 'example') ?? firstExample(nodes, member(media, 'examples'))
      return { type, schema: withoutExamples(schema), example: exampleFor(nodes, type, schema, given, use) }
    })
}

function exampleFor(nodes: Nodes, type: string, schema: Schema, given: unknown, { sent, usual }: Use): string {
  const json = /json/.test(type)
  const form = /x-www-form-urlencoded/.test(type)
  const own = json || form ? nodes.given(given, schema) : given
  const value = own ?? (json || form ? nodes.exampleOf(schema, sent, usual) : schema.examples?.[0])
  if (form && typeof (value ?? {}) === 'object') {
    const fields = nodes
      .entriesOf(value)
      .slice(0, MOST_FIELDS)
      .flatMap(([name, field]) => listed([field].flat()).map((each) => [name, each] as const))
      .filter(([, field]) => typeof field !== 'object')
    return nodes.exampleText(
      new URLSearchParams(fields.map(([name, field]) => [name, String(field).slice(0, 500)])).toString(),
    )
  }
  return value === undefined ? '' : nodes.exampleText(value)
}

/** `x-example`, or `x-examples` by media type, of a body parameter of OpenAPI 2. */
function oldExample(parameter: unknown, type: string): unknown {
  const examples = member(parameter, 'x-examples')
  return member(parameter, 'x-example') ?? member(examples, type) ?? member(examples, 'default')
}

/** The first that is in the document itself; what an `externalValue` names is not loaded. */
export function firstExample(nodes: Nodes, examples: unknown): unknown {
  return nodes
    .entriesOf(examples)
    .slice(0, MOST_EXAMPLES)
    .map(([, example]) => member(nodes.follow(example), 'value'))
    .find((value) => value !== undefined)
}

function isMediaType(type: unknown): type is string {
  return typeof type === 'string' && /^[\w.+-]{1,60}\/[\w.+*-]{1,80}(;\s*[\w-]{1,30}=[\w."-]{1,60})?$/.test(type)
}
