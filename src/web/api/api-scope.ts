import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isProblem, problem } from '../../errors.js'
import type { IdempotencyKeys } from '../../idempotency/idempotency-key.js'
import { annotateAudit } from '../audit/audit.js'
import type { Caller, Identity } from '../auth/caller.js'
import { requiredScopes, type Scope } from '../auth/scopes.js'
import type { VerifiedToken } from '../auth/tokens/bearer-tokens.js'
import { metadataPath } from '../auth/tokens/protected-resource-metadata.js'
import type { RateLimit } from '../limits/rate-limits.js'
import { createResponseBody, type ResponseBody } from '../pages/compression/response-body.js'
import { sendBody } from '../pages/conditional-response.js'
import { handleApiError } from '../server/errors/error-handlers.js'
import { type ApiPaths, hasEmptySegment, pathOf } from './api-paths.js'
import { deprecationHeaders } from './deprecation.js'
import {
  BEARER_MALFORMED,
  BEARER_REQUIRED,
  extraSlash,
  methodNotAllowed,
  OUTSIDE_API,
  SIGN_UP_REQUIRED,
  scopeRequired,
  UNKNOWN_PATH,
} from './messages.js'
import type { ApiDocument } from './openapi/document.js'
import { jsonBodies } from './validation/request-body.js'
import { serializerCompiler, validatorCompiler } from './validation/schema-compilers.js'
import { addVary } from './vary.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** API only: the subject of the access token, signed up or not */
    identity: Identity | undefined
  }
  interface FastifyContextConfig {
    /** scope that this route of the API requires, in addition to `maas:reveal` for `reveal=true` */
    scope?: Exclude<Scope, 'maas:reveal'>
    /** true: open to callers without sign-up */
    anonymous?: boolean
    /** further statuses of problems that this route returns, for the OpenAPI document */
    problems?: number[]
  }
}

export interface ApiOptions {
  publicUrl: string
  /** checks a bearer token; rejects with invalid_token, forbidden or identity_unavailable */
  verify(token: string): VerifiedToken | Promise<VerifiedToken>
  /** the caller of an identity, undefined without sign-up */
  callerOf(identity: Identity): Caller | Promise<Caller | undefined>
  limit: RateLimit
  /** limit of revealed credentials, shared with the pages */
  reveals: RateLimit
  /** limit of usage reports, shared with the pages */
  reports: RateLimit
  attempts: IdempotencyKeys
  document: ApiDocument
  paths: ApiPaths
}

/**
 * What all routes below /api/v1 share: JSON, bearer tokens, rate limits, strict query parameters, Idempotency-Key, problem details,
 * 404 and 405, and the OpenAPI document. Responses are `no-store`, except those of the catalogue and the document.
 */
export async function apiScope(
  app: FastifyInstance,
  { publicUrl, verify, callerOf, limit, reveals, reports, attempts, document, paths }: ApiOptions,
): Promise<void> {
  const metadata = `${publicUrl}${metadataPath}`
  app.decorateRequest('identity', undefined)
  jsonBodies(app)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler((error, request, reply) => handleApiError(error, request, reply, metadata))
  // without a handler the hook below would not run; it responds before the body is read
  app.setNotFoundHandler((request, reply) => handleApiError(problem('not_found'), request, reply, metadata))
  deprecationHeaders(app)
  await document.describe(app)
  app.addHook('onRoute', (route) => {
    const { method, url, config, schema } = route
    if (!config?.scope && !schema?.hide) throw new Error(`${method} ${url} names no scope`)
    // without parameters it is validated too, so that every parameter is rejected
    route.schema = { ...schema, querystring: schema?.querystring ?? Type.Object({}) }
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('cache-control', 'no-store')
    request.caller = undefined
    // an empty segment identifies nothing, so an extra slash has no route
    if (request.is404 || hasEmptySegment(pathOf(request))) {
      limit(request, reply)
      return respondWithoutRoute(request, reply, paths)
    }
    const waiting = authenticate(request, reply)
    if (waiting) waiting.then(() => done(), done)
    else done()
  })
  app.addHook('preHandler', (request, reply, done) => {
    if (request.routeOptions.config.limit === 'reports') reports(request, reply)
    // checked again after validation, which accepts other spellings of `true`
    const required = requiredScopes(request)
    if (!request.caller || !required.includes('maas:reveal')) return done()
    if (!request.caller.scopes?.includes('maas:reveal')) throw insufficientScope(request, ['maas:reveal'])
    try {
      reveals(request, reply)
    } catch (error) {
      annotateAudit(request, { event: 'key.reveal' })
      throw error
    }
    done()
  })
  attempts.hook(app)
  let documentBody: ResponseBody | undefined
  app.get(
    '/openapi.json',
    { config: { open: true, publicDocument: true }, schema: { hide: true } },
    async (_request, reply) => {
      documentBody ??= createResponseBody(JSON.stringify(document.read()))
      reply.type('application/json; charset=utf-8').header('cache-control', 'public, no-cache')
      addVary(reply, 'accept-encoding')
      return sendBody(reply, documentBody)
    },
  )

  /** Sets `request.identity` and `request.caller`. Without a promise for recent tokens of recent callers. */
  function authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const token = bearerOf(request)
    const verified = token === undefined ? undefined : verify(token)
    if (verified instanceof Promise) return waitForToken(verified, request, reply)
    return authorize(verified, request, reply)
  }

  /** A rejected token counts against the address, so guessing is limited. */
  async function waitForToken(verifying: Promise<VerifiedToken>, request: FastifyRequest, reply: FastifyReply) {
    let verified: VerifiedToken
    try {
      verified = await verifying
    } catch (error) {
      if (!isProblem(error, 'identity_unavailable')) limit(request, reply)
      throw error
    }
    await authorize(verified, request, reply)
  }

  function authorize(
    verified: VerifiedToken | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> | undefined {
    request.identity = verified?.identity
    limit(request, reply)
    const { open, anonymous } = request.routeOptions.config
    if (!verified) {
      if (open) return undefined
      throw problem('sign_in_required', { detail: BEARER_REQUIRED })
    }
    const { identity, scopes } = verified
    request.callContext.owner = `${identity.issuer} ${identity.subject}`
    const missing = requiredScopes(request).filter((scope) => !scopes.includes(scope))
    if (missing.length > 0) throw insufficientScope(request, missing)
    const setCaller = (caller: Caller | undefined) => {
      if (!caller && !anonymous && !open) throw problem('forbidden', { detail: SIGN_UP_REQUIRED })
      request.caller = caller && { ...caller, scopes }
    }
    const caller = callerOf(identity)
    if (caller instanceof Promise) return caller.then(setCaller)
    setCaller(caller)
    return undefined
  }
}

/**
 * A request without a route, which requires no token: OPTIONS of an existing path lists its methods (RFC 9110 section 9.3.7), another
 * method is 405, an unknown path is 404.
 */
function respondWithoutRoute(request: FastifyRequest, reply: FastifyReply, paths: ApiPaths): void {
  const path = pathOf(request)
  const methods = paths.methodsOf(path)
  if (methods.length > 0) {
    const allowed = [...methods, 'OPTIONS'].sort().join(', ')
    reply.header('allow', allowed)
    if (request.method === 'OPTIONS') return void reply.code(204).send()
    throw problem('method_not_allowed', { detail: methodNotAllowed(allowed) })
  }
  const existing = paths.withoutExtraSlashes(path)
  throw problem('not_found', { detail: existing ? extraSlash(existing) : UNKNOWN_PATH })
}

/** Everything else below /api is answered with problem details, not with a page. */
export async function apiFallback(app: FastifyInstance, { publicUrl, limit }: Pick<ApiOptions, 'publicUrl' | 'limit'>) {
  const metadata = `${publicUrl}${metadataPath}`
  const detail = OUTSIDE_API
  app.setErrorHandler((error, request, reply) => handleApiError(error, request, reply, metadata))
  app.setNotFoundHandler((request, reply) => handleApiError(problem('not_found', { detail }), request, reply, metadata))
  app.addHook('onRequest', async (request, reply) => {
    limit(request, reply)
    throw problem('not_found', { detail })
  })
}

/** Rejected requests for a credential are audited. */
function insufficientScope(request: FastifyRequest, missing: Scope[]) {
  if (missing.includes('maas:reveal')) annotateAudit(request, { event: 'key.reveal' })
  return problem('insufficient_scope', { detail: scopeRequired(missing) })
}

/** RFC 6750: only the Authorization header, not the query or a cookie. Other schemes are ignored. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) return undefined
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined) throw problem('bad_request', { detail: BEARER_MALFORMED })
  return token
}
