import { followed, member } from '../clients/threescale/spec.js'
import type { FormatName } from './body-formats.js'
import { endpointAt } from './openai-endpoints.js'

/** schemas that one body is put together of */
const MOST_SCHEMAS = 40
const MOST_MEMBERS = 200

/**
 * The form of the body that a document describes for a call whose servers disagree: `texts` of `POST /rerank` is TEI's.
 * Undefined for other calls, or where it does not say.
 */
export function formatIn(spec: unknown, path: string, operation: unknown): FormatName | undefined {
  const formats = endpointAt('POST', path)?.formats ?? []
  if (formats.length < 2) return undefined
  const members = membersOf(spec, bodySchemaOf(spec, operation))
  return formats.find(({ mark }) => members.has(mark))?.name
}

/** OpenAPI 3 `requestBody`, Swagger 2 body parameter. */
function bodySchemaOf(spec: unknown, operation: unknown): unknown {
  const content = member(followed(spec, member(operation, 'requestBody')), 'content')
  const parameters = member(operation, 'parameters')
  if (typeof content === 'object' && content !== null)
    return member(Object.entries(content).find(([type]) => /json/i.test(type))?.[1], 'schema')
  const given = Array.isArray(parameters) ? parameters.slice(0, MOST_MEMBERS).map((each) => followed(spec, each)) : []
  const body = given.find((each) => member(each, 'in') === 'body')
  return member(body, 'schema')
}

/** Names of the members of a schema, with those of what it refers to and is put together of. */
function membersOf(spec: unknown, schema: unknown): Set<string> {
  const names = new Set<string>()
  const waiting = [schema]
  for (let seen = 0; waiting.length > 0 && seen < MOST_SCHEMAS; seen++) {
    const next = waiting.pop()
    if (member(next, '$ref') !== undefined) waiting.push(followed(spec, next))
    for (const part of ['allOf', 'anyOf', 'oneOf']) {
      const parts = member(next, part)
      if (Array.isArray(parts)) waiting.push(...parts.slice(0, MOST_SCHEMAS))
    }
    const properties = member(next, 'properties')
    if (typeof properties !== 'object' || properties === null) continue
    for (const name of Object.keys(properties).slice(0, MOST_MEMBERS)) names.add(name)
  }
  return names
}
