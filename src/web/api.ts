import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../errors.js'
import { version } from '../version.js'
import type { Caller, Identity } from './caller.js'
import { apiFailure } from './failures.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** API only: who the access token speaks for, signed up or not */
    identity: Identity | undefined
  }
  interface FastifyContextConfig {
    /** scope that an access token needs for this route of the API */
    scope?: 'maas:read' | 'maas:write'
    /** true: a caller who has not signed up yet may use it */
    anonymous?: boolean
  }
}

export interface ApiOptions {
  publicUrl: string
  /** checks the bearer token of a request; rejects with invalid_token or identity_unavailable */
  authenticate(token: string): Promise<{ identity: Identity; scopes: string[]; caller: Caller | undefined }>
}

/**
 * What every route below /api/v1 shares: JSON only (any other content type is 415, so no cross-site form gets here),
 * bearer tokens only, problem details, a 404 of its own, and the OpenAPI document, which pages therefore never enter.
 */
export async function apiScope(app: FastifyInstance, { publicUrl, authenticate }: ApiOptions): Promise<void> {
  app.decorateRequest('identity', undefined)
  app.removeContentTypeParser('application/x-www-form-urlencoded')
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error, request, reply) => apiFailure(error, request, reply))
  app.setNotFoundHandler((request, reply) => apiFailure(problem('not_found'), request, reply))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'maas-portal',
        version,
        description: 'Models, applications and keys of your account. The pages of the portal call the same code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: `${publicUrl}/api/v1` }],
      tags: [{ name: 'models' }, { name: 'applications' }, { name: 'account' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ bearer: [] }],
    },
    stripBasePath: true,
  })
  app.addHook('onRequest', async (request) => {
    request.caller = undefined
    const token = bearerOf(request)
    const { scope, open, anonymous } = request.routeOptions.config
    if (token === undefined) {
      if (open) return
      throw problem('sign_in_required', { detail: 'Send an access token: Authorization: Bearer …' })
    }
    const { identity, scopes, caller } = await authenticate(token)
    if (scope && !scopes.includes(scope)) {
      throw problem('insufficient_scope', { detail: `This call needs an access token with the scope ${scope}.` })
    }
    if (!caller && !anonymous && !open)
      throw problem('forbidden', { detail: 'Sign up first: open the portal once, or POST /api/v1/me.' })
    request.identity = identity
    request.caller = caller
  })
  app.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async () => app.swagger())
}

/** RFC 6750: the Authorization header only, never the query or a cookie. */
function bearerOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization
  if (header === undefined) return undefined
  const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)
  if (!match) throw problem('invalid_token')
  return match[1]
}
