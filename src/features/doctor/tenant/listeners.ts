import { HttpFailure } from '../../../clients/http-failure.js'
import type { InspectedProduct } from '../../../clients/threescale/inspection/nouns.js'
import type { Asking } from '../asking.js'
import type { Find, Finding } from '../findings.js'
import { listed, type Tenant } from '../look.js'

/**
 * The status of 3scale's back-end (apisonator, lib/3scale/backend/listener.rb), once for each address in deployed
 * configurations. The address may be internal to 3scale's cluster, so being out of reach is no error. Only its host and port are reported.
 */
export async function listeners(find: Find, tenant: Tenant, ask: Pick<Asking, 'sendGuarded'>): Promise<Finding[]> {
  const asked = [...addressesOf(tenant)].map(async ([address, products]) => {
    const url = new URL(address)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/status`
    const users = `It is the back-end of ${listed(products.map(({ systemName }) => systemName))}.`
    try {
      const { status, text } = await ask.sendGuarded({ method: 'GET', url, timeoutMs: 5000, maxBytes: 64 * 1024 })
      if (status === 200 && /"status"\s*:\s*"ok"/.test(text)) return []
      const said = status === 200 ? 'without the status “ok”' : `with ${status}`
      return [find('listener_unhealthy', { what: `${url.host} answers GET /status ${said}. ${users}` })]
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error
      return [find('listener_unreachable', { what: `${error.message}. ${users}` })]
    }
  })
  return (await Promise.all(asked)).flat()
}

function addressesOf({ products, production, sandbox }: Tenant): Map<string, InspectedProduct[]> {
  const addresses = new Map<string, InspectedProduct[]>()
  for (const product of products) {
    const address = (production?.get(product.id) ?? sandbox?.get(product.id))?.listener
    if (address !== undefined) addresses.set(address, [...(addresses.get(address) ?? []), product])
  }
  return addresses
}
