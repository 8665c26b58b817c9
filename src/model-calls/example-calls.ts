import type { BodyFormat, Content, FormatName, JsonBody } from './body-formats.js'
import {
  type CallPath,
  callPathOf,
  modelListPathOf,
  nativeInfoPathsOf,
  placeholdersOf,
  type Rule,
  rootOf,
} from './call-paths.js'
import { exampleOf } from './example-bodies.js'
import { type Endpoint, endpoints, type ModelType, usualEndpointOf } from './openai-endpoints.js'
import { otherBodyAt } from './other-calls.js'
import { addressOf, statedCall, unknownCall } from './own-calls.js'

/** What is read of a model of the catalogue to call it. */
export interface CallableModel {
  type: ModelType
  /** public address, without a trailing slash */
  endpoint: string
  base_url: string
  paths: (Rule & { path: string })[]
  /** the form of the body, where something else than the paths tells it */
  request_format?: FormatName | null
  model_id?: string | null
  /** where a fact comes from, by its name */
  sources?: Record<string, string>
}

/** The smallest call that shows what a model of its type does. */
export interface ExampleCall extends Pick<Endpoint, 'sdk' | 'sdkBody' | 'upload' | 'file'> {
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
  /** the form of the body; undefined for a service of its own kind */
  format: FormatName | undefined
  /** true: OpenAI clients make this call from the base URL alone; else they post to the whole address */
  usual: boolean
  /** true: the call takes the id of the model */
  takesModel: boolean
  /** parts of the address that the caller fills in: `{deployment}` */
  placeholders: string[]
}

/** The call of a model's type as its mapping rules let it through. `body` replaces the example. */
export function callOf(model: CallableModel, body?: JsonBody): ExampleCall {
  const found = foundIn(model)
  if (!found) return unknownCall(model, body)
  const { endpoint, format, path, query } = found
  const { sdk, sdkBody, upload, file } = endpoint
  const placeholders = placeholdersOf(found)
  const usual = usualEndpointOf(model.type)
  const isUsualPath = path === basePathIn(model) + endpoint.path
  return {
    sdk,
    sdkBody,
    upload,
    file,
    method: 'POST',
    ...addressOf(model, path, query),
    base: model.base_url,
    body: body ?? exampleOf(endpoint, format),
    format: format.name,
    usual:
      isUsualPath && endpoint === usual && format === usual.formats?.[0] && query.length + placeholders.length === 0,
    takesModel: format.withoutModel !== true,
    placeholders,
  }
}

/** What a person wants, as the body of that call: without the model id, and for an answer in one piece. */
export function bodyOf(model: CallableModel, content: Content): JsonBody {
  const written = formatOf(model)?.write(content)
  if (written) return written
  const { messages, prompt, texts, parameters } = content
  const { body = {} } = unknownCall(model, undefined)
  // `/messages` requires a limit beside them, which is part of its example
  if (messages && 'messages' in body) return { ...body, ...parameters, messages }
  return { ...parameters, input: messages ?? prompt ?? texts }
}

/** Members that make an answer to that body come as a stream; undefined where the server streams nothing there. */
export function streamingOf(model: CallableModel): JsonBody | undefined {
  return formatOf(model)?.streaming
}

function formatOf(model: CallableModel): BodyFormat | undefined {
  return foundIn(model)?.format
}

/** By model, which is never changed: a product may have hundreds of mapping rules. */
const callsFound = new WeakMap<CallableModel, { call: CallPath | undefined }>()

function foundIn(model: CallableModel): CallPath | undefined {
  const known = callsFound.get(model)
  if (known) return known.call
  const call =
    callPathOf(model.type, basePathIn(model), model.paths, model.request_format ?? undefined) ?? statedCall(model)
  callsFound.set(model, { call })
  return call
}

/** The same call with as short a body as shows that it works; undefined where only a service's own words would do. */
export function testCallOf(model: CallableModel): { path: string; body: JsonBody; takesModel: boolean } | undefined {
  const found = foundIn(model)
  if (!found) return certainCall(model)
  if (found.endpoint.upload || placeholdersOf(found).length > 0) return undefined
  const { path } = addressOf(model, found.path, found.query)
  const body = exampleOf(found.endpoint, found.format, true)
  return { path, body, takesModel: found.format.withoutModel !== true }
}

/** A call of no type whose body every server accepts that has its path. */
function certainCall(model: CallableModel): ReturnType<typeof testCallOf> {
  const { path, address, body, takesModel, placeholders, method } = unknownCall(model, undefined)
  const known = otherBodyAt(address)
  if (method !== 'POST' || !known?.isCertain || body === undefined || placeholders.length > 0) return undefined
  return { path, body, takesModel }
}

/**
 * The model as its server may be meant, after an answer of `status` that refuses a call: 400 and 422 another form of the
 * body at the same path, 404 and 405 another path. Undefined where there is no other, or the operator states the form.
 */
export function otherFormAfter<T extends CallableModel & { sources: Record<string, string> }>(
  model: T,
  status: number,
): (T & { request_format: FormatName }) | undefined {
  const refused = foundIn(model)
  const isBody = status === 400 || status === 422
  if (!refused || !(isBody || status === 404 || status === 405)) return undefined
  if (model.sources.request_format === 'portal_config') return undefined
  const names = endpoints.flatMap(({ type, formats = [] }) =>
    type === model.type ? formats.map(({ name }) => name) : [],
  )
  for (const name of new Set(names)) {
    const bases = isBody ? [model.base_url] : [model.base_url, rootOf(model.base_url)]
    for (const base_url of bases) {
      const other = { ...model, base_url, request_format: name }
      const found = foundIn(other)
      if (found?.format.name !== name || found.format === refused.format) continue
      if (isBody === (found.path === refused.path)) return other
    }
  }
  return undefined
}

/** Path below the endpoint where the model server lists its models; undefined where no mapping rule lets that through. */
export function modelListPath(model: CallableModel): string | undefined {
  return modelListPathOf(model.type, basePathIn(model), model.paths, model.request_format ?? undefined)
}

/** Where the model server tells what it serves, the list of its models first; empty where no rule lets that through. */
export function infoPathsOf(model: CallableModel): string[] {
  const list = modelListPath(model)
  const found = foundIn(model)
  const native = found ? nativeInfoPathsOf(found, model.paths) : []
  if (list === undefined || (found?.format.withoutModel && native.length > 0)) return native
  return [list, ...native]
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
