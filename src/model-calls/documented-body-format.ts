import { memberOf, resolveReference } from '../clients/threescale/specs/spec.js'
import type { FormatName } from './body-formats.js'
import { findEndpoint } from './openai-endpoints.js'

/** Maximum number of schemas that a body combines. */
const MAX_SCHEMAS = 40
const MAX_MEMBERS = 200

/**
 * The body format in an API document, for calls whose servers differ: `texts` in `POST /rerank` identifies TEI. Undefined for
 * other calls, or if the document does not describe the body.
 */
export function documentedBodyFormat(spec: unknown, path: string, operation: unknown): FormatName | undefined {
  const formats = findEndpoint('POST', path)?.formats ?? []
  if (formats.length < 2) return undefined
  const members = membersOf(spec, bodySchemaOf(spec, operation))
  return formats.find(({ mark }) => members.has(mark))?.name
}

/** OpenAPI 3 `requestBody`, Swagger 2 body parameter. */
function bodySchemaOf(spec: unknown, operation: unknown): unknown {
  const content = memberOf(resolveReference(spec, memberOf(operation, 'requestBody')), 'content')
  const parameters = memberOf(operation, 'parameters')
  if (typeof content === 'object' && content !== null)
    return memberOf(Object.entries(content).find(([type]) => /json/i.test(type))?.[1], 'schema')
  const given = Array.isArray(parameters)
    ? parameters.slice(0, MAX_MEMBERS).map((each) => resolveReference(spec, each))
    : []
  const body = given.find((each) => memberOf(each, 'in') === 'body')
  return memberOf(body, 'schema')
}

/** Names of the members of a schema, including referenced and combined schemas. */
function membersOf(spec: unknown, schema: unknown): Set<string> {
  const names = new Set<string>()
  const queue = [schema]
  for (let seen = 0; queue.length > 0 && seen < MAX_SCHEMAS; seen++) {
    const next = queue.pop()
    if (memberOf(next, '$ref') !== undefined) queue.push(resolveReference(spec, next))
    for (const part of ['allOf', 'anyOf', 'oneOf']) {
      const parts = memberOf(next, part)
      if (Array.isArray(parts)) queue.push(...parts.slice(0, MAX_SCHEMAS))
    }
    const properties = memberOf(next, 'properties')
    if (typeof properties !== 'object' || properties === null) continue
    for (const name of Object.keys(properties).slice(0, MAX_MEMBERS)) names.add(name)
  }
  return names
}
