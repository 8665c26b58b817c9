import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../errors.js'
import { apiBodies } from './api-body.js'
import type { Attempts } from './attempts.js'
import { audited } from './audit.js'
import type { Caller, Identity } from './caller.js'
import { serializers, validators } from './compilers.js'
import { apiFailure } from './failures.js'
import { metadataPath } from './metadata.js'
import type { ApiDocument } from './openapi/routes.js'
import type { RateLimit } from './rate-limits.js'
import { requiredScopes, type Scope } from './scopes.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** API only: who the access token speaks for, signed up or not */
    identity: Identity | undefined
  }
  interface FastifyContextConfig {
    /** scope that an access token needs for this route of the API, `maas:reveal` beside it where `reveal=true` is requested */
    scope?: Exclude<Scope, 'maas:reveal'>
    /** true: a caller who has not signed up yet may use it */
    anonymous?: boolean
    /** statuses of problems that this route can answer beside those that every route of its kind can; for the document */
    problems?: number[]
  }
}

export interface ApiOptions {
  publicUrl: string
  /** checks a bearer token; rejects with invalid_token, forbidden or identity_unavailable */
  verify(token: string): Promise<{ identity: Identity; scopes: string[] }>
  /** the account of an identity, undefined where it has not signed up */
  callerOf(identity: Identity): Promise<Caller | undefined>
  limit: RateLimit
  /** the limit of credentials that are shown, shared with the pages of the same person */
  reveals: RateLimit
  /** the limit of usage reports, shared in the same way */
  reports: RateLimit
  attempts: Attempts
  document: ApiDocument
}

/**
 * What every route below /api/v1 shares: JSON only (`api-body.ts`), bearer tokens only, a limit per caller,
 * Idempotency-Key, problem details, a 404 of its own, and the OpenAPI document, which pages therefore never enter. No answer may
 * be stored by anybody, but for the catalogue, which sets its own `cache-control`.
 */
export async function apiScope(
  app: FastifyInstance,
  { publicUrl, verify, callerOf, limit, reveals, reports, attempts, document }: ApiOptions,
): Promise<void> {
  const metadata = `${publicUrl}${metadataPath}`
  app.decorateRequest('identity', undefined)
  apiBodies(app)
  app.setValidatorCompiler(validators)
  app.setSerializerCompiler(serializers)
  app.setErrorHandler((error, request, reply) => apiFailure(error, request, reply, metadata))
  app.setNotFoundHandler((request, reply) => apiFailure(problem('not_found'), request, reply, metadata))
  await document.describe(app)
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    if (!config?.scope && !schema?.hide) throw new Error(`${method} ${url} names no scope`)
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    request.caller = undefined
    const token = bearerOf(request)
    const scopes = token === undefined ? [] : await verified(token, request, reply)
    await limit(request, reply)
    const { open, anonymous } = request.routeOptions.config
    const { identity } = request
    if (!identity) {
      if (open) return
      throw problem('sign_in_required', { detail: 'Send an access token: Authorization: Bearer …' })
    }
    const lacking = requiredScopes(request).filter((scope) => !scopes.includes(scope))
    if (lacking.length > 0) throw insufficientScope(request, lacking)
    const caller = await callerOf(identity)
    if (!caller && !anonymous && !open)
      throw problem('forbidden', { detail: 'Sign up first: open the portal once, or POST /api/v1/me.' })
    request.caller = caller && { ...caller, scopes }
  })
  app.addHook('preHandler', async (request, reply) => {
    if (request.routeOptions.config.limit === 'reports') await reports(request, reply)
    // once more after validation, so that no other spelling of `true` passes
    const required = requiredScopes(request)
    if (!request.caller || !required.includes('maas:reveal')) return
    if (!request.caller.scopes?.includes('maas:reveal')) throw insufficientScope(request, ['maas:reveal'])
    try {
      await reveals(request, reply)
    } catch (error) {
      audited(request, { event: 'key.reveal' })
      throw error
    }
  })
  attempts.hook(app)
  app.get('/openapi.json', { config: { open: true, publicDocument: true }, schema: { hide: true } }, async () =>
    document.read(),
  )

  /** Scopes of the token. A refused one counts against its address, so that guessing has a limit too. */
  async function verified(token: string, request: FastifyRequest, reply: FastifyReply): Promise<string[]> {
    try {
      const { identity, scopes } = await verify(token)
      request.identity = identity
      request.work.owner = `${identity.issuer} ${identity.subject}`
      return scopes
    } catch (error) {
      if (!isProblem(error, 'identity_unavailable')) await limit(request, reply)
      throw error
    }
  }
}

/** Refused attempts to see a credential are audited, too. */
function insufficientScope(request: FastifyRequest, lacking: Scope[]) {
  if (lacking.includes('maas:reveal')) audited(request, { event: 'key.reveal' })
  const names = lacking.join(' and ')
  const detail = `This call needs an access token with the scope${lacking.length > 1 ? 's' : ''} ${names}.`
  return problem('insufficient_scope', { detail })
}

/** RFC 6750: the Authorization header only, never the query or a cookie; another scheme is no credential for this API. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) return undefined
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined)
    throw problem('bad_request', { detail: 'The Authorization header is not of the form: Bearer TOKEN.' })
  return token
}
