import { member, textOf } from '../../clients/threescale/spec.js'
import { bodyOf, firstExample, responsesOf } from './bodies.js'
import { baseOf, schemesOf, serversOf } from './claims.js'
import { nameOperations, type Operation, type Parameter, type Reference } from './shapes.js'
import { createNodes, listed, type Nodes, withoutExamples, withoutWords } from './spec-nodes.js'

const verbs = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const
const MOST_OPERATIONS = 100
const MOST_PARAMETERS = 50
const LONGEST_WORDS = 4000

type Unnamed = Omit<Operation, 'id'>

/** An operation as the document has it. */
interface Found {
  verb: string
  path: string
  item: unknown
  operation: object
}

/** An uploaded spec, OpenAPI 2, 3.0 or 3.1, as far as it can be understood; undefined where it names no operation. */
export function referenceOf(spec: Record<string, unknown>): Reference | undefined {
  const nodes = createNodes(spec)
  const info = member(spec, 'info')
  const paths = nodes.entriesOf(member(spec, 'paths'))
  const good = paths.filter(([path]) => /^\/[^?#\\\s]*$/.test(path))
  const found = good.slice(0, MOST_OPERATIONS * 5).flatMap(([path, item]) => operationsAt(nodes, path, item))
  if (found.length === 0) return undefined
  const description = words(nodes, member(info, 'description'), 20_000)
  const operations = found.slice(0, MOST_OPERATIONS).map((each) => operationOf(spec, nodes, each))
  return {
    uploaded: true,
    title: textOf(member(info, 'title'), 200) ?? '',
    version: textOf(member(info, 'version'), 40) ?? '',
    description,
    servers: serversOf(spec),
    schemes: schemesOf(spec, nodes),
    operations: nameOperations(operations),
    notes: [
      ...(found.length > MOST_OPERATIONS
        ? [`The first ${MOST_OPERATIONS} of ${found.length} operations are shown.`]
        : []),
      ...(good.length < paths.length ? ['Some paths of the spec cannot be called and are left out.'] : []),
      ...(nodes.outside() ? ['Parts of the spec lie in other documents, which are not loaded.'] : []),
      ...(nodes.exhausted() ? ['The spec is very large, so some of its fields are left out.'] : []),
    ],
  }
}

function operationsAt(nodes: Nodes, path: string, at: unknown): Found[] {
  const item = nodes.follow(at)
  return verbs.flatMap((verb) => {
    const operation = nodes.follow(member(item, verb))
    return typeof operation === 'object' && operation !== null ? [{ verb, path, item, operation }] : []
  })
}

function operationOf(spec: unknown, nodes: Nodes, { verb, path, item, operation }: Found): Unnamed {
  const given = [...listed(member(operation, 'parameters')), ...listed(member(item, 'parameters'))].map(nodes.follow)
  return {
    method: verb.toUpperCase(),
    path,
    base: baseOf(spec, item, operation),
    tag: textOf(listed(member(operation, 'tags'))[0], 80) ?? '',
    summary: nodes.shortText(member(operation, 'summary'), 200) ?? '',
    description: words(nodes, member(operation, 'description'), LONGEST_WORDS),
    deprecated: member(operation, 'deprecated') === true,
    parameters: parametersOf(nodes, path, given),
    body: bodyOf(spec, nodes, operation, given),
    responses: responsesOf(spec, nodes, operation),
  }
}

function parametersOf(nodes: Nodes, path: string, given: unknown[]): Parameter[] {
  const parameters = new Map<string, Parameter>()
  for (const node of given.slice(0, MOST_PARAMETERS)) {
    const parameter = parameterOf(nodes, node)
    const key = parameter && `${parameter.in} ${parameter.name}`
    if (parameter && key && !parameters.has(key)) parameters.set(key, parameter)
  }
  for (const [, name = ''] of path.matchAll(/\{([^{}/]+)\}/g)) {
    const key = `path ${name}`
    if (!parameters.has(key)) parameters.set(key, { ...plain(name), in: 'path', required: true })
  }
  return [...parameters.values()].filter((parameter) => parameter.in !== 'path' || path.includes(`{${parameter.name}}`))
}

function plain(name: string): Parameter {
  return {
    name,
    in: 'query',
    required: false,
    description: '',
    schema: { type: 'string' },
    example: '',
    repeats: false,
  }
}

function parameterOf(nodes: Nodes, node: unknown): Parameter | undefined {
  const name = textOf(member(node, 'name'), 100)
  const place = (['path', 'query', 'header', 'cookie'] as const).find((each) => each === member(node, 'in'))
  if (name === undefined || place === undefined || !nodes.hasRoom(name.length)) return undefined
  // OpenAPI 2 has the schema's members in the parameter itself
  const content = nodes.entriesOf(member(node, 'content'))[0]?.[1]
  const schema = nodes.schemaOf(member(node, 'schema') ?? member(content, 'schema') ?? withoutWords(node))
  const given = member(node, 'example') ?? firstExample(nodes, member(node, 'examples')) ?? member(node, 'x-example')
  const value = given ?? schema.examples?.[0] ?? schema.default ?? (place === 'path' ? schema.enum?.[0] : undefined)
  return {
    ...plain(name),
    in: place,
    required: place === 'path' || member(node, 'required') === true,
    description: nodes.shortText(member(node, 'description')) ?? '',
    schema: withoutExamples(schema),
    example: value === undefined ? '' : nodes.exampleText(value).slice(0, 500),
    repeats: schema.items !== undefined && member(node, 'explode') !== false && member(node, 'type') === undefined,
  }
}

function words(nodes: Nodes, value: unknown, longest: number): string {
  if (typeof value !== 'string') return ''
  return nodes.kept(value.length > longest ? `${value.slice(0, longest)}…` : value)
}
