import type { FastifyInstance } from 'fastify'
import { scopes } from '../scopes.js'

export const metadataPath = '/.well-known/oauth-protected-resource'

/** OAuth 2.0 Protected Resource Metadata (RFC 9728): the issuer of access tokens. The resource is the origin. */
export function protectedResourceMetadata(
  app: FastifyInstance,
  { publicUrl, issuer, name }: { publicUrl: string; issuer: () => string; name: string },
): void {
  app.get(metadataPath, { config: { open: true, limit: 'free', publicDocument: true } }, async (_request, reply) => {
    return reply.header('cache-control', 'public, max-age=3600').send({
      resource: publicUrl,
      authorization_servers: [issuer()],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
      resource_name: `${name}: REST API`,
      resource_documentation: `${publicUrl}/docs/api`,
    })
  })
}
