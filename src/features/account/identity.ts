import { misconfigured } from '../../clients/identity-refusals.js'
import { claimAt, firstValue, hasClaim } from '../../clients/token-claims.js'
import type { Identity } from '../../web/caller.js'
import { type ClaimRules, isOmitted, profileOf } from '../../web/claims.js'

export interface IdentityRules extends ClaimRules {
  issuer: string
  /** claims that settings of PORTAL_CONFIG name */
  used: string[]
}

/** The person behind checked ID-token claims. Rejects with identity_denied where the claim that identifies people is missing. */
export function identityOf(
  claims: Record<string, unknown> & { sub: string },
  { issuer, ...rules }: IdentityRules,
): Identity {
  const subject = rules.subject === 'sub' ? claims.sub : firstValue(claimAt(claims, rules.subject))
  if (subject === undefined)
    throw misconfigured(
      `The sign-in has no usable claim ${rules.subject}, which identity_provider.claims.subject in PORTAL_CONFIG names.`,
    )
  return { kind: 'person', issuer, subject, ...profileOf(claims, rules, 'you') }
}

/** What the doctor should know of a sign-in: names of claims and what became of them, nothing of the person. */
export function signInNotes(
  claims: Record<string, unknown>,
  { used }: IdentityRules,
  { email, emailVerified }: Identity,
): SignInNote[] {
  const ofClaims = used.map((claim): SignInNote => {
    if (isOmitted(claims, claim)) return `omitted ${claim}`
    return hasClaim(claims, claim) ? `present ${claim}` : `absent ${claim}`
  })
  return [...ofClaims, ...(email !== undefined && emailVerified === undefined ? (['unverified'] as const) : [])]
}

export type SignInNote = `${'omitted' | 'absent' | 'present'} ${string}` | 'unverified'
