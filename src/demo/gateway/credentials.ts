import { type Incoming, rawArg } from './incoming.js'
import type { Product } from './product.js'

export type Credentials = { user_key: string } | { app_id: string; app_key: string } | { token: string }

/**
 * What APIcast reads, by version and location (gateway/src/apicast/configuration/service.lua); undefined: one is missing. An
 * empty text is there: it is refused later.
 */
export function credentialsOf(product: Product, incoming: Incoming): Credentials | undefined {
  const { names, version } = product
  if (version === '1') {
    const { userid, password, bearer } = authorization(incoming)
    const userKey = product.location === 'authorization' ? (userid ?? password ?? bearer) : named(names.userKey)
    return userKey === undefined ? undefined : { user_key: userKey }
  }
  if (version === '2') {
    const { userid, password, bearer } = authorization(incoming)
    const basic = product.location === 'authorization'
    const appId = basic ? (userid ?? bearer) : named(names.appId)
    const appKey = basic ? password : named(names.appKey)
    return appId === undefined || appKey === undefined ? undefined : { app_id: appId, app_key: appKey }
  }
  if (version === 'oidc') {
    const elsewhere = product.location === 'authorization' ? undefined : named('access_token')
    const token = elsewhere ?? authorization(incoming).bearer
    return token === undefined ? undefined : { token }
  }
  return undefined

  function named(name: string): string | undefined {
    if (product.location === 'headers') return incoming.headers[name.replaceAll('-', '_')]
    return rawArg(incoming.search, name) ?? incoming.form.get(name) ?? undefined
  }
}

/** Scheme words are case-sensitive; Basic is split at its last colon, and without one tells nothing (http_authorization.lua). */
function authorization({ headers }: Incoming): { userid?: string; password?: string; bearer?: string } {
  const [, scheme, parameter = ''] = /^([A-Za-z0-9]+)\s*(.*)$/s.exec(headers.authorization ?? '') ?? []
  if (scheme === 'Bearer') return { bearer: parameter }
  if (scheme !== 'Basic' || !/^[A-Za-z0-9+/]+={0,2}$/.test(parameter)) return {}
  const decoded = Buffer.from(parameter, 'base64').toString('utf8')
  const colon = decoded.lastIndexOf(':')
  return colon === -1 ? {} : { userid: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
