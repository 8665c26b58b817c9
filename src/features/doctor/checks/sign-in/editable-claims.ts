import { HttpError } from '../../../../infra/http/http-error.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { ProbeClient } from '../../probe-client.js'
import { claimMessages } from './messages.js'

/** A claim that permissions depend on, and the setting of PORTAL_CONFIG that names it. */
export interface DecidingClaim {
  setting: string
  claim: string
}

/** The relevant part of Keycloak's user profile. */
interface UserProfile {
  /** Whether users may edit an attribute, by its name. */
  attributes: Map<string, boolean>
  /** Users may edit undeclared attributes. */
  isOpen: boolean
}

/** Claims of OpenID Connect Core 5.1, and common additions, that users can edit in most profiles. */
const EDITABLE = new Set(
  `name given_name family_name middle_name nickname preferred_username profile picture website email gender birthdate
  zoneinfo locale phone_number address org_name company`.split(/\s+/),
)

/**
 * Finds claims that permissions depend on although users may be able to edit them. With a token of the service client, one
 * call reads the user profile of Keycloak. Most clients may not read it, and the check works without it.
 */
export async function checkEditableClaims(
  finding: CreateFinding,
  probe: ProbeClient,
  { issuer, decidingClaims }: { issuer: string; decidingClaims: DecidingClaim[] },
  token: string | undefined,
): Promise<Finding[]> {
  if (decidingClaims.length === 0) return []
  const profile = token === undefined ? undefined : await readProfile(probe, issuer, token)
  return decidingClaims.flatMap(({ setting, claim }) => {
    const reason = describeEditability(claim, profile)
    return reason === undefined
      ? []
      : [finding('claim_editable', { what: claimMessages.editable(setting, claim, reason) })]
  })
}

/** Claims that Keycloak derives from assignments of administrators. */
const ASSIGNED = new Set(['groups', 'realm_access', 'resource_access'])

/** Assumes that a claim has the name of its attribute: the names in mappers cannot be read without more permissions. */
function describeEditability(claim: string, profile: UserProfile | undefined): string | undefined {
  const first = claim.split('.')[0] ?? claim
  const isEdited = profile?.attributes.get(claim) ?? profile?.attributes.get(first)
  if (isEdited === true) return claimMessages.profileAllowsEdit
  if (isEdited === false) return undefined
  if (EDITABLE.has(claim) || EDITABLE.has(first)) return claimMessages.usuallyEditable
  if (profile?.isOpen && !ASSIGNED.has(first)) return claimMessages.undeclared
  return undefined
}

async function readProfile(probe: ProbeClient, issuer: string, token: string): Promise<UserProfile | undefined> {
  const realm = /^(.+)\/realms\/([^/]+)\/?$/.exec(issuer)
  if (!realm) return undefined
  try {
    const url = new URL(`${realm[1]}/admin/realms/${realm[2]}/users/profile`)
    const headers = { authorization: `Bearer ${token}` }
    const { status, text } = await probe.send({ method: 'GET', url, headers, timeoutMs: 5000 })
    return status === 200 ? profileOf(JSON.parse(text)) : undefined
  } catch (error) {
    if (error instanceof HttpError || error instanceof SyntaxError) return undefined
    throw error
  }
}

function profileOf(value: unknown): UserProfile | undefined {
  const { attributes, unmanagedAttributePolicy } = object(value)
  if (!Array.isArray(attributes)) return undefined
  const edited = attributes.map(object).map(({ name, permissions }) => {
    const { edit } = object(permissions)
    return [String(name), Array.isArray(edit) && edit.includes('user')] as const
  })
  return { attributes: new Map(edited), isOpen: unmanagedAttributePolicy === 'ENABLED' }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
