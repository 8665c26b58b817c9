import { shownText, textsOf, wholeText } from '../../clients/token-claims.js'
import type { Identity } from '../../web/caller.js'

export interface IdentityRules {
  issuer: string
  groupsClaim: string
  /** groups that the configuration names; others are not kept, so the session stays small */
  knownGroups: string[]
  /** claims that fill fields of 3scale */
  mapped: string[]
  /** claims that decide who may sign up, with the values that the configuration names */
  deciding: { name: string; values: string[] }[]
}

/**
 * The person behind checked ID-token claims, as small as the configuration allows: it travels in a cookie while the
 * completion form is open. `email_verified` counts only as the boolean true. What identifies or decides is taken whole or not
 * at all.
 */
export function identityOf(claims: Record<string, unknown> & { sub: string }, rules: IdentityRules): Identity {
  return {
    kind: 'person',
    issuer: rules.issuer,
    subject: claims.sub,
    sid: wholeText(claims.sid),
    name: shownText(claims.name) ?? shownText(claims.preferred_username) ?? shownText(claims.email) ?? 'you',
    // never cut: a shortened address is somebody else's
    email: typeof claims.email === 'string' && claims.email !== '' ? claims.email : undefined,
    emailVerified: claims.email_verified === true,
    groups: textsOf(claims[rules.groupsClaim]).filter((group) => rules.knownGroups.includes(group)),
    claims: Object.fromEntries([...mappedOf(claims, rules), ...decidingOf(claims, rules)].filter(hasValues)),
  }
}

function mappedOf(claims: Record<string, unknown>, { mapped, deciding }: IdentityRules): [string, string[]][] {
  const decides = new Set(deciding.map(({ name }) => name))
  return mapped.map((name) => [name, textsOf(claims[name], decides.has(name) ? wholeText : shownText).slice(0, 1)])
}

function decidingOf(claims: Record<string, unknown>, { mapped, deciding }: IdentityRules): [string, string[]][] {
  return deciding.map(({ name, values }) => {
    const all = textsOf(claims[name])
    return [name, [...(mapped.includes(name) ? all.slice(0, 1) : []), ...all.filter((value) => values.includes(value))]]
  })
}

function hasValues([, values]: [string, string[]]): boolean {
  return values.length > 0
}
