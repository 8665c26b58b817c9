import { member, textOf } from '../../clients/threescale/spec.js'
import { foldedName, type PathTemplate, placeholdersIn } from '../../model-calls/path-templates.js'
import type { Schema } from '../../web/openapi/shapes.js'
import { firstExample } from './bodies.js'
import type { Parameter, Scheme } from './shapes.js'
import { isLikelyCredential } from './spec-credentials.js'
import { type Nodes, withoutWords } from './spec-nodes.js'
import { withoutExamples } from './spec-schemas.js'

const MOST_PARAMETERS = 50

/** Parameters of one operation, always with those of its path; without those that carry the credential. */
export function parametersOf(nodes: Nodes, template: PathTemplate, schemes: Scheme[], given: unknown[]): Parameter[] {
  const names = placeholdersIn(template.path)
  const parameters = new Map<string, Parameter>()
  for (const node of given.slice(0, MOST_PARAMETERS)) {
    if (nodes.carriesCredential(node)) continue
    for (const parameter of parametersIn(nodes, node)) {
      if (schemes.some((scheme) => carries(scheme, parameter))) continue
      const placed = parameter.in === 'path' ? inPath(parameter, template, names) : parameter
      const key = placed && `${placed.in} ${placed.name}`
      if (placed && key && !parameters.has(key)) parameters.set(key, placed)
    }
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

/** Usually one; of an object in the query each member, unless it is sent as one text. */
function parametersIn(nodes: Nodes, node: unknown): Parameter[] {
  const name = textOf(member(node, 'name'), 100)
  const place = (['path', 'query', 'header', 'cookie'] as const).find((each) => each === member(node, 'in'))
  if (name === undefined || place === undefined || !nodes.hasRoom(name.length)) return []
  // OpenAPI 2 has the schema's members in the parameter itself
  const content = nodes.entriesOf(member(node, 'content'))[0]?.[1]
  const schema = nodes.schemaOf(member(node, 'schema') ?? member(content, 'schema') ?? withoutWords(node))
  const given = [
    ...[node, content].flatMap((each) => [member(each, 'example'), firstExample(nodes, member(each, 'examples'))]),
    member(node, 'x-example'),
    schema.examples?.[0],
    schema.default,
    place === 'path' ? schema.enum?.[0] : undefined,
  ]
  const value = given.map((each) => nodes.given(each, schema)).find((each) => each !== undefined)
  const members = content === undefined && place === 'query' ? membersIn(nodes, node, name, schema, value) : []
  if (members.length > 0) return members
  const parameter: Parameter = {
    ...plain(name),
    in: place,
    required: place === 'path' || (member(node, 'required') === true && !isLikelyCredential(name, place)),
    description: nodes.shortText(member(node, 'description')) ?? '',
    schema: withoutExamples(schema),
    example: value === undefined ? '' : textIn(nodes, content === undefined ? joined(node, value) : value),
    repeats: schema.items !== undefined && member(node, 'explode') !== false && member(node, 'type') === undefined,
  }
  return [parameter]
}

/** `color[red]` in the style `deepObject`, `red` in the usual one (OpenAPI 3.1, Style Values). */
function membersIn(nodes: Nodes, node: unknown, name: string, schema: Schema, value: unknown): Parameter[] {
  const style = member(node, 'style') ?? 'form'
  if (style !== 'deepObject' && (style !== 'form' || member(node, 'explode') === false)) return []
  return Object.entries(schema.properties ?? {}).map(([inner, of]) => {
    const shown = member(value, inner) ?? nodes.given(of.examples?.[0] ?? of.default, of)
    return {
      ...plain(style === 'form' ? inner : `${name}[${inner}]`),
      required: member(node, 'required') === true && schema.required?.includes(inner) === true,
      description: of.description ?? '',
      schema: withoutExamples(of),
      example: shown === undefined ? '' : textIn(nodes, shown),
    }
  })
}

/** As it is typed into a field of one line, which would lose the line ends of JSON. */
function textIn(nodes: Nodes, value: unknown): string {
  const text = nodes.exampleText(asTyped(value))
  return (/^[[{]/.test(text) ? text.replace(/\n */g, '') : text).slice(0, 500)
}

/** Names and values of an object, and items between bars or spaces where the style says so. */
function joined(node: unknown, value: unknown): unknown {
  const style = member(node, 'style')
  const separator = style === 'pipeDelimited' ? '|' : style === 'spaceDelimited' ? ' ' : ''
  if (Array.isArray(value)) return separator !== '' && isShort(value) ? value.map(String).join(separator) : value
  if (typeof value !== 'object' || value === null || style === 'deepObject') return value
  return Object.entries(value).flat()
}

/** A list as it is typed into a field: several values with commas. */
function asTyped(value: unknown): unknown {
  return Array.isArray(value) && isShort(value) ? value.map(String).join(',') : value
}

function isShort(list: unknown[]): boolean {
  return list.length <= 100 && list.every((each) => typeof each !== 'object' || each === null)
}
