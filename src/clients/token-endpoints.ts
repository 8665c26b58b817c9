import { problem } from '../errors.js'
import { readJson } from './bounded-json.js'
import type { Http } from './http.js'
import { discoveryAddress } from './identity-terms.js'

/** Characters of an address that becomes part of each model and of its code. */
const LONGEST = 2000

/**
 * Reads the token endpoint from the discovery document of an issuer that a product names. The address is sent client secrets and
 * is written into code to paste, where `file:` would read a file of whoever runs it, so only web addresses are accepted.
 * Rejects with HttpFailure or identity_unavailable.
 */
export function createTokenEndpoints(http: Pick<Http, 'send'>) {
  return async (issuer: string): Promise<string> => {
    const { status, text } = await http.send({ method: 'GET', url: discoveryAddress(issuer) })
    const read = status === 200 ? readJson(text) : {}
    const named = 'value' in read ? (read.value as { token_endpoint?: unknown } | null)?.token_endpoint : undefined
    const endpoint = typeof named === 'string' && named.length <= LONGEST ? webAddress(named) : undefined
    if (endpoint === undefined) throw problem('identity_unavailable')
    return endpoint
  }
}

/** As the URL parser writes it, without a fragment; undefined: none, or one with a user name or password. */
function webAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, origin, pathname, search } = new URL(text)
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return undefined
  return origin + pathname + search
}
