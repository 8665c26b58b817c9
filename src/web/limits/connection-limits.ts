import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { clientAddressKey } from './client-address.js'

/** Longer than the keep-alive time of a router, so that the portal does not close a connection that the router is about to use. */
const KEEP_ALIVE_MS = 72_000
/** Time-outs for the headers of a request and for the whole request, and how often Node.js checks them. */
const HEADERS_MS = 20_000
const REQUEST_MS = 30_000
const CHECK_MS = 5000
/**
 * Size of all headers that Node.js reads: twice what is accepted (security-headers.ts). A request within it is answered with a
 * page or a problem, depending on its URL. The URL of a larger request is unknown.
 */
const MAX_HEADER_BYTES = 128 * 1024
/** A client that reads nothing of a pending response is disconnected. Node.js waits twice as long after a partial write. */
const STALLED_MS = 15_000
/** So is a client that reads, but never catches up. */
const BEHIND_MS = 300_000
/** Pipelined requests of one connection. Browsers and proxies do not pipeline. */
const MAX_PIPELINED = 64
/** An idle connection takes about 10 KB of memory. */
const MAX_CONNECTIONS = 5000
/** More than an office behind one address has, or a router without TRUST_PROXY. */
const MAX_PER_ADDRESS = 1000

interface ConnectionState {
  /** requests without a response; the first one is in progress */
  pending: (() => void)[]
  /** since when the client reads more slowly than the portal writes; 0 otherwise */
  behindSince: number
}

export type CloseReason = 'stalled' | 'too_many' | 'too_many_per_address' | 'too_many_pipelined'

export interface ConnectionOptions {
  keepAliveMs?: number
  stalledMs?: number
  behindMs?: number
  maxConnections?: number
  /** Infinity behind a proxy, whose connections all have one address */
  maxPerAddress?: number
  onClosed?(reason: CloseReason): void
}

/**
 * The HTTP server of the portal. In addition to the time-outs of Node.js it limits connections by address, disconnects clients that
 * do not read their responses, and processes the requests of one connection one at a time.
 */
export function createHttpServer(handler: RequestListener, options: ConnectionOptions = {}): Server {
  const { keepAliveMs = KEEP_ALIVE_MS, stalledMs = STALLED_MS, behindMs = BEHIND_MS, onClosed } = options
  const { maxConnections = MAX_CONNECTIONS, maxPerAddress = MAX_PER_ADDRESS } = options
  const connections = new Map<Socket, ConnectionState>()
  const countByAddress = new Map<string, number>()
  // Node.js starts pipelined requests concurrently, and one packet may hold thousands
  const sequential: RequestListener = (request, response) => {
    const { socket } = request
    const pending = connections.get(socket)?.pending
    if (socket.destroyed || !pending) return
    if (pending.length > MAX_PIPELINED) return close(socket, 'too_many_pipelined')
    pending.push(() => handler(request, response))
    response.once('close', () => {
      pending.shift()
      const [next] = socket.destroyed ? [] : pending
      if (next) setImmediate(next)
    })
    if (pending.length === 1) handler(request, response)
  }
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    sequential,
  )
  server.on('connection', (socket) => {
    const address = clientAddressKey(socket.remoteAddress)
    const count = countByAddress.get(address) ?? 0
    if (connections.size >= maxConnections) return close(socket, 'too_many')
    if (count >= maxPerAddress) return close(socket, 'too_many_per_address')
    countByAddress.set(address, count + 1)
    connections.set(socket, { pending: [], behindSince: 0 })
    socket.once('close', () => {
      connections.delete(socket)
      const rest = (countByAddress.get(address) ?? 1) - 1
      if (rest > 0) countByAddress.set(address, rest)
      else countByAddress.delete(address)
    })
  })
  // set by `checkReaders`, or by Node.js for an idle connection
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) close(socket, 'stalled')
    else if (connections.get(socket)?.pending.length) socket.setTimeout(0)
    else socket.destroy()
  })
  const timer = setInterval(checkReaders, Math.min(stalledMs, behindMs) / 8).unref()
  return server.once('close', () => clearInterval(timer))

  function checkReaders(): void {
    const now = performance.now()
    for (const [socket, state] of connections) {
      if (socket.writableLength === 0) state.behindSince = 0
      else if (state.behindSince === 0) {
        state.behindSince = now
        socket.setTimeout(stalledMs)
      } else if (now - state.behindSince >= behindMs) close(socket, 'stalled')
    }
  }

  function close(socket: Socket, reason: CloseReason): void {
    socket.destroy()
    onClosed?.(reason)
  }
}
