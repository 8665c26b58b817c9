import { boundedText, memberOf } from '../../../clients/threescale/specs/spec.js'
import { normalizeName, type PathTemplate, placeholderNames } from '../../../model-calls/paths/path-templates.js'
import type { OpenApiSchema } from '../../../web/api/openapi/types.js'
import type { OperationParameter, SecurityScheme } from '../reference-types.js'
import { firstExample } from './bodies.js'
import { isLikelyCredential } from './credential-parameters.js'
import { withoutExamples } from './schema-normalization.js'
import { type SchemaReader, schemaMembersOf } from './schema-reader.js'

const MAX_PARAMETERS = 50

/** The parameters of one operation, including all of its path, without those that carry the credential. */
export function parametersOf(
  nodes: SchemaReader,
  template: PathTemplate,
  schemes: SecurityScheme[],
  declared: unknown[],
): OperationParameter[] {
  const names = placeholderNames(template.path)
  const parameters = new Map<string, OperationParameter>()
  for (const node of declared.slice(0, MAX_PARAMETERS)) {
    if (nodes.carriesCredential(node)) continue
    for (const parameter of parametersIn(nodes, node)) {
      if (schemes.some((scheme) => isSecurityScheme(scheme, parameter))) continue
      const resolved = parameter.in === 'path' ? inPath(parameter, template, names) : parameter
      const key = resolved && `${resolved.in} ${resolved.name}`
      if (resolved && key && !parameters.has(key)) parameters.set(key, resolved)
    }
  }
  for (const name of names) {
    const key = `path ${name}`
    if (!parameters.has(key)) parameters.set(key, { ...emptyParameter(name), ...ofPath(name, template) })
  }
  return [...parameters.values()]
}

/** The parameter under its name in the path; undefined if the path has none. `${MODEL_NAME}` can be declared as `model_name`. */
function inPath(
  parameter: OperationParameter,
  template: PathTemplate,
  names: string[],
): OperationParameter | undefined {
  const folded = normalizeName(parameter.name)
  const name = names.find((each) => each === parameter.name) ?? names.find((each) => normalizeName(each) === folded)
  return name === undefined ? undefined : { ...parameter, name, ...ofPath(name, template) }
}

function ofPath(
  name: string,
  { wide, optional }: PathTemplate,
): Pick<OperationParameter, 'in' | 'required' | 'multiSegment'> {
  return { in: 'path', required: !optional.includes(name), ...(wide.includes(name) ? { multiSegment: true } : {}) }
}

/** Documents often declare a credential both as a security scheme and as a parameter. */
function isSecurityScheme({ kind, name }: SecurityScheme, { in: location, name: own }: OperationParameter): boolean {
  if (kind === 'header') return location === 'header' && own.toLowerCase() === name.toLowerCase()
  return kind === 'query' && location === 'query' && own === name
}

function emptyParameter(name: string): OperationParameter {
  return {
    name,
    in: 'query',
    required: false,
    description: '',
    schema: { type: 'string' },
    example: '',
    repeatable: false,
  }
}

/** Usually one parameter; for an object in the query, one for each member, unless it is sent as one value. */
function parametersIn(nodes: SchemaReader, node: unknown): OperationParameter[] {
  const name = boundedText(memberOf(node, 'name'), 100)
  const location = (['path', 'query', 'header', 'cookie'] as const).find((each) => each === memberOf(node, 'in'))
  if (name === undefined || location === undefined || !nodes.hasRoom(name.length)) return []
  // In OpenAPI 2, the parameter itself contains the members of the schema.
  const content = nodes.entriesOf(memberOf(node, 'content'))[0]?.[1]
  const schema = nodes.schemaOf(memberOf(node, 'schema') ?? memberOf(content, 'schema') ?? schemaMembersOf(node))
  const examples = [
    ...[node, content].flatMap((each) => [memberOf(each, 'example'), firstExample(nodes, memberOf(each, 'examples'))]),
    memberOf(node, 'x-example'),
    schema.examples?.[0],
    schema.default,
    location === 'path' ? schema.enum?.[0] : undefined,
  ]
  const value = examples.map((each) => nodes.fitExample(each, schema)).find((each) => each !== undefined)
  const members = content === undefined && location === 'query' ? membersIn(nodes, node, name, schema, value) : []
  if (members.length > 0) return members
  const parameter: OperationParameter = {
    ...emptyParameter(name),
    in: location,
    required: location === 'path' || (memberOf(node, 'required') === true && !isLikelyCredential(name, location)),
    description: nodes.shortText(memberOf(node, 'description')) ?? '',
    schema: withoutExamples(schema),
    example: value === undefined ? '' : fieldText(nodes, content === undefined ? joined(node, value) : value),
    repeatable:
      schema.items !== undefined && memberOf(node, 'explode') !== false && memberOf(node, 'type') === undefined,
  }
  return [parameter]
}

/** `color[red]` in the style `deepObject`, `red` in the usual one (OpenAPI 3.1, Style Values). */
function membersIn(
  nodes: SchemaReader,
  node: unknown,
  name: string,
  schema: OpenApiSchema,
  value: unknown,
): OperationParameter[] {
  const style = memberOf(node, 'style') ?? 'form'
  if (style !== 'deepObject' && (style !== 'form' || memberOf(node, 'explode') === false)) return []
  return Object.entries(schema.properties ?? {}).map(([inner, of]) => {
    const shown = memberOf(value, inner) ?? nodes.fitExample(of.examples?.[0] ?? of.default, of)
    return {
      ...emptyParameter(style === 'form' ? inner : `${name}[${inner}]`),
      required: memberOf(node, 'required') === true && schema.required?.includes(inner) === true,
      description: of.description ?? '',
      schema: withoutExamples(of),
      example: shown === undefined ? '' : fieldText(nodes, shown),
    }
  })
}

/** As entered in a single-line field: without line breaks in JSON. */
function fieldText(nodes: SchemaReader, value: unknown): string {
  const text = nodes.exampleText(toFieldText(value))
  return (/^[[{]/.test(text) ? text.replace(/\n */g, '') : text).slice(0, 500)
}

/** Names and values of an object; items of a list separated by bars or spaces if the style requires it. */
function joined(node: unknown, value: unknown): unknown {
  const style = memberOf(node, 'style')
  const separator = style === 'pipeDelimited' ? '|' : style === 'spaceDelimited' ? ' ' : ''
  if (Array.isArray(value)) return separator !== '' && isShort(value) ? value.map(String).join(separator) : value
  if (typeof value !== 'object' || value === null || style === 'deepObject') return value
  return Object.entries(value).flat()
}

/** A list as entered in a field, separated by commas. */
function toFieldText(value: unknown): unknown {
  return Array.isArray(value) && isShort(value) ? value.map(String).join(',') : value
}

function isShort(list: unknown[]): boolean {
  return list.length <= 100 && list.every((each) => typeof each !== 'object' || each === null)
}
