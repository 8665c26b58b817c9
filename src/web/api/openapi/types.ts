/** The part of OpenAPI 3.1 that the document of the REST API uses. */
export interface OpenApiSchema {
  $ref?: string
  type?: string | string[]
  title?: string
  description?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  /** values of a response that may be extended (Zalando RESTful API guidelines, rule 112) */
  'x-extensible-enum'?: unknown[]
  /** names of the values in generated code, where the values cannot be names themselves */
  'x-enum-varnames'?: string[]
  /** a pattern of the document that the route does not check */
  'x-pattern'?: string
  /** true: a parameter that the document does not show */
  'x-internal'?: boolean
  const?: unknown
  default?: unknown
  examples?: unknown[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  properties?: Record<string, OpenApiSchema>
  required?: string[]
  additionalProperties?: boolean | OpenApiSchema
  patternProperties?: Record<string, OpenApiSchema>
  items?: OpenApiSchema
  anyOf?: OpenApiSchema[]
  oneOf?: OpenApiSchema[]
  allOf?: OpenApiSchema[]
}

export interface OpenApiMedia {
  schema?: OpenApiSchema
  example?: unknown
}

export interface OpenApiHeader {
  $ref?: string
  description?: string
  schema?: OpenApiSchema
}

export interface OpenApiResponse {
  $ref?: string
  description?: string
  headers?: Record<string, OpenApiHeader>
  content?: Record<string, OpenApiMedia>
}

export interface OpenApiParameter {
  $ref?: string
  name?: string
  in?: 'query' | 'path' | 'header'
  required?: boolean
  description?: string
  schema?: OpenApiSchema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

export interface OpenApiOperation {
  operationId: string
  summary: string
  description?: string
  deprecated?: boolean
  tags: string[]
  security?: Record<string, string[]>[]
  parameters?: OpenApiParameter[]
  requestBody?: { required?: boolean; content: Record<string, OpenApiMedia> }
  responses: Record<string, OpenApiResponse>
}

export interface OpenApiServer {
  url: string
  description?: string
  variables?: Record<string, { default: string; description?: string }>
}

export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; description?: string; contact?: { name: string; url: string } }
  servers: OpenApiServer[]
  tags: { name: string; description?: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, OpenApiOperation>>
  components: {
    schemas: Record<string, OpenApiSchema>
    responses: Record<string, OpenApiResponse>
    parameters: Record<string, OpenApiParameter>
    headers: Record<string, OpenApiHeader>
    securitySchemes: Record<string, object>
  }
}

/** The target of a `$ref`, or the item itself. */
export function resolve<T extends { $ref?: string }>(document: OpenApiDocument, item: T): T {
  if (item.$ref === undefined) return item
  const [, , kind = '', name = ''] = item.$ref.split('/')
  const target = (document.components as unknown as Record<string, Record<string, T>>)[kind]?.[name]
  return target ? resolve(document, target) : item
}
