import { createHash } from 'node:crypto'
import { toBase32 } from './base32.js'

/**
 * Usernames of builds before USERNAME_SECRET: SHA-256 of public values, so people could choose them in 3scale's developer portal.
 * They are the input of current usernames, so that `maas-portal names` can rename a user without its subject. A sign-in never
 * accepts them.
 */
export function legacyUsername(kind: 'person' | 'service', issuerId: string, subject: string): string {
  return `sso-${hash(`${kind === 'person' ? 'user' : 'client'}\n${issuerId}\n${subject}`)}`
}

export function legacyClaimAccountUsername(issuerId: string, claim: string, value: string): string {
  return `claim-${hash(`claim\n${issuerId}\n${claim}\n${value}`)}`
}

function hash(text: string): string {
  return toBase32(createHash('sha256').update(text).digest(), 32)
}
