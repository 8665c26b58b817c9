import * as client from 'openid-client'
import { misconfigured } from './errors.js'
import { misconfigurations } from './messages.js'

/** In order of preference: the body requires no encoding that a provider could get wrong. */
export const clientAuthentications = ['client_secret_post', 'client_secret_basic', 'client_secret_jwt'] as const
export type ClientAuthentication = (typeof clientAuthentications)[number]

const methods: Record<ClientAuthentication, (secret: string) => client.ClientAuth> = {
  client_secret_post: client.ClientSecretPost,
  client_secret_basic: client.ClientSecretBasic,
  client_secret_jwt: client.ClientSecretJwt,
}

/**
 * How the portal authenticates at the token endpoint: as configured, else by the first method that the provider announces. A provider
 * that announces none accepts client_secret_basic (OpenID Connect Discovery 1.0 section 3). Throws identity_denied if none is supported.
 */
export function clientAuthentication(
  configured: ClientAuthentication | undefined,
  announced: string[] = ['client_secret_basic'],
  secret: string,
): client.ClientAuth {
  const method = configured ?? clientAuthentications.find((each) => announced.includes(each))
  if (!method) throw misconfigured(misconfigurations.clientSecret(announced, clientAuthentications))
  return methods[method](secret)
}
