import { claimAt, firstValue, isObject, shownText, valuesOf, wholeText } from '../clients/token-claims.js'
import type { Identity } from './caller.js'

/** How the claims of a provider are read, in ID tokens and access tokens alike. Every claim is a name or a path of members. */
export interface ClaimRules {
  subject: string
  email: string
  emailVerified: string
  /** an address counts as verified where the claim above is missing */
  trustEmail: boolean
  name: string | undefined
  groups: string
  /** groups that the configuration names; no other is kept, so that a session stays small */
  knownGroups: string[]
  /** claims that fill fields of 3scale */
  mapped: string[]
  /** claims that decide who may sign up, with the values that the configuration names */
  deciding: { name: string; values: string[] }[]
}

export type Profile = Pick<Identity, 'sid' | 'name' | 'email' | 'emailVerified' | 'groups' | 'groupsOmitted' | 'claims'>

/**
 * What checked claims say of a person, as small as the configuration allows: it travels in a cookie while the completion form
 * is open. What identifies or decides is taken whole or not at all. `otherwise` is the name of somebody who has none.
 */
export function profileOf(claims: Record<string, unknown>, rules: ClaimRules, otherwise: string): Profile {
  const email = addressOf(claimAt(claims, rules.email))
  const named = [...(rules.name === undefined ? [] : [claimAt(claims, rules.name)]), claims.name]
  const names = [...named, claims.preferred_username, email]
  return {
    sid: wholeText(claims.sid),
    name: names.map((name) => firstValue(name, shownText)).find((name) => name !== undefined) ?? otherwise,
    email,
    emailVerified: isVerified(claims, rules),
    groups: groupsOf(claims, rules),
    groupsOmitted: rules.knownGroups.length > 0 && isOmitted(claims, rules.groups),
    claims: Object.fromEntries([...mappedOf(claims, rules), ...decidingOf(claims, rules)].filter(hasValues)),
  }
}

/** Never cut: a shortened address is somebody else's. Of a list the first one counts. */
function addressOf(claim: unknown): string | undefined {
  const address: unknown = Array.isArray(claim) ? claim[0] : claim
  return typeof address === 'string' && address !== '' ? address : undefined
}

/**
 * Undefined: the provider does not say. ADFS and mappers write "true" as a text. Entra ID writes `xms_edov` as true or "1", so
 * these count for a claim that the operator names, and not for `email_verified`.
 */
function isVerified(claims: Record<string, unknown>, rules: ClaimRules): boolean | undefined {
  const claim = claimAt(claims, rules.emailVerified) ?? undefined
  if (claim === undefined) return rules.trustEmail || undefined
  if (claim === true || claim === 'true') return true
  return rules.emailVerified !== 'email_verified' && (claim === 1 || claim === '1')
}

/**
 * Groups of the configuration that the claim has. Keycloak writes full paths: `/research` is also `research`, as only a group
 * at the top has that path, and `/a/research` is `a/research`. A group that the configuration writes with a slash needs it.
 */
function groupsOf(claims: Record<string, unknown>, { groups, knownGroups }: ClaimRules): string[] {
  const held = new Set(valuesOf(claimAt(claims, groups)))
  return knownGroups.filter((group) => held.has(group) || held.has(`/${group}`))
}

/** Where Microsoft Entra ID puts the address of a list in place of the list. */
const LINK = /^https:\/\/[^\s?]+\/(getMemberObjects|getMemberGroups|memberOf|transitiveMemberOf)$/i

/**
 * True: the provider has this claim and left it out, because it is too long. OpenID Connect Core 1.0 section 5.6.2 names such
 * claims in `_claim_names`; Microsoft Entra ID has `hasgroups` where a token travels in an address.
 */
export function isOmitted(claims: Record<string, unknown>, path: string): boolean {
  const claim = claimAt(claims, path)
  if (typeof claim === 'string' && LINK.test(claim)) return true
  if (valuesOf(claim).length > 0) return false
  const elsewhere = isObject(claims._claim_names) ? Object.keys(claims._claim_names) : []
  if (elsewhere.some((name) => path === name || path.startsWith(`${name}.`))) return true
  return path === 'groups' && (claims.hasgroups === true || claims.hasgroups === 'true')
}

function mappedOf(claims: Record<string, unknown>, { mapped, deciding }: ClaimRules): [string, string[]][] {
  const decides = new Set(deciding.map(({ name }) => name))
  return mapped.map((name) => {
    const value = firstValue(claimAt(claims, name), decides.has(name) ? wholeText : shownText)
    return [name, value === undefined ? [] : [value]]
  })
}

function decidingOf(claims: Record<string, unknown>, { mapped, deciding }: ClaimRules): [string, string[]][] {
  return deciding.map(({ name, values }) => {
    const all = valuesOf(claimAt(claims, name))
    return [name, [...(mapped.includes(name) ? all.slice(0, 1) : []), ...all.filter((value) => values.includes(value))]]
  })
}

function hasValues([, values]: [string, string[]]): boolean {
  return values.length > 0
}
