import { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { readBody } from './body.js'
import { type ByteReader, createByteReader } from './byte-reader.js'
import { pages, type Refusal, sendPage } from './error-pages.js'
import { allOf, type Head, type Header, readHead } from './head.js'
import { normaliseUri } from './uri.js'

/** A request as nginx passes it to APIcast. */
export interface ClientRequest {
  method: string
  /** path and query as sent */
  target: string
  /** decoded and normalised, one latin1 character a byte */
  uri: string
  /** the query as sent, with its question mark */
  search: string
  host: string
  headers: Header[]
  body: Buffer
  /** the client said how long the body is */
  isFramed: boolean
  remoteAddress: string
}

/** Resolves when all that belongs to the request is done: the next one of the connection waits for it. */
export type Handler = (request: ClientRequest, response: ServerResponse) => Promise<void>

const KEEP_ALIVE_MS = 75_000
/** What a client sends after its request was rejected is read and discarded for this long, as with nginx's lingering_close. */
const LINGER_MS = 5000

/**
 * A listener that reads requests as nginx does: it accepts every method, passes headers on as they were sent, and has nginx's limits
 * and error pages. Node's HTTP server does not. Rejects if it cannot listen.
 */
export function listen(port: number, host: string, handle: Handler): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // a client that resets its connection
    socket.on('error', () => socket.destroy())
    void serve(socket, handle).catch(() => socket.destroy())
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve({ close }))
  })
}

async function serve(socket: Socket, handle: Handler): Promise<void> {
  const bytes = createByteReader(socket)
  socket.on('timeout', () => socket.destroy())
  for (let isLast = false; !isLast; ) {
    socket.setTimeout(KEEP_ALIVE_MS)
    const head = await readHead(bytes)
    if (head === undefined) break
    socket.setTimeout(0)
    const request = 'title' in head ? head : await requestOf(head, socket, bytes)
    if (request === undefined) break
    isLast = 'title' in request || 'title' in head || !isPersistent(head)
    const response = responseOn(socket, 'title' in head ? undefined : head, !isLast)
    const ended = new Promise((resolve) => response.once('close', resolve))
    if ('title' in request) sendPage(response, request)
    else await handle(request, response)
    await ended
  }
  bytes.discard()
  socket.setTimeout(LINGER_MS)
  socket.end()
}

async function requestOf(head: Head, socket: Socket, bytes: ByteReader): Promise<ClientRequest | Refusal | undefined> {
  const { method, target, host, headers } = head
  const [beforeFragment = ''] = target.split('#')
  const mark = beforeFragment.indexOf('?')
  const uri = normaliseUri(mark === -1 ? beforeFragment : beforeFragment.slice(0, mark))
  if (uri === undefined) return pages.badRequest
  const read = await readBody(head, bytes, () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'))
  if (read === undefined || 'title' in read) return read
  const search = mark === -1 ? '' : beforeFragment.slice(mark)
  return { method, target, uri, search, host, headers, ...read, remoteAddress: socket.remoteAddress ?? '' }
}

function isPersistent({ headers, version }: Head): boolean {
  return version === '1.1' && !allOf(headers, 'connection').some((value) => /\bclose\b/i.test(value))
}

/** Node writes the response; of the request it reads only method and version. */
function responseOn(socket: Socket, head: Head | undefined, keepAlive: boolean): ServerResponse {
  const message = new IncomingMessage(socket)
  message.method = head?.method ?? 'GET'
  message.httpVersionMajor = 1
  message.httpVersionMinor = head?.version === '1.0' ? 0 : 1
  const response = new ServerResponse(message)
  response.shouldKeepAlive = keepAlive
  response.assignSocket(socket)
  const drained = () => response.emit('drain')
  socket.on('drain', drained)
  response.once('finish', () => {
    response.detachSocket(socket)
    response.emit('close')
  })
  response.once('close', () => socket.off('drain', drained))
  return response
}
