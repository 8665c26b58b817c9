import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RateLimit } from '../limits/rate-limits.js'
import { type ApiPaths, pathOf } from './api-paths.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: a public document, readable by pages of every origin */
    publicDocument?: boolean
  }
}

export interface CorsOptions {
  /** origins whose pages may call the API, as browsers write them */
  origins: string[]
  paths: ApiPaths
}

export type Cors = ReturnType<typeof createCors>

/** Request headers of reads, with those that tracing in browsers adds. */
const READ_HEADERS = [
  'accept',
  'accept-language',
  'baggage',
  'cache-control',
  'if-none-match',
  'traceparent',
  'tracestate',
  'x-requested-with',
]
const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'prefer',
  ...READ_HEADERS,
].join(', ')

/** Response headers of the API that are not CORS-safelisted (Fetch standard). */
const RESPONSE_HEADERS = [
  'age',
  'allow',
  'content-disposition',
  'deprecation',
  'etag',
  'idempotency-replayed',
  'link',
  'location',
  'preference-applied',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'sunset',
  'www-authenticate',
  'x-request-id',
].join(', ')

/** Browsers cache a preflight response for two hours at most. */
const MAX_AGE = '7200'

/** Headers of public documents. */
const publicDocument = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }
/** The wildcard does not cover Authorization. */
const anyHeader = { 'access-control-allow-headers': '*, authorization', 'access-control-max-age': MAX_AGE }

/**
 * Cross-origin resource sharing (Fetch standard). Public documents are readable by every origin, and so are reads without an access
 * token where the catalogue is public; the rest of the API is readable by the listed origins. Credentials are never allowed, so browsers
 * send no cookie, and the API accepts none. @fastify/cors does not fit: it responds to preflight requests before their rate limit, with
 * one list of methods for all routes, and does not cover requests without a route.
 */
export function createCors({ origins, paths }: CorsOptions) {
  const listed = new Set(origins)
  const documents = new Set<string>()

  return {
    headersOf(request: FastifyRequest): Record<string, string> {
      const path = pathOf(request)
      if (documents.has(path)) return publicDocument
      if (!paths.isBelow(path)) return {}
      const shared = {
        'access-control-expose-headers': RESPONSE_HEADERS,
        'cross-origin-resource-policy': 'cross-origin',
      }
      if (allows(request))
        return { vary: 'origin', 'access-control-allow-origin': request.headers.origin ?? '', ...shared }
      if (!isOpen(request)) return listed.size > 0 ? { vary: 'origin' } : {}
      const vary = listed.size > 0 ? 'origin, authorization' : 'authorization'
      if (request.headers.authorization !== undefined) return { vary }
      return { vary, 'access-control-allow-origin': '*', ...shared }
    },
    allows,
    /** Responds to preflight requests. Those for the API count towards `limit` by address, as they have no token. */
    hook(app: FastifyInstance, limit: RateLimit): void {
      app.addHook('onRoute', ({ url, config }) => {
        if (config?.publicDocument) documents.add(url)
      })
      app.addHook('onRequest', (request, reply, done) => {
        if (!isPreflight(request)) return done()
        const path = pathOf(request)
        if (documents.has(path))
          return void sendPreflight(reply, { 'access-control-allow-methods': 'GET, HEAD', ...anyHeader })
        const isListed = allows(request)
        if (!isListed && !opens(request)) return done()
        limit(request, reply)
        sendPreflight(reply, {
          'access-control-allow-methods': (isListed ? methodsOf(path) : paths.openMethodsOf(path)).join(', '),
          'access-control-allow-headers': isListed ? REQUEST_HEADERS : READ_HEADERS.join(', '),
          'access-control-max-age': MAX_AGE,
        })
      })
    },
  }

  /** Whether the request is for the API and comes from a listed origin. */
  function allows(request: FastifyRequest): boolean {
    const { origin } = request.headers
    return origin !== undefined && listed.has(origin) && paths.isBelow(pathOf(request))
  }

  /** Whether the request is a read without an access token, or a preflight request for one. */
  function isOpen(request: FastifyRequest): boolean {
    if (isPreflight(request)) return opens(request)
    if (request.routeOptions.url !== undefined) return request.routeOptions.config.open === true
    return paths.openMethodsOf(pathOf(request)).includes(request.method)
  }

  /** Whether a preflight request is for a read without an access token. */
  function opens(request: FastifyRequest): boolean {
    const method = request.headers['access-control-request-method'] ?? ''
    const headers = String(request.headers['access-control-request-headers'] ?? '').toLowerCase()
    return paths.openMethodsOf(pathOf(request)).includes(method) && !/\bauthorization\b/.test(headers)
  }

  /** Methods of the path. For an unknown path all methods, so that the page can read the 404. */
  function methodsOf(path: string): string[] {
    const methods = paths.methodsOf(path)
    return methods.length > 0 ? methods : paths.allMethods()
  }
}

function sendPreflight(reply: FastifyReply, headers: Record<string, string>): FastifyReply {
  return reply
    .code(204)
    .headers({ 'cache-control': 'no-store', ...headers })
    .send()
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}
