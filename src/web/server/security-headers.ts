import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../../errors.js'
import type { Cors } from '../api/cors.js'
import { AMBIGUOUS_HEADERS } from './errors/messages.js'

export interface SecurityOptions {
  /** the portal's own origin, https or local */
  publicUrl: string
}

/** Sets the security headers and rejects oversized, ambiguous and cross-site requests. */
export function securityHeaders(app: FastifyInstance, { publicUrl }: SecurityOptions, cors: Cors): void {
  const headers = securityHeadersFor({ publicUrl })
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id).headers(cors.headersOf(request))
    const { rawHeaders, url = '' } = request.raw
    if (isTooLarge(rawHeaders, url)) return done(problem('headers_too_large'))
    if (isAmbiguous(rawHeaders)) return done(problem('bad_request', { detail: AMBIGUOUS_HEADERS }))
    const isExpected = request.routeOptions.config.crossSite === true || cors.allows(request)
    const isForeign = !isExpected && isCrossSite(request, publicUrl)
    done(isForeign ? problem('cross_site') : undefined)
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: other programs post here (back-channel logout), so the browser's cross-site headers are not checked */
    crossSite?: boolean
  }
}

/** Headers of every response. Access by other origins is in `cors.ts`. */
export function securityHeadersFor({ publicUrl }: SecurityOptions): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    // no response to a form redirects to another origin (external-redirect.ts)
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  const secure = publicUrl.startsWith('https:')
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  }
}

/**
 * An access token with hundreds of groups has 20 to 50 KB, and browsers send the cookies of a domain to all its applications. Routers
 * have a similar limit (HAProxy: 32 KB by default).
 */
const MAX_HEADER_BYTES = 64 * 1024

function isTooLarge(rawHeaders: string[], url: string): boolean {
  let bytes = url.length
  // two more for colon and space, and for the end of the line
  for (let index = 0; index < rawHeaders.length; index++) bytes += (rawHeaders[index]?.length ?? 0) + 2
  return bytes > MAX_HEADER_BYTES
}

/** An intermediary may read another one than the portal does (RFC 9112 section 3.2). */
function isAmbiguous(rawHeaders: string[]): boolean {
  let [hosts, credentials] = [0, 0]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
    else if (name.length === 13 && name.toLowerCase() === 'authorization') credentials++
  }
  return hosts > 1 || credentials > 1
}

/**
 * As Go's http.CrossOriginProtection: a write is rejected if the browser reports another site. Requests without both headers do not come
 * from a browser, so they have no cookie to abuse.
 */
function isCrossSite(request: FastifyRequest, publicUrl: string): boolean {
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return false
  const site = request.headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return false
  const { origin } = request.headers
  return site !== undefined || (origin !== undefined && origin !== publicUrl)
}
