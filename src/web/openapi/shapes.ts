/** The part of OpenAPI 3.1 that the document of the REST API uses. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  title?: string
  description?: string
  format?: string
  pattern?: string
  enum?: unknown[]
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
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

export interface Media {
  schema?: Schema
  example?: unknown
}

export interface Header {
  $ref?: string
  description?: string
  schema?: Schema
}

export interface Response {
  $ref?: string
  description?: string
  headers?: Record<string, Header>
  content?: Record<string, Media>
}

export interface Parameter {
  $ref?: string
  name?: string
  in?: 'query' | 'path' | 'header'
  required?: boolean
  description?: string
  schema?: Schema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

export interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  security?: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, Media> }
  responses: Record<string, Response>
}

export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; description?: string }
  servers: { url: string; description?: string }[]
  tags: { name: string; description?: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses: Record<string, Response>
    parameters: Record<string, Parameter>
    headers: Record<string, Header>
    securitySchemes: Record<string, object>
  }
}

/** What `$ref` names, or the thing itself. */
export function resolve<T extends { $ref?: string }>(document: OpenApiDocument, item: T): T {
  if (item.$ref === undefined) return item
  const [, , kind = '', name = ''] = item.$ref.split('/')
  const found = (document.components as unknown as Record<string, Record<string, T>>)[kind]?.[name]
  return found ? resolve(document, found) : item
}
