import { asciiLower } from './email-address.js'

/**
 * What jose verifies with a public key. An algorithm with a shared secret is never accepted: the public key could be taken as that
 * secret (RFC 8725 section 2.1).
 */
export const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const

export type SigningAlgorithm = (typeof asymmetric)[number]

/** Of those that a provider announces, the ones that are accepted; RS256 where it announces none (OpenID Connect Core, section 2). */
export function signingAlgorithms(announced: string[] = ['RS256']): SigningAlgorithm[] {
  // two names of one algorithm (RFC 9864)
  const isEdwards = announced.includes('EdDSA') || announced.includes('Ed25519')
  return asymmetric.filter(
    (algorithm) => announced.includes(algorithm) || (isEdwards && (algorithm === 'EdDSA' || algorithm === 'Ed25519')),
  )
}

/** The same issuer, whether or not one of both ends with a slash. */
export function isSameIssuer(one: string, other: string): boolean {
  return normalized(one) === normalized(other)
}

/** Where the discovery document of an issuer is, with or without a slash at its end (OpenID Connect Discovery 1.0 section 4). */
export function discoveryAddress(issuer: string): URL {
  return new URL(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`)
}

/** An issuer without and with a slash at its end. */
export function spellingsOf(issuer: string): string[] {
  const bare = issuer.replace(/\/+$/, '')
  return [bare, `${bare}/`]
}

/** `address` with those parameters of `template` that it has not, such as `?p=` of a policy (RFC 6749 section 3.1). */
export function withQueryOf(template: string, address: URL): URL {
  const whole = new URL(address)
  for (const [name, value] of new URL(template).searchParams)
    if (!address.searchParams.has(name)) whole.searchParams.append(name, value)
  return whole
}

/** The header `typ` of a token without the prefix that may be left out, in lower case (RFC 7515 section 4.1.9). */
export function tokenType(typ: string): string {
  return asciiLower(typ).replace(/^application\//, '')
}

function normalized(issuer: string): string {
  return (URL.canParse(issuer) ? new URL(issuer).href : issuer).replace(/\/+$/, '')
}
