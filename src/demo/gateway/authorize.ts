import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Credentials } from './credentials.js'
import type { Usage } from './mapping.js'
import type { Product } from './product.js'

export type Verdict = 'ok' | 'auth_failed' | { retryAfter: string }

/** Asks apisonator as APIcast does; what it says collapses to three outcomes (gateway/src/apicast/proxy.lua). */
export async function authrep(
  backend: string,
  product: Product,
  credentials: Record<string, string>,
  usage: Usage,
): Promise<Verdict | 'unavailable'> {
  const url = new URL('/transactions/authrep.xml', backend)
  url.searchParams.set('service_id', String(product.id))
  url.searchParams.set('service_token', product.serviceToken)
  for (const [name, value] of Object.entries(credentials)) url.searchParams.set(name, value)
  for (const [metric, amount] of Object.entries(usage)) url.searchParams.set(`usage[${metric}]`, String(amount))
  try {
    const answer = await fetch(url, {
      headers: { '3scale-options': 'rejection_reason_header=1&limit_headers=1&no_body=1' },
      signal: AbortSignal.timeout(3000),
    })
    await answer.text()
    if (answer.status === 200) return 'ok'
    if (answer.status >= 499) return 'unavailable'
    const limited = answer.headers.get('3scale-rejection-reason') === 'limits_exceeded'
    if (!limited || answer.headers.get('3scale-limit-max-value') === '0') return 'auth_failed'
    return { retryAfter: answer.headers.get('3scale-limit-reset') ?? '0' }
  } catch {
    return 'unavailable'
  }
}

const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

/** The application's id from a token, or undefined for any token problem (gateway/src/apicast/oauth/oidc.lua). */
export async function clientOfToken(product: Product, token: string): Promise<string | undefined> {
  const { issuer } = product
  if (!issuer) return undefined
  try {
    const keys = keySets.get(issuer) ?? (await discover(issuer))
    keySets.set(issuer, keys)
    const { payload } = await jwtVerify(token, keys, { issuer, requiredClaims: ['sub', 'aud', 'exp'] })
    if (payload.typ !== undefined && payload.typ !== 'Bearer') return undefined
    const { azp } = payload
    const client = Array.isArray(azp) ? azp[0] : azp
    return typeof client === 'string' ? client : undefined
  } catch {
    return undefined
  }
}

async function discover(issuer: string) {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(2000) })
  const { jwks_uri } = (await answer.json()) as { jwks_uri: string }
  return createRemoteJWKSet(new URL(jwks_uri), { cooldownDuration: 1000 })
}

/** For the report of tokens, which carries no new call. */
export function asParameters(credentials: Credentials, client: string | undefined): Record<string, string> {
  if ('token' in credentials) return { app_id: client ?? '' }
  return { ...credentials }
}
