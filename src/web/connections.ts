import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

/** Longer than what stands in front keeps an idle connection, so that it is not the portal that closes one in use. */
const IDLE_MS = 72_000
/** of a request with its body */
const REQUEST_MS = 30_000

interface Use {
  /** how many answers are being made */
  running: number
  /** in and out, when it was last looked at */
  bytes: number
  since: number
}

export interface ConnectionOptions {
  idleMs?: number
}

/**
 * The server, which closes connections that are idle. It looks at them from time to time: Node.js's `keepAliveTimeout` makes
 * a timer for every answer and drops it for the next request, a tenth of what a short answer costs.
 */
export function createConnections(handler: RequestListener, { idleMs = IDLE_MS }: ConnectionOptions = {}): Server {
  const uses = new Map<Socket, Use>()
  const answer: RequestListener = (request, response) => {
    const use = uses.get(request.socket)
    if (use) {
      use.running++
      response.once('close', () => use.running--)
    }
    handler(request, response)
  }
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: REQUEST_MS }, answer)
  server.on('connection', (socket) => {
    uses.set(socket, { running: 0, bytes: 0, since: performance.now() })
    socket.once('close', () => uses.delete(socket))
  })
  const timer = setInterval(closeIdle, idleMs / 8).unref()
  return server.once('close', () => clearInterval(timer))

  function closeIdle(): void {
    const now = performance.now()
    for (const [socket, use] of uses) {
      const bytes = socket.bytesRead + socket.bytesWritten
      if (use.running > 0 || bytes !== use.bytes) Object.assign(use, { bytes, since: now })
      else if (now - use.since >= idleMs) socket.destroy()
    }
  }
}
