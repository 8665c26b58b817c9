import { discoveryDocumentUrl, isSameIssuer } from '../../../../clients/identity/issuer.js'
import { isProblem, type PortalError } from '../../../../errors.js'
import { HttpError } from '../../../../infra/http/http-error.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { runMessages } from '../../messages.js'
import type { ProbeClient } from '../../probe-client.js'
import { checkEditableClaims, type DecidingClaim } from './editable-claims.js'
import { discoveryMessages, signInRequestMessages, signInUnchecked } from './messages.js'
import { checkObservedTokens, checkTrustedEmail, type ObservedTokensDeps } from './observed-tokens.js'
import { checkServiceToken, type ServiceTokenDeps } from './service-token.js'

export interface SignInCheckDeps extends ServiceTokenDeps, ObservedTokensDeps {
  discoveryUrl?: string | undefined
  /** Undefined: as the provider announces. */
  clientAuthentication?: string | undefined
  /** True: PORTAL_CONFIG has an address that ends the session of the provider. */
  endsSession?: boolean
  clientId: string
  clientSecret: string
  publicUrl: string
  decidingClaims: DecidingClaim[]
  /** The URL of the authorization request; rejects with identity_unavailable. */
  begin(): Promise<{ url: string }>
}

export interface Discovery {
  token_endpoint: URL
  methods: string[]
}

/** Checks the identity provider. No user is signed in and nothing is created. */
export async function checkSignIn(
  finding: CreateFinding,
  probe: ProbeClient,
  deps: SignInCheckDeps,
  now: number,
): Promise<Finding[]> {
  const found = await discover(finding, probe, deps)
  const seen = await checkObservedTokens(finding, deps, now)
  if (!('document' in found))
    return [...found.findings, ...(await checkEditableClaims(finding, probe, deps, undefined)), ...seen]
  const { document } = found
  const findings = [...found.findings, ...checkTrustedEmail(finding, deps, document.claims_supported), ...seen]
  const discovery = {
    token_endpoint: new URL(String(document.token_endpoint)),
    methods: deps.clientAuthentication
      ? [deps.clientAuthentication]
      : valuesOf(document.token_endpoint_auth_methods_supported),
  }
  const ofClient = await checkClient(finding, probe, deps, discovery)
  const ofRequest = await checkAuthorizationRequest(finding, probe, deps)
  const service = await checkServiceToken(finding, probe, deps, discovery)
  const claims = await checkEditableClaims(finding, probe, deps, service.token)
  return [...findings, ...ofClient, ...ofRequest, ...service.findings, ...claims]
}

async function discover(
  finding: CreateFinding,
  probe: ProbeClient,
  { issuer, discoveryUrl, endsSession }: SignInCheckDeps,
) {
  const bad = (what: string) => ({ findings: [finding('identity_unreachable', { what })] })
  try {
    const url = discoveryUrl === undefined ? discoveryDocumentUrl(issuer) : new URL(discoveryUrl)
    const { status, text } = await probe.send({ method: 'GET', url, timeoutMs: 5000 })
    const document = parse(text)
    if (status !== 200 || !document) return bad(discoveryMessages.noDocument(url.host, status))
    if (!isSameIssuer(String(document.issuer), issuer))
      return bad(discoveryMessages.otherIssuer(String(document.issuer), issuer))
    if (!URL.canParse(String(document.token_endpoint))) return bad(discoveryMessages.noTokenEndpoint)
    const findings = []
    const challenges = document.code_challenge_methods_supported
    // Some providers support PKCE but do not announce it, such as Entra ID.
    if (challenges !== undefined && !valuesOf(challenges).includes('S256')) findings.push(finding('identity_pkce'))
    if (!(endsSession || document.end_session_endpoint) || document.backchannel_logout_supported !== true)
      findings.push(finding('identity_sign_out'))
    const offered = valuesOf(document.scopes_supported)
    if (offered.includes('maas:read') && !offered.includes('maas:reveal'))
      findings.push(finding('identity_reveal_scope'))
    return { document, findings }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return bad(discoveryMessages.failed(error.message))
  }
}

/** Sends a code that was never issued: a valid client gets invalid_grant, an unknown one invalid_client (RFC 6749 5.2). */
async function checkClient(
  finding: CreateFinding,
  probe: ProbeClient,
  deps: SignInCheckDeps,
  discovery: Discovery,
): Promise<Finding[]> {
  const answer = await requestToken(probe, discovery, deps, {
    grant_type: 'authorization_code',
    code: 'maas-portal-doctor',
    redirect_uri: `${deps.publicUrl}/login/callback`,
    code_verifier: 'maas-portal-doctor-maas-portal-doctor-maas-portal',
  })
  if ('failure' in answer) return [callFailed(finding, answer.failure, signInUnchecked.client)]
  const { status, error } = answer
  if (error === undefined && status !== 401)
    return [callFailed(finding, signInRequestMessages.noErrorCode(status), signInUnchecked.client)]
  return status === 401 || error === 'invalid_client' || error === 'unauthorized_client'
    ? [
        finding('identity_client', {
          what: signInRequestMessages.clientRejected(deps.clientId, [status, error].filter(Boolean).join(' ')),
        }),
      ]
    : []
}

/** A browser must be sent to a form, or a redirect to one: not to an error page, and not back with an error. */
async function checkAuthorizationRequest(
  finding: CreateFinding,
  probe: ProbeClient,
  { begin, publicUrl }: SignInCheckDeps,
): Promise<Finding[]> {
  const unchecked = signInUnchecked.request
  try {
    const { url } = await begin()
    const { status, headers } = await probe.send({ method: 'GET', url: new URL(url), timeoutMs: 5000 })
    const back = headers.location && URL.canParse(headers.location, url) ? new URL(headers.location, url) : undefined
    const error = back?.href.startsWith(`${publicUrl}/`) ? back.searchParams.get('error') : undefined
    if (status >= 500) return [callFailed(finding, signInRequestMessages.requestStatus(status), unchecked)]
    if (status >= 400) return [finding('identity_redirect', { what: signInRequestMessages.requestStatus(status) })]
    return error ? [finding('identity_redirect', { what: signInRequestMessages.requestError(error) })] : []
  } catch (error) {
    if (error instanceof HttpError)
      return [callFailed(finding, signInRequestMessages.requestFailed(error.message), unchecked)]
    if (isProblem(error)) return [callFailed(finding, signInRequestMessages.requestInvalid(reasonOf(error)), unchecked)]
    throw error
  }
}

/** Configuration problems of the provider concern only its operator, so they are in the cause. */
function reasonOf({ code, cause, message }: PortalError): string {
  return code === 'identity_denied' && cause instanceof Error ? cause.message : message
}

export function callFailed(finding: CreateFinding, reason: string, unchecked: string): Finding {
  return finding('identity_call_failed', { what: runMessages.unchecked(reason, unchecked) })
}

/** Requests a token as the client does, with the authentication method that the provider expects. A 5xx is a failure. */
export async function requestToken(
  probe: ProbeClient,
  { token_endpoint, methods }: Discovery,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  form: Record<string, string>,
): Promise<{ failure: string } | { status: number; error: string | undefined; token: string | undefined }> {
  const inBody = methods.includes('client_secret_post')
  if (!inBody && methods.length > 0 && !methods.includes('client_secret_basic'))
    return { failure: signInRequestMessages.unsupportedMethods(methods.join(', ')) }
  const basic = Buffer.from([clientId, clientSecret].map(formEncoded).join(':')).toString('base64')
  try {
    const { status, text } = await probe.send({
      method: 'POST',
      url: token_endpoint,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(inBody ? {} : { authorization: `Basic ${basic}` }),
      },
      body: new URLSearchParams({
        ...form,
        ...(inBody ? { client_id: clientId, client_secret: clientSecret } : {}),
      }).toString(),
      timeoutMs: 5000,
    })
    if (status >= 500) return { failure: signInRequestMessages.tokenEndpointStatus(status) }
    const { error, access_token } = parse(text) ?? {}
    return { status, error: errorCodeOf(error), token: typeof access_token === 'string' ? access_token : undefined }
  } catch (error) {
    if (error instanceof HttpError) return { failure: signInRequestMessages.tokenEndpointFailed(error.message) }
    throw error
  }
}

/** RFC 6749 section 2.3.1 */
function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length)
}

/** Only the error code is reported: descriptions may contain the request. */
function errorCodeOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,40}$/.test(value) ? value : undefined
}

export function valuesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'string' ? value.split(' ').filter(Boolean) : []
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
