import * as client from 'openid-client'
import { claimAt, hasClaim, isObject } from './token-claims.js'

/** far more than the claims of a user with a thousand groups */
const MAX_BYTES = 1_000_000
/** These claims describe the token and the session, not the user, so only the ID token's count. */
const tokenClaims = new Set([
  'iss',
  'sub',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'sid',
  'acr',
  'amr',
  'auth_time',
])

type Claims = Record<string, unknown>

export interface UserinfoOptions {
  configuration: client.Configuration
  accessToken: string
  subject: string
}

/**
 * Calls the userinfo endpoint once. Rejects with an error of openid-client, also if the response is about another subject, which must
 * not be used (OpenID Connect Core 1.0 section 5.3.2).
 */
export async function readUserinfo({ configuration, accessToken, subject }: UserinfoOptions): Promise<Claims> {
  const fetch = configuration[client.customFetch] ?? (globalThis.fetch as client.CustomFetch)
  configuration[client.customFetch] = async (url, init) => bounded(await fetch(url, init))
  return client.fetchUserInfo(configuration, accessToken, subject)
}

/** The endpoint does not accept this access token, so a retry is useless. */
export function isRejection(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  return cause instanceof Response && cause.status >= 400 && cause.status < 500
}

export function isMissingClaims(claims: Claims, paths: string[]): boolean {
  return paths.some((path) => !hasClaim(claims, path))
}

/**
 * The claims of the ID token, completed from userinfo. The ID token takes precedence: it is signed and belongs to this sign-in. The
 * e-mail address and whether it is verified come from one source, unless both name the same address, because `email_verified` applies
 * only to the address in the same response.
 */
export function mergeUserinfo<T extends Claims>(claims: T, userinfo: Claims, [email, verified]: [string, string]): T {
  const [ownEmail, theirEmail] = [claims, userinfo].map((source) => claimAt(source, email) ?? undefined)
  const usable = Object.fromEntries(Object.entries(userinfo).filter(([name]) => !tokenClaims.has(name)))
  if (ownEmail === theirEmail) return merge(claims, usable) as T
  return (
    ownEmail === undefined ? merge(without(claims, verified), usable) : merge(claims, without(usable, verified))
  ) as T
}

/** A copy without the claim at `path`. */
function without(claims: Claims, path: string): Claims {
  return Object.fromEntries(
    Object.entries(claims)
      .filter(([name]) => name !== path)
      .map(([name, value]) => [
        name,
        path.startsWith(`${name}.`) ? withoutIn(value, path.slice(name.length + 1)) : value,
      ]),
  )
}

function withoutIn(value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => withoutIn(each, path))
  return isObject(value) ? without(value, path) : value
}

function merge(claims: Claims, more: Claims): Claims {
  const members = new Map(Object.entries(claims))
  for (const [name, value] of Object.entries(more)) {
    const known = members.get(name) ?? undefined
    if (known === undefined) members.set(name, value)
    else if (isObject(known) && isObject(value)) members.set(name, merge(known, value))
  }
  return Object.fromEntries(members)
}

async function bounded(response: Response): Promise<Response> {
  const { status, statusText, headers } = response
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.byteLength
    if (size > MAX_BYTES) throw new TypeError('the response of the userinfo endpoint is too large')
    parts.push(part)
  }
  return new Response(size === 0 ? null : Buffer.concat(parts), { status, statusText, headers })
}
