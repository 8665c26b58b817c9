import { type Product, toProduct } from './product.js'

interface Loaded {
  product: Product
  at: number
}

type Content = Record<string, unknown>

const TIMEOUT_MS = 15_000

/**
 * Deployed configurations, each loaded at the first request that needs it and cached for `seconds()`. A load that fails or
 * finds nothing leaves the stale one in use without an end (APIcast, configuration_loader.lua, lazy;
 * configuration_store.lua, find_by_host). With 0 seconds nothing is cached.
 */
export function createConfigurations(threescale: string, seconds: () => number) {
  const memory = new Map<string, Loaded>()
  const loading = new Map<string, Promise<Product | undefined>>()

  return {
    /** The product with its own port. */
    byId: (id: number) => remembered(`id:${id}`, () => loadById(id)),
    /** The first product with this host. A second product with the same host receives no requests. */
    byHost: (host: string) => remembered(`host:${host}`, () => loadByHost(host)),
    /** Empties the cache, as a restart does. */
    clear: () => memory.clear(),
  }

  async function remembered(key: string, load: () => Promise<Product | undefined>): Promise<Product | undefined> {
    const known = memory.get(key)
    const lifetime = seconds() * 1000
    if (known && Date.now() - known.at < lifetime) return known.product
    const running = loading.get(key) ?? load().catch(() => undefined)
    loading.set(key, running)
    const product = await running
    loading.delete(key)
    if (product && lifetime > 0) memory.set(key, { product, at: Date.now() })
    return product ?? (lifetime > 0 ? known?.product : undefined)
  }

  async function loadById(id: number): Promise<Product | undefined> {
    const body = await get(threescale, `/admin/api/services/${id}/proxy/configs/production/latest.json`)
    const { proxy_config } = body as { proxy_config: { content: Content } }
    return toProduct(proxy_config.content)
  }

  async function loadByHost(host: string): Promise<Product | undefined> {
    const query = new URLSearchParams({ host, version: 'latest', per_page: '500', page: '1' })
    const body = await get(threescale, `/admin/api/account/proxy_configs/production.json?${query}`)
    const { proxy_configs } = body as { proxy_configs: { proxy_config: { content: Content } }[] }
    return proxy_configs
      .map(({ proxy_config }) => toProduct(proxy_config.content))
      .find((product) => product.hosts.includes(host) && !hasOwnPort(product.endpoint))
  }
}

/** A product on this machine has its own port. All others share one port and are found by host. */
export function hasOwnPort(endpoint: string): boolean {
  return URL.canParse(endpoint) && new URL(endpoint).hostname === 'localhost'
}

/** Rejects unless 3scale returns 200. */
export async function get(threescale: string, path: string): Promise<unknown> {
  const answer = await fetch(threescale + path, {
    headers: { authorization: `Basic ${Buffer.from('demo-gateway-token:').toString('base64')}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`3scale answered ${answer.status}`)
  return answer.json()
}
