import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** A real CONNECT proxy; `route` returns the target for a host name, or undefined to reject it. All requested names are recorded. */
export async function connectProxy(route: (target: string) => { port: number } | undefined) {
  const requested: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => response.writeHead(501).end())
  server.on('connection', (socket) => sockets.add(socket))
  server.on('connect', (request, socket, head) => {
    const target = request.url ?? ''
    requested.push(target)
    const place = route(target)
    if (!place) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const upstream = connect(place.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket)
      socket.pipe(upstream)
    })
    sockets.add(upstream)
    upstream.once('error', () => socket.destroy())
    socket.once('error', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: requested,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
