import { Agent, type buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { trustedAuthorities } from '../ca-bundle.js'

export interface DispatcherOptions {
  extraCa: string | undefined
  httpsProxy: string | undefined
  noProxy: string | undefined
}

type Connect = (options: buildConnector.BuildOptions) => buildConnector.connector

/**
 * Creates connection pools that use the extra CA and the proxy settings. `connectWith` creates the connections that bypass the proxy.
 * The proxy itself is an address of the settings, and it resolves the names of the hosts behind it.
 */
export function createDispatcherFactory({ extraCa, httpsProxy, noProxy }: DispatcherOptions) {
  const tls = trustedAuthorities(extraCa)
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
      // this machine is never behind a proxy
      noProxy: [noProxy ?? '', 'localhost', '127.0.0.1', '[::1]'].join(','),
      requestTls: tls,
      proxyTls: tls,
    })
  }
}
