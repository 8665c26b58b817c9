import type { BodyFormat, FormatName, JsonBody, RequestContent } from './body-formats.js'
import { buildAddress, configuredCall, customServiceCall } from './custom-service-calls.js'
import { exampleBody } from './example-bodies.js'
import { defaultEndpoint, endpoints, type ModelEndpoint, type ModelType } from './openai-endpoints.js'
import { findOtherBody } from './other-endpoints.js'
import {
  type CallRoute,
  type CallRule,
  findPlaceholders,
  nativeInfoPaths,
  resolveCallPath,
  resolveModelListPath,
  withoutVersion,
} from './paths/call-paths.js'

/** The data of a catalogue model that a call requires. */
export interface CallableModel {
  type: ModelType
  /** public address, without a trailing slash */
  endpoint: string
  base_url: string
  paths: (CallRule & { path: string })[]
  /** body format, if it is known from a source other than the paths */
  request_format?: FormatName | null
  model_id?: string | null
  /** source of each fact, by its name */
  sources?: Record<string, string>
}

/** The smallest useful call for the type of a model. */
export interface ExampleCall extends Pick<ModelEndpoint, 'sdk' | 'sdkBody' | 'upload' | 'file'> {
  method: 'GET' | 'POST'
  /** below the endpoint, with the query parameters that the mapping rule requires */
  path: string
  /** full URL */
  url: string
  /** full URL without the query, for clients with separate parameters */
  address: string
  query: CallRoute['query']
  /** base URL of an OpenAI client for this call */
  base: string
  /** without the model id */
  body: JsonBody | undefined
  /** body format; undefined for custom services */
  format: FormatName | undefined
  /** true: OpenAI clients require only the base URL; otherwise they post to the full URL */
  usual: boolean
  /** true: the call requires the model id */
  takesModel: boolean
  /** parts of the URL that the caller replaces, such as `{deployment}` */
  placeholders: string[]
}

/** The call for the type of a model that its mapping rules allow. `body` replaces the example. */
export function exampleCall(model: CallableModel, body?: JsonBody): ExampleCall {
  const callPath = resolvePath(model)
  if (!callPath) return customServiceCall(model, body)
  const { endpoint, format, path, query } = callPath
  const { sdk, sdkBody, upload, file } = endpoint
  const placeholders = findPlaceholders(callPath)
  const usual = defaultEndpoint(model.type)
  const isUsualPath = path === basePathOf(model) + endpoint.path
  return {
    sdk,
    sdkBody,
    upload,
    file,
    method: 'POST',
    ...buildAddress(model, path, query),
    base: model.base_url,
    body: body ?? exampleBody(endpoint, format),
    format: format.name,
    usual:
      isUsualPath && endpoint === usual && format === usual.formats?.[0] && query.length + placeholders.length === 0,
    takesModel: format.withoutModel !== true,
    placeholders,
  }
}

/** The body of that call for some content, without the model id and without streaming. */
export function buildBody(model: CallableModel, content: RequestContent): JsonBody {
  const formatted = bodyFormat(model)?.write(content)
  if (formatted) return formatted
  const { messages, prompt, texts, parameters } = content
  const { body = {} } = customServiceCall(model, undefined)
  // `/messages` also requires a token limit, which is part of its example.
  if (messages && 'messages' in body) return { ...body, ...parameters, messages }
  return { ...parameters, input: messages ?? prompt ?? texts }
}

/** Members that request a stream; undefined if the server does not stream at this path. */
export function streamingMembers(model: CallableModel): JsonBody | undefined {
  return bodyFormat(model)?.streaming
}

function bodyFormat(model: CallableModel): BodyFormat | undefined {
  return resolvePath(model)?.format
}

/** Cached by model object, which is immutable, because a product can have hundreds of mapping rules. */
const resolvedPaths = new WeakMap<CallableModel, { call: CallRoute | undefined }>()

function resolvePath(model: CallableModel): CallRoute | undefined {
  const cached = resolvedPaths.get(model)
  if (cached) return cached.call
  const call =
    resolveCallPath(model.type, basePathOf(model), model.paths, model.request_format ?? undefined) ??
    configuredCall(model)
  resolvedPaths.set(model, { call })
  return call
}

/** The same call with a minimal body; undefined for services whose body format is unknown. */
export function testCallBody(model: CallableModel): { path: string; body: JsonBody; takesModel: boolean } | undefined {
  const callPath = resolvePath(model)
  if (!callPath) return otherTestCall(model)
  const { endpoint, format, query } = callPath
  if (endpoint.upload || findPlaceholders(callPath).length > 0) return undefined
  const { path } = buildAddress(model, callPath.path, query)
  return { path, body: exampleBody(endpoint, format, true), takesModel: format.withoutModel !== true }
}

/** A call without a model type, whose body is accepted by every server with this path. */
function otherTestCall(model: CallableModel): ReturnType<typeof testCallBody> {
  const { path, address, body, takesModel, placeholders, method } = customServiceCall(model, undefined)
  const known = findOtherBody(address)
  if (method !== 'POST' || !known?.isCertain || body === undefined || placeholders.length > 0) return undefined
  return { path, body, takesModel }
}

/**
 * The model with another body format, after a call was rejected with `status`: for 400 and 422 another format at the same path,
 * for 404 and 405 another path. Undefined if there is no other, or the operator has configured the format.
 */
export function alternativeFormat<T extends CallableModel & { sources: Record<string, string> }>(
  model: T,
  status: number,
): (T & { request_format: FormatName }) | undefined {
  const rejected = resolvePath(model)
  const isBody = status === 400 || status === 422
  if (!rejected || !(isBody || status === 404 || status === 405)) return undefined
  if (model.sources.request_format === 'portal_config') return undefined
  const names = endpoints.flatMap(({ type, formats = [] }) =>
    type === model.type ? formats.map(({ name }) => name) : [],
  )
  for (const name of new Set(names)) {
    const bases = isBody ? [model.base_url] : [model.base_url, withoutVersion(model.base_url)]
    for (const base_url of bases) {
      const other = { ...model, base_url, request_format: name }
      const callPath = resolvePath(other)
      if (callPath?.format.name !== name || callPath.format === rejected.format) continue
      if (isBody === (callPath.path === rejected.path)) return other
    }
  }
  return undefined
}

/** Path of the model list of the model server; undefined if no mapping rule allows it. */
export function modelListPath(model: CallableModel): string | undefined {
  return resolveModelListPath(model.type, basePathOf(model), model.paths, model.request_format ?? undefined)
}

/** Paths with information about the served models, the model list first. Empty if no mapping rule allows one. */
export function modelInfoPaths(model: CallableModel): string[] {
  const list = modelListPath(model)
  const callPath = resolvePath(model)
  const native = callPath ? nativeInfoPaths(callPath, model.paths) : []
  if (list === undefined || (callPath?.format.withoutModel && native.length > 0)) return native
  return [list, ...native]
}

/**
 * Source of the model id in code: it is `known`, read from the list of models (`listed`), entered by the caller (`open`: no rule
 * allows a request for the list), or not required (`none`).
 */
export function modelIdSource(
  model: CallableModel & { model_id: string | null },
): 'known' | 'listed' | 'open' | 'none' {
  if (!exampleCall(model).takesModel) return 'none'
  if (model.model_id !== null) return 'known'
  return modelListPath(model) === undefined ? 'open' : 'listed'
}

const INPUT = new Set(['messages', 'prompt', 'input', 'stream', 'stream_options', 'encoding_format'])

/** Members of the body other than the input, such as temperature and max_tokens. */
export function exampleParameters({ body = {} }: Pick<ExampleCall, 'body'>): [name: string, value: unknown][] {
  return Object.entries(body).filter(([name]) => !INPUT.has(name))
}

function basePathOf({ endpoint, base_url }: CallableModel): string {
  return base_url.slice(endpoint.length)
}
