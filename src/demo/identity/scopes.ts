import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'

export const KNOWN_SCOPES = ['openid', 'offline_access', 'profile', 'email', 'maas:read', 'maas:write', 'maas:reveal']

/**
 * As Keycloak: a scope that the client does not have sends the browser back with an error (keycloak,
 * protocol/oidc/endpoints/AuthorizationEndpointChecker.java, checkValidScope); the library would leave it out.
 */
export async function refusesScope(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (request.method !== 'GET' || pathname !== '/auth') return false
  const unknown = (searchParams.get('scope') ?? '').split(' ').filter((scope) => scope && !KNOWN_SCOPES.includes(scope))
  const target = searchParams.get('redirect_uri') ?? ''
  const client = await provider.Client.find(searchParams.get('client_id') ?? '')
  // a browser is never sent to an address that is not registered
  if (unknown.length === 0 || !client?.redirectUriAllowed(target)) return false
  const back = new URL(target)
  back.searchParams.set('error', 'invalid_scope')
  back.searchParams.set('error_description', `Invalid scopes: ${searchParams.get('scope')}`)
  back.searchParams.set('state', searchParams.get('state') ?? '')
  back.searchParams.set('iss', provider.issuer)
  response.statusCode = 302
  response.setHeader('location', back.href)
  response.end()
  return true
}
