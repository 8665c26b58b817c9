import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { privateCa } from './private-ca.js'

interface Site {
  /** where it leads, plain HTTP on this machine */
  port: number
  ca: ReturnType<typeof privateCa>
}

/** From where the edge says that everybody comes. */
export const CLIENT = '203.0.113.9'

/**
 * What stands before all parts: TLS for their public names, then plain HTTP with the same Host. It says who asked and how, after
 * whatever the client said itself, as nginx and OpenShift's router do.
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
      const { method, headers, url: path } = incoming
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
      const onward = request({ host: '127.0.0.1', port: site.port, method, headers: forwarded, path }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(response)
      })
      onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
      incoming.pipe(onward)
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
