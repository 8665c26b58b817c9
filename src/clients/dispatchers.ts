import { Agent, type buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { trusting } from './trust.js'

export interface DispatcherOptions {
  extraCa: string | undefined
  httpsProxy: string | undefined
  noProxy: string | undefined
}

type Connect = (options: buildConnector.BuildOptions) => buildConnector.connector

/**
 * Makes connection pools that honour the extra CA and the proxy settings. `connectWith` makes the connections that do not
 * go through the proxy; the proxy itself is an address of the settings, and resolves the names of what goes through it.
 */
export function dispatcherMaker({ extraCa, httpsProxy, noProxy }: DispatcherOptions) {
  const tls = trusting(extraCa)
  const connecting = { timeout: 2000, ...tls }

  return (connectWith?: Connect): Dispatcher => {
    const settings = {
      connect: connectWith ? connectWith(connecting as buildConnector.BuildOptions) : connecting,
      connections: 256,
      keepAliveTimeout: 10_000,
      pipelining: 1,
    }
    if (!httpsProxy) return new Agent(settings)
    return new EnvHttpProxyAgent({
      ...settings,
      httpProxy: httpsProxy,
      httpsProxy,
      // what runs on this machine is never behind a proxy
      noProxy: [noProxy ?? '', 'localhost', '127.0.0.1', '[::1]'].join(','),
      requestTls: tls,
      proxyTls: tls,
    })
  }
}
