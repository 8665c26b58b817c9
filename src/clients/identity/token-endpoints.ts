import { problem } from '../../errors.js'
import { readJson } from '../../infra/bounded-json.js'
import type { Http } from '../../infra/http/http.js'
import { discoveryDocumentUrl } from './issuer.js'

/** The address becomes part of the model and of its code. */
const MAX_CHARACTERS = 2000

/**
 * Reads the token endpoint from the discovery document of an issuer that a product names. The endpoint receives client secrets, and
 * its address becomes part of sample code, where `file:` would read a file of the user. Therefore only web addresses are accepted.
 * Rejects with HttpError or identity_unavailable.
 */
export function createTokenEndpoints(http: Pick<Http, 'send'>) {
  return async (issuer: string): Promise<string> => {
    const { status, text } = await http.send({ method: 'GET', url: discoveryDocumentUrl(issuer) })
    const json = status === 200 ? readJson(text) : {}
    const announced = 'value' in json ? (json.value as { token_endpoint?: unknown } | null)?.token_endpoint : undefined
    const endpoint =
      typeof announced === 'string' && announced.length <= MAX_CHARACTERS ? webAddress(announced) : undefined
    if (endpoint === undefined) throw problem('identity_unavailable')
    return endpoint
  }
}

/** The normalized URL without its fragment; undefined if it is no web address or has a username or password. */
function webAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, origin, pathname, search } = new URL(text)
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return undefined
  return origin + pathname + search
}
