import {
  claimAt,
  displayText,
  firstValue,
  identifierText,
  isObject,
  valuesOf,
} from '../../clients/identity/token-claims.js'
import type { Identity } from './caller.js'

/** Which claims of ID tokens and access tokens are read. Every claim is a name or a path of members. */
export interface ClaimMapping {
  subject: string
  email: string
  emailVerified: string
  /** an address without that claim counts as verified */
  trustEmail: boolean
  name: string | undefined
  groups: string
  /** groups that the configuration names; all others are dropped, to keep sessions small */
  knownGroups: string[]
  /** claims that fill fields of 3scale */
  mapped: string[]
  /** claims that decide about sign-up, with the values that the configuration names */
  deciding: { name: string; values: string[] }[]
}

export type IdentityProfile = Pick<
  Identity,
  'sid' | 'name' | 'email' | 'emailVerified' | 'groups' | 'groupsOmitted' | 'claims'
>

/**
 * The profile in verified claims, as small as the configuration allows, because a cookie holds it during sign-up. Claims that identify
 * or decide are used whole or not at all. `fallbackName` is used if no claim has a name.
 */
export function readProfile(
  claims: Record<string, unknown>,
  rules: ClaimMapping,
  fallbackName: string,
): IdentityProfile {
  const email = addressOf(claimAt(claims, rules.email))
  const named = [...(rules.name === undefined ? [] : [claimAt(claims, rules.name)]), claims.name]
  const names = [...named, claims.preferred_username, email]
  return {
    sid: identifierText(claims.sid),
    name: names.map((name) => firstValue(name, displayText)).find((name) => name !== undefined) ?? fallbackName,
    email,
    emailVerified: isVerified(claims, rules),
    groups: groupsOf(claims, rules),
    groupsOmitted: rules.knownGroups.length > 0 && isOmitted(claims, rules.groups),
    claims: Object.fromEntries([...mappedOf(claims, rules), ...decidingOf(claims, rules)].filter(hasValues)),
  }
}

/** Never shortened, because a shortened address belongs to another person. Of a list, the first address counts. */
function addressOf(claim: unknown): string | undefined {
  const address: unknown = Array.isArray(claim) ? claim[0] : claim
  return typeof address === 'string' && address !== '' ? address : undefined
}

/**
 * Undefined: the provider does not state it. ADFS and mappers write "true" as text. Entra ID writes `xms_edov` as true or "1", so those
 * count for a claim that the operator configured, but not for `email_verified`.
 */
function isVerified(claims: Record<string, unknown>, rules: ClaimMapping): boolean | undefined {
  const claim = claimAt(claims, rules.emailVerified) ?? undefined
  if (claim === undefined) return rules.trustEmail || undefined
  if (claim === true || claim === 'true') return true
  return rules.emailVerified !== 'email_verified' && (claim === 1 || claim === '1')
}

/**
 * Configured groups in the claim. Keycloak writes full paths: `/research` also matches `research`, because only a top-level group has
 * that path, and `/a/research` matches `a/research`. A group that is configured with a slash requires it.
 */
function groupsOf(claims: Record<string, unknown>, { groups, knownGroups }: ClaimMapping): string[] {
  const held = new Set(valuesOf(claimAt(claims, groups)))
  return knownGroups.filter((group) => held.has(group) || held.has(`/${group}`))
}

/** Microsoft Entra ID replaces a long list with the URL of the list. */
const LINK = /^https:\/\/[^\s?]+\/(getMemberObjects|getMemberGroups|memberOf|transitiveMemberOf)$/i

/**
 * True: the provider omitted this claim because it is too long. OpenID Connect Core 1.0 section 5.6.2 lists such claims in
 * `_claim_names`. Microsoft Entra ID uses `hasgroups` in tokens that are part of a URL.
 */
export function isOmitted(claims: Record<string, unknown>, path: string): boolean {
  const claim = claimAt(claims, path)
  if (typeof claim === 'string' && LINK.test(claim)) return true
  if (valuesOf(claim).length > 0) return false
  const elsewhere = isObject(claims._claim_names) ? Object.keys(claims._claim_names) : []
  if (elsewhere.some((name) => path === name || path.startsWith(`${name}.`))) return true
  return path === 'groups' && (claims.hasgroups === true || claims.hasgroups === 'true')
}

function mappedOf(claims: Record<string, unknown>, { mapped, deciding }: ClaimMapping): [string, string[]][] {
  const decides = new Set(deciding.map(({ name }) => name))
  return mapped.map((name) => {
    const value = firstValue(claimAt(claims, name), decides.has(name) ? identifierText : displayText)
    return [name, value === undefined ? [] : [value]]
  })
}

function decidingOf(claims: Record<string, unknown>, { mapped, deciding }: ClaimMapping): [string, string[]][] {
  return deciding.map(({ name, values }) => {
    const all = valuesOf(claimAt(claims, name))
    return [name, [...(mapped.includes(name) ? all.slice(0, 1) : []), ...all.filter((value) => values.includes(value))]]
  })
}

function hasValues([, values]: [string, string[]]): boolean {
  return values.length > 0
}
