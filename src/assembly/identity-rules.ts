import type { Config } from '../config.js'
import type { IdentityRules } from '../features/account/identity.js'

/** Only groups that some setting names are kept in the session cookie. */
export function knownGroups({ portal }: Config): string[] {
  const visible = Object.values(portal.products ?? {}).flatMap((product) => product.visible_to ?? [])
  const { sign_up, claim_accounts, operators = [] } = portal
  return [...new Set([...visible, ...(sign_up?.groups ?? []), ...(claim_accounts?.admin_groups ?? []), ...operators])]
}

/** Names of OpenID Connect Core 1.0 section 5.1. */
const standard = { subject: 'sub', email: 'email', email_verified: 'email_verified' }

/** How claims are read, in ID tokens and access tokens alike. */
export function identityRules(config: Config): IdentityRules {
  const { groups_claim = 'groups', sign_up = {}, identity_provider = {} } = config.portal
  const { claims = [], org_name_claim = 'org_name' } = sign_up
  const { subject, email, email_verified, name } = { ...standard, ...identity_provider.claims }
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
    used: [...new Set(usedClaims(config).map(({ claim }) => claim))],
  }
}

/** Claims that these rules read, as names or paths: where the ID token lacks one, userinfo is requested. */
export function wantedClaims(rules: IdentityRules): string[] {
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

/** Claims that settings name, with the setting; the claims of groups only where a setting names a group. */
export function usedClaims(config: Config): { setting: string; claim: string }[] {
  const { groups_claim = 'groups', sign_up } = config.portal
  return [
    ...(knownGroups(config).length > 0 ? [{ setting: 'groups_claim', claim: groups_claim }] : []),
    ...(sign_up?.claims ?? []).map(({ name }) => ({ setting: 'sign_up.claims', claim: name })),
    ...fillingClaims(config),
  ]
}

/** Claims that fill fields of 3scale or find an account, with the setting. */
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

/** Claims that decide who somebody is, which account they join, whether they may sign up, and their groups. */
export function decidingClaims({ portal }: Config): { setting: string; claim: string }[] {
  const { claim_accounts, groups_claim, identity_provider, sign_up } = portal
  const renamed = identity_provider?.claims ?? {}
  const identifying = (['subject', 'email', 'email_verified'] as const).flatMap((name) => {
    const claim = renamed[name] ?? standard[name]
    return claim === standard[name] ? [] : [{ setting: `identity_provider.claims.${name}`, claim }]
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

/** Whom to ask, in a sentence. */
export function contactWords(contact: Config['portal']['contact']): string {
  const { text, email, url } = contact ?? {}
  const address = email ?? url
  if (text) return address ? `${text} (${address})` : text
  return address ?? 'the operator of this portal'
}
