import { rawArgument } from '../nginx/uri.js'
import type { Incoming } from './policy-request.js'
import type { Product } from './product.js'

export type Credentials = { user_key: string } | { app_id: string; app_key: string } | { token: string }

/** A credential that a form body has twice, or without a value: APIcast's code fails over it (proxy.lua, cached_key). */
export const unreadable = Symbol('unreadable')
type Found = string | typeof unreadable | undefined

/**
 * What APIcast reads, by version and location (gateway/src/apicast/configuration/service.lua); undefined: one is missing. An
 * empty text is there: it is refused later.
 */
export function credentialsOf(product: Product, incoming: Incoming): Credentials | typeof unreadable | undefined {
  const found = foundIn(product, incoming)
  const values = Object.values(found ?? {})
  if (!found || values.includes(undefined)) return undefined
  return values.includes(unreadable) ? unreadable : (found as Credentials)
}

function foundIn(product: Product, incoming: Incoming): Record<string, Found> | undefined {
  const { names, version } = product
  const { userid, password, bearer } = authorization(incoming)
  const byAuthorization = product.location === 'authorization'
  if (version === '1') return { user_key: byAuthorization ? (userid ?? password ?? bearer) : named(names.userKey) }
  if (version === '2')
    return byAuthorization
      ? { app_id: userid ?? bearer, app_key: password }
      : { app_id: named(names.appId), app_key: named(names.appKey) }
  if (version === 'oidc') return { token: (byAuthorization ? undefined : named('access_token')) ?? bearer }
  return undefined

  function named(name: string): Found {
    if (product.location === 'headers') return incoming.header(name)
    const argument = rawArgument(incoming.search, name)
    const values = incoming.form.get(name)
    if (argument !== undefined || !values) return argument
    const [value] = values
    return values.length === 1 && typeof value === 'string' ? value : unreadable
  }
}

/** Scheme words are case-sensitive; Basic is split at its last colon, and without one has no value (http_authorization.lua). */
function authorization({ header }: Incoming): { userid?: string; password?: string; bearer?: string } {
  const [, scheme, parameter = ''] = /^([A-Za-z0-9]+)\s*(.*)$/s.exec(header('authorization') ?? '') ?? []
  if (scheme === 'Bearer') return { bearer: parameter }
  if (scheme !== 'Basic' || !/^[A-Za-z0-9+/]+={0,2}$/.test(parameter)) return {}
  const decoded = Buffer.from(parameter, 'base64').toString('utf8')
  const colon = decoded.lastIndexOf(':')
  return colon === -1 ? {} : { userid: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
