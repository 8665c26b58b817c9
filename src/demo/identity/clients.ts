import type Provider from 'oidc-provider'
import type { ClientMetadata } from 'oidc-provider'

export interface PushedClient {
  client_id: string
  client_secret: string
  name: string
}

/** The fixed clients. `portalUrl` is the base of the portal's redirect URIs. */
export function fixedClients(portalUrl: string): ClientMetadata[] {
  const origins = [...new Set([portalUrl, portalUrl.replace('//localhost', '//127.0.0.1')])]
  return [
    {
      client_id: 'maas-portal',
      client_secret: 'demo-portal-secret',
      client_name: 'Model portal',
      redirect_uris: origins.map((origin) => `${origin}/login/callback`),
      post_logout_redirect_uris: origins.map((origin) => `${origin}/signed-out`),
      backchannel_logout_uri: `${portalUrl}/logout/backchannel`,
      backchannel_logout_session_required: true,
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: 'maas-cli',
      client_name: 'Command line',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
    },
    {
      client_id: 'demo-service',
      client_secret: 'demo-service-secret',
      client_name: 'Demo service',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: 'demo-pipeline',
      client_secret: 'demo-pipeline-secret',
      client_name: 'Demo pipeline',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ]
}

/** Realm roles of service accounts, as deploy/keycloak/realm.json has them: they may act as services without API_CLIENTS. */
export function rolesOf(clientId: string): string[] {
  return clientId === 'demo-pipeline' ? ['maas-service'] : []
}

/** Clients that Zync pushed are found in addition to the fixed ones; the library has no call to add one at run time. */
export function teachPushedClients(provider: Provider, pushed: Map<string, PushedClient>): void {
  const { Client } = provider
  const fixed = Client.find.bind(Client)
  const ClientConstructor = Client as unknown as new (metadata: object) => Awaited<ReturnType<typeof fixed>>
  const find = async (id: string) => {
    const known = pushed.get(id)
    if (!known) return fixed(id)
    return new ClientConstructor({
      client_id: known.client_id,
      client_secret: known.client_secret,
      client_name: known.name,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })
  }
  Object.assign(Client, { find })
}
