import { Type } from 'typebox'
import { isLoopbackHost } from './environment-reader.js'

/** `api_origins` of PORTAL_CONFIG. */
export const ApiOrigins = Type.Optional(
  Type.Array(Type.String({ format: 'web-origin' }), {
    uniqueItems: true,
    description:
      'origins of web applications that may call the REST API from the browser (CORS), for example https://app.example.com: scheme, host and a port that is not the default, without a path; no wildcard. Default: none',
  }),
)

/** Origins are compared as texts, so they must have the spelling of browsers. */
export function isWebOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  // The URL parser accepts `*` in a host name.
  if (origin !== text || text.includes('*')) return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}
