import type { CookieSerializeOptions } from '@fastify/cookie'

export interface CookieDefinition {
  /** after `maas_` */
  name: string
  /** https */
  secure: boolean
  /** false: the path is set with each cookie; default true */
  allPaths?: boolean
  /** false: readable by the scripts of the portal */
  httpOnly?: boolean
}

export interface Cookie {
  name: string
  options: CookieSerializeOptions
}

/**
 * Name and attributes of a cookie. On https the prefix has the browser reject a cookie that another host or plain http has set:
 * `__Host-` for a cookie of all paths, otherwise `__Secure-` (RFC 6265bis section 4.1.3).
 */
export function defineCookie({ name, secure, allPaths = true, httpOnly = true }: CookieDefinition): Cookie {
  const prefix = secure ? (allPaths ? '__Host-' : '__Secure-') : ''
  const options = { httpOnly, sameSite: 'lax', secure, ...(allPaths ? { path: '/' } : {}) } as const
  return { name: `${prefix}maas_${name}`, options }
}
