import * as client from 'openid-client'
import { misconfigured } from './identity-refusals.js'

/** In the order of preference: the body needs no encoding that a provider could get wrong. */
export const clientAuthentications = ['client_secret_post', 'client_secret_basic', 'client_secret_jwt'] as const
export type ClientAuthentication = (typeof clientAuthentications)[number]

const methods: Record<ClientAuthentication, (secret: string) => client.ClientAuth> = {
  client_secret_post: client.ClientSecretPost,
  client_secret_basic: client.ClientSecretBasic,
  client_secret_jwt: client.ClientSecretJwt,
}

/**
 * How the portal authenticates at the token endpoint: as set, else the first that the provider announces. One that announces
 * nothing accepts client_secret_basic (OpenID Connect Discovery 1.0 section 3). Throws identity_denied where there is none.
 */
export function clientAuthentication(
  set: ClientAuthentication | undefined,
  announced: string[] = ['client_secret_basic'],
  secret: string,
): client.ClientAuth {
  const chosen = set ?? clientAuthentications.find((method) => announced.includes(method))
  if (!chosen)
    throw misconfigured(
      `The token endpoint of the identity provider accepts no client secret (${announced.join(', ')}). Configure the client for one of ${clientAuthentications.join(', ')}.`,
    )
  return methods[chosen](secret)
}
