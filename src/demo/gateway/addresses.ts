import { setTimeout as sleep } from 'node:timers/promises'
import { get, hasOwnPort } from './apicast/configuration.js'

export interface Address {
  port: number
  /** of the product that is there */
  service: number
}

const POLL_MS = 200
const PER_PAGE = 500

/**
 * The ports that products have on this machine, like the routes that a cluster has for them: when something was promoted
 * `open` gets them all. The configurations themselves are loaded when requests ask for them. What 3scale does not answer
 * leaves the ports as they are.
 */
export async function followAddresses(threescale: string, open: (addresses: Address[]) => Promise<boolean>) {
  let closing = false
  let revision: number | undefined
  await look()
  const looking = (async () => {
    while (!closing) {
      await sleep(POLL_MS, undefined, { ref: false })
      await look()
    }
  })()
  return {
    async stop(): Promise<void> {
      closing = true
      await looking
    },
  }

  async function look(): Promise<void> {
    const current = await readRevision(threescale).catch(() => revision)
    if (current === revision) return
    const addresses = await readAddresses(threescale).catch(() => undefined)
    if (!addresses || closing) return
    // A port that is in use is tried again.
    revision = (await open(addresses)) ? current : undefined
  }
}

/** The stand-in's own number of promotions; 3scale has none. */
async function readRevision(threescale: string): Promise<number> {
  const answer = await fetch(`${threescale}/_demo/revision`, { signal: AbortSignal.timeout(2000) })
  return ((await answer.json()) as { revision: number }).revision
}

async function readAddresses(threescale: string): Promise<Address[]> {
  const all: Address[] = []
  for (let page = 1; ; page++) {
    const body = (await get(
      threescale,
      `/admin/api/account/proxy_configs/production.json?version=latest&per_page=${PER_PAGE}&page=${page}`,
    )) as {
      proxy_configs: { proxy_config: { content: { id: number; proxy: { endpoint: string } } } }[]
    }
    for (const { proxy_config } of body.proxy_configs) {
      const { id, proxy } = proxy_config.content
      if (hasOwnPort(proxy.endpoint)) all.push({ port: Number(new URL(proxy.endpoint).port), service: id })
    }
    // as APIcast does, configuration_loader/remote_v2.lua: the last page is the one that is not full
    if (body.proxy_configs.length < PER_PAGE) return all
  }
}
