import { createHash } from 'node:crypto'
import { base32 } from './base32.js'

/**
 * Names as versions before 1.1 made them: SHA-256 of public values, so anybody could choose them in 3scale's own portal. They are
 * the input of today's names, so that `maas-portal names` can rename a user without knowing the subject, and are never
 * believed at a sign-in.
 */
export function legacyUsername(kind: 'person' | 'service', issuerId: string, subject: string): string {
  return `sso-${hashed(`${kind === 'person' ? 'user' : 'client'}\n${issuerId}\n${subject}`)}`
}

export function legacyAnchor(issuerId: string, claim: string, value: string): string {
  return `claim-${hashed(`claim\n${issuerId}\n${claim}\n${value}`)}`
}

function hashed(text: string): string {
  return base32(createHash('sha256').update(text).digest(), 32)
}
