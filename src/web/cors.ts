import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RateLimit } from './rate-limits.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: the same document for everybody, so pages of every origin may read it */
    publicDocument?: boolean
  }
}

export interface CorsOptions {
  /** origins whose pages may call the API, as browsers write them */
  origins: string[]
  /** of the addresses of the API, without a slash at the end */
  prefix: string
}

export type Cors = ReturnType<typeof createCors>

/** What the API reads, and what tracing in browsers adds. */
const REQUEST_HEADERS = [
  'authorization',
  'accept',
  'accept-language',
  'baggage',
  'cache-control',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'prefer',
  'traceparent',
  'tracestate',
  'x-requested-with',
].join(', ')

/** What the API sends besides the headers that every page may read (Fetch standard, CORS-safelisted response-header name). */
const RESPONSE_HEADERS = [
  'age',
  'content-disposition',
  'etag',
  'location',
  'preference-applied',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
].join(', ')

/** Browsers cache a preflight response for two hours at most. */
const MAX_AGE = '7200'

/** Of documents that are the same for everybody; the wildcard for request headers does not cover Authorization. */
const everybody = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }
const anyHeader = { 'access-control-allow-headers': '*, authorization', 'access-control-max-age': MAX_AGE }

/**
 * Cross-origin resource sharing (Fetch standard): public documents for every origin, the API for the listed ones. Responses never
 * allow credentials, so a browser adds no cookie, and the API accepts none. Not @fastify/cors: it answers a preflight request before
 * its rate limit, with one list of methods for all routes, and does not reach responses to requests that no route could be found for.
 */
export function createCors({ origins, prefix }: CorsOptions) {
  const listed = new Set(origins)
  const documents = new Set<string>()
  const routes = new Map<string, Set<string>>()
  const isApi = (path: string) => listed.size > 0 && path.startsWith(`${prefix}/`)

  return {
    headersOf(request: FastifyRequest): Record<string, string> {
      const path = pathOf(request)
      if (documents.has(path)) return everybody
      if (!isApi(path)) return {}
      if (!allows(request)) return { vary: 'origin' }
      return {
        vary: 'origin',
        'access-control-allow-origin': request.headers.origin ?? '',
        'access-control-expose-headers': RESPONSE_HEADERS,
        'cross-origin-resource-policy': 'cross-origin',
      }
    },
    allows,
    /** Answers preflight requests. Those for the API count in `limit`, by address, as they have no token. */
    hook(app: FastifyInstance, limit: RateLimit): void {
      app.addHook('onRoute', ({ method, url, config }) => {
        if (config?.publicDocument) documents.add(url)
        if (!url.startsWith(`${prefix}/`)) return
        routes.set(url, new Set([...(routes.get(url) ?? []), method].flat()))
      })
      app.addHook('onRequest', async (request, reply) => {
        if (!isPreflight(request)) return
        const path = pathOf(request)
        if (documents.has(path))
          return reply
            .code(204)
            .headers({ 'access-control-allow-methods': 'GET, HEAD', ...anyHeader })
            .send()
        if (!allows(request)) return
        await limit(request, reply)
        return reply
          .code(204)
          .headers({
            'access-control-allow-methods': methodsOf(path),
            'access-control-allow-headers': REQUEST_HEADERS,
            'access-control-max-age': MAX_AGE,
          })
          .send()
      })
    },
  }

  /** Whether the request is for the API and from a page of a listed origin. */
  function allows(request: FastifyRequest): boolean {
    const { origin } = request.headers
    return origin !== undefined && listed.has(origin) && isApi(pathOf(request))
  }

  /** Those of the routes that the path matches; of an unknown path all, so that the page can read the 404. */
  function methodsOf(path: string): string {
    const matching = [...routes].filter(([pattern]) => matches(pattern.split('/'), path.split('/')))
    const methods = (matching.length > 0 ? matching : [...routes]).flatMap(([, each]) => [...each])
    return [...new Set(methods)].sort().join(', ')
  }
}

function matches(pattern: string[], parts: string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, at) => (part.startsWith(':') ? parts[at] : part === parts[at]))
  )
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
}
