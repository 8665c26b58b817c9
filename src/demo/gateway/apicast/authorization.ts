import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Usage } from './mapping-rules.js'
import type { Product } from './product.js'

/** apisonator, and how long the gateway waits for it. */
export interface Backend {
  url: string
  timeoutMs: number
}

export type Verdict = 'ok' | 'auth_failed' | 'unavailable' | { retryAfter: string | undefined }

/** Calls apisonator like APIcast, and reduces its responses to four outcomes (gateway/src/apicast/proxy.lua). */
export async function authrep(
  backend: Backend,
  product: Product,
  credentials: Record<string, string>,
  usage: Usage,
  code?: number,
): Promise<Verdict> {
  const url = new URL('/transactions/authrep.xml', backend.url)
  url.searchParams.set('service_id', String(product.id))
  url.searchParams.set('service_token', product.serviceToken)
  for (const [name, value] of Object.entries(credentials)) url.searchParams.set(name, value)
  for (const [metric, amount] of Object.entries(usage)) url.searchParams.set(`usage[${metric}]`, String(amount))
  if (code !== undefined) url.searchParams.set('log[code]', String(code))
  try {
    const answer = await fetch(url, {
      headers: { '3scale-options': 'rejection_reason_header=1&limit_headers=1&no_body=1' },
      signal: AbortSignal.timeout(backend.timeoutMs),
    })
    await answer.text()
    if (answer.status === 200) return 'ok'
    if (answer.status >= 499) return 'unavailable'
    const limited = answer.headers.get('3scale-rejection-reason') === 'limits_exceeded'
    if (!limited || answer.headers.get('3scale-limit-max-value') === '0') return 'auth_failed'
    return { retryAfter: answer.headers.get('3scale-limit-reset') ?? undefined }
  } catch {
    return 'unavailable'
  }
}

/** Reports usage without checking limits. Never rejects: a failed report is lost. */
export async function report(
  backend: Backend,
  product: Product,
  credentials: Record<string, string>,
  usage: Usage,
): Promise<void> {
  const form = new URLSearchParams({ service_id: String(product.id), service_token: product.serviceToken })
  for (const [name, value] of Object.entries(credentials)) form.set(`transactions[0][${name}]`, value)
  for (const [metric, amount] of Object.entries(usage)) form.set(`transactions[0][usage][${metric}]`, String(amount))
  await fetch(new URL('/transactions.xml', backend.url), {
    method: 'POST',
    body: form,
    signal: AbortSignal.timeout(backend.timeoutMs),
  }).catch(() => undefined)
}

interface Issuer {
  keys: ReturnType<typeof createRemoteJWKSet>
  algorithms: string[]
}

const issuers = new Map<string, Issuer>()

/** The application's id and the token's end, or undefined for any token problem (gateway/src/apicast/oauth/oidc.lua). */
export async function clientOfToken(
  product: Product,
  token: string,
): Promise<{ client: string; expires: number } | undefined> {
  const { issuer } = product
  if (!issuer) return undefined
  try {
    const { keys, algorithms } = issuers.get(issuer) ?? (await discover(issuer))
    // Any audience is accepted, but one is required.
    const { payload } = await jwtVerify(token, keys, { issuer, algorithms, requiredClaims: ['sub', 'aud', 'exp'] })
    if (payload.typ !== undefined && payload.typ !== 'Bearer') return undefined
    const claim = payload[product.clientClaim]
    const client: unknown = Array.isArray(claim) ? claim[0] : claim
    return typeof client === 'string' ? { client, expires: (payload.exp ?? 0) * 1000 } : undefined
  } catch {
    return undefined
  }
}

async function discover(issuer: string): Promise<Issuer> {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(2000) })
  const document = (await answer.json()) as { jwks_uri: string; id_token_signing_alg_values_supported: string[] }
  const found = {
    keys: createRemoteJWKSet(new URL(document.jwks_uri), { cooldownDuration: 1000 }),
    algorithms: document.id_token_signing_alg_values_supported,
  }
  issuers.set(issuer, found)
  return found
}
