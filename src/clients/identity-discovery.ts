import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import Fastify from 'fastify'
import { createRemoteJWKSet, customFetch as joseFetch } from 'jose'
import * as client from 'openid-client'

export interface Relation {
  issuer: string
  clientId: string
  clientSecret: string
  /** separated by spaces */
  scopes: string
  /** where the browser comes back to */
  callback: string
  fetch: typeof globalThis.fetch
}

export interface Discovered {
  /** for one sign-in, with keys that are at most some minutes old */
  configuration(): Promise<client.Configuration>
  /** makes state, verifier and the address to go to */
  oauth: OAuth2Namespace
  /** the provider's keys; a new one is asked for when a token names it */
  keys: ReturnType<typeof createRemoteJWKSet>
  metadata: client.ServerMetadata
}

const SECONDS = 3
const KEYS_MS = 10 * 60_000

/** Reads what the provider says of itself. Rejects when it does not answer, or is not the issuer that it should be. */
export async function discover(relation: Relation): Promise<Discovered> {
  const { issuer, clientId, clientSecret, fetch } = relation
  const url = new URL(issuer)
  const insecure = url.protocol === 'http:'
  const config = await client.discovery(url, clientId, { client_secret: clientSecret }, undefined, {
    execute: insecure ? [client.allowInsecureRequests] : [],
    timeout: SECONDS,
    [client.customFetch]: fetch as client.CustomFetch,
  })
  const metadata = config.serverMetadata()
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''), {
    timeoutDuration: 2000,
    cooldownDuration: 5000,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [joseFetch]: fetch as never,
  })
  let keysReadAt = 0
  return { configuration, oauth: await redirectMaker(relation, metadata), keys, metadata }

  /**
   * openid-client asks for keys again only when its copy is a minute old, so a key that the provider began to use just now
   * would be refused. It gets ours as a copy of that age; a token with a key that is not in it then asks again.
   */
  async function configuration(): Promise<client.Configuration> {
    if (!keys.jwks() || Date.now() - keysReadAt > KEYS_MS) {
      await keys.reload()
      keysReadAt = Date.now()
    }
    const fresh = new client.Configuration(
      metadata,
      clientId,
      { client_secret: clientSecret, [client.clockTolerance]: 30 },
      authentication(metadata, clientSecret),
    )
    fresh.timeout = SECONDS
    fresh[client.customFetch] = fetch as client.CustomFetch
    if (insecure) client.allowInsecureRequests(fresh)
    // without it nobody looks at the signature of an ID token
    client.enableNonRepudiationChecks(fresh)
    const uat = Math.floor(Date.now() / 1000) - 61
    client.setJwksCache(fresh, { jwks: structuredClone(keys.jwks()) as client.ExportedJWKSCache['jwks'], uat })
    return fresh
  }
}

/** In the body, as most do; in the header where the provider takes nothing else. */
function authentication(metadata: client.ServerMetadata, secret: string): client.ClientAuth {
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_post']
  return methods.includes('client_secret_post') ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret)
}

/** A plugin cannot be added to a running server, so it gets a small one of its own. */
async function redirectMaker(
  { clientId, clientSecret, scopes, callback }: Relation,
  { authorization_endpoint = '', token_endpoint = '' }: client.ServerMetadata,
): Promise<OAuth2Namespace> {
  const [authorize, token] = [new URL(authorization_endpoint), new URL(token_endpoint)]
  const host = Fastify({ logger: false })
  await host.register(oauth2, {
    name: 'portal',
    credentials: {
      client: { id: clientId, secret: clientSecret },
      auth: {
        authorizeHost: authorize.origin,
        authorizePath: authorize.pathname,
        tokenHost: token.origin,
        tokenPath: token.pathname,
      },
    },
    scope: scopes.split(/\s+/),
    callbackUri: callback,
    pkce: 'S256',
    redirectStateCookieName: 'state',
    verifierCookieName: 'verifier',
    cookie: { path: '/login' },
  })
  await host.ready()
  return (host as unknown as { portal: OAuth2Namespace }).portal
}
