import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import Fastify from 'fastify'
import { createRemoteJWKSet, customFetch as joseFetch } from 'jose'
import * as client from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from './client-authentication.js'
import { misconfigured } from './identity-refusals.js'
import { discoveryAddress, isSameIssuer, type SigningAlgorithm, signingAlgorithms } from './identity-terms.js'

export interface Relation {
  issuer: string
  /** where the discovery document is, if not below the issuer */
  discoveryUrl?: string | undefined
  clientId: string
  clientSecret: string
  /** default: the first of those that the provider announces */
  clientAuthentication?: ClientAuthentication | undefined
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
  /** its `issuer` is what tokens have to name, to the letter */
  metadata: client.ServerMetadata
  /** of tokens that are accepted */
  algorithms: SigningAlgorithm[]
}

const SECONDS = 3
const KEYS_MS = 10 * 60_000

/**
 * Reads the discovery document of the provider. Rejects with identity_denied when it is not the issuer that it should be or cannot
 * be used, and with the error of the request when it does not respond.
 */
export async function discover(relation: Relation): Promise<Discovered> {
  const { issuer, clientId, clientSecret, fetch } = relation
  const url = relation.discoveryUrl === undefined ? discoveryAddress(issuer) : new URL(relation.discoveryUrl)
  const insecure = url.protocol === 'http:'
  // by its whole address, for which openid-client compares no issuer and makes no exception for any provider
  const config = await client.discovery(url, clientId, { client_secret: clientSecret }, undefined, {
    execute: insecure ? [client.allowInsecureRequests] : [],
    timeout: SECONDS,
    [client.customFetch]: fetch as client.CustomFetch,
  })
  checkIssuer(config.serverMetadata().issuer, issuer)
  const announced = usable(config.serverMetadata(), insecure ? ['http:', 'https:'] : ['https:'])
  const algorithms = signingAlgorithms(announced.id_token_signing_alg_values_supported)
  if (algorithms.length === 0)
    throw misconfigured(
      'The identity provider announces no asymmetric algorithm for ID tokens. Configure RS256 for it.',
    )
  const authentication = clientAuthentication(
    relation.clientAuthentication,
    announced.token_endpoint_auth_methods_supported,
    clientSecret,
  )
  const metadata: client.ServerMetadata = {
    ...announced,
    id_token_signing_alg_values_supported: algorithms,
    // not every provider that signs userinfo responses announces the algorithm
    userinfo_signing_alg_values_supported:
      announced.userinfo_signing_alg_values_supported === undefined
        ? algorithms
        : signingAlgorithms(announced.userinfo_signing_alg_values_supported),
  }
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''), {
    timeoutDuration: 2000,
    cooldownDuration: 5000,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [joseFetch]: fetch as never,
  })
  let keysReadAt = 0
  return { configuration, oauth: await redirectMaker(relation, metadata), keys, metadata, algorithms }

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
      authentication,
    )
    fresh.timeout = SECONDS
    fresh[client.customFetch] = fetch as client.CustomFetch
    if (insecure) client.allowInsecureRequests(fresh)
    // without it, openid-client does not verify the signature of an ID token
    client.enableNonRepudiationChecks(fresh)
    const uat = Math.floor(Date.now() / 1000) - 61
    client.setJwksCache(fresh, { jwks: structuredClone(keys.jwks()) as client.ExportedJWKSCache['jwks'], uat })
    return fresh
  }
}

/** The only place where the issuer of the settings is compared; tokens are compared with what is announced. */
function checkIssuer(announced: string, issuer: string): void {
  // Entra ID's endpoints for every tenant: any of them could then issue tokens for anybody
  if (announced.includes('{'))
    throw misconfigured(
      `The identity provider announces the issuer ${announced}, which stands for many tenants. Set OIDC_ISSUER to the issuer of one tenant.`,
    )
  if (!isSameIssuer(announced, issuer))
    throw misconfigured(
      `The identity provider announces the issuer ${announced}, OIDC_ISSUER is ${issuer}. Set OIDC_ISSUER to the announced issuer, and identity_provider.discovery_url in PORTAL_CONFIG if the discovery document is not below it.`,
    )
}

const needed = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const
const optional = ['userinfo_endpoint', 'end_session_endpoint'] as const

/**
 * What the discovery document announces, without members that are null or addresses that are not of these protocols: over http,
 * others on the way could read tokens and replace keys. Throws identity_denied where the portal needs one of them.
 */
function usable({ supportsPKCE: _, ...all }: client.ServerMetadata & { supportsPKCE: unknown }, protocols: string[]) {
  const announced = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null),
  ) as client.ServerMetadata
  const isUsable = (address = '') => URL.canParse(address) && protocols.includes(new URL(address).protocol)
  for (const name of needed) {
    if (announced[name] === undefined)
      throw misconfigured(`The discovery document of the identity provider has no ${name}.`)
    if (!isUsable(announced[name]))
      throw misconfigured(
        `The ${name} in the discovery document of the identity provider is not an ${protocols.at(-1)}// address. Behind a proxy, configure the provider with its public address.`,
      )
  }
  for (const name of optional) if (!isUsable(announced[name])) delete announced[name]
  return announced
}

/** A plugin cannot be added to a running server, so it gets a small one of its own; it makes addresses and needs no secret. */
async function redirectMaker(
  { clientId, scopes, callback }: Relation,
  { authorization_endpoint = '', token_endpoint = '' }: client.ServerMetadata,
): Promise<OAuth2Namespace> {
  const [authorize, token] = [new URL(authorization_endpoint), new URL(token_endpoint)]
  const host = Fastify({ logger: false })
  await host.register(oauth2, {
    name: 'portal',
    credentials: {
      client: { id: clientId, secret: 'unused' },
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
