import type { FastifyRequest } from 'fastify'

/**
 * Scopes of access tokens. `maas:reveal` is required in addition to the scope of the route for a response with an existing credential. A
 * response that creates a key includes it with `maas:write`.
 */
export const scopes = ['maas:read', 'maas:write', 'maas:reveal'] as const
export type Scope = (typeof scopes)[number]

/** Whether the request is for credentials. The value is text before validation and a boolean afterwards. */
export function requestsReveal({ query }: FastifyRequest): boolean {
  const { reveal } = (query ?? {}) as { reveal?: unknown }
  return reveal === true || reveal === 'true'
}

/** Scopes that this request requires. */
export function requiredScopes(request: FastifyRequest): Scope[] {
  const { scope } = request.routeOptions.config
  if (!scope) return []
  return requestsReveal(request) && acceptsReveal(request.routeOptions.schema?.querystring)
    ? [scope, 'maas:reveal']
    : [scope]
}

/** Whether a query schema of a route has the parameter `reveal`. */
export function acceptsReveal(schema: unknown): boolean {
  const { properties, allOf } = (schema ?? {}) as { properties?: object; allOf?: unknown[] }
  return (properties !== undefined && 'reveal' in properties) || (allOf ?? []).some(acceptsReveal)
}
