import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import Fastify from 'fastify'
import { createRemoteJWKSet, customFetch as joseFetch } from 'jose'
import * as client from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from './client-authentication.js'
import { misconfigured } from './errors.js'
import { acceptedAlgorithms, discoveryDocumentUrl, isSameIssuer, type SigningAlgorithm } from './issuer.js'
import { misconfigurations } from './messages.js'

export interface ClientSettings {
  issuer: string
  /** URL of the discovery document, if it is not below the issuer */
  discoveryUrl?: string | undefined
  clientId: string
  clientSecret: string
  /** default: the first supported method that the provider announces */
  clientAuthentication?: ClientAuthentication | undefined
  /** separated by spaces */
  scopes: string
  /** redirect URI */
  callback: string
  fetch: typeof globalThis.fetch
}

export interface DiscoveredProvider {
  /** for one sign-in, with keys that were read in the last few minutes */
  configuration(): Promise<client.Configuration>
  /** creates state, verifier and authorization URL */
  oauth: OAuth2Namespace
  /** the provider's keys; read again when a token names an unknown key */
  keys: ReturnType<typeof createRemoteJWKSet>
  /** tokens must name its `issuer` exactly */
  metadata: client.ServerMetadata
  /** of accepted tokens */
  algorithms: SigningAlgorithm[]
}

const TIMEOUT_SECONDS = 3
const KEY_MAX_AGE_MS = 10 * 60_000

/**
 * Reads the discovery document of the provider. Rejects with identity_denied if it is of another issuer or cannot be used, and with the
 * error of the request if the provider does not respond.
 */
export async function discoverProvider(settings: ClientSettings): Promise<DiscoveredProvider> {
  const { issuer, clientId, clientSecret, fetch } = settings
  const url = settings.discoveryUrl === undefined ? discoveryDocumentUrl(issuer) : new URL(settings.discoveryUrl)
  const insecure = url.protocol === 'http:'
  // with a full URL, openid-client does not compare the issuer and has no exceptions for particular providers
  const config = await client.discovery(url, clientId, { client_secret: clientSecret }, undefined, {
    execute: insecure ? [client.allowInsecureRequests] : [],
    timeout: TIMEOUT_SECONDS,
    [client.customFetch]: fetch as client.CustomFetch,
  })
  checkIssuer(config.serverMetadata().issuer, issuer)
  const announced = usableMetadata(config.serverMetadata(), insecure ? ['http:', 'https:'] : ['https:'])
  const algorithms = acceptedAlgorithms(announced.id_token_signing_alg_values_supported)
  if (algorithms.length === 0) throw misconfigured(misconfigurations.noAlgorithm)
  const authentication = clientAuthentication(
    settings.clientAuthentication,
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
        : acceptedAlgorithms(announced.userinfo_signing_alg_values_supported),
  }
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''), {
    timeoutDuration: 2000,
    cooldownDuration: 5000,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [joseFetch]: fetch as never,
  })
  let keysReadAt = 0
  return { configuration, oauth: await createOauthClient(settings, metadata), keys, metadata, algorithms }

  /**
   * openid-client reads keys again only if its copy is older than a minute, so it would reject a key that the provider has just started
   * to use. It therefore gets the keys with an age of one minute. It reads them again for a token with an unknown key.
   */
  async function configuration(): Promise<client.Configuration> {
    if (!keys.jwks() || Date.now() - keysReadAt > KEY_MAX_AGE_MS) {
      await keys.reload()
      keysReadAt = Date.now()
    }
    const configuration = new client.Configuration(
      metadata,
      clientId,
      { client_secret: clientSecret, [client.clockTolerance]: 30 },
      authentication,
    )
    configuration.timeout = TIMEOUT_SECONDS
    configuration[client.customFetch] = fetch as client.CustomFetch
    if (insecure) client.allowInsecureRequests(configuration)
    // without it, openid-client does not verify the signature of an ID token
    client.enableNonRepudiationChecks(configuration)
    const uat = Math.floor(Date.now() / 1000) - 61
    client.setJwksCache(configuration, { jwks: structuredClone(keys.jwks()) as client.ExportedJWKSCache['jwks'], uat })
    return configuration
  }
}

/** The configured issuer is compared here only. Tokens are compared with the announced one. */
function checkIssuer(announced: string, issuer: string): void {
  // Entra ID has endpoints for all tenants. With one of them, every tenant could issue tokens for every user
  if (announced.includes('{')) throw misconfigured(misconfigurations.manyTenants(announced))
  if (!isSameIssuer(announced, issuer)) throw misconfigured(misconfigurations.otherIssuer(announced, issuer))
}

const requiredMembers = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const
const optionalMembers = ['userinfo_endpoint', 'end_session_endpoint'] as const

/**
 * The discovery document without members that are null and URLs of other protocols: over http, an attacker on the network could read
 * tokens and replace keys. Throws identity_denied if a required member is missing.
 */
function usableMetadata(
  { supportsPKCE: _, ...all }: client.ServerMetadata & { supportsPKCE: unknown },
  protocols: string[],
) {
  const announced = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null),
  ) as client.ServerMetadata
  const isUsable = (address = '') => URL.canParse(address) && protocols.includes(new URL(address).protocol)
  for (const name of requiredMembers) {
    if (announced[name] === undefined) throw misconfigured(misconfigurations.missingMember(name))
    if (!isUsable(announced[name])) throw misconfigured(misconfigurations.wrongProtocol(name, protocols.at(-1)))
  }
  for (const name of optionalMembers) if (!isUsable(announced[name])) delete announced[name]
  return announced
}

/** A plugin cannot be added to a running server, so it gets a server of its own. It only creates URLs, so it has no secret. */
async function createOauthClient(
  { clientId, scopes, callback }: ClientSettings,
  { authorization_endpoint = '', token_endpoint = '' }: client.ServerMetadata,
): Promise<OAuth2Namespace> {
  const [authorize, token] = [new URL(authorization_endpoint), new URL(token_endpoint)]
  const server = Fastify({ logger: false })
  await server.register(oauth2, {
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
  await server.ready()
  return (server as unknown as { portal: OAuth2Namespace }).portal
}
