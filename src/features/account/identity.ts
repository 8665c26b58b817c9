import { claimAt, firstValue } from '../../clients/token-claims.js'
import { problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import { type ClaimRules, profileOf } from '../../web/claims.js'

export interface IdentityRules extends ClaimRules {
  issuer: string
}

/** The person behind checked ID-token claims. Rejects with identity_denied where the claim that identifies people is missing. */
export function identityOf(
  claims: Record<string, unknown> & { sub: string },
  { issuer, ...rules }: IdentityRules,
): Identity {
  const subject = rules.subject === 'sub' ? claims.sub : firstValue(claimAt(claims, rules.subject))
  if (subject === undefined)
    throw problem('identity_denied', { cause: new Error(`the sign-in has no usable claim ${rules.subject}`) })
  return { kind: 'person', issuer, subject, ...profileOf(claims, rules, 'you') }
}
