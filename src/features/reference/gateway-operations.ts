import type { BackendPath, MappingRule } from '../../clients/threescale/types.js'
import { findEndpoint } from '../../model-calls/openai-endpoints.js'
import { isAuxiliaryChatPath } from '../../model-calls/other-endpoints.js'
import { mapOperation, mountPaths } from '../../model-calls/paths/mapped-operations.js'
import type { Model } from '../models/schemas.js'
import {
  differentCredential,
  differentServer,
  notMapped,
  requiredByGateway,
  unsupportedBody,
  unsupportedMethod,
} from './messages.js'
import { exampleText, MAX_EXAMPLE_LENGTH } from './openapi/examples.js'
import type { BodyVariant, OperationParameter, Reference, ReferenceOperation } from './reference-types.js'

/** An operation as it can be called at the deployed gateway. */
export interface GatewayOperation extends ReferenceOperation {
  /** the path template below the endpoint that the mapping rules accept; otherwise the path in the spec */
  callPath: string
  /** why it cannot be tried here; empty if it can */
  unavailableReason: string
  /** parameters to list, without the credential and headers of the connection */
  parameters: OperationParameter[]
  /** the parameters that can be entered */
  fields: OperationParameter[]
  /** bodies that can be entered as text */
  sendableBodies: BodyVariant[]
}

const supportedMethods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])

/** Headers set by the connection, the gateway or the portal. */
const reservedHeaders =
  /^(authorization|cookie|host|connection|keep-alive|content-(type|length|encoding)|transfer-encoding|te|trailer|upgrade|expect|accept-encoding|forwarded|via|proxy-.*|sec-.*|x-forwarded-.*|x-real-ip|x-3scale-.*)$/i

/** By reference and model: both are the same objects until they change. */
const resolved = new WeakMap<Reference, WeakMap<Model, { rules: MappingRule[]; operations: GatewayOperation[] }>>()

/** Cached `resolveOperations`, which compares each operation with each mapping rule. */
export function gatewayOperations(
  model: Model,
  rules: MappingRule[],
  mounts: string[],
  reference: Reference,
): GatewayOperation[] {
  const byModel = resolved.get(reference) ?? new WeakMap()
  resolved.set(reference, byModel)
  const cached = byModel.get(model)
  if (cached?.rules === rules) return cached.operations
  const operations = resolveOperations(model, rules, reference, mounts)
  byModel.set(model, { rules, operations })
  return operations
}

export function resolveOperations(
  model: Model,
  rules: MappingRule[],
  { operations }: Reference,
  mounts = mountsIn(model),
): GatewayOperation[] {
  return operations.map((operation) => {
    const mapped = mapOperation(operation, rules, mounts)
    const bodies = operation.body?.variants.filter(({ type }) => isTextual(type)) ?? []
    const parameters = [
      ...operation.parameters
        .filter((parameter) => !isReserved(model, parameter))
        .map((parameter) => withRequiredValue(parameter, mapped?.values ?? {})),
      ...requiredQuery(mapped?.query ?? [], operation.parameters),
    ]
    return {
      ...operation,
      callPath: mapped?.path ?? operation.base + operation.path,
      unavailableReason: unavailableReason(operation, mapped !== undefined, bodies),
      parameters,
      fields: parameters.filter(isField),
      sendableBodies: bodies.map((body) => ({ ...body, example: exampleFor(body, model, operation) })),
    }
  })
}

/** The paths below which the operations of a spec can be mapped: the spec of a model server does not contain them. */
export function mountsIn({ endpoint, base_url }: Model, backends: BackendPath[] = []): string[] {
  return mountPaths(base_url.slice(endpoint.length), backends)
}

/** Proposes the value that the mapping rules require, because the gateway rejects any other. */
function withRequiredValue(parameter: OperationParameter, values: Record<string, string>): OperationParameter {
  const value = parameter.in === 'path' && Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined
  return value === undefined ? parameter : { ...parameter, example: value }
}

/** Query parameters that the mapping rule requires and the spec does not declare. */
function requiredQuery(query: [name: string, value: string][], known: OperationParameter[]): OperationParameter[] {
  return query
    .filter(([name]) => !known.some((parameter) => parameter.in === 'query' && parameter.name === name))
    .map(([name, value]) => ({
      name,
      in: 'query',
      required: true,
      description: requiredByGateway,
      schema: { type: 'string' },
      example: value.startsWith('{') ? '' : value,
      repeatable: false,
    }))
}

function unavailableReason({ method, body }: ReferenceOperation, isMapped: boolean, sendable: BodyVariant[]): string {
  if (!isMapped) return notMapped
  if (!supportedMethods.has(method)) return unsupportedMethod
  if (body && body.variants.length > 0 && sendable.length === 0) return unsupportedBody
  return ''
}

function isTextual(type: string): boolean {
  return /^(application\/([\w.+-]*json|x-www-form-urlencoded|xml|yaml)|text\/)/.test(type)
}

/** The credential, under the name that the gateway reads, and headers of the connection. The portal sets these. */
function isReserved({ credentials }: Model, { name, in: location }: OperationParameter): boolean {
  if (location === 'path') return false
  if (location === 'header' && reservedHeaders.test(name)) return true
  return credentialNames(credentials).includes(name.toLowerCase())
}

function credentialNames({ names }: Model['credentials']): string[] {
  return [names.user_key, names.app_id, names.app_key].map((name) => name.toLowerCase())
}

function isField({ name, in: location }: OperationParameter): boolean {
  return location !== 'cookie' && (location !== 'header' || /^[\w!#$%&'*+.^`|~-]+$/.test(name))
}

function exampleFor(kind: BodyVariant, model: Model, operation: ReferenceOperation): string {
  return /x-www-form-urlencoded/.test(kind.type) ? withoutCredential(kind, model) : withModelId(kind, model, operation)
}

/** If the credential is in the query, APIcast reads it from a form body too. */
function withoutCredential({ example }: BodyVariant, { credentials }: Model): string {
  const reserved = credentialNames(credentials)
  const fields = [...new URLSearchParams(example)]
  const remaining = fields.filter(([name]) => !reserved.includes(name.toLowerCase()))
  return remaining.length === fields.length ? example : new URLSearchParams(remaining).toString()
}

/** Replaces the model id of an example with the model's own; empty if it is filled in before the call. */
function withModelId(
  { type, example, schema }: BodyVariant,
  { model_id, type: modelType }: Model,
  { method, path }: ReferenceOperation,
): string {
  if (!/json/.test(type) || example === '') return example
  try {
    const value: unknown = JSON.parse(example)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return example
    if (!('model' in value) && !schema.properties?.model) return example
    const { model: other = '', ...rest } = value as Record<string, unknown>
    const usual = modelType !== 'custom' || findEndpoint(method, path)?.type !== undefined || isAuxiliaryChatPath(path)
    const id = model_id ?? (usual && typeof other === 'string' ? '' : other)
    const text = exampleText({ model: id, ...rest }, Object.keys)
    return text === '' || text.length > MAX_EXAMPLE_LENGTH ? example : text
  } catch {
    return example
  }
}

/** Warnings about differences between the spec and the deployed gateway. */
export function specDifferences(model: Model, { uploaded, servers, schemes }: Reference): string[] {
  if (!uploaded) return []
  const origin = new URL(model.endpoint).origin
  const elsewhere = servers.filter((url) => URL.canParse(url) && new URL(url).origin !== origin)
  const first = elsewhere[0]
  const otherCredential = schemes.length > 0 && !schemes.some((scheme) => acceptsScheme(model, scheme))
  return [
    ...(first && elsewhere.length === servers.filter((url) => URL.canParse(url)).length
      ? [differentServer(first)]
      : []),
    ...(otherCredential ? [differentCredential] : []),
  ]
}

function acceptsScheme(
  { credentials: { mode, location, names } }: Model,
  { kind, name }: Reference['schemes'][number],
) {
  if (mode === 'oidc') return kind === 'token' || kind === 'bearer'
  const header = name.toLowerCase()
  if (location === 'authorization') {
    const scheme = mode === 'user_key' ? 'bearer' : 'basic'
    return kind === scheme || (kind === 'header' && header === 'authorization')
  }
  const expected = mode === 'user_key' ? [names.user_key] : [names.app_id, names.app_key]
  return kind === (location === 'query' ? 'query' : 'header') && expected.some((each) => each.toLowerCase() === header)
}
