import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { version } from '../../version.js'
import { takesReveal } from '../scopes.js'
import { finishDocument } from './document.js'
import type { OpenApiDocument } from './shapes.js'

export type ApiDocument = ReturnType<typeof createApiDocument>

/** The OpenAPI document of the routes of one scope. */
export function createApiDocument() {
  const problems = new Map<string, number[]>()
  let scope: FastifyInstance | undefined
  let whole: OpenApiDocument | undefined

  return {
    /** Listens to the routes that this scope adds from now on. */
    async describe(app: FastifyInstance): Promise<void> {
      scope = app
      await app.register(swagger, {
        openapi: frame,
        stripBasePath: true,
        refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `Part${index}`) },
        transform: ({ schema, url, route }) => {
          const { scope, problems: named = [], ...config } = route.config ?? {}
          const path = url.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')
          for (const method of [route.method].flat()) problems.set(`${method.toLowerCase()} ${path}`, named)
          const security: Record<string, string[]>[] = [
            { bearer: scope ? [scope] : [] },
            ...(scope && takesReveal(schema?.querystring) ? [{ bearer: [scope, 'maas:reveal'] }] : []),
            ...('open' in config ? [{}] : []),
          ]
          return { schema: { ...withNames(schema), security }, url }
        },
      })
    },
    /** Whole once the app is ready. */
    read(): OpenApiDocument {
      whole ??= finishDocument(scope?.swagger(), problems)
      return whole
    },
  }
}

const frame = {
  openapi: '3.1.0',
  info: {
    title: 'maas-portal',
    version,
    description:
      'Models, applications, keys and people of your account. The pages of the portal call the same code. Web applications of other origins can call this API where the operator lists their origin (CORS); the credential is always the access token, never a cookie.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/api/v1', description: 'this portal' }],
  tags: [
    { name: 'account', description: 'Who you are here, sign-up, and the people and services of your account.' },
    { name: 'models', description: 'What you can call, under which plans, and code that runs.' },
    { name: 'applications', description: 'Applications and their credentials.' },
    { name: 'operations', description: 'Requests that are processed after their response (Prefer: respond-async).' },
    { name: 'usage', description: 'What was used, what is left of it, and what it costs.' },
  ],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'An access token of the sign-in service that /.well-known/oauth-protected-resource names, with the scopes of the call. People get one by the device or the code flow, services by client credentials.',
      },
    },
  },
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
