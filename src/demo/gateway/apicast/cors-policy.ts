import type { Incoming } from './policy-request.js'
import type { Product } from './product.js'

export function isPreflight({ method, header }: Incoming): boolean {
  return method === 'OPTIONS' && header('origin') !== undefined && header('access-control-request-method') !== undefined
}

/** Headers of the CORS policy on every response to a request with an Origin (gateway/src/apicast/policy/cors/cors.lua). */
export function corsHeaders(product: Product, { header }: Incoming): Record<string, string | string[]> {
  const policy = product.policies.find(({ name }) => name === 'cors')
  const origin = header('origin')
  if (!policy || origin === undefined) return {}
  const { allow_headers, allow_methods, allow_origin, allow_credentials, max_age } = policy.configuration
  const methods = Array.isArray(allow_methods) ? allow_methods.map(String) : header('access-control-request-method')
  const headers = Array.isArray(allow_headers) ? allow_headers.map(String) : header('access-control-request-headers')
  const allowed = originFor(allow_origin, origin)
  return {
    ...(headers === undefined ? {} : { 'access-control-allow-headers': headers }),
    ...(methods === undefined ? {} : { 'access-control-allow-methods': methods }),
    ...(allowed === undefined ? {} : { 'access-control-allow-origin': allowed }),
    'access-control-allow-credentials': String(allow_credentials ?? true),
    'access-control-max-age': String(max_age ?? 600),
  }
}

/** A setting that is neither `*` nor an address is a pattern, and only a match is echoed. */
function originFor(setting: unknown, origin: string): string | undefined {
  if (typeof setting !== 'string') return origin
  if (setting === '*' || URL.canParse(setting)) return setting
  return new RegExp(setting).test(origin) ? origin : undefined
}
