import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { isProblem, problem } from '../errors.js'
import { version } from '../version.js'
import type { Attempts } from './attempts.js'
import type { Caller, Identity } from './caller.js'
import { apiFailure } from './failures.js'
import { apiValidators } from './forms.js'
import { metadataPath } from './metadata.js'
import { finishDocument } from './openapi/document.js'
import type { OpenApiDocument } from './openapi/shapes.js'
import type { RateLimit } from './rate-limits.js'

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
  attempts: Attempts
}

/**
 * What every route below /api/v1 shares: JSON only (any other content type is 415, so no cross-site form gets here),
 * bearer tokens only, a limit per caller, Idempotency-Key, problem details, a 404 of its own, and the OpenAPI document,
 * which pages therefore never enter. Returns the document; it is whole once the app is ready.
 */
export async function apiScope(
  app: FastifyInstance,
  { publicUrl, verify, callerOf, limit, attempts }: ApiOptions,
): Promise<() => OpenApiDocument> {
  const metadata = `${publicUrl}${metadataPath}`
  app.decorateRequest('identity', undefined)
  app.removeContentTypeParser('application/x-www-form-urlencoded')
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(apiValidators)
  app.setErrorHandler((error, request, reply) => apiFailure(error, request, reply, metadata))
  app.setNotFoundHandler((request, reply) => apiFailure(problem('not_found'), request, reply, metadata))
  const document = await describe(app)
  app.addHook('onRequest', async (request, reply) => {
    request.caller = undefined
    const token = bearerOf(request)
    const scopes = token === undefined ? [] : await verified(token, request, reply)
    await limit(request, reply)
    const { scope, open, anonymous } = request.routeOptions.config
    const { identity } = request
    if (!identity) {
      if (open) return
      throw problem('sign_in_required', { detail: 'Send an access token: Authorization: Bearer …' })
    }
    if (scope && !scopes.includes(scope))
      throw problem('insufficient_scope', { detail: `This call needs an access token with the scope ${scope}.` })
    const caller = await callerOf(identity)
    if (!caller && !anonymous && !open)
      throw problem('forbidden', { detail: 'Sign up first: open the portal once, or POST /api/v1/me.' })
    request.caller = caller && { ...caller, scopes }
  })
  attempts.hook(app)
  app.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async () => document())
  return document

  /** Scopes of the token. A refused one counts against its address, so that guessing has a limit too. */
  async function verified(token: string, request: FastifyRequest, reply: FastifyReply): Promise<string[]> {
    try {
      const { identity, scopes } = await verify(token)
      request.identity = identity
      return scopes
    } catch (error) {
      if (!isProblem(error, 'identity_unavailable')) await limit(request, reply)
      throw error
    }
  }
}

/** RFC 6750: the Authorization header only, never the query or a cookie; another scheme is no credential for this API. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) return undefined
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined)
    throw problem('bad_request', { detail: 'The Authorization header is not of the form: Bearer TOKEN.' })
  return token
}

async function describe(app: FastifyInstance): Promise<() => OpenApiDocument> {
  const problemsOf = new Map<string, number[]>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'maas-portal',
        version,
        description:
          'Models, applications, keys and people of your account. The pages of the portal call the same code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/api/v1', description: 'this portal' }],
      tags: [
        { name: 'account', description: 'Who you are here, sign-up, and the people and services of your account.' },
        { name: 'models', description: 'What you can call, under which plans, and code that runs.' },
        { name: 'applications', description: 'Applications and their credentials.' },
        { name: 'usage', description: 'What was used, what is left of it, and what it costs.' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'An access token of the sign-in service that /.well-known/oauth-protected-resource names, with the scopes of the call. People get one by the device or the code flow, services by client credentials.',
          },
        },
      },
    },
    stripBasePath: true,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `Part${index}`) },
    transform: ({ schema, url, route }) => {
      const { scope, problems, ...config } = route.config ?? {}
      const path = url.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')
      for (const method of [route.method].flat()) problemsOf.set(`${method.toLowerCase()} ${path}`, problems ?? [])
      const security: Record<string, string[]>[] = [{ bearer: scope ? [scope] : [] }, ...('open' in config ? [{}] : [])]
      return { schema: { ...withNames(schema), security }, url }
    },
  })
  let whole: OpenApiDocument | undefined
  return () => {
    whole ??= finishDocument(app.swagger(), problemsOf)
    return whole
  }
}

/** The plugin keeps the name of a noun inside another, but not of one that is a whole body; `x-noun` carries it over. */
function withNames(schema: FastifySchema): FastifySchema {
  const name = (body: unknown) => {
    const { $id } = (body ?? {}) as { $id?: string }
    return $id === undefined ? body : { ...(body as object), 'x-noun': $id }
  }
  const answers = Object.entries((schema.response ?? {}) as Record<string, unknown>)
  return {
    ...schema,
    ...(schema.body === undefined ? {} : { body: name(schema.body) }),
    response: Object.fromEntries(answers.map(([status, body]) => [status, name(body)])),
  }
}
