import type { Schema } from '../../web/openapi/shapes.js'
import type { Still } from './still.js'

/** What a reference says, whichever version of OpenAPI it is read from: no `$ref`, every text and list bounded. */
export interface Reference {
  /** false: made from the type and the mapping rules */
  uploaded: boolean
  title: string
  version: string
  /** Markdown */
  description: string
  /** the same as HTML, where it was made with the reference */
  descriptionHtml?: string
  /** what was left out or differs, in sentences */
  notes: string[]
  /** addresses that the spec claims */
  servers: string[]
  /** credentials that the spec claims */
  schemes: Scheme[]
  /** those that the mapping rules let through, where they were known */
  operations: Operation[]
  /** the others, by name only */
  others: Others
  /** licence, contact and so on of the API, which are not the model's; empty where the document names none */
  about: AboutApi[]
}

/** Operations that are not shown in full. */
export interface Others {
  /** of those that the gateway rejects */
  count: number
  named: OtherOperation[]
  /** further ones that the gateway lets through */
  more: OtherOperation[]
}

export interface OtherOperation {
  method: string
  path: string
  summary: string
}

export interface AboutApi {
  label: string
  value: string
  /** empty: no link */
  url: string
}

export interface Scheme {
  kind: 'bearer' | 'basic' | 'header' | 'query' | 'token' | 'other'
  /** of the header or query parameter */
  name: string
}

export interface Operation {
  /** for addresses: letters, digits and hyphens, the same as long as method and path stay */
  id: string
  method: string
  /** template with `{name}`, as the spec has it below `base` */
  path: string
  /** paths of the servers that the spec claims */
  base: string
  tag: string
  summary: string
  /** Markdown */
  description: string
  deprecated: boolean
  parameters: Parameter[]
  body: Body | undefined
  responses: Response[]
  /** how it is shown, where that was made with the reference */
  still?: Still
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required: boolean
  description: string
  schema: Schema
  example: string
  /** several values are sent as the same name several times */
  repeats: boolean
  /** true: the value of a path parameter may contain slashes */
  wide?: true
}

export interface Body {
  required: boolean
  description: string
  kinds: Kind[]
}

export interface Kind {
  /** media type */
  type: string
  schema: Schema
  /** as it is sent; empty where nothing is known */
  example: string
}

export interface Response {
  status: string
  description: string
  kinds: Kind[]
}

/** The address part of an operation: `POST /v1/chat/completions` is `post-v1-chat-completions`, another one like it `…-2`. */
export function nameOperations(operations: Omit<Operation, 'id'>[]): Operation[] {
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
