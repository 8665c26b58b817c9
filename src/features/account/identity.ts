import type { Identity } from '../../web/caller.js'

export interface IdentityRules {
  issuer: string
  groupsClaim: string
  /** groups that the configuration names; others are not kept, so the session stays small */
  knownGroups: string[]
  /** text claims that the configuration names */
  claims: string[]
}

/** The person behind checked ID-token claims. `email_verified` counts only as the boolean true. */
export function identityOf(claims: Record<string, unknown> & { sub: string }, rules: IdentityRules): Identity {
  const groups = claims[rules.groupsClaim]
  const kept = rules.claims.map((name) => [name, claims[name]] as const)
  return {
    kind: 'person',
    issuer: rules.issuer,
    subject: claims.sub,
    sid: text(claims.sid),
    name: text(claims.name) ?? text(claims.preferred_username) ?? text(claims.email) ?? 'you',
    email: text(claims.email),
    emailVerified: claims.email_verified === true,
    groups: Array.isArray(groups) ? groups.map(String).filter((group) => rules.knownGroups.includes(group)) : [],
    claims: Object.fromEntries(kept.filter((pair): pair is readonly [string, string | string[]] => isText(pair[1]))),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 255) : undefined
}

function isText(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}
