import { HttpFailure } from '../../../clients/http-failure.js'
import { discoveryAddress, isSameIssuer } from '../../../clients/identity-terms.js'
import { isProblem, type PortalError } from '../../../errors.js'
import type { Asking } from '../asking.js'
import type { Find, Finding } from '../findings.js'
import { type DecidingClaim, editableClaims } from './claims.js'
import { type ObservedDeps, observed, trusted } from './observed.js'
import { serviceToken, type TokenDeps } from './service-token.js'

export interface SignInDeps extends TokenDeps, ObservedDeps {
  discoveryUrl?: string | undefined
  /** set for the client; undefined: as the provider announces */
  clientAuthentication?: string | undefined
  /** true: an address that ends the session of the provider is set */
  endsSession?: boolean
  clientId: string
  clientSecret: string
  publicUrl: string
  deciding: DecidingClaim[]
  /** the address that a browser is sent to; rejects with identity_unavailable */
  begin(): Promise<{ url: string }>
}

export interface Discovery {
  token_endpoint: URL
  methods: string[]
}

/** The sign-in service as the portal needs it; nobody is signed in and nothing is created there. */
export async function signIn(find: Find, ask: Asking, deps: SignInDeps, now: number): Promise<Finding[]> {
  const found = await discover(find, ask, deps)
  const seen = await observed(find, deps, now)
  if (!('document' in found)) return [...found.findings, ...(await editableClaims(find, ask, deps, undefined)), ...seen]
  const { document } = found
  const findings = [...found.findings, ...trusted(find, deps, document.claims_supported), ...seen]
  const discovery = {
    token_endpoint: new URL(String(document.token_endpoint)),
    methods: deps.clientAuthentication
      ? [deps.clientAuthentication]
      : words(document.token_endpoint_auth_methods_supported),
  }
  const ofClient = await client(find, ask, deps, discovery)
  const ofRequest = await request(find, ask, deps)
  const service = await serviceToken(find, ask, deps, discovery)
  const claims = await editableClaims(find, ask, deps, service.token)
  return [...findings, ...ofClient, ...ofRequest, ...service.findings, ...claims]
}

async function discover(find: Find, ask: Asking, { issuer, discoveryUrl, endsSession }: SignInDeps) {
  const bad = (what: string) => ({ findings: [find('identity_unreachable', { what })] })
  try {
    const url = discoveryUrl === undefined ? discoveryAddress(issuer) : new URL(discoveryUrl)
    const { status, text } = await ask.send({ method: 'GET', url, timeoutMs: 5000 })
    const document = parse(text)
    if (status !== 200 || !document) return bad(`${url.host} answers ${status} and no discovery document.`)
    if (!isSameIssuer(String(document.issuer), issuer))
      return bad(`It calls itself ${String(document.issuer)}, OIDC_ISSUER is ${issuer}.`)
    if (!URL.canParse(String(document.token_endpoint))) return bad('Its discovery document has no token endpoint.')
    const findings = []
    const challenges = document.code_challenge_methods_supported
    // some providers support PKCE and do not announce it, such as Entra ID
    if (challenges !== undefined && !words(challenges).includes('S256')) findings.push(find('identity_pkce'))
    if (!(endsSession || document.end_session_endpoint) || document.backchannel_logout_supported !== true)
      findings.push(find('identity_sign_out'))
    const offered = words(document.scopes_supported)
    if (offered.includes('maas:read') && !offered.includes('maas:reveal')) findings.push(find('identity_reveal_scope'))
    return { document, findings }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return bad(`${error.message}.`)
  }
}

/** With a code that was never issued: a known client gets invalid_grant, an unknown one invalid_client (RFC 6749 5.2). */
async function client(find: Find, ask: Asking, deps: SignInDeps, discovery: Discovery): Promise<Finding[]> {
  const answer = await post(ask, discovery, deps, {
    grant_type: 'authorization_code',
    code: 'maas-portal-doctor',
    redirect_uri: `${deps.publicUrl}/login/callback`,
    code_verifier: 'maas-portal-doctor-maas-portal-doctor-maas-portal',
  })
  if ('failure' in answer) return [failed(find, answer.failure, clientUnchecked)]
  const { status, error } = answer
  if (error === undefined && status !== 401)
    return [failed(find, `The token endpoint answers ${status} without an error code.`, clientUnchecked)]
  return status === 401 || error === 'invalid_client' || error === 'unauthorized_client'
    ? [
        find('identity_client', {
          what: `The client ${deps.clientId} is answered ${[status, error].filter(Boolean).join(' ')}.`,
        }),
      ]
    : []
}

const clientUnchecked = 'whether it accepts the client id and secret'

/** What a browser would be sent to: a form, or a way to one; not an error page, and not back with an error. */
async function request(find: Find, ask: Asking, { begin, publicUrl }: SignInDeps): Promise<Finding[]> {
  const unchecked = 'whether it accepts the redirect address and the scopes'
  try {
    const { url } = await begin()
    const { status, headers } = await ask.send({ method: 'GET', url: new URL(url), timeoutMs: 5000 })
    const back = headers.location && URL.canParse(headers.location, url) ? new URL(headers.location, url) : undefined
    const error = back?.href.startsWith(`${publicUrl}/`) ? back.searchParams.get('error') : undefined
    if (status >= 500) return [failed(find, `The sign-in request is answered ${status}.`, unchecked)]
    if (status >= 400) return [find('identity_redirect', { what: `The sign-in request is answered ${status}.` })]
    return error ? [find('identity_redirect', { what: `The sign-in request comes back with ${error}.` })] : []
  } catch (error) {
    if (error instanceof HttpFailure) return [failed(find, `The sign-in request failed: ${error.message}.`, unchecked)]
    if (isProblem(error)) return [failed(find, `The sign-in request cannot be built: ${reasonOf(error)}`, unchecked)]
    throw error
  }
}

/** What is wrong with the configuration of the provider is for its operator alone, so it is in the cause. */
function reasonOf({ code, cause, message }: PortalError): string {
  return code === 'identity_denied' && cause instanceof Error ? cause.message : message
}

export function failed(find: Find, sentence: string, unchecked: string): Finding {
  return find('identity_call_failed', { what: `${sentence} Not checked: ${unchecked}.` })
}

/** As the client requests a token. The secret goes where the provider expects it; 5xx is no answer. */
export async function post(
  ask: Asking,
  { token_endpoint, methods }: Discovery,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  form: Record<string, string>,
): Promise<{ failure: string } | { status: number; error: string | undefined; token: string | undefined }> {
  const inBody = methods.includes('client_secret_post')
  if (!inBody && methods.length > 0 && !methods.includes('client_secret_basic'))
    return { failure: `The token endpoint accepts ${methods.join(', ')} only, which the checks do not support.` }
  const basic = Buffer.from([clientId, clientSecret].map(formEncoded).join(':')).toString('base64')
  try {
    const { status, text } = await ask.send({
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
    if (status >= 500) return { failure: `The token endpoint answers ${status}.` }
    const { error, access_token } = parse(text) ?? {}
    return { status, error: word(error), token: typeof access_token === 'string' ? access_token : undefined }
  } catch (error) {
    if (error instanceof HttpFailure) return { failure: `The token endpoint does not answer: ${error.message}.` }
    throw error
  }
}

/** RFC 6749 section 2.3.1 */
function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length)
}

/** Only an error's code is reported: descriptions may hold what was sent. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,40}$/.test(value) ? value : undefined
}

export function words(value: unknown): string[] {
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
