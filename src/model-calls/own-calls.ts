import { templateOf } from '../clients/threescale/patterns.js'
import type { JsonBody } from './body-formats.js'
import { type CallPath, placeholdersOf, type Rule, withIdInPlace } from './call-paths.js'
import { exampleOf } from './example-bodies.js'
import type { CallableModel, ExampleCall } from './example-calls.js'
import { typedEndpointAt, usualEndpointOf } from './openai-endpoints.js'
import { otherBodyAt } from './other-calls.js'

/** The call of a custom service: to the first path that takes a POST, one without placeholders if there is one. */
export function unknownCall(model: CallableModel, body: JsonBody | undefined): ExampleCall {
  const rule = firstRuleOf(model)
  const post = rule?.method === 'GET' ? undefined : rule
  const { path: template, query } = rule ? partsOf(rule) : { path: '/', query: [] }
  const path = withIdInPlace(template, statedIdOf(model))
  const known = post ? knownAt(path) : undefined
  return {
    method: post ? 'POST' : 'GET',
    ...addressOf(model, path, query),
    base: model.base_url,
    body: post ? (body ?? known?.body ?? { input: 'Hello' }) : undefined,
    format: undefined,
    usual: false,
    takesModel: post !== undefined && (known?.takesModel ?? model.type !== 'custom'),
    placeholders: placeholdersOf({ path, query }),
  }
}

/** The first rule that takes a POST, else the first that takes a GET. */
function firstRuleOf({ paths }: CallableModel): Rule | undefined {
  const plainFirst = [...paths].sort((one, other) => doubtsOf(one) - doubtsOf(other))
  const post = plainFirst.find(({ method }) => method === 'POST' || method === 'ANY')
  return post ?? plainFirst.find(({ method }) => method === 'GET')
}

/** The id that the operator states. */
function statedIdOf({ model_id, sources }: CallableModel): string | undefined {
  return sources?.model_id === 'portal_config' ? (model_id ?? undefined) : undefined
}

function knownAt(path: string): { body: JsonBody; takesModel: boolean } | undefined {
  const endpoint = typedEndpointAt(path)
  const format = endpoint?.formats?.[0]
  if (!endpoint || !format || endpoint.upload) return otherBodyAt(path)
  return { body: exampleOf(endpoint, format), takesModel: format.withoutModel !== true }
}

/** The root says least about what a service takes. A path with placeholders comes before it, since it can be filled in. */
function doubtsOf({ pattern }: Rule): number {
  const { path } = templateOf(pattern)
  return path === '/' ? 2 : pattern.includes('{') ? 1 : 0
}

function partsOf({ pattern }: Rule): Pick<CallPath, 'path' | 'query'> {
  const { path, parameters } = templateOf(pattern)
  return { path, query: parameters }
}

/**
 * A model whose type is stated at an address that names no call of it, such as `/serving-endpoints/llama/invocations`: the
 * usual request of that type is sent there.
 */
export function statedCall(model: CallableModel): CallPath | undefined {
  const endpoint = usualEndpointOf(model.type)
  const format = endpoint?.formats?.[0]
  const rule = firstRuleOf(model)
  if (!endpoint || !format || !rule || rule.method === 'GET') return undefined
  const { path: template, query } = partsOf(rule)
  const path = withIdInPlace(template, statedIdOf(model))
  return path === '/' || knownAt(path) !== undefined ? undefined : { endpoint, format, path, query }
}

/** The address of a call, in the parts that clients take it in. */
export function addressOf({ endpoint }: CallableModel, path: string, query: CallPath['query']) {
  const search =
    query.length > 0 ? `?${query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&')}` : ''
  return { path: path + search, url: endpoint + path + search, address: endpoint + path, query }
}

/** Placeholders stay readable, so that the reader of the address sees what to fill in. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('%7B', '{').replaceAll('%7D', '}')
}
