import { asciiLower } from '../mail/email-address.js'

/**
 * Algorithms that jose verifies with a public key. An algorithm with a shared secret is never accepted: an attacker could use the
 * public key as that secret (RFC 8725 section 2.1).
 */
export const asymmetricAlgorithms = [
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

export type SigningAlgorithm = (typeof asymmetricAlgorithms)[number]

/** The accepted ones of the announced algorithms; RS256 if the provider announces none (OpenID Connect Core, section 2). */
export function acceptedAlgorithms(announced: string[] = ['RS256']): SigningAlgorithm[] {
  // EdDSA and Ed25519 are two names of one algorithm (RFC 9864)
  const isEdwards = announced.includes('EdDSA') || announced.includes('Ed25519')
  return asymmetricAlgorithms.filter(
    (algorithm) => announced.includes(algorithm) || (isEdwards && (algorithm === 'EdDSA' || algorithm === 'Ed25519')),
  )
}

/** Ignores a trailing slash. */
export function isSameIssuer(one: string, other: string): boolean {
  return normalized(one) === normalized(other)
}

/** OpenID Connect Discovery 1.0 section 4; the issuer may have a trailing slash. */
export function discoveryDocumentUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`)
}

/** The issuer without and with a trailing slash. */
export function issuerVariants(issuer: string): string[] {
  const bare = issuer.replace(/\/+$/, '')
  return [bare, `${bare}/`]
}

/** `address` with the missing parameters of `template`, such as `?p=` of a policy (RFC 6749 section 3.1). */
export function withTemplateQuery(template: string, address: URL): URL {
  const result = new URL(address)
  for (const [name, value] of new URL(template).searchParams)
    if (!address.searchParams.has(name)) result.searchParams.append(name, value)
  return result
}

/** The header `typ` of a token in lower case, without its optional prefix (RFC 7515 section 4.1.9). */
export function tokenType(typ: string): string {
  return asciiLower(typ).replace(/^application\//, '')
}

function normalized(issuer: string): string {
  return (URL.canParse(issuer) ? new URL(issuer).href : issuer).replace(/\/+$/, '')
}
