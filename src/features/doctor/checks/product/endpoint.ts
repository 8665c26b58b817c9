import { discoveryDocumentUrl } from '../../../../clients/identity/issuer.js'
import { HttpError } from '../../../../infra/http/http-error.js'
import type { Finding } from '../../findings/findings.js'
import type { ProbeClient } from '../../probe-client.js'
import { type CreateProductFinding, type ProductContext, pathOf } from '../../product-context.js'
import { endpointMessages } from './messages.js'
import { modelListPathIn } from './product-rules.js'

/** Sends one request without a key, which a gateway refuses before any other check. */
export async function checkEndpoint(
  context: ProductContext,
  finding: CreateProductFinding,
  probe: ProbeClient,
): Promise<Finding[]> {
  const { tenant, product, config } = context
  if (!config || !tenant.production?.has(product.id)) return []
  if (!/^https?:\/\//.test(config.endpoint) || !URL.canParse(config.endpoint)) return []
  const read = config.rules.find(({ method, pattern }) => method === 'GET' && !/[{?]/.test(pattern))
  const url = new URL(config.endpoint + (modelListPathIn(context) ?? (read ? pathOf(read.pattern) : '/v1/models')))
  try {
    const { status, text } = await probe.sendGuarded({ method: 'GET', url, timeoutMs: 5000 })
    if (status >= 200 && status < 300) return [finding('endpoint_open', endpointMessages.open(url.pathname, status))]
    if (status === 404 && text === '') return [finding('endpoint_unknown')]
    if (status >= 500) return [finding('endpoint_unreachable', endpointMessages.serverError(url.host, status))]
    return []
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return [
      finding(
        error.kind === 'forbidden' ? 'endpoint_forbidden' : 'endpoint_unreachable',
        endpointMessages.failed(error.message),
      ),
    ]
  }
}

/** The issuer of tokens for an OpenID Connect product. */
export async function checkIssuer(
  { config }: ProductContext,
  finding: CreateProductFinding,
  probe: ProbeClient,
): Promise<Finding[]> {
  if (config?.authentication !== 'oidc' || config.issuer === undefined) return []
  try {
    const { status, text } = await probe.sendGuarded({
      method: 'GET',
      url: discoveryDocumentUrl(config.issuer),
      timeoutMs: 5000,
    })
    return status === 200 && text.includes('"token_endpoint"')
      ? []
      : [finding('issuer_unreachable', endpointMessages.noDiscovery(config.issuer, status))]
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return [
      finding(
        error.kind === 'forbidden' ? 'endpoint_forbidden' : 'issuer_unreachable',
        endpointMessages.failed(error.message),
      ),
    ]
  }
}
