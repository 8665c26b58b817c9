/** OpenID Connect Core 1.0 section 2 limits `sub`. The portal applies the limit to all identifiers. */
const MAX_CHARACTERS = 255

/**
 * A text claim that identifies or decides something. It is never shortened, because a shortened value may be that of another user.
 * Undefined if it is missing, not a text, empty or longer than 255 characters.
 */
export function identifierText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !isTooLong(value) ? value : undefined
}

/** Text for display, such as a name, cut at 255 characters. */
export function displayText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? Array.from(value).slice(0, MAX_CHARACTERS).join('') : undefined
}

/**
 * The claim at `path`: the member of that exact name (`https://example.com/groups`, `cognito:groups`), or a nested member with dots
 * between the names (`realm_access.roles`). A name may itself contain dots (`resource_access.my.client.roles`). In a list of objects
 * the path applies to each object (`organizations.id`), and the result is a list. Undefined if there is no such claim.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (Array.isArray(claims)) return claimInEach(claims, path)
  if (!isObject(claims)) return undefined
  if (Object.hasOwn(claims, path)) return claims[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const step = path.slice(0, dot)
    if (!Object.hasOwn(claims, step)) continue
    const found = claimAt(claims[step], path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

/** Null counts as missing. */
export function hasClaim(claims: unknown, path: string): boolean {
  return (claimAt(claims, path) ?? undefined) !== undefined
}

function claimInEach(list: unknown[], path: string): unknown[] | undefined {
  const found = list.filter((each) => !Array.isArray(each)).flatMap((each) => claimAt(each, path) ?? [])
  return found.length > 0 ? found : undefined
}

/** Members with the value of an object: groups and organizations, SCIM, the claim `address`. */
const VALUE_MEMBERS = ['name', 'value', 'formatted']

/**
 * The texts of a claim in any form that providers use: a text, a number, a boolean, a list of these, or objects. The values of an
 * object are the names of its members if each is an object (`{"acme": {"id": "42"}}`) or if they are booleans (`{"admin": true}`). Any
 * other object counts as its `name`, `value` or `formatted`, in this order; other members require a path.
 */
export function valuesOf(claim: unknown, text = identifierText): string[] {
  const values = Array.isArray(claim) ? (claim as unknown[]) : [claim]
  return values
    .flatMap((value) => (isObject(value) ? valuesOfObject(value) : [value]))
    .map((value) => text(typeof value === 'number' || typeof value === 'boolean' ? scalarText(value) : value))
    .filter((value) => value !== undefined)
}

export function firstValue(claim: unknown, text = identifierText): string | undefined {
  return valuesOf(claim, text)[0]
}

function valuesOfObject(value: Record<string, unknown>): unknown[] {
  const members = Object.entries(value)
  if (members.every(([, member]) => isObject(member))) return members.map(([name]) => name)
  if (members.every(([, member]) => typeof member === 'boolean'))
    return members.filter(([, isMember]) => isMember).map(([name]) => name)
  const holder = VALUE_MEMBERS.find((name) => Object.hasOwn(value, name))
  return holder === undefined || isObject(value[holder]) ? [] : [value[holder]]
}

/** A number beyond these bounds was rounded when it was parsed and may be that of another user. */
function scalarText(value: number | boolean): string | undefined {
  return typeof value === 'boolean' || Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : undefined
}

/** False for lists. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name of the identifying claim that is too long, if there is one. */
export function overlongIdentifier({ sub, sid }: { sub?: unknown; sid?: unknown }): 'sub' | 'sid' | undefined {
  if (isTooLong(sub)) return 'sub'
  return isTooLong(sid) ? 'sid' : undefined
}

/** OpenID Connect Core 1.0 section 3.1.3.7, steps 4 and 5: several audiences require an authorized party, which is this client. */
export function isIssuedTo(clientId: string, { aud, azp }: { aud?: unknown; azp?: unknown }): boolean {
  return azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === clientId
}

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > MAX_CHARACTERS && Array.from(value).length > MAX_CHARACTERS
}
