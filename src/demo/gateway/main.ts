import type { Server } from 'node:http'
import { type Address, followAddresses } from './addresses.js'
import { createAuthCache } from './apicast/authorization-cache.js'
import { createConfigurations } from './apicast/configuration.js'
import type { Product } from './apicast/product.js'
import { handle } from './apicast/proxy.js'
import { controlServer } from './control.js'
import { createFaults } from './faults.js'
import { modelServer } from './model-servers/server.js'
import { listen } from './nginx/server.js'
import { createSettings, type Timing } from './settings.js'

export interface StartOptions {
  /** base port: control on +4, model servers on +5, other hosts on +6, products on the ports their configuration names */
  port: number
  host?: string
  portalUrl?: string
  stateFile?: string
  /** without it `real` */
  timing?: Timing
}

/** APIcast in front of small model servers: one listener for each product on this machine, one for all other hosts. */
export async function start({
  port,
  host = '127.0.0.1',
  timing = 'real',
}: StartOptions): Promise<{ close(): Promise<void> }> {
  const threescale = `http://127.0.0.1:${port + 1}`
  const settings = createSettings(timing)
  const configurations = createConfigurations(threescale, () => settings.current().configuration_seconds)
  const cache = createAuthCache(settings)
  const faults = createFaults()
  const backend = () => ({ url: backendUrl(port), timeoutMs: settings.current().backend_timeout_seconds * 1000 })
  const forget = () => {
    cache.clear()
    configurations.clear()
  }
  const gatewayOn = (at: number, find: (host: string) => Promise<Product | undefined>) =>
    listen(at, host, (request, response) => handle(request, response, find, { cache, faults, backend }))

  const parts = [
    await listenHttp(controlServer({ settings, faults, forget }), port + 4, host),
    await listenHttp(modelServer(), port + 5, host),
    await gatewayOn(port + 6, configurations.byHost),
  ]
  const listeners = new Map<number, { close(): Promise<void> }>()
  const services = new Map<number, number>()
  const addresses = await followAddresses(threescale, open)

  return {
    async close() {
      await addresses.stop()
      await Promise.all([...parts, ...listeners.values()].map((each) => each.close()))
    },
  }

  async function open(all: Address[]): Promise<boolean> {
    services.clear()
    for (const each of all) services.set(each.port, each.service)
    for (const [at, listener] of listeners) {
      if (services.has(at)) continue
      listeners.delete(at)
      void listener.close()
    }
    let isOpen = true
    for (const at of services.keys()) {
      if (listeners.has(at)) continue
      const listener = await gatewayOn(at, async () => {
        const service = services.get(at)
        return service === undefined ? undefined : configurations.byId(service)
      }).catch(() => undefined)
      if (listener) listeners.set(at, listener)
      else isOpen = false
    }
    return isOpen
  }
}

/** apisonator's listener. */
function backendUrl(port: number): string {
  return `http://127.0.0.1:${port + 7}`
}

function listenHttp(server: Server, port: number, host: string): Promise<{ close(): Promise<void> }> {
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve({ close }))
  })
}
