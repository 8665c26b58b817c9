import { portalDefaults as defaults } from '../config/defaults.js'
import type { Config } from '../config/environment.js'
import type { IdentityRules } from '../features/account/sign-in/id-token-claims.js'

/** Groups that settings name. The session cookie stores no others. */
export function knownGroups({ portal }: Config): string[] {
  const visible = Object.values(portal.products ?? {}).flatMap((product) => product.visible_to ?? [])
  const { sign_up, claim_accounts, operators = [] } = portal
  return [...new Set([...visible, ...(sign_up?.groups ?? []), ...(claim_accounts?.admin_groups ?? []), ...operators])]
}

/** How claims are read in ID tokens and access tokens. */
export function identityRules(config: Config): IdentityRules {
  const { groups_claim = defaults.groupsClaim, sign_up = {}, identity_provider = {} } = config.portal
  const { claims = [], org_name_claim = defaults.organisationClaim } = sign_up
  const { subject, email, email_verified, name } = { ...defaults.claims, ...identity_provider.claims }
  return {
    issuer: config.oidc.issuer,
    subject,
    email,
    emailVerified: email_verified,
    trustEmail: identity_provider.trust_email === true,
    name,
    groups: groups_claim,
    knownGroups: knownGroups(config),
    mapped: [...new Set([org_name_claim, ...fillingClaims(config).map(({ claim }) => claim)])],
    deciding: claims,
    configuredClaims: [...new Set(usedClaims(config).map(({ claim }) => claim))],
  }
}

/** Claims to read, as names or paths. If the ID token lacks one, userinfo is requested. */
export function requestedClaims(rules: IdentityRules): string[] {
  const { subject, email, emailVerified, trustEmail, name, groups, mapped, deciding } = rules
  return [
    ...new Set([
      subject,
      email,
      ...(trustEmail ? [] : [emailVerified]),
      name ?? 'name',
      ...(rules.knownGroups.length > 0 ? [groups] : []),
      ...mapped,
      ...deciding.map((claim) => claim.name),
    ]),
  ]
}

/** Claims in settings. The groups claim is included only if a setting names a group. */
export function usedClaims(config: Config): { setting: string; claim: string }[] {
  const { groups_claim = defaults.groupsClaim, sign_up } = config.portal
  return [
    ...(knownGroups(config).length > 0 ? [{ setting: 'groups_claim', claim: groups_claim }] : []),
    ...(sign_up?.claims ?? []).map(({ name }) => ({ setting: 'sign_up.claims', claim: name })),
    ...fillingClaims(config),
  ]
}

/** Claims that fill fields of 3scale or determine an account. */
function fillingClaims({ portal }: Config): { setting: string; claim: string }[] {
  const { sign_up, claim_accounts } = portal
  const { fields, org_name_claim } = sign_up ?? {}
  const ofFields = [fields?.account, fields?.user].flatMap((map) => Object.values(map ?? {}))
  return [
    ...(org_name_claim ? [{ setting: 'sign_up.org_name_claim', claim: org_name_claim }] : []),
    ...ofFields.map((claim) => ({ setting: 'sign_up.fields', claim })),
    ...(claim_accounts ? [{ setting: 'claim_accounts.claim', claim: claim_accounts.claim }] : []),
  ]
}

/** Claims that determine identity, account, permission to sign up, and groups. */
export function decidingClaims({ portal }: Config): { setting: string; claim: string }[] {
  const { claim_accounts, groups_claim, identity_provider, sign_up } = portal
  const renamed = identity_provider?.claims ?? {}
  const identifying = (['subject', 'email', 'email_verified'] as const).flatMap((name) => {
    const claim = renamed[name] ?? defaults.claims[name]
    return claim === defaults.claims[name] ? [] : [{ setting: `identity_provider.claims.${name}`, claim }]
  })
  const ofTokens = identity_provider?.access_tokens?.subject_claim
  return [
    ...identifying,
    ...(ofTokens ? [{ setting: 'identity_provider.access_tokens.subject_claim', claim: ofTokens }] : []),
    ...(claim_accounts ? [{ setting: 'claim_accounts.claim', claim: claim_accounts.claim }] : []),
    ...(groups_claim ? [{ setting: 'groups_claim', claim: groups_claim }] : []),
    ...(sign_up?.claims ?? []).map(({ name }) => ({ setting: 'sign_up.claims', claim: name })),
  ]
}

/** How users reach the operator, for messages. */
export function contactText(contact: Config['portal']['contact']): string {
  const { text, email, url } = contact ?? {}
  const address = email ?? url
  if (text) return address ? `${text} (${address})` : text
  return address ?? defaults.contact
}
