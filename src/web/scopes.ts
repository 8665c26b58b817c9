import type { FastifyRequest } from 'fastify'

/**
 * Scopes of access tokens for the API. `maas:reveal` is required in addition to the scope of the route where an answer holds an
 * existing credential on request; a key in the answer of the call that creates it needs `maas:write` only.
 */
export const scopes = ['maas:read', 'maas:write', 'maas:reveal'] as const
export type Scope = (typeof scopes)[number]

/** Whether the request asks for credentials. Before validation, the value is text; afterwards, it is a boolean. */
export function reveals({ query }: FastifyRequest): boolean {
  const { reveal } = (query ?? {}) as { reveal?: unknown }
  return reveal === true || reveal === 'true'
}

/** What a token needs for this request. */
export function requiredScopes(request: FastifyRequest): Scope[] {
  const { scope } = request.routeOptions.config
  if (!scope) return []
  return takesReveal(request.routeOptions.schema?.querystring) && reveals(request) ? [scope, 'maas:reveal'] : [scope]
}

/** Whether a query schema of a route has the parameter `reveal`. */
export function takesReveal(schema: unknown): boolean {
  const { properties, allOf } = (schema ?? {}) as { properties?: object; allOf?: unknown[] }
  return (properties !== undefined && 'reveal' in properties) || (allOf ?? []).some(takesReveal)
}
