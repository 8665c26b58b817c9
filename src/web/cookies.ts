import type { CookieSerializeOptions } from '@fastify/cookie'

export interface CookieKind {
  /** after `maas_` */
  name: string
  /** https */
  secure: boolean
  /** false: sent to the one path that is named each time it is set; default true */
  everywhere?: boolean
  /** false: a script of ours reads it */
  httpOnly?: boolean
}

export interface Cookie {
  name: string
  options: CookieSerializeOptions
}

/**
 * Name and attributes of every cookie. On https the prefix makes the browser refuse what was not set by this host over
 * https: `__Host-` where it is sent everywhere, else `__Secure-` (RFC 6265bis section 4.1.3).
 */
export function cookieOf({ name, secure, everywhere = true, httpOnly = true }: CookieKind): Cookie {
  const prefix = secure ? (everywhere ? '__Host-' : '__Secure-') : ''
  const options = { httpOnly, sameSite: 'lax', secure, ...(everywhere ? { path: '/' } : {}) } as const
  return { name: `${prefix}maas_${name}`, options }
}
