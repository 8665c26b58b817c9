import type { Config } from '../config.js'
import type { IdentityRules } from '../features/account/identity.js'

/** Only groups that some setting names are kept in the session cookie. */
export function knownGroups({ portal }: Config): string[] {
  const visible = Object.values(portal.products ?? {}).flatMap((product) => product.visible_to ?? [])
  const { sign_up, claim_accounts, operators = [] } = portal
  return [...new Set([...visible, ...(sign_up?.groups ?? []), ...(claim_accounts?.admin_groups ?? []), ...operators])]
}

export function identityRules(config: Config): IdentityRules {
  const { groups_claim = 'groups', sign_up = {}, claim_accounts } = config.portal
  const { fields, claims = [], org_name_claim = 'org_name' } = sign_up
  const filling = [fields?.account, fields?.user].flatMap((map) => Object.values(map ?? {}))
  const mapped = [...filling, ...(claim_accounts ? [claim_accounts.claim] : [])]
  return {
    issuer: config.oidc.issuer,
    groupsClaim: groups_claim,
    knownGroups: knownGroups(config),
    mapped: [...new Set([org_name_claim, ...mapped])],
    deciding: claims,
  }
}

/** Claims that the configuration uses, as names or paths: what an ID token lacks of them is asked for at userinfo. */
export function wantedClaims(config: Config): string[] {
  const { groupsClaim, knownGroups, mapped, deciding } = identityRules(config)
  const groups = knownGroups.length > 0 ? [groupsClaim] : []
  return ['email', 'email_verified', 'name', ...groups, ...mapped, ...deciding.map(({ name }) => name)]
}

/** Claims that decide which account somebody joins, whether they may sign up, and which groups they are in. */
export function decidingClaims({ portal }: Config): { setting: string; claim: string }[] {
  const { claim_accounts, groups_claim, sign_up } = portal
  return [
    ...(claim_accounts ? [{ setting: 'claim_accounts.claim', claim: claim_accounts.claim }] : []),
    ...(groups_claim ? [{ setting: 'groups_claim', claim: groups_claim }] : []),
    ...(sign_up?.claims ?? []).map(({ name }) => ({ setting: 'sign_up.claims', claim: name })),
  ]
}

export function knownClaims({ mapped, deciding }: IdentityRules): string[] {
  return [...new Set([...mapped, ...deciding.map(({ name }) => name)])]
}

/** Whom to ask, in a sentence. */
export function contactWords(contact: Config['portal']['contact']): string {
  const { text, email, url } = contact ?? {}
  const address = email ?? url
  if (text) return address ? `${text} (${address})` : text
  return address ?? 'the operator of this portal'
}
