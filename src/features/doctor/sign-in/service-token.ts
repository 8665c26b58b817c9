import { decodeJwt, type JWTPayload } from 'jose'
import { isProblem } from '../../../errors.js'
import { audienceFault, scopesOf, type TokenForm } from '../../../web/token-kinds.js'
import type { Asking } from '../asking.js'
import type { Find, Finding } from '../findings.js'
import { type Discovery, failed, post, words } from './sign-in.js'

export interface TokenDeps {
  audience: string
  /** API_CLIENTS */
  clients: string[]
  /** identity_provider.access_tokens */
  form: TokenForm
  /** DOCTOR_CLIENT_ID and its secret */
  serviceClient: { id: string; secret: string } | undefined
  /** the REST API's own check */
  verify(token: string): Promise<unknown>
}

const SCOPES = ['maas:read', 'maas:write']

/** A token of the client that is set for it, and what is wrong with it. */
export async function serviceToken(
  find: Find,
  ask: Asking,
  deps: TokenDeps,
  discovery: Discovery,
): Promise<{ findings: Finding[]; token?: string }> {
  const { serviceClient } = deps
  if (!serviceClient) return { findings: [] }
  const client = { clientId: serviceClient.id, clientSecret: serviceClient.secret }
  const form = { grant_type: 'client_credentials', scope: SCOPES.map((scope) => nameOf(scope, deps.form)).join(' ') }
  const answer = await post(ask, discovery, client, form)
  if ('failure' in answer) return { findings: [failed(find, answer.failure, 'tokens of the service client')] }
  if (answer.error === 'invalid_scope')
    return { findings: [find('token_scopes', { what: `The provider answers invalid_scope to ${client.clientId}.` })] }
  if (!answer.token) {
    const said = `${answer.status} ${answer.error ?? ''}`.trim()
    return {
      findings: [find('service_token', { what: `The token endpoint answers ${client.clientId} with ${said}.` })],
    }
  }
  const findings = await mappers(find, answer.token, { ...deps, clientId: client.clientId })
  return { findings, token: answer.token }
}

/** Mappers as they show in a token. */
async function mappers(
  find: Find,
  token: string,
  { audience, clients, form, verify, clientId }: TokenDeps & { clientId: string },
): Promise<Finding[]> {
  const claims = claimsOf(token)
  if (!claims) return [find('token_untrusted', { what: 'The access token is no JWT, so the portal cannot check it.' })]
  const findings = []
  if (audienceFault(claims, audience, form) !== undefined)
    findings.push(
      find('token_audience', {
        what: `The token is for ${words(claims.aud).join(', ') || 'nobody'}, API_AUDIENCE is ${audience}.`,
      }),
    )
  const scopes = scopesOf(claims, form)
  const lacking = SCOPES.filter((scope) => !scopes.includes(scope))
  if (lacking.length > 0) findings.push(find('token_scopes', { what: `The token lacks ${lacking.join(' and ')}.` }))
  if (!claims.sub && !form.services_without_subject) findings.push(find('token_subject'))
  const isListed = clients.includes(clientId) || form.service_subjects?.includes(claims.sub ?? '')
  if (!isListed) findings.push(find('token_unlisted', { what: `${clientId} is not in API_CLIENTS.` }))
  return findings.length > 0 ? findings : await trusted(find, token, verify)
}

async function trusted(find: Find, token: string, verify: TokenDeps['verify']): Promise<Finding[]> {
  try {
    await verify(token)
    return []
  } catch (error) {
    if (isProblem(error, 'identity_unavailable'))
      return [
        failed(find, 'The keys that tokens are signed with cannot be read.', 'whether the API accepts its tokens'),
      ]
    return [find('token_untrusted', isProblem(error) ? { what: error.message } : {})]
  }
}

/** How the provider calls a scope of the API. */
function nameOf(scope: string, { scopes = {} }: TokenForm): string {
  return Object.keys(scopes).find((name) => scopes[name] === scope) ?? scope
}

function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}
