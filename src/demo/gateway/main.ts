import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthCache } from './cache.js'
import { controlServer } from './control.js'
import { createFaults } from './faults.js'
import { modelServer } from './models.js'
import type { Product } from './product.js'
import { toProduct } from './product.js'
import { handle, hostOf } from './proxy.js'

export interface StartOptions {
  /** base port: control on +4, model servers on +5, other hosts on +6, products on the ports their configuration names */
  port: number
  host?: string
  portalUrl?: string
  stateFile?: string
}

const POLL_MS = 200

/** APIcast in front of small model servers: one listener a product, as the deployed configuration says. */
export async function start({ port, host = '127.0.0.1' }: StartOptions): Promise<{ close(): Promise<void> }> {
  const threescale = `http://127.0.0.1:${port + 1}`
  const backend = `http://127.0.0.1:${port + 7}`
  const listeners = new Map<number, Server>()
  const products = new Map<number, Product>()
  const cache = createAuthCache()
  const faults = createFaults()
  // as behind a route: products of other hosts share one port and are told apart by name
  const elsewhere = new Map<string, Product>()
  const shared = createServer((request, response) => {
    const product = elsewhere.get(hostOf(request))
    if (!product) return void response.writeHead(404).end()
    void handle(request, response, { product, cache, faults, threescale: backend }).catch(() => response.destroy())
  })
  const fixed = [
    await listen(controlServer(cache, faults), port + 4, host),
    await listen(modelServer(), port + 5, host),
    await listen(shared, port + 6, host),
  ]
  let closing = false

  let revision: number | undefined
  await poll()
  const polling = (async () => {
    while (!closing) {
      await sleep(POLL_MS, undefined, { ref: false })
      await poll()
    }
  })()

  return {
    async close() {
      closing = true
      await polling
      await Promise.all([...fixed, ...listeners.values()].map(closeServer))
    },
  }

  /** Keeps what it has while 3scale is down. */
  async function poll(): Promise<void> {
    const current = await readRevision(threescale).catch(() => revision)
    if (current === revision) return
    const all = await readProducts(threescale).catch(() => undefined)
    if (!all || closing) return
    const addressed = all.filter(({ endpoint }) => URL.canParse(endpoint))
    const configured = addressed.filter(isHere)
    elsewhere.clear()
    for (const product of addressed.filter((each) => !isHere(each)))
      elsewhere.set(new URL(product.endpoint).hostname, product)
    revision = current
    const ports = new Set(configured.map((product) => product.port))
    for (const product of configured) {
      products.set(product.port, product)
      if (listeners.has(product.port)) continue
      const server = createServer((request, response) => {
        const current = products.get(product.port)
        if (!current) return void response.writeHead(404).end()
        void handle(request, response, { product: current, cache, faults, threescale: backend }).catch(() =>
          response.destroy(),
        )
      })
      listeners.set(product.port, server)
      await listen(server, product.port, host).catch(() => {
        // somebody else has the port for now: the next look tries again
        listeners.delete(product.port)
        revision = undefined
      })
    }
    for (const [known, server] of listeners) {
      if (ports.has(known)) continue
      listeners.delete(known)
      products.delete(known)
      void closeServer(server)
    }
  }
}

/** The stand-in's word for "something was promoted"; APIcast itself reads everything again by age. */
async function readRevision(threescale: string): Promise<number> {
  const answer = await fetch(`${threescale}/_demo/revision`, { signal: AbortSignal.timeout(2000) })
  return ((await answer.json()) as { revision: number }).revision
}

async function readProducts(threescale: string): Promise<Product[]> {
  const all: Product[] = []
  for (let page = 1; ; page++) {
    const answer = await fetch(
      `${threescale}/admin/api/account/proxy_configs/production.json?version=latest&per_page=500&page=${page}`,
      {
        headers: { authorization: `Basic ${Buffer.from('demo-gateway-token:').toString('base64')}` },
        signal: AbortSignal.timeout(5000),
      },
    )
    if (!answer.ok) throw new Error(`3scale answered ${answer.status}`)
    const body = (await answer.json()) as {
      proxy_configs: { proxy_config: { content: Record<string, unknown> } }[]
      metadata?: { total_pages: number }
    }
    all.push(...body.proxy_configs.map(({ proxy_config }) => toProduct(proxy_config.content)))
    if (page >= (body.metadata?.total_pages ?? 1)) return all
  }
}

function isHere({ endpoint }: Product): boolean {
  return new URL(endpoint).hostname === 'localhost'
}

function listen(server: Server, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
