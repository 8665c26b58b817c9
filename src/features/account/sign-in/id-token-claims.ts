import { misconfigured } from '../../../clients/identity/errors.js'
import { claimAt, firstValue, hasClaim } from '../../../clients/identity/token-claims.js'
import type { Identity } from '../../../web/auth/caller.js'
import { type ClaimMapping, isOmitted, readProfile } from '../../../web/auth/identity-claims.js'
import { missingSubjectClaim } from './messages.js'

export interface IdentityRules extends ClaimMapping {
  issuer: string
  /** Claims that settings of PORTAL_CONFIG name. */
  configuredClaims: string[]
}

/** Rejects with identity_denied where the claim that identifies people is missing. */
export function toIdentity(
  claims: Record<string, unknown> & { sub: string },
  { issuer, ...rules }: IdentityRules,
): Identity {
  const subject = rules.subject === 'sub' ? claims.sub : firstValue(claimAt(claims, rules.subject))
  if (subject === undefined) throw misconfigured(missingSubjectClaim(rules.subject))
  return { kind: 'person', issuer, subject, ...readProfile(claims, rules, 'you') }
}

/** For the doctor: the names of the configured claims and whether they were present, and nothing about the person. */
export function observeClaims(
  claims: Record<string, unknown>,
  { configuredClaims }: IdentityRules,
  { email, emailVerified }: Identity,
): ClaimObservation[] {
  const observations = configuredClaims.map((claim): ClaimObservation => {
    if (isOmitted(claims, claim)) return `omitted ${claim}`
    return hasClaim(claims, claim) ? `present ${claim}` : `absent ${claim}`
  })
  return [...observations, ...(email !== undefined && emailVerified === undefined ? (['unverified'] as const) : [])]
}

export type ClaimObservation = `${'omitted' | 'absent' | 'present'} ${string}` | 'unverified'
