import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressKey } from './addresses.js'

/** Longer than what stands in front keeps an idle connection, so that it is not the portal that closes one in use. */
const IDLE_MS = 72_000
/** until the headers of a request are complete, and the whole of it */
const HEADERS_MS = 20_000
const REQUEST_MS = 30_000
/** how often Node.js looks for requests that take longer */
const LOOK_MS = 5000
/**
 * Of all headers together that Node.js reads: twice what is accepted (security.ts). A request that was read completely gets its
 * error as a page or as JSON, as its address requires; of a larger one, the address is not known.
 */
const MOST_READ_BYTES = 128 * 1024
/** without a byte taken of an answer that waits; Node.js waits twice as long where a part of the last write was taken */
const STALLED_MS = 15_000
/** of a client that is behind all the time, though it takes a little now and then */
const BEHIND_MS = 300_000

/** requests of one connection that may wait for the answer to the one before; browsers and proxies send none ahead */
const MOST_WAITING = 64

/** Each idle one is about 10 KB of memory. */
const MOST = 5000
/** More than an office behind one address, or a router whose TRUST_PROXY nobody has set, has at a time. */
const MOST_OF_ADDRESS = 1000

interface Use {
  /** requests that are not answered yet; the first one is being processed */
  requests: (() => void)[]
  /** in and out, when it was last looked at */
  bytes: number
  since: number
  /** since when the client takes less than it is sent; 0: it does not */
  behindSince: number
}

/** Why a connection was closed that the client did not close. */
export type Closed = 'idle' | 'unread' | 'too_many' | 'too_many_of_address' | 'too_many_waiting'

export interface ConnectionOptions {
  idleMs?: number
  stalledMs?: number
  behindMs?: number
  most?: number
  /** Infinity where connections come from a proxy */
  mostOfAddress?: number
  onClosed?(why: Closed): void
}

/**
 * The server, which closes connections that are idle, that nobody reads from, or that are too many, and processes one request of
 * a connection at a time. It looks at them from time to time: Node.js's `keepAliveTimeout` makes a timer for every answer and
 * drops it for the next request, a tenth of what a short answer costs.
 */
export function createConnections(handler: RequestListener, options: ConnectionOptions = {}): Server {
  const { idleMs = IDLE_MS, stalledMs = STALLED_MS, behindMs = BEHIND_MS, onClosed } = options
  const { most = MOST, mostOfAddress = MOST_OF_ADDRESS } = options
  const uses = new Map<Socket, Use>()
  const ofAddress = new Map<string, number>()
  // one at a time, as they are answered in that order anyway: a packet may hold thousands of requests
  const answer: RequestListener = (request, response) => {
    const { socket } = request
    const requests = uses.get(socket)?.requests
    if (socket.destroyed || !requests) return
    if (requests.length > MOST_WAITING) return end(socket, 'too_many_waiting')
    requests.push(() => handler(request, response))
    response.once('close', () => {
      requests.shift()
      const [next] = socket.destroyed ? [] : requests
      if (next) setImmediate(next)
    })
    if (requests.length === 1) handler(request, response)
  }
  const server = createServer(
    {
      keepAliveTimeout: 0,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: LOOK_MS,
      maxHeaderSize: MOST_READ_BYTES,
    },
    answer,
  )
  server.on('connection', (socket) => {
    const address = addressKey(socket.remoteAddress)
    const count = ofAddress.get(address) ?? 0
    if (uses.size >= most) return end(socket, 'too_many')
    if (count >= mostOfAddress) return end(socket, 'too_many_of_address')
    ofAddress.set(address, count + 1)
    uses.set(socket, { requests: [], bytes: 0, since: performance.now(), behindSince: 0 })
    socket.once('close', () => {
      uses.delete(socket)
      const left = (ofAddress.get(address) ?? 1) - 1
      if (left > 0) ofAddress.set(address, left)
      else ofAddress.delete(address)
    })
  })
  // set by `look` alone; a write that goes on puts it off
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) end(socket, 'unread')
    else socket.setTimeout(0)
  })
  const timer = setInterval(look, Math.min(idleMs, stalledMs, behindMs) / 8).unref()
  return server.once('close', () => clearInterval(timer))

  function look(): void {
    const now = performance.now()
    for (const [socket, use] of uses) {
      if (socket.writableLength === 0) use.behindSince = 0
      else if (use.behindSince === 0) {
        use.behindSince = now
        socket.setTimeout(stalledMs)
      } else if (now - use.behindSince >= behindMs) end(socket, 'unread')
      const bytes = socket.bytesRead + socket.bytesWritten
      if (use.requests.length > 0 || bytes !== use.bytes) Object.assign(use, { bytes, since: now })
      else if (now - use.since >= idleMs) end(socket, 'idle')
    }
  }

  function end(socket: Socket, why: Closed): void {
    socket.destroy()
    onClosed?.(why)
  }
}
