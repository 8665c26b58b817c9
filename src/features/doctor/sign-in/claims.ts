import { HttpFailure } from '../../../clients/http-failure.js'
import type { Asking } from '../asking.js'
import type { Find, Finding } from '../findings.js'

/** A claim that decides what somebody may do, with the setting of PORTAL_CONFIG that names it. */
export interface DecidingClaim {
  setting: string
  claim: string
}

/** Keycloak's user profile, as far as the check needs it. */
interface Profile {
  /** whether people may edit an attribute, by its name */
  attributes: Map<string, boolean>
  /** people may edit attributes that are not declared */
  isOpen: boolean
}

/** Claims of OpenID Connect Core 5.1 that people edit in their own profile nearly everywhere, and what they often add to it. */
const EDITABLE = new Set(
  `name given_name family_name middle_name nickname preferred_username profile picture website email gender birthdate
  zoneinfo locale phone_number address org_name company`.split(/\s+/),
)

/**
 * Claims that decide although people may be able to change them. Where a token of the service client is given and the provider is
 * Keycloak, one call asks for its user profile; most clients may not read that, and nothing depends on it.
 */
export async function editableClaims(
  find: Find,
  ask: Asking,
  { issuer, deciding }: { issuer: string; deciding: DecidingClaim[] },
  token: string | undefined,
): Promise<Finding[]> {
  if (deciding.length === 0) return []
  const profile = token === undefined ? undefined : await readProfile(ask, issuer, token)
  return deciding.flatMap(({ setting, claim }) => {
    const reason = reasonOf(claim, profile)
    return reason === undefined ? [] : [find('claim_editable', { what: `${setting} names “${claim}”, ${reason}.` })]
  })
}

/** Claims that Keycloak makes itself, of what administrators assign. */
const ASSIGNED = new Set(['groups', 'realm_access', 'resource_access'])

/**
 * A claim is taken for the attribute of its name, or of the first step of its path: how mappers name it is not readable without
 * more rights.
 */
function reasonOf(claim: string, profile: Profile | undefined): string | undefined {
  const first = claim.split('.')[0] ?? claim
  const isEdited = profile?.attributes.get(claim) ?? profile?.attributes.get(first)
  if (isEdited === true) return 'which the user profile of the realm lets people edit'
  if (isEdited === false) return undefined
  if (EDITABLE.has(claim) || EDITABLE.has(first)) return 'which people can usually edit themselves'
  if (profile?.isOpen && !ASSIGNED.has(first))
    return 'which the user profile of the realm does not declare, and people may edit attributes that are not declared'
  return undefined
}

async function readProfile(ask: Asking, issuer: string, token: string): Promise<Profile | undefined> {
  const realm = /^(.+)\/realms\/([^/]+)\/?$/.exec(issuer)
  if (!realm) return undefined
  try {
    const url = new URL(`${realm[1]}/admin/realms/${realm[2]}/users/profile`)
    const headers = { authorization: `Bearer ${token}` }
    const { status, text } = await ask.send({ method: 'GET', url, headers, timeoutMs: 5000 })
    return status === 200 ? profileOf(JSON.parse(text)) : undefined
  } catch (error) {
    if (error instanceof HttpFailure || error instanceof SyntaxError) return undefined
    throw error
  }
}

function profileOf(value: unknown): Profile | undefined {
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
