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
 * lead to (`realm_access.roles`), where a step may itself contain dots (`resource_access.my.client.roles`). Undefined: there
 * is none.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const step = path.slice(0, dot)
    if (!Object.hasOwn(claims, step)) continue
    const found = claimAt((claims as Record<string, unknown>)[step], path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

/** The texts of a claim, also where a mapper writes one value, a list, or a number. */
export function textsOf(claim: unknown, text = wholeText): string[] {
  const values = Array.isArray(claim) ? (claim as unknown[]) : [claim]
  return values
    .map((value) => (typeof value === 'number' ? String(value) : text(value)))
    .filter((value) => value !== undefined)
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
