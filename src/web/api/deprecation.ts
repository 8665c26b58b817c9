import type { FastifyInstance } from 'fastify'

/** When an operation was deprecated, and when it may be removed. Both are dates. */
export interface Deprecation {
  since: string
  sunset: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** API: marked as deprecated in the document and in every response (docs/api-policy.md) */
    deprecated?: Deprecation
  }
}

/** Minimum number of days between deprecation and removal. */
export const MIN_DEPRECATION_DAYS = 180
const DAY_MS = 86_400_000

/** Sets the headers of deprecated operations (RFC 9745, RFC 8594), on errors too. Throws if the period is too short. */
export function deprecationHeaders(app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.deprecated && !(daysOf(config.deprecated) >= MIN_DEPRECATION_DAYS))
      throw new Error(`${method} ${url} must remain for ${MIN_DEPRECATION_DAYS} days after its deprecation.`)
  })
  app.addHook('onRequest', ({ routeOptions }, reply, done) => {
    const { deprecated } = routeOptions.config
    if (deprecated) {
      reply.header('deprecation', `@${Date.parse(deprecated.since) / 1000}`)
      reply.header('sunset', new Date(deprecated.sunset).toUTCString())
    }
    done()
  })
}

function daysOf({ since, sunset }: Deprecation): number {
  return (Date.parse(sunset) - Date.parse(since)) / DAY_MS
}
