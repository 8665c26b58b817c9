import { decodeJwt, type JWTPayload } from 'jose'
import { isProblem } from '../../../../errors.js'
import {
  type AccessTokenFormat,
  audienceError,
  isMarkedService,
  scopesOf,
  serviceMarks,
  serviceOf,
} from '../../../../web/auth/tokens/access-token-format.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { ProbeClient } from '../../probe-client.js'
import { serviceTokenMessages, signInUnchecked } from './messages.js'
import { callFailed, type Discovery, requestToken, valuesOf } from './sign-in.js'

export interface ServiceTokenDeps {
  audience: string
  /** API_CLIENTS */
  clients: string[]
  /** identity_provider.access_tokens */
  form: AccessTokenFormat
  /** DOCTOR_CLIENT_ID and its secret. */
  serviceClient: { id: string; secret: string } | undefined
  /** Verifies a token as the REST API does. */
  verify(token: string): unknown
}

const SCOPES = ['maas:read', 'maas:write']

/** Requests a token of the service client and checks it. */
export async function checkServiceToken(
  finding: CreateFinding,
  probe: ProbeClient,
  deps: ServiceTokenDeps,
  discovery: Discovery,
): Promise<{ findings: Finding[]; token?: string }> {
  const { serviceClient } = deps
  if (!serviceClient) return { findings: [] }
  const client = { clientId: serviceClient.id, clientSecret: serviceClient.secret }
  const mark = deps.clients.includes(serviceClient.id) ? undefined : deps.form.services?.scope
  const scopes = [...SCOPES.map((scope) => providerScope(scope, deps.form)), ...(mark ? [mark] : [])]
  const form = { grant_type: 'client_credentials', scope: scopes.join(' ') }
  const answer = await requestToken(probe, discovery, client, form)
  if ('failure' in answer) return { findings: [callFailed(finding, answer.failure, signInUnchecked.serviceToken)] }
  if (answer.error === 'invalid_scope')
    return {
      findings: [finding('access_token_scopes', { what: serviceTokenMessages.invalidScope(client.clientId) })],
    }
  if (!answer.token) {
    const response = `${answer.status} ${answer.error ?? ''}`.trim()
    return {
      findings: [finding('service_token_missing', { what: serviceTokenMessages.noToken(client.clientId, response) })],
    }
  }
  const findings = await checkTokenClaims(finding, answer.token, { ...deps, clientId: client.clientId })
  return { findings, token: answer.token }
}

/** Checks the mappers of the provider by the claims of a token. */
async function checkTokenClaims(
  finding: CreateFinding,
  token: string,
  { audience, clients, form, verify, clientId }: ServiceTokenDeps & { clientId: string },
): Promise<Finding[]> {
  const claims = decodeClaims(token)
  if (!claims) return [finding('access_token_rejected', { what: serviceTokenMessages.notJwt })]
  const findings = []
  if (audienceError(claims, audience, form) !== undefined)
    findings.push(
      finding('access_token_audience', {
        what: serviceTokenMessages.audience(
          valuesOf(claims.aud).join(', ') || serviceTokenMessages.noAudience,
          audience,
        ),
      }),
    )
  const scopes = scopesOf(claims, form)
  const missing = SCOPES.filter((scope) => !scopes.includes(scope))
  if (missing.length > 0)
    findings.push(finding('access_token_scopes', { what: serviceTokenMessages.scopes(missing.join(' and ')) }))
  if (!claims.sub && !form.services_without_subject) findings.push(finding('access_token_subject'))
  const isListed = clients.includes(clientId) || serviceOf(claims, form)?.listed || isMarkedService(claims, form)
  if (!isListed) findings.push(finding('service_client_not_allowed', { what: describeMissingMark(clientId, form) }))
  return findings.length > 0 ? findings : await verifyWithApi(finding, token, verify)
}

async function verifyWithApi(
  finding: CreateFinding,
  token: string,
  verify: ServiceTokenDeps['verify'],
): Promise<Finding[]> {
  try {
    await verify(token)
    return []
  } catch (error) {
    if (isProblem(error, 'identity_unavailable'))
      return [callFailed(finding, serviceTokenMessages.keysUnreadable, signInUnchecked.apiAcceptsTokens)]
    return [finding('access_token_rejected', isProblem(error) ? { what: error.message } : {})]
  }
}

function describeMissingMark(clientId: string, form: AccessTokenFormat): string {
  return serviceTokenMessages.notAllowed(clientId, serviceMarks(form).join(' or '))
}

/** The provider's name for a scope of the API. */
function providerScope(scope: string, { scopes = {} }: AccessTokenFormat): string {
  return Object.keys(scopes).find((name) => scopes[name] === scope) ?? scope
}

function decodeClaims(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}
