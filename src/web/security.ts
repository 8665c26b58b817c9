import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../errors.js'
import type { Cors } from './cors.js'

export interface SecurityOptions {
  /** the portal's own origin, https or local */
  publicUrl: string
}

/** Headers of every answer, and the refusal of form posts that come from other sites. */
export function security(app: FastifyInstance, { publicUrl }: SecurityOptions, cors: Cors): void {
  const headers = headersFor({ publicUrl })
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).headers(cors.headersOf(request))
    const { rawHeaders, url = '' } = request.raw
    if (isTooLarge(rawHeaders, url)) return done(problem('headers_too_large'))
    if (isAmbiguous(rawHeaders)) return done(problem('bad_request', { detail: AMBIGUOUS }))
    const expected = request.routeOptions.config.crossSite === true || cors.allows(request)
    const foreign = !expected && isCrossSite(request, publicUrl)
    done(foreign ? problem('cross_site') : undefined)
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: other programs post here (back-channel logout), so the browser's cross-site headers are not checked */
    crossSite?: boolean
  }
}

/** Of every answer, whatever it is; what other origins may read of the API and the public documents is in `cors.ts`. */
export function headersFor({ publicUrl }: SecurityOptions): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    // no response to a form redirects to another origin: see leaving.ts
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
 * An access token with some hundreds of groups is 20 to 50 KB, and browsers send the cookies of a domain that many applications
 * share. Routers refuse more as well (HAProxy's default is 32 KB).
 */
const MOST_HEADER_BYTES = 64 * 1024

function isTooLarge(rawHeaders: string[], url: string): boolean {
  let bytes = url.length
  // colon, space and the end of the line
  for (let index = 0; index < rawHeaders.length; index++) bytes += (rawHeaders[index]?.length ?? 0) + 2
  return bytes > MOST_HEADER_BYTES
}

const AMBIGUOUS = 'The request has more than one Host or Authorization header. Send one of each.'

/** Programs on the way may read another one than the portal does (RFC 9112 section 3.2). */
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
 * As Go's http.CrossOriginProtection: a write is refused when the browser says it comes from elsewhere. Requests without
 * both headers do not come from a browser, so they carry no cookie that somebody else could abuse.
 */
function isCrossSite(request: FastifyRequest, publicUrl: string): boolean {
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return false
  const site = request.headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return false
  const { origin } = request.headers
  return site !== undefined || (origin !== undefined && origin !== publicUrl)
}
