import * as client from 'openid-client'
import { claimAt, hasClaim, isObject } from './token-claims.js'

/** far more than a person with a thousand groups */
const MOST_BYTES = 1_000_000
/** Of the ID token alone: they describe the token and the session, not the person. */
const ofToken = new Set(['iss', 'sub', 'aud', 'azp', 'exp', 'iat', 'nbf', 'nonce', 'sid', 'acr', 'amr', 'auth_time'])

type Claims = Record<string, unknown>

export interface UserinfoOptions {
  configuration: client.Configuration
  accessToken: string
  subject: string
}

/**
 * What the userinfo endpoint says of the person, for one call. Rejects with an error of openid-client, also where the answer is
 * about another subject: that must not be used (OpenID Connect Core 1.0 section 5.3.2).
 */
export async function readUserinfo({ configuration, accessToken, subject }: UserinfoOptions): Promise<Claims> {
  const fetch = configuration[client.customFetch] ?? (globalThis.fetch as client.CustomFetch)
  configuration[client.customFetch] = async (url, init) => bounded(await fetch(url, init))
  return client.fetchUserInfo(configuration, accessToken, subject)
}

/** The endpoint answered that it does not take this access token; asking again changes nothing. */
export function isRejection(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  return cause instanceof Response && cause.status >= 400 && cause.status < 500
}

export function lacksAny(claims: Claims, paths: string[]): boolean {
  return paths.some((path) => !hasClaim(claims, path))
}

/**
 * The claims of the ID token, completed from userinfo. What the ID token says counts: it is signed and belongs to this very
 * sign-in. The address and whether it is verified come from one source, unless both name the same address: an answer that an
 * address is verified means the address in that answer and no other.
 */
export function completed<T extends Claims>(claims: T, userinfo: Claims, [email, verified]: [string, string]): T {
  const [own, theirs] = [claims, userinfo].map((source) => claimAt(source, email) ?? undefined)
  const usable = Object.fromEntries(Object.entries(userinfo).filter(([name]) => !ofToken.has(name)))
  if (own === theirs) return filled(claims, usable) as T
  return (
    own === undefined ? filled(without(claims, verified), usable) : filled(claims, without(usable, verified))
  ) as T
}

/** A copy without what the path of a claim leads to. */
function without(claims: Claims, path: string): Claims {
  return Object.fromEntries(
    Object.entries(claims)
      .filter(([name]) => name !== path)
      .map(([name, value]) => [name, path.startsWith(`${name}.`) ? inside(value, path.slice(name.length + 1)) : value]),
  )
}

function inside(value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => inside(each, path))
  return isObject(value) ? without(value, path) : value
}

function filled(claims: Claims, more: Claims): Claims {
  const members = new Map(Object.entries(claims))
  for (const [name, value] of Object.entries(more)) {
    const known = members.get(name) ?? undefined
    if (known === undefined) members.set(name, value)
    else if (isObject(known) && isObject(value)) members.set(name, filled(known, value))
  }
  return Object.fromEntries(members)
}

async function bounded(answer: Response): Promise<Response> {
  const { status, statusText, headers } = answer
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body ?? []) {
    size += part.byteLength
    if (size > MOST_BYTES) throw new TypeError('the userinfo endpoint answered with more than is read')
    parts.push(part)
  }
  return new Response(size === 0 ? null : Buffer.concat(parts), { status, statusText, headers })
}
