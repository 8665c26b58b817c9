import * as client from 'openid-client'
import { clientAuthentication } from '../../clients/identity/client-authentication.js'
import { discoveryDocumentUrl, isSameIssuer } from '../../clients/identity/issuer.js'
import { isLoopbackHost } from '../../config/environment-reader.js'
import { isProblem } from '../../errors.js'
import type { Http } from '../../infra/http/http.js'
import { toHttpError } from '../../infra/http/http-error.js'
import { KeyFailure } from './key-failure.js'
import type { KeySettings } from './key-options.js'
import { tokenMessages as messages } from './messages.js'

export interface AccessTokenOptions {
  settings: KeySettings
  http: Pick<Http, 'fetch'>
  scope: string
  /** Additional parameters that some token endpoints require, such as `audience`. */
  parameters: Record<string, string>
}

export type AccessToken = ReturnType<typeof createAccessToken>

/** A token that expires sooner is not used. */
const MARGIN_MS = 20_000

/**
 * The access token from the environment, or one by client credentials from the issuer in the portal's protected resource metadata
 * (RFC 9728). Rejects with KeyFailure, or with the error of the request if there is no response.
 */
export function createAccessToken({ settings, http, scope, parameters }: AccessTokenOptions) {
  const { credential, portal } = settings
  let current: { token: string; endsAt: number } | undefined
  let configuration: client.Configuration | undefined

  return {
    /** False: the token comes from the environment and cannot be replaced. */
    renewable: !('token' in credential),
    async read(): Promise<string> {
      if ('token' in credential) return credential.token
      if (current && Date.now() < current.endsAt - MARGIN_MS) return current.token
      configuration ??= await discover(credential)
      current = await request(configuration)
      return current.token
    },
    forget(): void {
      current = undefined
    },
  }

  async function request(known: client.Configuration) {
    try {
      const { access_token: token, expires_in: seconds = 60 } = await client.clientCredentialsGrant(known, {
        ...parameters,
        scope,
      })
      return { token, endsAt: Date.now() + seconds * 1000 }
    } catch (error) {
      // RFC 6749 section 5.2: a challenge, because the client used the Authorization header.
      if (error instanceof client.WWWAuthenticateChallengeError)
        throw new KeyFailure('rejected', messages.status(error.status))
      if (!(error instanceof client.ResponseBodyError)) throw error
      if (isTemporary(error.status)) throw new Error(messages.temporary(error.status))
      const reason = error.error_description ? `${error.error}: ${error.error_description}` : error.error
      throw new KeyFailure('rejected', messages.error(oneLine(reason)))
    }
  }

  async function discover({ clientId, clientSecret }: { clientId: string; clientSecret: string }) {
    const issuer = await issuerOf(portal)
    const known = await client.discovery(
      discoveryDocumentUrl(issuer),
      clientId,
      { client_secret: clientSecret },
      undefined,
      options(issuer),
    )
    const announced = known.serverMetadata()
    if (!isSameIssuer(announced.issuer, issuer))
      throw new KeyFailure('rejected', messages.otherIssuer(issuer, announced.issuer))
    const methods = announced.token_endpoint_auth_methods_supported
    const authenticated = new client.Configuration(
      announced,
      clientId,
      { client_secret: clientSecret },
      authentication(methods, clientSecret),
    )
    authenticated[client.customFetch] = http.fetch as client.CustomFetch
    if (isPlain(issuer)) client.allowInsecureRequests(authenticated)
    return authenticated
  }

  function options(issuer: string): client.DiscoveryRequestOptions {
    return {
      execute: isPlain(issuer) ? [client.allowInsecureRequests] : [],
      [client.customFetch]: http.fetch as client.CustomFetch,
    }
  }

  /** The metadata must be about this origin (RFC 9728 section 3.3). */
  async function issuerOf({ origin }: URL): Promise<string> {
    const address = `${origin}/.well-known/oauth-protected-resource`
    const answer = await http.fetch(address).catch((error: unknown) => {
      throw toHttpError(new URL(origin).host, error) ?? error
    })
    if (isTemporary(answer.status)) throw new Error(messages.metadataStatus(address, answer.status))
    const metadata = (await answer.json().catch(() => null)) as Metadata | null
    const issuer = metadata?.authorization_servers?.[0]
    if (!answer.ok || typeof issuer !== 'string' || !URL.canParse(issuer))
      throw new KeyFailure('rejected', messages.noSignInService(address, origin))
    if (metadata?.resource !== origin)
      throw new KeyFailure('rejected', messages.otherResource(address, oneLine(String(metadata?.resource))))
    if (isPlain(issuer) && !isLoopbackHost(new URL(issuer).hostname))
      throw new KeyFailure('rejected', messages.notHttps(address))
    return issuer
  }
}

interface Metadata {
  resource?: unknown
  authorization_servers?: unknown[]
}

function authentication(methods: string[] | undefined, secret: string): client.ClientAuth {
  try {
    return clientAuthentication(undefined, methods, secret)
  } catch (error) {
    if (isProblem(error)) throw new KeyFailure('rejected', error.message)
    throw error
  }
}

function isTemporary(status: number): boolean {
  return status === 429 || status >= 500
}

function isPlain(address: string): boolean {
  return address.startsWith('http://')
}

/** Text of a server must not affect a terminal or a log. */
export function oneLine(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 500)
}
