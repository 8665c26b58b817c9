import { Type } from 'typebox'
import { isLocal } from './settings.js'

/** `api_origins` of PORTAL_CONFIG. */
export const ApiOrigins = Type.Optional(
  Type.Array(Type.String({ format: 'web-origin' }), {
    uniqueItems: true,
    description:
      'origins of web applications that may call the REST API from the browser (CORS), for example https://app.example.com: scheme, host and a port that is not the default, without a path; no wildcard. Default: none',
  }),
)

export const NOT_AN_ORIGIN =
  'is not an origin as browsers send it: https (http for localhost only), the host in lower case and a port that is not the default, without a path and without a slash at the end; for example https://app.example.com'

/** Browsers send an origin in one spelling, and it is compared as it is. */
export function isWebOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  // the URL parser accepts `*` in a host name
  if (origin !== text || text.includes('*')) return false
  return protocol === 'https:' || (protocol === 'http:' && isLocal(hostname))
}
