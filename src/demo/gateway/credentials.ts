import type { Product } from './product.js'

export interface Incoming {
  headers: Record<string, string | undefined>
  query: URLSearchParams
  /** arguments of an urlencoded form body, where there is one */
  form: URLSearchParams
}

export type Credentials = { user_key: string } | { app_id: string; app_key: string } | { token: string }

/** What APIcast reads, by version and location (gateway/src/apicast/configuration/service.lua); undefined: one is missing. */
export function credentialsOf(product: Product, incoming: Incoming): Credentials | undefined {
  if (product.version === 'oidc') {
    const token =
      authorization(incoming).bearer ?? (product.location === 'query' ? arg(incoming, 'access_token') : undefined)
    return token === undefined ? undefined : { token }
  }
  if (product.version === '1') {
    const userKey = userKeyOf(product, incoming)
    return userKey === undefined ? undefined : { user_key: userKey }
  }
  if (product.version !== '2') return undefined
  const { appId, appKey } = pairOf(product, incoming)
  return appId === undefined || appKey === undefined ? undefined : { app_id: appId, app_key: appKey }
}

function userKeyOf(product: Product, incoming: Incoming): string | undefined {
  if (product.location === 'query') return arg(incoming, product.names.userKey)
  if (product.location === 'headers') return incoming.headers[product.names.userKey]
  const { userid, password, bearer } = authorization(incoming)
  return userid ?? password ?? bearer
}

function pairOf(product: Product, incoming: Incoming): { appId: string | undefined; appKey: string | undefined } {
  const { names, location } = product
  if (location === 'query') return { appId: arg(incoming, names.appId), appKey: arg(incoming, names.appKey) }
  if (location === 'headers') return { appId: incoming.headers[names.appId], appKey: incoming.headers[names.appKey] }
  const { userid, password, bearer } = authorization(incoming)
  return { appId: userid ?? bearer, appKey: password }
}

function arg({ query, form }: Incoming, name: string): string | undefined {
  return query.get(name) ?? form.get(name) ?? undefined
}

/** Scheme words are case-sensitive; Basic is split at its last colon, and without one it tells nothing. */
function authorization({ headers }: Incoming): { userid?: string; password?: string; bearer?: string } {
  const header = headers.authorization
  if (header === undefined) return {}
  const bearer = /^Bearer(?: +(.*))?$/.exec(header)
  if (bearer) return { bearer: bearer[1]?.trim() ?? '' }
  const basic = /^Basic +(.+)$/.exec(header)
  if (!basic) return {}
  const decoded = Buffer.from(basic[1] ?? '', 'base64').toString('latin1')
  const colon = decoded.lastIndexOf(':')
  return colon === -1 ? {} : { userid: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
