import type { ClientRequest } from '../nginx/server.js'
import { escapeUri } from '../nginx/uri.js'
import type { Product, Route } from './product.js'

/** The first backend whose conditions match the request; undefined if there is none, or no routing policy. */
export function routeFor({ routes }: Product, { uri }: ClientRequest): Route | undefined {
  return routes.find(({ conditions }) => conditions.every((condition) => condition.test(uri)))
}

/**
 * Path and query for the model server. With neither a path to take off nor one in the private address it is as the client
 * sent it; else it is normalised, decoded and escaped again (gateway/src/apicast/upstream.lua, rewrite_request). The query
 * is always as sent.
 */
export function addressFor(url: URL, removed: string | undefined, request: ClientRequest): string {
  const { target, uri, search } = request
  const base = url.pathname === '/' ? undefined : url.pathname
  if (removed === undefined && base === undefined) return target
  // a decoded question mark begins a query, which is dropped (upstream.lua, append_path)
  const [rest = ''] = removed === undefined ? [uri] : uri.replace(removed, '').split('?')
  const isRoot = rest === '' || (removed === undefined && rest === '/')
  const path = isRoot ? (base ?? '/') : `${base ?? ''}/${rest}`.replace(/\/{2,}/g, '/')
  return escapeUri(path) + (search === '?' ? '' : search)
}
