import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import { sendOnward } from './onward.js'
import type { privateCa } from './private-ca.js'

interface Site {
  /** The target, plain HTTP on this machine. */
  port: number
  ca: ReturnType<typeof privateCa>
}

/** The client address that the edge reports for every request. */
export const CLIENT = '203.0.113.9'

/**
 * The proxy in front of all parts: TLS for their public names, then plain HTTP with the same Host. It appends the client address to
 * X-Forwarded-For and sets the protocol and host, as nginx and OpenShift's router do.
 */
export async function startEdge(sites: Record<string, Site>) {
  const [first] = Object.values(sites)
  const server = createServer(
    {
      key: first?.ca.key,
      cert: first?.ca.cert,
      SNICallback(name, done) {
        const ca = sites[name]?.ca
        done(null, ca && createSecureContext({ key: ca.key, cert: ca.cert }))
      },
    },
    (incoming, response) => {
      const { headers } = incoming
      const host = (headers.host ?? '').replace(/:\d+$/, '')
      const site = sites[host]
      if (!site) return void response.writeHead(421).end()
      const said = headers['x-forwarded-for']
      const forwarded = {
        ...headers,
        'x-forwarded-for': said ? `${String(said)}, ${CLIENT}` : CLIENT,
        'x-forwarded-proto': 'https',
        'x-forwarded-host': host,
      }
      sendOnward(incoming, response, { port: site.port, headers: forwarded })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
