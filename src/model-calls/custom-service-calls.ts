import { patternTemplate } from '../clients/threescale/tenant-rules/mapping-rules.js'
import type { JsonBody } from './body-formats.js'
import { exampleBody } from './example-bodies.js'
import type { CallableModel, ExampleCall } from './example-calls.js'
import { defaultEndpoint, findTypedEndpoint } from './openai-endpoints.js'
import { findOtherBody } from './other-endpoints.js'
import { type CallRoute, type CallRule, fillInModelId, findPlaceholders } from './paths/call-paths.js'

/** The call of a custom service: the first path that allows POST, preferably one without placeholders. */
export function customServiceCall(model: CallableModel, body: JsonBody | undefined): ExampleCall {
  const rule = firstRuleOf(model)
  const post = rule?.method === 'GET' ? undefined : rule
  const { path: template, query } = rule ? partsOf(rule) : { path: '/', query: [] }
  const path = fillInModelId(template, statedIdOf(model))
  const known = post ? knownAt(path) : undefined
  return {
    method: post ? 'POST' : 'GET',
    ...buildAddress(model, path, query),
    base: model.base_url,
    body: post ? (body ?? known?.body ?? { input: 'Hello' }) : undefined,
    format: undefined,
    usual: false,
    takesModel: post !== undefined && (known?.takesModel ?? model.type !== 'custom'),
    placeholders: findPlaceholders({ path, query }),
  }
}

/** The first rule that allows POST, else the first that allows GET. */
function firstRuleOf({ paths }: CallableModel): CallRule | undefined {
  const plainFirst = [...paths].sort((one, other) => doubtsOf(one) - doubtsOf(other))
  const post = plainFirst.find(({ method }) => method === 'POST' || method === 'ANY')
  return post ?? plainFirst.find(({ method }) => method === 'GET')
}

/** The model id in PORTAL_CONFIG. */
function statedIdOf({ model_id, sources }: CallableModel): string | undefined {
  return sources?.model_id === 'portal_config' ? (model_id ?? undefined) : undefined
}

function knownAt(path: string): { body: JsonBody; takesModel: boolean } | undefined {
  const endpoint = findTypedEndpoint(path)
  const format = endpoint?.formats?.[0]
  if (!endpoint || !format || endpoint.upload) return findOtherBody(path)
  return { body: exampleBody(endpoint, format), takesModel: format.withoutModel !== true }
}

/** The root describes a service the least. A path with placeholders is better, because the caller can replace them. */
function doubtsOf({ pattern }: CallRule): number {
  const { path } = patternTemplate(pattern)
  return path === '/' ? 2 : pattern.includes('{') ? 1 : 0
}

function partsOf({ pattern }: CallRule): Pick<CallRoute, 'path' | 'query'> {
  const { path, parameters } = patternTemplate(pattern)
  return { path, query: parameters }
}

/**
 * The default request of a configured model type, for a path that matches no endpoint, such as
 * `/serving-endpoints/llama/invocations`.
 */
export function configuredCall(model: CallableModel): CallRoute | undefined {
  const endpoint = defaultEndpoint(model.type)
  const format = endpoint?.formats?.[0]
  const rule = firstRuleOf(model)
  if (!endpoint || !format || !rule || rule.method === 'GET') return undefined
  const { path: template, query } = partsOf(rule)
  const path = fillInModelId(template, statedIdOf(model))
  return path === '/' || knownAt(path) !== undefined ? undefined : { endpoint, format, path, query }
}

/** The URL of a call, in the parts that clients use. */
export function buildAddress({ endpoint }: CallableModel, path: string, query: CallRoute['query']) {
  const search =
    query.length > 0 ? `?${query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&')}` : ''
  return { path: path + search, url: endpoint + path + search, address: endpoint + path, query }
}

/** Keeps the braces of placeholders, so that the reader recognizes what to replace. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('%7B', '{').replaceAll('%7D', '}')
}
