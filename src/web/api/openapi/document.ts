import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { version } from '../../../version.js'
import { acceptsReveal } from '../../auth/scopes.js'
import { completeDocument } from './finish-document.js'
import type { OpenApiDocument } from './types.js'

export interface ApiDocumentOptions {
  publicUrl: string
  /** of the identity provider */
  issuer: string
}

export type ApiDocument = ReturnType<typeof createApiDocument>

/** The OpenAPI document of the routes of one scope. */
export function createApiDocument({ publicUrl, issuer }: ApiDocumentOptions) {
  const problems = new Map<string, number[]>()
  let scope: FastifyInstance | undefined
  let whole: OpenApiDocument | undefined

  return {
    /** Collects the routes that this scope adds from now on. */
    async describe(app: FastifyInstance): Promise<void> {
      scope = app
      await app.register(swagger, {
        openapi: frame({ publicUrl, issuer }),
        stripBasePath: true,
        refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `Part${index}`) },
        transform: ({ schema, url, route }) => {
          const { scope, problems: named = [], ...config } = route.config ?? {}
          const path = url.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')
          for (const method of [route.method].flat()) problems.set(`${method.toLowerCase()} ${path}`, named)
          const scopes = scope ? [scope] : []
          const security: Record<string, string[]>[] = [
            { openIdConnect: scopes },
            ...(acceptsReveal(schema?.querystring) ? [{ openIdConnect: [...scopes, 'maas:reveal'] }] : []),
            { bearer: [] },
            ...('open' in config ? [{}] : []),
          ]
          const deprecated = config.deprecated ? { deprecated: true } : {}
          return { schema: { ...withNames(schema), security, ...deprecated }, url }
        },
      })
    },
    /** Complete once the app is ready. */
    read(): OpenApiDocument {
      whole ??= {
        ...completeDocument(scope?.swagger(), problems),
        servers: [{ url: `${publicUrl}/api/v1`, description: 'This portal' }],
      }
      return whole
    },
  }
}

/** The document for a file: for any portal, with its URL as a variable. */
export function portableDocument(document: OpenApiDocument): OpenApiDocument {
  const origin = { default: 'https://models.example.com', description: 'PUBLIC_URL of the portal' }
  return {
    ...(JSON.parse(JSON.stringify(document)) as OpenApiDocument),
    servers: [{ url: '{origin}/api/v1', description: 'A portal', variables: { origin } }],
  }
}

const frame = ({ publicUrl, issuer }: ApiDocumentOptions) => ({
  openapi: '3.1.0',
  info: {
    title: 'maas-portal',
    version,
    description: `Models, applications, keys and members of your account. The pages of the portal use the same services. Web applications of other origins can call this API if the operator lists their origin (CORS). The credential is always the access token, never a cookie.

**What may change within v1.** New operations, optional parameters, members of responses, problem types and response headers may be added at any time. Ignore members that you do not recognize. Values listed as \`x-extensible-enum\` may be extended: treat an unknown value as other. Before something is removed or changes its meaning, it is marked \`deprecated\` here, and its responses have the headers \`Deprecation\` (RFC 9745) and \`Sunset\` (RFC 8594).

**Numbers and times.** Integers have 64 bits unless their format is int32. Times are RFC 3339 in UTC, days are dates. Null means unknown or absent. \`model\` and \`plan\` are system names, \`model_name\` and \`plan_name\` are for display.`,
    contact: { name: 'The operator of this portal', url: publicUrl },
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  // the prefix that the plugin removes from the paths
  servers: [{ url: '/api/v1' }],
  tags: [
    { name: 'account', description: 'Your identity, sign-up, and the members of your account.' },
    { name: 'models', description: 'Models that you can call, their plans, and sample code.' },
    { name: 'applications', description: 'Applications and their credentials.' },
    { name: 'operations', description: 'Requests that are processed after their response (`Prefer: respond-async`).' },
    { name: 'usage', description: 'Usage, limits and estimated costs.' },
  ],
  components: {
    securitySchemes: {
      openIdConnect: {
        type: 'openIdConnect' as const,
        openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        description:
          'The identity provider of the portal. `maas:read`: read; `maas:write`: create, change and delete; `maas:reveal`, in addition to `maas:read`: return keys with `reveal=true`.',
      },
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'An access token of the identity provider in /.well-known/oauth-protected-resource, with the scopes of the operation. Users obtain one through the device or authorization code flow, services through client credentials.',
      },
    },
  },
})

/** The plugin keeps the name of a nested schema, but not of a whole body. `x-schema-name` carries it over. */
function withNames(schema: FastifySchema): FastifySchema {
  const name = (body: unknown) => {
    const { $id } = (body ?? {}) as { $id?: string }
    return $id === undefined ? body : { ...(body as object), 'x-schema-name': $id }
  }
  const answers = Object.entries((schema.response ?? {}) as Record<string, unknown>)
  return {
    ...schema,
    ...(schema.body === undefined ? {} : { body: name(schema.body) }),
    response: Object.fromEntries(answers.map(([status, body]) => [status, name(body)])),
  }
}
