import type { ClaimRules } from '../../src/web/claims.js'

/** How claims are read where PORTAL_CONFIG says nothing of claims. */
export const defaultClaims: Omit<ClaimRules, 'knownGroups' | 'mapped' | 'deciding'> = {
  subject: 'sub',
  email: 'email',
  emailVerified: 'email_verified',
  trustEmail: false,
  name: undefined,
  groups: 'groups',
}
