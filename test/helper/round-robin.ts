import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { RunningPortal } from './stack.js'

/**
 * A simple load balancer: one request to each portal in turn, persistent connections, no retry. It sends no request to a portal
 * whose /readyz is not 200, which it checks as often as stated.
 */
export async function roundRobin(port: number, portals: () => RunningPortal[], checkMs = 200) {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const ready = new Set<string>()
  const served: { path: string; by: string }[] = []
  let turn = 0
  const timer = setInterval(() => void look(), checkMs)
  await look()

  const server = createServer((incoming, response) => {
    const places = portals().filter(({ url }) => ready.has(url))
    const place = places[turn++ % Math.max(1, places.length)]
    if (!place) return void response.writeHead(503, { 'x-balancer': 'nobody' }).end()
    const path = incoming.url ?? '/'
    served.push({ path: path.split('?')[0] ?? '/', by: place.url })
    const { hostname, port } = new URL(place.url)
    const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress }
    const outgoing = request({ agent, hostname, port, path, method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    outgoing.once('error', (error) => {
      if (!response.headersSent)
        response.writeHead(502, { 'x-balancer': (error as { code?: string }).code ?? 'broken' })
      response.end()
    })
    incoming.pipe(outgoing)
  })
  // A connection that is closed while it is idle would fail the next request of a client that is about to use it.
  server.keepAliveTimeout = 0
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  return {
    /** The portal that responded to each path, in order. */
    served,
    async close() {
      clearInterval(timer)
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }

  async function look(): Promise<void> {
    await Promise.all(
      portals().map(async ({ url, metrics }) => {
        const answer = await fetch(`${metrics}/readyz`).catch(() => undefined)
        if (answer?.ok) ready.add(url)
        else ready.delete(url)
      }),
    )
  }
}
