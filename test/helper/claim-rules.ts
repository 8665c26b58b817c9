import type { ClaimMapping } from '../../src/web/auth/identity-claims.js'

/** The rules for claims if PORTAL_CONFIG does not configure claims. */
export const defaultClaims: Omit<ClaimMapping, 'knownGroups' | 'mapped' | 'deciding'> = {
  subject: 'sub',
  email: 'email',
  emailVerified: 'email_verified',
  trustEmail: false,
  name: undefined,
  groups: 'groups',
}
