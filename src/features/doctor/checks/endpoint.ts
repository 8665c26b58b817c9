import { HttpFailure } from '../../../clients/http-failure.js'
import { discoveryAddress } from '../../../clients/identity-terms.js'
import type { Asking } from '../asking.js'
import type { Finding } from '../findings.js'
import { type FindHere, type Look, pathOf } from '../look.js'
import { listPathIn } from '../product-rules.js'

/** One request without a key, which a gateway refuses before it checks anything else (gateway.md 1.1). */
export async function endpoint(look: Look, find: FindHere, ask: Asking): Promise<Finding[]> {
  const { tenant, product, config } = look
  if (!config || !tenant.production?.has(product.id)) return []
  if (!/^https?:\/\//.test(config.endpoint) || !URL.canParse(config.endpoint)) return []
  const read = config.rules.find(({ method, pattern }) => method === 'GET' && !/[{?]/.test(pattern))
  const url = new URL(config.endpoint + (listPathIn(look) ?? (read ? pathOf(read.pattern) : '/v1/models')))
  try {
    const { status, text } = await ask.sendGuarded({ method: 'GET', url, timeoutMs: 5000 })
    if (status >= 200 && status < 300)
      return [find('endpoint_open', `GET ${url.pathname} without a key is answered with ${status}.`)]
    if (status === 404 && text === '') return [find('endpoint_unknown')]
    if (status >= 500)
      return [find('endpoint_unreachable', `${url.host} answers ${status} to a request without a key.`)]
    return []
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return [find(error.kind === 'forbidden' ? 'endpoint_forbidden' : 'endpoint_unreachable', `${error.message}.`)]
  }
}

/** The issuer that people of an OpenID Connect product fetch their tokens from. */
export async function issuer({ config }: Look, find: FindHere, ask: Asking): Promise<Finding[]> {
  if (config?.authentication !== 'oidc' || config.issuer === undefined) return []
  try {
    const { status, text } = await ask.sendGuarded({
      method: 'GET',
      url: discoveryAddress(config.issuer),
      timeoutMs: 5000,
    })
    return status === 200 && text.includes('"token_endpoint"')
      ? []
      : [find('issuer_unreachable', `${config.issuer} answers ${status} and no discovery document.`)]
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return [find(error.kind === 'forbidden' ? 'endpoint_forbidden' : 'issuer_unreachable', `${error.message}.`)]
  }
}
