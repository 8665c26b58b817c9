import type { OpenApiSchema } from '../../web/api/openapi/types.js'
import type { OperationHtml } from './operation-html.js'

/** An API reference, independent of the OpenAPI version it is read from: without `$ref`, with bounded texts and lists. */
export interface Reference {
  /** false: generated from the model type and the mapping rules */
  uploaded: boolean
  title: string
  version: string
  /** Markdown */
  description: string
  /** the description as HTML, if it was rendered with the reference */
  descriptionHtml?: string
  /** messages about omissions and differences */
  remarks: string[]
  /** server addresses in the spec */
  servers: string[]
  /** security schemes in the spec */
  schemes: SecurityScheme[]
  /** operations that the mapping rules accept, or all if the rules are unknown */
  operations: ReferenceOperation[]
  /** the remaining operations, listed without details */
  otherOperations: OtherOperations
  /** licence, contact and so on of the API, not of the model */
  apiFacts: ApiFact[]
}

/** Operations listed without details. */
export interface OtherOperations {
  /** number of operations that the gateway rejects */
  rejectedCount: number
  rejected: OtherOperation[]
  /** further operations that the gateway accepts */
  accepted: OtherOperation[]
}

export interface OtherOperation {
  method: string
  path: string
  summary: string
}

export interface ApiFact {
  label: string
  value: string
  /** empty: no link */
  url: string
}

export interface SecurityScheme {
  kind: 'bearer' | 'basic' | 'header' | 'query' | 'token' | 'other'
  /** name of the header or query parameter */
  name: string
}

export interface ReferenceOperation {
  /** for URLs: a-z, digits and hyphens, stable for the same method and path */
  id: string
  method: string
  /** template with `{name}`, below `base` */
  path: string
  /** path of the server in the spec */
  base: string
  tag: string
  summary: string
  /** Markdown */
  description: string
  deprecated: boolean
  parameters: OperationParameter[]
  body: RequestBody | undefined
  responses: OperationResponse[]
  /** the rendered operation, if it was rendered with the reference */
  html?: OperationHtml
}

export interface OperationParameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required: boolean
  description: string
  schema: OpenApiSchema
  example: string
  /** the parameter is sent once for each value */
  repeatable: boolean
  /** true: the value of a path parameter may contain slashes */
  multiSegment?: true
}

export interface RequestBody {
  required: boolean
  description: string
  variants: BodyVariant[]
}

export interface BodyVariant {
  /** media type */
  type: string
  schema: OpenApiSchema
  /** an example as it is sent; empty if there is none */
  example: string
}

export interface OperationResponse {
  status: string
  description: string
  variants: BodyVariant[]
}

/** Adds ids for URLs: `POST /v1/chat/completions` becomes `post-v1-chat-completions`, a duplicate `…-2`. */
export function withIds(operations: Omit<ReferenceOperation, 'id'>[]): ReferenceOperation[] {
  const seen = new Map<string, number>()
  return operations.map((operation) => {
    const name = `${operation.method} ${operation.path}`
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 80)
      .replace(/^-+|-+$/g, '')
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return { id: count === 1 ? name : `${name}-${count}`, ...operation }
  })
}
