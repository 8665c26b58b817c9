import type { MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough, sampleOf } from '../../clients/threescale/patterns.js'
import type { Model } from '../models/schemas.js'
import type { Kind, Operation, Parameter, Reference } from './shapes.js'
import { exampleText, LONGEST_EXAMPLE } from './spec-examples.js'

/** An operation as it is called at the deployed gateway. */
export interface Placed extends Operation {
  /** the template below the endpoint that the mapping rules let through; else as the spec has it */
  callPath: string
  /** why it cannot be tried here; empty where it can */
  against: string
  /** parameters to fill in: what carries the credential, and what belongs to the connection, is the portal's */
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
export function placedOnce(model: Model, rules: MappingRule[], reference: Reference): Placed[] {
  const byModel = placed.get(reference) ?? new WeakMap()
  placed.set(reference, byModel)
  const known = byModel.get(model)
  if (known?.rules === rules) return known.operations
  const operations = placedIn(model, rules, reference)
  byModel.set(model, { rules, operations })
  return operations
}

export function placedIn(model: Model, rules: MappingRule[], { operations }: Reference): Placed[] {
  return operations.map((operation) => {
    const found = candidatesFor(model, operation).find((path) => letsThrough(rules, operation.method, sampleOf(path)))
    const sendable = operation.body?.kinds.filter(({ type }) => typed(type)) ?? []
    return {
      ...operation,
      callPath: found ?? operation.base + operation.path,
      against: reasonAgainst(operation, found !== undefined, sendable),
      fields: operation.parameters.filter((parameter) => isField(model, parameter)),
      sendable: sendable.map((kind) => ({ ...kind, example: withModelId(kind, model) })),
    }
  })
}

/**
 * Where an operation may lie: as the spec has it, with or without the path of its server. A spec of a model server that is
 * mapped below a path does not know that path.
 */
function candidatesFor({ endpoint, base_url }: Model, { base, path }: Operation): string[] {
  const written = [base + path, path, `/v1${path}`]
  const above = base_url.slice(endpoint.length).replace(/\/v\d\w*$/, '')
  if (above === '' || (base + path).startsWith(`${above}/`)) return written
  return [...written.map((each) => above + each), ...written]
}

function reasonAgainst({ method, body }: Operation, through: boolean, sendable: Kind[]): string {
  if (!through) return 'The gateway lets no such call through: no mapping rule of this product fits it.'
  if (!tried.has(method)) return 'Only GET, POST, PUT, PATCH, DELETE and HEAD are tried here.'
  if (body && body.kinds.length > 0 && sendable.length === 0)
    return 'This call sends a file or another body that cannot be typed. Use the code on the page of the model.'
  return ''
}

function typed(type: string): boolean {
  return /^(application\/([\w.+-]*json|x-www-form-urlencoded|xml|yaml)|text\/)/.test(type)
}

function isField({ credentials }: Model, { name, in: place }: Parameter): boolean {
  const { names } = credentials
  const own = [names.user_key, names.app_id, names.app_key].map((each) => each.toLowerCase())
  if (place === 'cookie' || (place !== 'path' && own.includes(name.toLowerCase()))) return false
  return place !== 'header' || (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && !ownHeaders.test(name))
}

/** The id that this model is really called by, in place of the one in an example. */
function withModelId({ type, example, schema }: Kind, { model_id }: Model): string {
  if (!/json/.test(type) || example === '') return example
  try {
    const value: unknown = JSON.parse(example)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return example
    if (!('model' in value) && !schema.properties?.model) return example
    const { model: other = '', ...rest } = value as Record<string, unknown>
    const text = exampleText({ model: model_id ?? other, ...rest }, Object.keys)
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
    ...(carried ? ['The spec describes another credential than the gateway takes. The one shown here works.'] : []),
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
