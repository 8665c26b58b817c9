/** OpenID Connect Core 1.0 section 2 bounds `sub`; the other claims that identify something follow it. */
const LONGEST = 255

/**
 * A text claim that identifies or decides something, whole or not at all: a shortened value may be the value of somebody
 * else. Undefined: it is missing, not a text, empty or longer than 255 characters.
 */
export function wholeText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !isTooLong(value) ? value : undefined
}

/** Text for people, such as a name, cut at 255 characters. */
export function shownText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? Array.from(value).slice(0, LONGEST).join('') : undefined
}

/**
 * The claim at `path`: the member of that very name (`https://example.com/groups`, `cognito:groups`), else the one that dots
 * lead to (`realm_access.roles`), where a step may itself contain dots (`resource_access.my.client.roles`). In a list of
 * objects a step leads into each of them (`organizations.id`), and the result is a list. Undefined: there is none.
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

/** Whether there is a claim at `path`; null counts as missing. */
export function hasClaim(claims: unknown, path: string): boolean {
  return (claimAt(claims, path) ?? undefined) !== undefined
}

function claimInEach(list: unknown[], path: string): unknown[] | undefined {
  const found = list.filter((each) => !Array.isArray(each)).flatMap((each) => claimAt(each, path) ?? [])
  return found.length > 0 ? found : undefined
}

/** Members that hold the value of an object: of groups and organizations, of SCIM, of the claim `address`. */
const VALUE_MEMBERS = ['name', 'value', 'formatted']

/**
 * The texts of a claim, whatever form a provider gives it: a text, a number, true or false, a list of these, or objects. The
 * members of an object are its values where each is an object (`{"acme": {"id": "42"}}`), or says whether it applies
 * (`{"admin": true}`). Any other object counts as its `name`, `value` or `formatted`, in this order; other members need a path.
 */
export function valuesOf(claim: unknown, text = wholeText): string[] {
  const values = Array.isArray(claim) ? (claim as unknown[]) : [claim]
  return values
    .flatMap((value) => (isObject(value) ? valuesOfObject(value) : [value]))
    .map((value) => text(typeof value === 'number' || typeof value === 'boolean' ? scalarText(value) : value))
    .filter((value) => value !== undefined)
}

/** The first value of a claim, or undefined. */
export function firstValue(claim: unknown, text = wholeText): string | undefined {
  return valuesOf(claim, text)[0]
}

function valuesOfObject(value: Record<string, unknown>): unknown[] {
  const members = Object.entries(value)
  if (members.every(([, held]) => isObject(held))) return members.map(([name]) => name)
  if (members.every(([, held]) => typeof held === 'boolean'))
    return members.filter(([, held]) => held).map(([name]) => name)
  const holder = VALUE_MEMBERS.find((name) => Object.hasOwn(value, name))
  return holder === undefined || isObject(value[holder]) ? [] : [value[holder]]
}

/** A number beyond these bounds was rounded when it was read: it may be the number of somebody else. */
function scalarText(value: number | boolean): string | undefined {
  return typeof value === 'boolean' || Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : undefined
}

/** A JSON object, which a list is not. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name of a claim that identifies a person or a session and is too long to be used; undefined: there is none. */
export function overlongIdentifier({ sub, sid }: { sub?: unknown; sid?: unknown }): 'sub' | 'sid' | undefined {
  if (isTooLong(sub)) return 'sub'
  return isTooLong(sid) ? 'sid' : undefined
}

/** OpenID Connect Core 1.0 section 3.1.3.7, steps 4 and 5: several audiences need an authorized party, which is this client. */
export function isIssuedTo(clientId: string, { aud, azp }: { aud?: unknown; azp?: unknown }): boolean {
  return azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === clientId
}

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > LONGEST && Array.from(value).length > LONGEST
}
