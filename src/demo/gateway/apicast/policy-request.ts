import { allOf } from '../nginx/head.js'
import type { ClientRequest } from '../nginx/server.js'
import { escapeUri } from '../nginx/uri.js'

/** A request as APIcast's policies look at it. */
export interface Incoming {
  method: string
  /** normalised and escaped again, as rules are matched against it */
  path: string
  /** As received, with its question mark. */
  search: string
  query: URLSearchParams
  /** arguments of an urlencoded body of a POST, PUT or PATCH; nothing else is looked into */
  form: FormArguments
  /** as nginx's `$http_name`: case-insensitive, `-` and `_` are equal, and the first of several headers counts */
  header(name: string): string | undefined
}

/** `true` for a name without `=`, as OpenResty's ngx.req.get_post_args has it. */
export type FormArguments = Map<string, (string | true)[]>

const withForm = ['POST', 'PUT', 'PATCH']

export function incomingOf({ method, uri, search, headers, body }: ClientRequest): Incoming {
  const contentType = allOf(headers, 'content-type').join(',').toLowerCase()
  const isForm = withForm.includes(method) && contentType.includes('application/x-www-form-urlencoded')
  return {
    method,
    path: escapeUri(uri),
    search,
    query: new URLSearchParams(search),
    form: isForm ? formOf(body.toString('utf8')) : new Map(),
    header(name) {
      const variable = (text: string) => text.toLowerCase().replaceAll('-', '_')
      return headers.find(([given]) => variable(given) === variable(name))?.[1]
    },
  }
}

function formOf(text: string): FormArguments {
  const form: FormArguments = new Map()
  for (const pair of text.split('&').filter(Boolean)) {
    const [[name, value] = ['', '']] = new URLSearchParams(pair)
    form.set(name, [...(form.get(name) ?? []), pair.includes('=') ? value : true])
  }
  return form
}
