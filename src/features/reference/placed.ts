import type { BackendPath, MappingRule } from '../../clients/threescale/nouns.js'
import { mappedOperation, mountsOf } from '../../model-calls/mapped-operations.js'
import { endpointAt } from '../../model-calls/openai-endpoints.js'
import { isBesideChat } from '../../model-calls/other-calls.js'
import type { Model } from '../models/schemas.js'
import type { Kind, Operation, Parameter, Reference } from './shapes.js'
import { exampleText, LONGEST_EXAMPLE } from './spec-examples.js'

/** An operation as it is called at the deployed gateway. */
export interface Placed extends Operation {
  /** the template below the endpoint that the mapping rules let through; else as the spec has it */
  callPath: string
  /** why it cannot be tried here; empty where it can */
  against: string
  /** parameters that are listed: neither the credential nor what belongs to the connection */
  parameters: Parameter[]
  /** those of them that can be filled in */
  fields: Parameter[]
  /** bodies that can be typed */
  sendable: Kind[]
}

const tried = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])

/** Headers that are the connection's, the gateway's or the portal's own. */
const ownHeaders =
  /^(authorization|cookie|host|connection|keep-alive|content-(type|length|encoding)|transfer-encoding|te|trailer|upgrade|expect|accept-encoding|forwarded|via|proxy-.*|sec-.*|x-forwarded-.*|x-real-ip|x-3scale-.*)$/i

/** by reference and model, which are the same objects as long as nothing of them changes */
const placed = new WeakMap<Reference, WeakMap<Model, { rules: MappingRule[]; operations: Placed[] }>>()

/** As `placedIn`, which compares each operation with each mapping rule: once for a reference, a model and its rules. */
export function placedOnce(model: Model, rules: MappingRule[], mounts: string[], reference: Reference): Placed[] {
  const byModel = placed.get(reference) ?? new WeakMap()
  placed.set(reference, byModel)
  const known = byModel.get(model)
  if (known?.rules === rules) return known.operations
  const operations = placedIn(model, rules, reference, mounts)
  byModel.set(model, { rules, operations })
  return operations
}

export function placedIn(
  model: Model,
  rules: MappingRule[],
  { operations }: Reference,
  mounts = mountsIn(model),
): Placed[] {
  return operations.map((operation) => {
    const found = mappedOperation(operation, rules, mounts)
    const sendable = operation.body?.kinds.filter(({ type }) => typed(type)) ?? []
    const parameters = [
      ...operation.parameters
        .filter((parameter) => !isOfPortal(model, parameter))
        .map((parameter) => withValue(parameter, found?.values ?? {})),
      ...requiredQuery(found?.query ?? [], operation.parameters),
    ]
    return {
      ...operation,
      callPath: found?.path ?? operation.base + operation.path,
      against: reasonAgainst(operation, found !== undefined, sendable),
      parameters,
      fields: parameters.filter(isField),
      sendable: sendable.map((kind) => ({ ...kind, example: exampleFor(kind, model, operation) })),
    }
  })
}

/** The path above the base URL: a spec of a model server that is mapped below a path does not know that path. */
export function mountsIn({ endpoint, base_url }: Model, backends: BackendPath[] = []): string[] {
  return mountsOf(base_url.slice(endpoint.length), backends)
}

/** The value that mapping rules require is proposed: no other is let through. */
function withValue(parameter: Parameter, values: Record<string, string>): Parameter {
  const value = parameter.in === 'path' && Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined
  return value === undefined ? parameter : { ...parameter, example: value }
}

/** Query parameters that the mapping rule requires and the spec does not have. */
function requiredQuery(query: [name: string, value: string][], known: Parameter[]): Parameter[] {
  return query
    .filter(([name]) => !known.some((parameter) => parameter.in === 'query' && parameter.name === name))
    .map(([name, value]) => ({
      name,
      in: 'query',
      required: true,
      description: 'Required by the gateway.',
      schema: { type: 'string' },
      example: value.startsWith('{') ? '' : value,
      repeats: false,
    }))
}

function reasonAgainst({ method, body }: Operation, through: boolean, sendable: Kind[]): string {
  if (!through) return 'The gateway rejects this call: no mapping rule of this product matches it.'
  if (!tried.has(method)) return 'Only GET, POST, PUT, PATCH, DELETE and HEAD can be tried here.'
  if (body && body.kinds.length > 0 && sendable.length === 0)
    return 'This call sends a file or another body that cannot be typed. Use the code on the page of the model.'
  return ''
}

function typed(type: string): boolean {
  return /^(application\/([\w.+-]*json|x-www-form-urlencoded|xml|yaml)|text\/)/.test(type)
}

/** The credential, under the name that the gateway reads, and headers of the connection: nobody fills these in. */
function isOfPortal({ credentials }: Model, { name, in: place }: Parameter): boolean {
  if (place === 'path') return false
  if (place === 'header' && ownHeaders.test(name)) return true
  return ownNames(credentials).includes(name.toLowerCase())
}

function ownNames({ names }: Model['credentials']): string[] {
  return [names.user_key, names.app_id, names.app_key].map((each) => each.toLowerCase())
}

function isField({ name, in: place }: Parameter): boolean {
  return place !== 'cookie' && (place !== 'header' || /^[\w!#$%&'*+.^`|~-]+$/.test(name))
}

function exampleFor(kind: Kind, model: Model, operation: Operation): string {
  return /x-www-form-urlencoded/.test(kind.type) ? withoutCredential(kind, model) : withModelId(kind, model, operation)
}

/** APIcast reads the credential from a form too where it reads it from the query. */
function withoutCredential({ example }: Kind, { credentials }: Model): string {
  const own = ownNames(credentials)
  const fields = [...new URLSearchParams(example)]
  const kept = fields.filter(([name]) => !own.includes(name.toLowerCase()))
  return kept.length === fields.length ? example : new URLSearchParams(kept).toString()
}

/** The id that this model is really called by, in place of the one in an example; empty where it is filled in later. */
function withModelId(
  { type, example, schema }: Kind,
  { model_id, type: modelType }: Model,
  { method, path }: Operation,
): string {
  if (!/json/.test(type) || example === '') return example
  try {
    const value: unknown = JSON.parse(example)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return example
    if (!('model' in value) && !schema.properties?.model) return example
    const { model: other = '', ...rest } = value as Record<string, unknown>
    const usual = modelType !== 'custom' || endpointAt(method, path)?.type !== undefined || isBesideChat(path)
    const id = model_id ?? (usual && typeof other === 'string' ? '' : other)
    const text = exampleText({ model: id, ...rest }, Object.keys)
    return text === '' || text.length > LONGEST_EXAMPLE ? example : text
  } catch {
    return example
  }
}

/** What the spec claims otherwise than the gateway is set up, in sentences. */
export function differences(model: Model, { uploaded, servers, schemes }: Reference): string[] {
  if (!uploaded) return []
  const origin = new URL(model.endpoint).origin
  const elsewhere = servers.filter((url) => URL.canParse(url) && new URL(url).origin !== origin)
  const first = elsewhere[0]
  const carried = schemes.length > 0 && !schemes.some((scheme) => carries(model, scheme))
  return [
    ...(first && elsewhere.length === servers.filter((url) => URL.canParse(url)).length
      ? [`The spec names ${first} as the server. Calls go to the address of the deployed gateway, which is shown here.`]
      : []),
    ...(carried
      ? ['The spec describes a different credential than the gateway requires. Use the one that is shown here.']
      : []),
  ]
}

function carries({ credentials: { mode, location, names } }: Model, { kind, name }: Reference['schemes'][number]) {
  if (mode === 'oidc') return kind === 'token' || kind === 'bearer'
  const header = name.toLowerCase()
  if (location === 'authorization') {
    const word = mode === 'user_key' ? 'bearer' : 'basic'
    return kind === word || (kind === 'header' && header === 'authorization')
  }
  const own = mode === 'user_key' ? [names.user_key] : [names.app_id, names.app_key]
  return kind === (location === 'query' ? 'query' : 'header') && own.some((each) => each.toLowerCase() === header)
}
