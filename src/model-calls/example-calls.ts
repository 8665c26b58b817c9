import { templateOf } from '../clients/threescale/patterns.js'
import { type CallPath, callPathOf, modelListPathOf, placeholdersOf, type Rule } from './call-paths.js'
import { type Endpoint, type JsonBody, type ModelType, usualEndpointOf } from './openai-endpoints.js'

/** What is read of a model of the catalogue to call it. */
export interface CallableModel {
  type: ModelType
  /** public address, without a trailing slash */
  endpoint: string
  base_url: string
  paths: (Rule & { path: string })[]
}

/** The smallest call that shows what a model of its type does. */
export interface ExampleCall extends Pick<Endpoint, 'sdk' | 'upload' | 'file'> {
  method: 'GET' | 'POST'
  /** below the endpoint, with the query that the mapping rule requires */
  path: string
  /** the whole address */
  url: string
  /** the whole address without its query, for clients that take the two apart */
  address: string
  query: CallPath['query']
  /** base URL of an OpenAI client for this call */
  base: string
  /** without the model id */
  body: JsonBody | undefined
  /** true: OpenAI clients make this call from the base URL alone; else they post to the whole address */
  usual: boolean
  /** true: the call takes the id of the model */
  takesModel: boolean
  /** parts of the address that the caller fills in: `{deployment}` */
  placeholders: string[]
}

/** The call of a model's type as its mapping rules let it through. `body` replaces the example. */
export function callOf(model: CallableModel, body?: JsonBody): ExampleCall {
  const found = callPathOf(model.type, basePathIn(model), model.paths)
  if (!found) return unknownCall(model, body)
  const { endpoint, path, query } = found
  const { sdk, upload, file, example, withoutModel } = endpoint
  const placeholders = placeholdersOf(found)
  return {
    sdk,
    upload,
    file,
    method: 'POST',
    ...addressOf(model, path, query),
    base: model.base_url,
    body: body ?? example,
    usual: endpoint === usualEndpointOf(model.type) && query.length === 0 && placeholders.length === 0,
    takesModel: !withoutModel,
    placeholders,
  }
}

/** The same call with as short a body as shows that it works; undefined where only a service's own words would do. */
export function testCallOf(model: CallableModel): { path: string; body: JsonBody; takesModel: boolean } | undefined {
  const found = callPathOf(model.type, basePathIn(model), model.paths)
  if (!found || found.endpoint.upload || placeholdersOf(found).length > 0) return undefined
  const { path } = addressOf(model, found.path, found.query)
  const { example, brief, withoutModel } = found.endpoint
  return { path, body: { ...example, ...brief }, takesModel: !withoutModel }
}

/** Path below the endpoint where the model server lists its models; undefined where no mapping rule lets that through. */
export function modelListPath(model: CallableModel): string | undefined {
  return modelListPathOf(model.type, basePathIn(model), model.paths)
}

/**
 * How code comes by the id of the model: it is `known`, the code asks for the `listed` ones, the caller fills it in (`open`:
 * no rule lets a request for the list through), or the call takes `none`.
 */
export function modelIdOrigin(
  model: CallableModel & { model_id: string | null },
): 'known' | 'listed' | 'open' | 'none' {
  if (!callOf(model).takesModel) return 'none'
  if (model.model_id !== null) return 'known'
  return modelListPath(model) === undefined ? 'open' : 'listed'
}

const INPUT = new Set(['messages', 'prompt', 'input', 'stream', 'stream_options', 'encoding_format'])

/** Members of the body other than the input: temperature, max_tokens and so on. */
export function parametersOf({ body = {} }: Pick<ExampleCall, 'body'>): [name: string, value: unknown][] {
  return Object.entries(body).filter(([name]) => !INPUT.has(name))
}

function basePathIn({ endpoint, base_url }: CallableModel): string {
  return base_url.slice(endpoint.length)
}

function addressOf({ endpoint }: CallableModel, path: string, query: CallPath['query']) {
  const search =
    query.length > 0 ? `?${query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&')}` : ''
  return { path: path + search, url: endpoint + path + search, address: endpoint + path, query }
}

/** Placeholders stay readable, so that whoever copies the address sees what to fill in. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('%7B', '{').replaceAll('%7D', '}')
}

/** A service of its own kind: something is sent to the first path that takes it, one without parts to fill in if there is. */
function unknownCall(model: CallableModel, body: JsonBody | undefined): ExampleCall {
  const plainFirst = [...model.paths].sort((one, other) => doubtsOf(one) - doubtsOf(other))
  const post = plainFirst.find(({ method }) => method === 'POST' || method === 'ANY')
  const rule = post ?? plainFirst.find(({ method }) => method === 'GET')
  const { path, query } = rule ? partsOf(rule) : { path: '/', query: [] }
  return {
    method: post ? 'POST' : 'GET',
    ...addressOf(model, path, query),
    base: model.base_url,
    body: post ? (body ?? { input: 'Hello' }) : undefined,
    usual: false,
    takesModel: post !== undefined && model.type !== 'custom',
    placeholders: placeholdersOf({ path, query }),
  }
}

/** The root says least of what a service takes; parts to fill in come before it, since code with them is worth completing. */
function doubtsOf({ pattern }: Rule): number {
  const { path } = templateOf(pattern)
  return path === '/' ? 2 : pattern.includes('{') ? 1 : 0
}

function partsOf({ pattern }: Rule): Pick<CallPath, 'path' | 'query'> {
  const { path, parameters } = templateOf(pattern)
  return { path, query: parameters }
}
