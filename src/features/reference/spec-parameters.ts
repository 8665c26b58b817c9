import { member, textOf } from '../../clients/threescale/spec.js'
import { foldedName, type PathTemplate, placeholdersIn } from '../../model-calls/path-templates.js'
import { firstExample } from './bodies.js'
import type { Parameter, Scheme } from './shapes.js'
import { isCredential, isLikelyCredential } from './spec-credentials.js'
import { type Nodes, withoutWords } from './spec-nodes.js'
import { withoutExamples } from './spec-schemas.js'

const MOST_PARAMETERS = 50

/** Parameters of one operation, those of its path in any case; without those that carry the credential. */
export function parametersOf(nodes: Nodes, template: PathTemplate, schemes: Scheme[], given: unknown[]): Parameter[] {
  const names = placeholdersIn(template.path)
  const parameters = new Map<string, Parameter>()
  for (const node of given.slice(0, MOST_PARAMETERS)) {
    if (isCredential(node)) continue
    const parameter = parameterOf(nodes, node)
    if (!parameter || schemes.some((scheme) => carries(scheme, parameter))) continue
    const placed = parameter.in === 'path' ? inPath(parameter, template, names) : parameter
    const key = placed && `${placed.in} ${placed.name}`
    if (placed && key && !parameters.has(key)) parameters.set(key, placed)
  }
  for (const name of names) {
    const key = `path ${name}`
    if (!parameters.has(key)) parameters.set(key, { ...plain(name), ...ofPath(name, template) })
  }
  return [...parameters.values()]
}

/** The parameter under the name that the path has; undefined where the path has none. `${MODEL_NAME}` may be declared `model_name`. */
function inPath(parameter: Parameter, template: PathTemplate, names: string[]): Parameter | undefined {
  const folded = foldedName(parameter.name)
  const name = names.find((each) => each === parameter.name) ?? names.find((each) => foldedName(each) === folded)
  return name === undefined ? undefined : { ...parameter, name, ...ofPath(name, template) }
}

function ofPath(name: string, { wide, optional }: PathTemplate): Pick<Parameter, 'in' | 'required' | 'wide'> {
  return { in: 'path', required: !optional.includes(name), ...(wide.includes(name) ? { wide: true } : {}) }
}

/** Documents declare a credential as security and once more as a parameter. */
function carries({ kind, name }: Scheme, { in: place, name: own }: Parameter): boolean {
  if (kind === 'header') return place === 'header' && own.toLowerCase() === name.toLowerCase()
  return kind === 'query' && place === 'query' && own === name
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
  const given = [
    member(node, 'example'),
    firstExample(nodes, member(node, 'examples')),
    member(node, 'x-example'),
    schema.examples?.[0],
    schema.default,
    place === 'path' ? schema.enum?.[0] : undefined,
  ]
  const value = given.map((each) => nodes.given(each, schema)).find((each) => each !== undefined)
  return {
    ...plain(name),
    in: place,
    required: place === 'path' || (member(node, 'required') === true && !isLikelyCredential(name, place)),
    description: nodes.shortText(member(node, 'description')) ?? '',
    schema: withoutExamples(schema),
    example: value === undefined ? '' : nodes.exampleText(asTyped(value)).slice(0, 500),
    repeats: schema.items !== undefined && member(node, 'explode') !== false && member(node, 'type') === undefined,
  }
}

/** A list as it is typed into a field: several values with commas. */
function asTyped(value: unknown): unknown {
  const isPlain = (each: unknown) => typeof each !== 'object' || each === null
  return Array.isArray(value) && value.length <= 100 && value.every(isPlain) ? value.map(String).join(',') : value
}
