import type { InspectedProduct } from '../../../../clients/threescale/inspection/types.js'
import { HttpError } from '../../../../infra/http/http-error.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import type { ProbeClient } from '../../probe-client.js'
import { formatList, type Tenant } from '../../product-context.js'
import { listenerMessages } from './messages.js'

/**
 * Checks the status of 3scale's backend (apisonator, lib/3scale/backend/listener.rb) for each address in deployed
 * configurations. The address may be internal to 3scale's cluster, so an unreachable one is a warning. Only host and port are
 * reported.
 */
export async function checkBackendListeners(
  finding: CreateFinding,
  tenant: Tenant,
  probe: Pick<ProbeClient, 'sendGuarded'>,
): Promise<Finding[]> {
  const checks = [...addressesOf(tenant)].map(async ([address, products]) => {
    const url = new URL(address)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/status`
    const users = listenerMessages.products(formatList(products.map(({ systemName }) => systemName)))
    try {
      const { status, text } = await probe.sendGuarded({ method: 'GET', url, timeoutMs: 5000, maxBytes: 64 * 1024 })
      if (status === 200 && /"status"\s*:\s*"ok"/.test(text)) return []
      const what =
        status === 200 ? listenerMessages.noOkStatus(url.host, users) : listenerMessages.status(url.host, status, users)
      return [finding('listener_unhealthy', { what })]
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      return [finding('listener_unreachable', { what: listenerMessages.failed(error.message, users) })]
    }
  })
  return (await Promise.all(checks)).flat()
}

function addressesOf({ products, production, sandbox }: Tenant): Map<string, InspectedProduct[]> {
  const addresses = new Map<string, InspectedProduct[]>()
  for (const product of products) {
    const address = (production?.get(product.id) ?? sandbox?.get(product.id))?.listener
    if (address !== undefined) addresses.set(address, [...(addresses.get(address) ?? []), product])
  }
  return addresses
}
